"""boto3 and AWS's caching client against a development server: each operation with its main errors, and what Vault's API sees of it."""

import base64
import concurrent.futures
import datetime
import json
import os
import pathlib
import sys
import time
import unittest
import urllib.error
import urllib.request
import uuid

import boto3
from aws_secretsmanager_caching import SecretCache, SecretCacheConfig
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "lib"))

from aws_client import AwsClient  # noqa: E402
from keyhold_server import Api  # noqa: E402

ADDRESS = os.environ["VAULT_ADDR"]
KEY_ID, SECRET = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
REGION = "eu-central-1"


def client(key_id=KEY_ID, secret=SECRET, region=REGION, service="secretsmanager", token=None, **config):
    return boto3.client(service, endpoint_url=ADDRESS, region_name=region, aws_access_key_id=key_id,
                        aws_secret_access_key=secret, aws_session_token=token,
                        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=60, **config))


def vault(method, path, body=None, token=None):
    """Calls Vault's API: (status, answer)."""
    request = urllib.request.Request(f"{ADDRESS}/v1/{path}", method=method, data=None if body is None else json.dumps(body).encode(),
                                     headers={"X-Vault-Token": token or os.environ["VAULT_TOKEN"]})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read() or b"null")
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read() or b"null")


def name(what):
    """One that no other test has."""
    return f"conformance/{what}-{uuid.uuid4().hex[:8]}"


class AwsCase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.aws = client()

    def create(self, what="secret", value="first", **more):
        return self.aws.create_secret(Name=name(what), SecretString=value, **more)["Name"]

    def refused(self, code, call, text=None, **inputs):
        with self.assertRaises(ClientError) as caught:
            call(**inputs)
        error = caught.exception.response["Error"]
        self.assertEqual(error["Code"], code, error)
        if text:
            self.assertIn(text, error["Message"])

    def value(self, secret, **inputs):
        return self.aws.get_secret_value(SecretId=secret, **inputs)["SecretString"]


