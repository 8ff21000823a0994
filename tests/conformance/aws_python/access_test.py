"""Who may what, by boto3 and by requests that no SDK sends: policies, signatures, temporary credentials."""

import datetime
import hashlib
import json
import os
import pathlib
import re
import sys
import unittest
import urllib.error
import urllib.request
import uuid
from unittest import mock

from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib"))

from aws_case import ADDRESS, KEY_ID, REGION, SECRET, AwsCase, client, statement, vault  # noqa: E402
from aws_client import AwsClient  # noqa: E402
from keyhold_server import Api  # noqa: E402


class PolicyTest(AwsCase):
    def key(self, *policies):
        """A client whose key has these policies: Vault's texts, or IAM's documents."""
        names = []
        for text in policies:
            names.append(f"p-{uuid.uuid4().hex[:8]}")
            language = "iam" if text.startswith("{") else "acl"
            status, answer = vault("POST", f"sys/policies/{language}/{names[-1]}", {"policy": text})
            self.assertIn(status, (200, 204), answer)
        pair = vault("POST", "auth/access-key/key", {"policies": names})[1]["data"]
        token = vault("POST", "auth/token/create", {"policies": names, "no_default_policy": True})[1]["auth"]["client_token"]
        return client(pair["access_key_id"], pair["secret_access_key"]), token

    def test_one_policy_stops_both(self):
        secret = self.create()
        for policy in (f'path "secret/data/{secret}" {{ capabilities = ["deny"] }}', statement("Deny", "secretsmanager:GetSecretValue")):
            aws, token = self.key('path "secret/*" { capabilities = ["read", "list"] }', policy)
            self.refused("AccessDeniedException", aws.get_secret_value, SecretId=secret)
            self.assertEqual(vault("GET", f"secret/data/{secret}", token=token)[0], 403)
            aws.describe_secret(SecretId=secret)

    def both_refused(self, secret, aws, token):
        """Reading and writing, by both APIs, and nothing is written."""
        self.refused("AccessDeniedException", aws.get_secret_value, SecretId=secret)
        self.refused("AccessDeniedException", aws.put_secret_value, SecretId=secret, SecretString="forbidden")
        self.assertEqual(aws.batch_get_secret_value(SecretIdList=[secret])["Errors"][0]["ErrorCode"], "AccessDeniedException")
        self.assertEqual(vault("GET", f"secret/data/{secret}", token=token)[0], 403)
        self.assertEqual(vault("POST", f"secret/data/{secret}", {"data": {"value": "forbidden"}}, token=token)[0], 403)
        self.assertEqual(self.value(secret), "first")

    def both_pass(self, secret, aws, token):
        self.assertEqual(aws.get_secret_value(SecretId=secret)["SecretString"], "first")
        aws.put_secret_value(SecretId=secret, SecretString="by AWS")
        self.assertEqual(vault("GET", f"secret/data/{secret}", token=token)[1]["data"]["data"], {"value": "by AWS"})
        self.assertEqual(vault("POST", f"secret/data/{secret}", {"data": {"value": "by Vault"}}, token=token)[0], 200)

    def test_one_deny_of_iams_stops_reads_and_writes(self):
        secret = self.create()
        everything = 'path "*" { capabilities = ["create", "read", "update", "patch", "delete", "list"] }'
        deny = statement("Deny", ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
                         f"arn:aws:secretsmanager:*:*:secret:{secret}-*")
        for policies in ((everything, deny), (deny, everything, statement("Allow", "*"))):
            aws, token = self.key(*policies)
            self.both_refused(secret, aws, token)
            self.both_pass(self.create(), aws, token)

    def test_a_deny_on_the_secret_stops_reads_and_writes(self):
        secret = self.create()
        aws, token = self.key('path "secret/*" { capabilities = ["create", "read", "update", "list"] }')
        deny = statement("Deny", ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"], Principal="*",
                         Condition={"StringNotEquals": {"aws:PrincipalArn": f"arn:aws:iam::000000000000:user/{KEY_ID}"}})
        self.aws.put_resource_policy(SecretId=secret, ResourcePolicy=deny)
        self.both_refused(secret, aws, token)
        self.aws.delete_resource_policy(SecretId=secret)
        self.both_pass(secret, aws, token)

    def test_an_iam_policy_opens_both(self):
        secret = self.create()
        aws, token = self.key(statement("Allow", "secretsmanager:Get*", f"arn:aws:secretsmanager:*:*:secret:{secret}-??????"))
        self.assertEqual(aws.get_secret_value(SecretId=secret)["SecretString"], "first")
        self.assertEqual(vault("GET", f"secret/data/{secret}", token=token)[0], 200)
        self.refused("AccessDeniedException", aws.put_secret_value, SecretId=secret, SecretString="x")
        self.refused("AccessDeniedException", aws.get_secret_value, SecretId=self.create())

    def test_resource_policies(self):
        secret, (aws, token) = self.create(), self.key('path "cubbyhole/*" { capabilities = ["read"] }')
        public = statement("Allow", "secretsmanager:GetSecretValue", Principal="*")
        self.refused("AccessDeniedException", aws.get_secret_value, SecretId=secret)
        self.refused("PublicPolicyException", self.aws.put_resource_policy, SecretId=secret, ResourcePolicy=public, BlockPublicPolicy=True)
        self.refused("MalformedPolicyDocumentException", self.aws.put_resource_policy, SecretId=secret, ResourcePolicy="{")
        self.aws.put_resource_policy(SecretId=secret, ResourcePolicy=public)
        self.assertEqual(json.loads(self.aws.get_resource_policy(SecretId=secret)["ResourcePolicy"]), json.loads(public))
        self.assertEqual(aws.get_secret_value(SecretId=secret)["SecretString"], "first")
        self.assertEqual(vault("GET", f"secret/data/{secret}", token=token)[0], 200)
        self.aws.delete_resource_policy(SecretId=secret)
        self.assertNotIn("ResourcePolicy", self.aws.get_resource_policy(SecretId=secret))
        self.refused("AccessDeniedException", aws.get_secret_value, SecretId=secret)
        passed = self.aws.validate_resource_policy(ResourcePolicy=public)
        self.assertFalse(passed["PolicyValidationPassed"])
        self.assertTrue(passed["ValidationErrors"])


