#!/usr/bin/env python3
"""Writes signature_v4_vectors.h: requests as AWS's own SDKs sign them, at one fixed instant with AWS's example credentials.

usage: signature_v4_record.py NODE_MODULES > signature_v4_vectors.h

Needs botocore, and Node.js with @smithy/signature-v4 and @aws-crypto/sha256-js in the folder NODE_MODULES. Each request is taken where
the SDK would hand it to the network: from botocore's clients at their before-send event, from botocore's signer for requests that
no client makes, from the signer of the JavaScript SDK with the headers that its clients set.
"""

import datetime
import json
import os
import subprocess
import sys
from unittest import mock
from urllib.parse import quote, urlsplit

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.session

ACCESS_KEY_ID = "AKIDEXAMPLE"
SECRET_ACCESS_KEY = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
SESSION_TOKEN = "FwoGZXIvYXdzEXAMPLE/session+token==" * 8
TIME = datetime.datetime(2015, 8, 30, 12, 36, 0, tzinfo=datetime.timezone.utc)
VECTORS = []


def record(name, method, url, headers, body, service, region="us-east-1"):
    parts = urlsplit(url)
    headers = [(key, value.decode() if isinstance(value, bytes) else str(value)) for key, value in headers]
    if not any(key.lower() == "host" for key, _ in headers):
        headers.insert(0, ("Host", parts.netloc))
    body = body.encode() if isinstance(body, str) else bytes(body or b"")
    VECTORS.append((name, method, parts.path or "/", parts.query, headers, body, service, region))


def sign(name, method, url, headers=(), body="", service="service", signer=botocore.auth.SigV4Auth, token=None, **options):
    request = botocore.awsrequest.AWSRequest(method=method, url=url, data=body)
    for key, value in headers:
        request.headers.add_header(key, value)
    credentials = botocore.credentials.Credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY, token)
    signer(credentials, service, "us-east-1", **options).add_auth(request)
    record(name, method, request.url, request.headers.items(), body, service)


def call(name, service, operation, token=None, **parameters):
    """What a client of botocore sends."""
    session = botocore.session.Session()
    session.set_credentials(ACCESS_KEY_ID, SECRET_ACCESS_KEY, token)
    client = session.create_client(service, region_name="eu-west-1", endpoint_url="http://127.0.0.1:8200")

    # Not signed, and different everywhere.
    fixed = {"User-Agent": "Botocore", "amz-sdk-invocation-id": "11111111-2222-3333-4444-555555555555"}

    def before_send(request, **_):
        headers = [(key, fixed.get(key, value)) for key, value in request.headers.items()]
        record(name, request.method, request.url, headers, request.body, service, "eu-west-1")
        return botocore.awsrequest.AWSResponse(request.url, 500, {}, None)

    client.meta.events.register("before-send", before_send)
    try:
        getattr(client, operation)(**parameters)
    except Exception:  # Nobody answered: only what was sent is of interest.
        pass


def presigned_identity(name, token=None):
    """The token that clusters of EKS are shown: GetCallerIdentity, presigned with the cluster's name among the headers."""
    sign(name, "GET", "https://sts.us-east-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15", [("x-k8s-aws-id", "cluster")],
         service="sts", signer=botocore.auth.SigV4QueryAuth, token=token, expires=60)