class ValueTest(AwsCase):
    def test_vault_writes_and_aws_reads(self):
        secret = name("vault")
        content = {"host": "db", "username": "app", "password": "p\u00e4ss \"word\""}
        self.assertEqual(vault("POST", f"secret/data/{secret}", {"data": content})[0], 200)
        got = self.aws.get_secret_value(SecretId=secret)
        self.assertEqual(json.loads(got["SecretString"]), content)
        self.assertEqual(got["VersionStages"], ["AWSCURRENT"])
        self.assertEqual(got["Name"], secret)
        self.assertRegex(got["ARN"], rf"^arn:aws:secretsmanager:{REGION}:000000000000:secret:{secret}-[0-9A-Za-z]{{6}}$")
        self.assertIsInstance(got["CreatedDate"], datetime.datetime)
        self.assertIn("RequestId", got["ResponseMetadata"])

    def test_aws_writes_and_vault_reads(self):
        secret = self.create(value='{"a": 1.10,  "b":"\\u00e9"}')
        self.assertEqual(vault("GET", f"secret/data/{secret}")[1]["data"]["data"], {"a": 1.1, "b": "\u00e9"})
        self.assertEqual(self.value(secret), '{"a": 1.10,  "b":"\\u00e9"}', "byte for byte")
        text = self.create(value="just text")
        self.assertEqual(vault("GET", f"secret/data/{text}")[1]["data"]["data"], {"value": "just text"})

    def test_bytes(self):
        whole = bytes(range(256))
        secret = self.aws.create_secret(Name=name("bytes"), SecretBinary=whole)["Name"]
        self.assertEqual(self.aws.get_secret_value(SecretId=secret)["SecretBinary"], whole)
        self.assertEqual(base64.b64decode(vault("GET", f"secret/data/{secret}")[1]["data"]["data"]["value"]), whole)

    def test_create_refuses(self):
        secret = self.create()
        self.refused("ResourceExistsException", self.aws.create_secret, Name=secret, SecretString="other")
        self.refused("InvalidParameterException", self.aws.create_secret, Name="with a space", SecretString="x")
        self.refused("InvalidParameterException", self.aws.create_secret, Name=name("both"), SecretString="x", SecretBinary=b"x")
        self.refused("InvalidParameterException", self.aws.create_secret, Name=name("big"), SecretString="x" * 65537)

    def test_the_same_token_is_the_same_request(self):
        token, secret = str(uuid.uuid4()), name("again")
        first = self.aws.create_secret(Name=secret, SecretString="x", ClientRequestToken=token)
        again = self.aws.create_secret(Name=secret, SecretString="x", ClientRequestToken=token)
        self.assertEqual((first["ARN"], first["VersionId"]), (again["ARN"], again["VersionId"]))
        self.assertEqual(first["VersionId"], token)
        self.refused("ResourceExistsException", self.aws.put_secret_value, SecretId=secret, SecretString="y", ClientRequestToken=token)
        self.aws.put_secret_value(SecretId=secret, SecretString="x", ClientRequestToken=token)
        self.refused("InvalidParameterException", client(parameter_validation=False).put_secret_value, "ClientRequestToken must be 32-64 characters long.",
                     SecretId=secret, SecretString="y", ClientRequestToken="short" * 6)

    def test_get_refuses(self):
        self.refused("ResourceNotFoundException", self.aws.get_secret_value, "Secrets Manager can't find the specified secret.",
                     SecretId=name("none"))
        empty = self.aws.create_secret(Name=name("empty"))["Name"]
        self.refused("ResourceNotFoundException", self.aws.get_secret_value,
                     "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT", SecretId=empty)
        self.refused("ResourceNotFoundException", self.aws.get_secret_value, SecretId=self.create(), VersionId=str(uuid.uuid4()))
        self.refused("ResourceNotFoundException", self.aws.get_secret_value,
                     SecretId="arn:aws:secretsmanager:us-east-1:123456789012:secret:a-AbCdEf")

    def test_update_secret(self):
        secret = self.create()
        self.assertNotIn("VersionId", self.aws.update_secret(SecretId=secret, Description="for people", KmsKeyId="alias/mine"))
        self.assertIn("VersionId", self.aws.update_secret(SecretId=secret, SecretString="second"))
        described = self.aws.describe_secret(SecretId=secret)
        self.assertEqual((described["Description"], described["KmsKeyId"]), ("for people", "alias/mine"))
        self.assertEqual(self.value(secret), "second")
        self.assertEqual(self.value(secret, VersionStage="AWSPREVIOUS"), "first")

    def test_by_arn(self):
        arn = self.aws.describe_secret(SecretId=self.create())["ARN"]
        self.assertEqual(self.value(arn), "first")
        self.assertEqual(self.value(arn[:-7]), "first", "without the suffix")

    def test_fifty_at_once(self):
        secret = self.create()
        tokens = [str(uuid.uuid4()) for _ in range(50)]
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            list(pool.map(lambda token: self.aws.put_secret_value(SecretId=secret, SecretString=token, ClientRequestToken=token), tokens))
        stages = self.aws.describe_secret(SecretId=secret)["VersionIdsToStages"]
        holders = {label: [version for version, labels in stages.items() if label in labels] for label in ("AWSCURRENT", "AWSPREVIOUS")}
        self.assertEqual([len(versions) for versions in holders.values()], [1, 1], stages)
        self.assertEqual(self.value(secret), holders["AWSCURRENT"][0])
        self.assertEqual(vault("GET", f"secret/metadata/{secret}")[1]["data"]["current_version"], 51)

    def test_batch(self):
        first, second = self.create(value="1"), self.create(value="2")
        got = self.aws.batch_get_secret_value(SecretIdList=[first, second, name("none")])
        self.assertEqual([value["SecretString"] for value in got["SecretValues"]], ["1", "2"])
        self.assertEqual([error["ErrorCode"] for error in got["Errors"]], ["ResourceNotFoundException"])
        self.refused("InvalidParameterException", self.aws.batch_get_secret_value,
                     "Either 'SecretIdList' or 'Filters' must be provided, but not both.")
        filters = [{"Key": "name", "Values": [first, second]}]
        page = self.aws.batch_get_secret_value(Filters=filters, MaxResults=1)
        rest = self.aws.batch_get_secret_value(Filters=filters, MaxResults=1, NextToken=page["NextToken"])
        self.assertEqual({value["Name"] for value in page["SecretValues"] + rest["SecretValues"]}, {first, second})

    def test_caching_client(self):
        secret = self.create(value='{"password": "cached"}')
        cache = SecretCache(config=SecretCacheConfig(), client=self.aws)
        self.assertEqual(cache.get_secret_string(secret), '{"password": "cached"}')
        self.assertEqual(cache.get_secret_string(secret), '{"password": "cached"}')
        self.aws.put_secret_value(SecretId=secret, SecretString="newer")
        fresh = SecretCache(config=SecretCacheConfig(), client=self.aws)
        self.assertEqual(fresh.get_secret_string(secret, "AWSPREVIOUS"), '{"password": "cached"}')