class SignatureTest(AwsCase):
    """Requests that no SDK sends."""

    def send(self, operation="ListSecrets", body=b"{}", key_id=KEY_ID, secret=SECRET, service="secretsmanager", sign=SigV4Auth,
             tamper=None):
        request = AWSRequest("POST", f"{ADDRESS}/", data=body, headers={
            "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"secretsmanager.{operation}"})
        if sign:
            sign(Credentials(key_id, secret), service, REGION).add_auth(request)
        if tamper:
            tamper(request)
        raw = urllib.request.Request(request.url, method="POST", data=request.data, headers=dict(request.headers))
        try:
            with urllib.request.urlopen(raw) as answer:
                return json.loads(answer.read()).get("__type", "ok")
        except urllib.error.HTTPError as error:
            return json.loads(error.read())["__type"]

    def test_faults(self):
        def change_body(request):
            request.data = b'{"MaxResults": 1}'

        def change_target(request):
            request.headers.replace_header("X-Amz-Target", "secretsmanager.DeleteSecret")

        def without_scope(request):
            request.headers.replace_header("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA")

        def old_date(request):
            request.headers.replace_header("X-Amz-Date", "20200101T000000Z")

        self.assertEqual(self.send(), "ok")
        self.assertEqual(self.send(sign=None), "MissingAuthenticationTokenException")
        self.assertEqual(self.send(key_id="AKIANOBODYKNOWSTHIS0"), "UnrecognizedClientException")
        self.assertEqual(self.send(secret="wrong"), "InvalidSignatureException")
        self.assertEqual(self.send(service="kms"), "InvalidSignatureException")
        self.assertEqual(self.send(tamper=change_body), "InvalidSignatureException")
        self.assertEqual(self.send(tamper=change_target), "InvalidSignatureException")
        self.assertEqual(self.send(tamper=without_scope), "IncompleteSignatureException")
        self.assertNotEqual(self.send(tamper=old_date), "ok")
        self.assertEqual(self.send("NoSuchOperation"), "UnknownOperationException")
        self.assertEqual(self.send(body=b"{"), "SerializationException")

    def test_the_time_of_a_signature(self):
        api = Api(ADDRESS, os.environ.get("VAULT_CACERT"))
        self.addCleanup(api.close)
        raw = AwsClient(api, KEY_ID, SECRET)
        now = datetime.datetime.now(datetime.timezone.utc)
        for minutes, ok in ((-4, True), (4, True), (-6, False), (6, False), (-60 * 24, False)):
            status, code, _ = raw.call("ListSecrets", {"MaxResults": 1}, now=now + datetime.timedelta(minutes=minutes))
            self.assertEqual(status == 200, ok, f"{minutes} minutes: {code}")
            self.assertIn(code, (None, "InvalidSignatureException", "RequestExpired"))

    def test_a_disabled_key(self):
        pair = vault("POST", "auth/access-key/key", {"policies": "dev-access-key"})[1]["data"]
        mine = client(pair["access_key_id"], pair["secret_access_key"])
        mine.list_secrets(MaxResults=1)
        vault("POST", f"auth/access-key/key/{pair['access_key_id']}", {"disabled": True})
        self.refused("UnrecognizedClientException", mine.list_secrets)
        vault("POST", f"auth/access-key/key/{pair['access_key_id']}", {"disabled": False})
        mine.list_secrets(MaxResults=1)
        vault("DELETE", f"auth/access-key/key/{pair['access_key_id']}")
        self.refused("UnrecognizedClientException", mine.list_secrets)

    def test_a_key_bound_to_another_address(self):
        pair = vault("POST", "auth/access-key/key", {"policies": "dev-access-key", "bound_cidrs": "192.0.2.0/24"})[1]["data"]
        self.refused("AccessDeniedException", client(pair["access_key_id"], pair["secret_access_key"]).list_secrets)


class PresignedTest(AwsCase):
    """Requests whose signature is in their address: whoever has it can ask who signed it, until it expires."""

    def send(self, url, method="GET", headers=None, body=b""):
        """The ARN that the answer tells, or its error code."""
        request = urllib.request.Request(url, method=method, headers=headers or {}, data=body if method == "POST" else None)
        try:
            with urllib.request.urlopen(request) as answer:
                return re.search("<Arn>(.*)</Arn>", answer.read().decode()).group(1)
        except urllib.error.HTTPError as error:
            return re.search("<Code>(.*)</Code>", error.read().decode()).group(1)

    @staticmethod
    def presigned(expires=60, secret=SECRET, token=None, at=None, method="GET", service="sts"):
        request = AWSRequest(method, f"{ADDRESS}/", params={"Action": "GetCallerIdentity", "Version": "2011-06-15"})
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=at or 0)
        with mock.patch("botocore.auth.get_current_datetime", lambda: now):
            SigV4QueryAuth(Credentials(KEY_ID, secret, token), service, REGION, expires=expires).add_auth(request)
        return request.url

    def test_who_signed_it(self):
        me = f"arn:aws:iam::000000000000:user/{KEY_ID}"
        sts = client(service="sts")
        self.assertEqual(self.send(self.presigned()), me)
        self.assertEqual(self.send(self.presigned(method="POST"), "POST"), me)
        self.assertEqual(self.send(sts.generate_presigned_url("get_caller_identity", HttpMethod="GET", ExpiresIn=900)), me)
        self.assertEqual(self.send(sts.generate_presigned_url("get_caller_identity"), "POST"), me)

    def test_of_temporary_credentials(self):
        got = client(service="sts").get_session_token()["Credentials"]
        sts = client(got["AccessKeyId"], got["SecretAccessKey"], service="sts", token=got["SessionToken"])
        self.assertEqual(self.send(sts.generate_presigned_url("get_caller_identity", HttpMethod="GET")), sts.get_caller_identity()["Arn"])

    def test_until_it_expires(self):
        self.assertTrue(self.send(self.presigned(expires=3600, at=-3590)).startswith("arn:"))
        self.assertTrue(self.send(self.presigned(expires=604800, at=-604000)).startswith("arn:"))
        self.assertTrue(self.send(self.presigned(at=240)).startswith("arn:"))
        for late in ({"expires": 3600, "at": -3610}, {"expires": 1, "at": -3}, {"at": 360}):
            self.assertIn(self.send(self.presigned(**late)), ("RequestExpired", "SignatureDoesNotMatch"), late)

    def test_what_is_refused(self):
        url = self.presigned()
        for wrong in (self.presigned(secret="wrong"), self.presigned(service="secretsmanager"), url.replace("GetCallerIdentity", "GetSessionToken"),
                      url.replace("X-Amz-Expires=60", "X-Amz-Expires=6000"), url[:-1] + ("0" if url[-1] != "0" else "1"), url + "&DurationSeconds=900"):
            self.assertEqual(self.send(wrong), "SignatureDoesNotMatch", wrong)
        self.assertEqual(self.send(url, "POST"), "SignatureDoesNotMatch", "by another method")
        for wrong in (self.presigned(expires=604801), self.presigned(expires=0), url.replace("X-Amz-Expires=60&", ""),
                      url.partition("&X-Amz-Signature")[0], url + "&X-Amz-Expires=60"):
            self.assertEqual(self.send(wrong), "IncompleteSignature", wrong)
        self.assertEqual(self.send(self.presigned(method="POST"), "POST", body=b"Action=GetSessionToken"), "MalformedQueryString")
        self.assertNotIn("arn:", self.send(url, headers={"Authorization": "AWS4-HMAC-SHA256 Credential=AKIA"}), "signed twice")

    def test_of_secrets_manager(self):
        """Its operations are a POST whose body says what is asked, and the body is signed: no address alone opens a secret."""
        secret = self.create(value="presigned")
        asked = json.dumps({"SecretId": secret}).encode()

        def send(url, body=asked, target="GetSecretValue"):
            request = urllib.request.Request(url, method="POST", data=body, headers={
                "Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": f"secretsmanager.{target}"})
            try:
                with urllib.request.urlopen(request) as answer:
                    return json.loads(answer.read())["SecretString"]
            except urllib.error.HTTPError as error:
                return json.loads(error.read())["__type"]

        def presigned(expires=60, at=0, signed=("Content-Type", "X-Amz-Target")):
            headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "secretsmanager.GetSecretValue"}
            request = AWSRequest("POST", f"{ADDRESS}/", headers={name: headers[name] for name in signed})
            signer = SigV4QueryAuth(Credentials(KEY_ID, SECRET), "secretsmanager", REGION, expires=expires)
            signer.payload = lambda _: hashlib.sha256(asked).hexdigest()
            now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=at)
            with mock.patch("botocore.auth.get_current_datetime", lambda: now):
                signer.add_auth(request)
            return request.url

        url = presigned()
        self.assertEqual(send(url), "presigned")
        self.assertEqual(send(presigned(expires=3600, at=-3590)), "presigned")
        for wrong in (send(url, body=b""), send(url, body=asked + b" "), send(url, target="DescribeSecret"),
                      send(presigned(signed=())), send(url.replace("X-Amz-Expires=60", "X-Amz-Expires=600"))):
            self.assertEqual(wrong, "InvalidSignatureException")
        self.assertEqual(send(presigned(expires=60, at=-90)), "RequestExpired")
        for more in (url + "&SecretId=other", url + "&Action=GetSecretValue", f"{ADDRESS}/?"):
            self.assertEqual(send(more), "MalformedQueryString")
        self.assertEqual(send(self.aws.generate_presigned_url("get_secret_value", Params={"SecretId": secret})), "MalformedQueryString")


