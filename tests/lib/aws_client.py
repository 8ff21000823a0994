"""A client of AWS's API that can also send what SDKs do not: signs by Signature Version 4 with the standard library alone."""

import datetime
import hashlib
import hmac
import json
import urllib.parse


def signing_key(secret, date, region, service):
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


class AwsClient:
    """Calls operations over an Api's connection (tests/lib/keyhold_server.py). `token`: of temporary credentials."""

    def __init__(self, api, key_id, secret, region="us-east-1", token=None):
        self.api, self.key_id, self.secret, self.region, self.token = api, key_id, secret, region, token

    def headers(self, service, body, headers, now=None):
        """`headers` with the signature over all of them."""
        now = now or datetime.datetime.now(datetime.timezone.utc)
        stamp = now.strftime("%Y%m%dT%H%M%SZ")
        signed = {name.lower(): value for name, value in headers.items()}
        signed |= {"host": urllib.parse.urlsplit(self.api.url).netloc, "x-amz-date": stamp}
        if self.token:
            signed["x-amz-security-token"] = self.token
        names = ";".join(sorted(signed))
        canonical = "\n".join(["POST", "/", "", *(f"{name}:{signed[name].strip()}" for name in sorted(signed)), "", names,
                               hashlib.sha256(body).hexdigest()])
        scope = f"{stamp[:8]}/{self.region}/{service}/aws4_request"
        text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
        signature = hmac.new(signing_key(self.secret, stamp[:8], self.region, service), text.encode(), hashlib.sha256).hexdigest()
        signed["authorization"] = (f"AWS4-HMAC-SHA256 Credential={self.key_id}/{scope}, SignedHeaders={names}, "
                                   f"Signature={signature}")
        return signed

    def call(self, operation, inputs, now=None, headers=None):
        """`inputs`: an object, or bytes as they are. Answers (status, code or None, the answer's object)."""
        body = inputs if isinstance(inputs, bytes) else json.dumps(inputs).encode()
        sent = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"secretsmanager.{operation}", **(headers or {})}
        reply = self.api.raw("POST", "/", body, self.headers("secretsmanager", body, sent, now))
        answer = reply.json or {}
        return reply.status, answer.get("__type"), answer

    def expect(self, operation, inputs, code=None):
        """The answer, which must have this error code (none: success)."""
        status, got, answer = self.call(operation, inputs)
        assert got == code, f"{operation}: {got or status} instead of {code or 'success'}: {answer.get('Message')}"
        return answer