class StageTest(AwsCase):
    def test_pending_becomes_current(self):
        secret, token = self.create(), str(uuid.uuid4())
        old = self.aws.get_secret_value(SecretId=secret)["VersionId"]
        self.aws.put_secret_value(SecretId=secret, SecretString="pending", ClientRequestToken=token, VersionStages=["AWSPENDING"])
        self.assertEqual(self.value(secret), "first")
        self.assertEqual(vault("GET", f"secret/data/{secret}")[1]["data"]["data"], {"value": "first"})
        self.aws.update_secret_version_stage(SecretId=secret, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=old)
        self.assertEqual((self.value(secret), self.value(secret, VersionStage="AWSPREVIOUS")), ("pending", "first"))

    def test_moves_that_are_refused(self):
        secret, token = self.create(), str(uuid.uuid4())
        old = self.aws.get_secret_value(SecretId=secret)["VersionId"]
        self.aws.put_secret_value(SecretId=secret, SecretString="x", ClientRequestToken=token, VersionStages=["mine"])
        move = self.aws.update_secret_version_stage
        self.refused("InvalidParameterException", move, SecretId=secret, VersionStage="mine", MoveToVersionId=old)
        self.refused("InvalidParameterException", move, SecretId=secret, VersionStage="AWSCURRENT", RemoveFromVersionId=old)
        self.refused("ResourceNotFoundException", move, SecretId=secret, VersionStage="mine", MoveToVersionId=str(uuid.uuid4()))
        self.refused("InvalidParameterException", move, SecretId=secret, VersionStage="mine")
        move(SecretId=secret, VersionStage="mine", RemoveFromVersionId=token)
        self.assertNotIn(token, self.aws.describe_secret(SecretId=secret)["VersionIdsToStages"])

    def test_list_version_ids(self):
        secret = self.create()
        for number in range(4):
            self.aws.put_secret_value(SecretId=secret, SecretString=str(number))
        listed = self.aws.list_secret_version_ids(SecretId=secret)
        self.assertEqual(sorted(stage for version in listed["Versions"] for stage in version["VersionStages"]), ["AWSCURRENT", "AWSPREVIOUS"])
        page = self.aws.list_secret_version_ids(SecretId=secret, IncludeDeprecated=True, MaxResults=3)
        rest = self.aws.list_secret_version_ids(SecretId=secret, IncludeDeprecated=True, MaxResults=3, NextToken=page["NextToken"])
        self.assertEqual(len(page["Versions"]) + len(rest["Versions"]), 5)
        self.assertNotIn("NextToken", rest)
        self.refused("InvalidNextTokenException", self.aws.list_secret_version_ids, SecretId=secret, NextToken="nonsense")