class StsTest(AwsCase):
    """Who a caller is, and temporary credentials."""

    @staticmethod
    def by(credentials, service="sts"):
        return client(credentials["AccessKeyId"], credentials["SecretAccessKey"], service=service, token=credentials["SessionToken"])

    def setUp(self):
        self.sts = client(service="sts")

    def role(self, policies="dev-access-key", principal=f"arn:aws:iam::000000000000:user/{KEY_ID}", **more):
        role = f"role-{uuid.uuid4().hex[:8]}"
        trust = {"Version": "2012-10-17",
                 "Statement": [{"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole", **more}]}
        status, answer = vault("POST", f"auth/access-key/role/{role}", {"policies": policies, "trust_policy": json.dumps(trust)})
        self.assertEqual(status, 204, answer)
        return f"arn:aws:iam::000000000000:role/{role}"

    def test_caller_identity(self):
        who = self.sts.get_caller_identity()
        self.assertEqual((who["Account"], who["Arn"], who["UserId"]),
                         ("000000000000", f"arn:aws:iam::000000000000:user/{KEY_ID}", KEY_ID))
        self.refused("SignatureDoesNotMatch", client(secret="wrong", service="sts").get_caller_identity)
        self.refused("InvalidClientTokenId", client("AKIANOBODYKNOWSTHIS0", service="sts").get_caller_identity)
        self.assertEqual(self.sts.get_access_key_info(AccessKeyId=KEY_ID)["Account"], "000000000000")

    def test_a_role(self):
        secret, role = self.create(), self.role()
        got = self.sts.assume_role(RoleArn=role, RoleSessionName="build", DurationSeconds=900)
        session = got["AssumedRoleUser"]["Arn"]
        self.assertEqual(session, role.replace(":iam:", ":sts:").replace("role/", "assumed-role/") + "/build")
        left = got["Credentials"]["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
        self.assertAlmostEqual(left.total_seconds(), 900, delta=60)
        self.assertEqual(self.by(got["Credentials"]).get_caller_identity()["Arn"], session)
        self.assertEqual(self.by(got["Credentials"], "secretsmanager").get_secret_value(SecretId=secret)["SecretString"], "first")
        self.refused("AccessDenied", self.sts.assume_role, RoleArn=role + "x", RoleSessionName="build")
        self.refused("ValidationError", self.sts.assume_role, RoleArn=role, RoleSessionName="build", DurationSeconds=43200)
        self.refused("AccessDenied", self.sts.assume_role, RoleArn=self.role(principal="arn:aws:iam::000000000000:user/other"),
                     RoleSessionName="build")

    def test_a_session_that_may_less(self):
        role = self.role(policies="nothing")
        session = self.by(self.sts.assume_role(RoleArn=role, RoleSessionName="build")["Credentials"], "secretsmanager")
        self.refused("AccessDeniedException", session.get_secret_value, SecretId=self.create())

    def test_session_tokens_end_with_their_key(self):
        pair = vault("POST", "auth/access-key/key", {"policies": "dev-access-key"})[1]["data"]
        mine = client(pair["access_key_id"], pair["secret_access_key"], service="sts")
        credentials = mine.get_session_token(DurationSeconds=900)["Credentials"]
        session = self.by(credentials, "secretsmanager")
        session.list_secrets(MaxResults=1)
        self.assertEqual(vault("GET", "auth/token/lookup-self", token=credentials["SessionToken"])[0], 403, "no token by itself")
        self.refused("UnrecognizedClientException", client(credentials["AccessKeyId"], credentials["SecretAccessKey"]).list_secrets)
        vault("POST", f"auth/access-key/key/{pair['access_key_id']}", {"disabled": True})
        self.refused("ExpiredTokenException", session.list_secrets)


if __name__ == "__main__":
    unittest.main()