def botocore_vectors():
    # The example of AWS's documentation of Signature Version 4, and of its published test suite the plainest.
    sign("documented", "GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
         [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")], service="iam")
    sign("get_vanilla", "GET", "https://example.amazonaws.com/")
    sign("post_vanilla", "POST", "https://example.amazonaws.com/")

    sign("path_relative", "GET", "https://example.amazonaws.com/a/./b/../../c/..")
    sign("path_slashes", "GET", "https://example.amazonaws.com//a//b//")
    sign("path_above_root", "GET", "https://example.amazonaws.com/../../a")
    sign("path_encoded", "GET", "https://example.amazonaws.com/a%20b/%2e%2E/c:d@e,f")
    sign("path_utf8", "GET", "https://example.amazonaws.com/\u00fc/\u4e2d")
    sign("query_order", "GET", "https://example.amazonaws.com/?b=2&a=2&a=1&A=3&a-b=4&a.=5&a%2F=6")
    sign("query_encoded", "GET", "https://example.amazonaws.com/?q=%20%2B%3D%26%25&%E4%B8%AD=~-._")
    sign("query_without_value", "GET", "https://example.amazonaws.com/?flag=&other=1")
    sign("header_duplicates", "GET", "https://example.amazonaws.com/", [("My-Header", "b"), ("My-Header", "a"), ("My-Header", "b")])
    sign("header_spaces", "GET", "https://example.amazonaws.com/", [("My-Header1", "  a   b \t c  "), ("My-Header2", '"a   b"'), ("A", "")])
    sign("token_header", "POST", "https://example.amazonaws.com/", body="body", token=SESSION_TOKEN)

    call("boto_get_secret", "secretsmanager", "get_secret_value", SecretId="prod/db/postgres")
    call("boto_create_secret_with_token", "secretsmanager", "create_secret", token=SESSION_TOKEN, Name="prod/db/postgres",
         SecretString='{"user":"app","password":"\u00fc"}', ClientRequestToken="11111111-2222-3333-4444-555555555555")
    call("boto_kms_list", "kms", "list_keys")
    call("boto_sts_identity", "sts", "get_caller_identity")
    call("boto_sts_assume_role_with_token", "sts", "assume_role", token=SESSION_TOKEN, RoleArn="arn:aws:iam::000000000000:role/app",
         RoleSessionName="a b+c")

    presigned_identity("boto_presigned")
    presigned_identity("boto_presigned_with_token", SESSION_TOKEN)
    sign("boto_presigned_week", "GET", "https://example.amazonaws.com/a%20b?z=1&a=%2F",
         signer=botocore.auth.SigV4QueryAuth, expires=604800)


JAVASCRIPT = """
const { SignatureV4 } = require("@smithy/signature-v4");
const { HttpRequest } = require("@smithy/protocol-http");
const { Sha256 } = require("@aws-crypto/sha256-js");
const [accessKeyId, secretAccessKey, sessionToken, time] = process.argv.slice(1);
const at = { signingDate: new Date(time) };
const signer = (service, token) => new SignatureV4({
  service, region: "eu-west-1", sha256: Sha256, credentials: { accessKeyId, secretAccessKey, sessionToken: token } });
const sent = (target, body) => new HttpRequest({
  method: "POST", protocol: "http:", hostname: "127.0.0.1", port: 8200, path: "/", body, headers: {
    host: "127.0.0.1:8200", "content-type": "application/x-amz-json-1.1", "x-amz-target": target,
    "content-length": String(Buffer.byteLength(body)), "user-agent": "aws-sdk-js/3.0.0 ua/2.1 os/linux",
    "x-amz-user-agent": "aws-sdk-js/3.0.0", "amz-sdk-invocation-id": "11111111-2222-3333-4444-555555555555",
    "amz-sdk-request": "attempt=1; max=3" } });
const presigned = () => new HttpRequest({
  method: "GET", protocol: "https:", hostname: "sts.eu-west-1.amazonaws.com", path: "/", headers: {
    host: "sts.eu-west-1.amazonaws.com", "x-k8s-aws-id": "cluster" },
  query: { Action: "GetCallerIdentity", Version: "2011-06-15" } });
const body = '{"SecretId":"prod/db/postgres"}';
(async () => {
  console.log(JSON.stringify([
    ["js_get_secret", "secretsmanager", await signer("secretsmanager").sign(sent("secretsmanager.GetSecretValue", body), at)],
    ["js_get_secret_with_token", "secretsmanager",
     await signer("secretsmanager", sessionToken).sign(sent("secretsmanager.GetSecretValue", body), at)],
    ["js_presigned", "sts", await signer("sts").presign(presigned(), { ...at, expiresIn: 900 })],
    ["js_presigned_with_token", "sts", await signer("sts", sessionToken).presign(presigned(), { ...at, expiresIn: 900 })],
    ["js_presigned_with_body", "secretsmanager",
     await signer("secretsmanager").presign(sent("secretsmanager.GetSecretValue", body), { ...at, expiresIn: 900 })],
  ]));
})();
"""


def javascript_vectors(node_modules):
    output = subprocess.run(
        ["node", "-e", JAVASCRIPT, "--", ACCESS_KEY_ID, SECRET_ACCESS_KEY, SESSION_TOKEN, TIME.isoformat()],
        check=True, capture_output=True, text=True, env={**os.environ, "NODE_PATH": node_modules}).stdout
    for name, service, request in json.loads(output):
        query = "&".join(f"{quote(key, safe='')}={quote(value, safe='')}" for key, value in (request.get("query") or {}).items())
        url = f"{request['protocol']}//{request['headers']['host']}{request['path']}" + (f"?{query}" if query else "")
        record(name, request["method"], url, request["headers"].items(), request.get("body") or "", service, "eu-west-1")


def literal(text):
    """A C++ literal of these bytes."""
    data = text.encode() if isinstance(text, str) else text
    out = "".join(f"\\{byte:03o}" if byte < 32 or byte > 126 else chr(byte) if chr(byte) not in '"\\' else "\\" + chr(byte) for byte in data)
    return f'"{out}"'


def write():
    print("// Written by signature_v4_record.py: do not edit.")
    print("#pragma once\n\n#include <string_view>\n#include <utility>\n#include <vector>\n\nnamespace keyhold::core::testdata {\n")
    print(f"inline constexpr std::string_view kAccessKeyId = {literal(ACCESS_KEY_ID)};")
    print(f"inline constexpr std::string_view kSecretAccessKey = {literal(SECRET_ACCESS_KEY)};")
    print(f"inline constexpr std::string_view kSessionToken =\n    {literal(SESSION_TOKEN)};")
    print(f"inline constexpr long long kTimeMs = {int(TIME.timestamp()) * 1000};  // {TIME:%Y%m%dT%H%M%SZ}\n")
    print("struct SignatureVector {\n  std::string_view name;\n  std::string_view method;\n  std::string_view path;\n  std::string_view query;")
    print("  std::vector<std::pair<std::string_view, std::string_view>> headers;\n  std::string_view body;\n  std::string_view service;")
    print("  std::string_view region;\n};\n\ninline const std::vector<SignatureVector> kSignatureVectors = {")
    for name, method, path, query, headers, body, service, region in VECTORS:
        print(f"    {{{literal(name)}, {literal(method)}, {literal(path)},\n     {literal(query)},\n     {{", end="")
        print(",\n      ".join(f"{{{literal(key)}, {literal(value)}}}" for key, value in headers), end="},\n")
        print(f"     {literal(body)}, {literal(service)}, {literal(region)}}},")
    print("};\n\n}  // namespace keyhold::core::testdata")


def main():
    with mock.patch("botocore.auth.get_current_datetime", lambda: TIME):
        botocore_vectors()
    javascript_vectors(sys.argv[1])
    write()


if __name__ == "__main__":
    main()