class LifeTest(AwsCase):
    def test_deletion_and_restoring(self):
        secret = self.create()
        deleted = self.aws.delete_secret(SecretId=secret, RecoveryWindowInDays=7)
        self.assertAlmostEqual((deleted["DeletionDate"] - datetime.datetime.now(datetime.timezone.utc)).days, 6, delta=1)
        for call, inputs in ((self.aws.get_secret_value, {}), (self.aws.put_secret_value, {"SecretString": "x"}),
                             (self.aws.update_secret, {"SecretString": "x"}), (self.aws.delete_secret, {})):
            self.refused("InvalidRequestException", call, "because it was marked for deletion.", SecretId=secret, **inputs)
        self.refused("InvalidRequestException", self.aws.create_secret, Name=secret, SecretString="x")
        self.assertEqual(vault("GET", f"secret/data/{secret}")[0], 404)
        self.assertEqual(vault("POST", f"secret/data/{secret}", {"data": {"a": "b"}})[0], 400)
        self.assertIn("DeletedDate", self.aws.describe_secret(SecretId=secret))
        for _ in range(2):
            self.aws.restore_secret(SecretId=secret)
        self.assertEqual(self.value(secret), "first")

    def test_deletion_at_once(self):
        secret = self.create()
        self.aws.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
        self.refused("ResourceNotFoundException", self.aws.describe_secret, SecretId=secret)
        self.aws.delete_secret(SecretId=secret, ForceDeleteWithoutRecovery=True)
        self.aws.create_secret(Name=secret, SecretString="anew")

    def test_deletion_that_is_refused(self):
        secret = self.create()
        self.refused("InvalidParameterException", self.aws.delete_secret, "RecoveryWindowInDays value must be between 7 and 30 days (inclusive)",
                     SecretId=secret, RecoveryWindowInDays=6)
        self.refused("InvalidParameterException", self.aws.delete_secret, SecretId=secret, RecoveryWindowInDays=7, ForceDeleteWithoutRecovery=True)
        self.refused("ResourceNotFoundException", self.aws.delete_secret, SecretId=name("none"))

    def test_tags(self):
        secret = self.create(Tags=[{"Key": "team", "Value": "payments"}])
        self.aws.tag_resource(SecretId=secret, Tags=[{"Key": "stage", "Value": "prod"}])
        self.aws.untag_resource(SecretId=secret, TagKeys=["team"])
        self.assertEqual(self.aws.describe_secret(SecretId=secret)["Tags"], [{"Key": "stage", "Value": "prod"}])
        self.refused("InvalidParameterException", self.aws.tag_resource, SecretId=secret, Tags=[{"Key": "aws:mine", "Value": "x"}])

    def test_replicas(self):
        secret = self.create(AddReplicaRegions=[{"Region": "us-east-2"}])
        described = self.aws.describe_secret(SecretId=secret)
        self.assertEqual((described["PrimaryRegion"], described["ReplicationStatus"][0]["Region"]), (REGION, "us-east-2"))
        there = client(region="us-east-2")
        self.assertEqual(there.get_secret_value(SecretId=secret)["SecretString"], "first")
        self.refused("InvalidRequestException", there.put_secret_value, SecretId=secret, SecretString="x")
        self.refused("InvalidParameterException", self.aws.replicate_secret_to_regions, "Invalid replica region.",
                     SecretId=secret, AddReplicaRegions=[{"Region": "atlantis"}])
        self.aws.replicate_secret_to_regions(SecretId=secret, AddReplicaRegions=[{"Region": "us-west-2"}])
        self.refused("InvalidRequestException", self.aws.delete_secret, SecretId=secret)
        there.stop_replication_to_replica(SecretId=secret)
        left = self.aws.remove_regions_from_replication(SecretId=secret, RemoveReplicaRegions=["us-west-2"])
        self.assertEqual(left.get("ReplicationStatus", []), [])


class RotationTest(AwsCase):
    ARN = "arn:aws:lambda:eu-central-1:123456789012:function:random"

    def rotated(self, secret, version):
        """Waits until the version is current."""
        for _ in range(200):
            described = self.aws.describe_secret(SecretId=secret)
            if described["VersionIdsToStages"].get(version) == ["AWSCURRENT"]:
                return described
            time.sleep(0.05)
        self.fail(f"it is not rotated: {vault('GET', f'secret/rotate/{secret}')}")

    def test_rotation_now_and_by_its_rule(self):
        secret = self.create()
        started = self.aws.rotate_secret(SecretId=secret, RotationLambdaARN=self.ARN, RotationRules={"AutomaticallyAfterDays": 30})
        described = self.rotated(secret, started["VersionId"])
        self.assertTrue(described["RotationEnabled"])
        self.assertEqual((described["RotationLambdaARN"], described["RotationRules"]), (self.ARN, {"AutomaticallyAfterDays": 30}))
        self.assertGreater(described["NextRotationDate"], described["LastRotatedDate"])
        self.assertEqual(len(self.value(secret)), 32)
        self.assertEqual(self.value(secret, VersionStage="AWSPREVIOUS"), "first")
        self.assertEqual(vault("GET", f"secret/data/{secret}")[1]["data"]["data"], {"value": self.value(secret)})
        again = self.aws.rotate_secret(SecretId=secret)
        self.rotated(secret, again["VersionId"])
        self.aws.cancel_rotate_secret(SecretId=secret)
        self.assertFalse(self.aws.describe_secret(SecretId=secret)["RotationEnabled"])

    def test_rotation_that_is_refused(self):
        secret = self.create()
        rotate = self.aws.rotate_secret
        self.refused("InvalidRequestException", rotate, SecretId=secret)
        self.refused("ResourceNotFoundException", rotate, SecretId=secret, RotationLambdaARN=self.ARN + "-of-nobody")
        raw = client(parameter_validation=False)
        self.refused("InvalidParameterException", raw.rotate_secret, "RotationRules.AutomaticallyAfterDays must be within 1-1000.",
                     SecretId=secret, RotationLambdaARN=self.ARN, RotationRules={"AutomaticallyAfterDays": 1001})
        self.refused("InvalidParameterException", rotate, SecretId=secret, RotationLambdaARN=self.ARN,
                     RotationRules={"ScheduleExpression": "rate(1 hour)"})
        self.assertEqual(self.value(secret), "first")

    def test_random_passwords(self):
        password = self.aws.get_random_password()["RandomPassword"]
        self.assertEqual(len(password), 32)
        self.assertNotEqual(password, self.aws.get_random_password()["RandomPassword"])
        digits = self.aws.get_random_password(PasswordLength=100, ExcludeLowercase=True, ExcludeUppercase=True, ExcludePunctuation=True,
                                              ExcludeCharacters="05")["RandomPassword"]
        self.assertRegex(digits, r"^[1-46-9]{100}$")
        self.refused("InvalidParameterException", self.aws.get_random_password, PasswordLength=4097)


class ListTest(AwsCase):
    def listed(self, **inputs):
        names, inputs = [], dict(inputs)
        while True:
            page = self.aws.list_secrets(**inputs)
            names += [secret["Name"] for secret in page["SecretList"]]
            if "NextToken" not in page:
                return names
            inputs["NextToken"] = page["NextToken"]

    def test_pages_filters_and_order(self):
        prefix = name("list")
        made = [f"{prefix}/{letter}" for letter in "dbca"]
        for number, secret in enumerate(made):
            self.aws.create_secret(Name=secret, SecretString="x", Description=f"Number {number} of {prefix}", Tags=[{"Key": "n", "Value": f"v{number}"}])
        mine = {"Key": "name", "Values": [prefix]}
        self.assertEqual(self.listed(Filters=[mine], MaxResults=3), sorted(made))
        self.assertEqual(self.listed(Filters=[mine], SortOrder="desc"), sorted(made, reverse=True))
        self.assertEqual(self.listed(Filters=[mine], SortBy="created-date", MaxResults=1), made)
        self.assertEqual(self.listed(Filters=[mine, {"Key": "tag-value", "Values": ["v1", "v2"]}]), [f"{prefix}/b", f"{prefix}/c"])
        self.assertEqual(self.listed(Filters=[mine, {"Key": "description", "Values": ["number 3"]}]), [f"{prefix}/a"])
        self.assertEqual(self.listed(Filters=[mine, {"Key": "name", "Values": [f"!{prefix}/a"]}]), sorted(made[:3]))
        self.assertEqual(self.listed(Filters=[{"Key": "all", "Values": [prefix]}]), sorted(made))
        self.aws.delete_secret(SecretId=made[0])
        self.assertNotIn(made[0], self.listed(Filters=[mine]))
        self.assertIn(made[0], self.listed(Filters=[mine], IncludePlannedDeletion=True))
        self.refused("InvalidNextTokenException", self.aws.list_secrets, NextToken="nonsense")


def statement(effect, action, resource="*", **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource, **more}]})


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
        raw = AwsClient(Api(ADDRESS, os.environ.get("VAULT_CACERT")), KEY_ID, SECRET)
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
