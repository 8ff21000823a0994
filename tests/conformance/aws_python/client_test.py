"""boto3 and AWS's caching client against a development server: each operation with its main errors, and what Vault's API sees of it."""

import base64
import concurrent.futures
import datetime
import json
import time
import unittest
import uuid

from aws_secretsmanager_caching import SecretCache, SecretCacheConfig

from aws_case import REGION, AwsCase, client, name, vault, vault_text


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

    def test_texts_are_the_same_both_ways(self):
        controls = "".join(map(chr, range(1, 32))) + "\x7f\x80\x9f"
        texts = (" \t line\r\nline\n\n", controls, "\0", "\ufeff\u00e9 e\u0301 \u2028 \u202e \U0001f511 \U0010ffff \uffff", "\"\\/\\u0000 {", "null",
                 '["no object"]', "x" * 65536, "\u00e9" * 32768, "\U0001f511" * 16384)
        for text in texts:
            with self.subTest(text[:40]):
                secret = self.create(value=text)
                self.assertEqual(self.value(secret), text)
                self.assertEqual(vault("GET", f"secret/data/{secret}")[1]["data"]["data"], {"value": text})
                other = self.create()
                self.assertEqual(vault("POST", f"secret/data/{other}", {"data": {"value": text}})[0], 200)
                self.assertEqual(self.value(other), text, "a text that Vault's API wrote anew")
                fields = name("fields")
                vault("POST", f"secret/data/{fields}", {"data": {text[:100]: text}})
                self.assertEqual(json.loads(self.value(fields)), {text[:100]: text})

    def test_json_keeps_its_bytes(self):
        for content in ('{ "n" :12345678901234567890123, "f":1.10,\n"e":1E400 , "u":"\\u00e9\u00e9\\/" }', "{}", '{"a":{"b":[1, 2,null]}}'):
            with self.subTest(content):
                secret = self.create(value=content)
                self.assertEqual(self.value(secret), content)
                self.assertIn(f'"data":{content}', vault_text("GET", f"secret/data/{secret}"))
                other = name("raw")
                vault_text("POST", f"secret/data/{other}", f'{{"data": {content}}}')
                self.assertEqual(self.value(other), content)

    def test_bytes(self):
        whole = bytes(range(256))
        secret = self.aws.create_secret(Name=name("bytes"), SecretBinary=whole)["Name"]
        self.assertEqual(self.aws.get_secret_value(SecretId=secret)["SecretBinary"], whole)
        got = vault("GET", f"secret/data/{secret}")[1]["data"]
        self.assertEqual((base64.b64decode(got["data"]["value"], validate=True), got["metadata"]["content_kind"]), (whole, "binary"))
        for size in (1, 65535, 65536):
            self.aws.put_secret_value(SecretId=secret, SecretBinary=(whole * 256)[:size])
            self.assertEqual(self.aws.get_secret_value(SecretId=secret)["SecretBinary"], (whole * 256)[:size])
            self.assertEqual(base64.b64decode(vault("GET", f"secret/data/{secret}")[1]["data"]["data"]["value"]), (whole * 256)[:size])

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

    def test_a_number_is_no_text(self):
        raw = client(parameter_validation=False)
        secret = self.create()
        self.refused("SerializationException", raw.get_secret_value, SecretId=5)
        self.refused("SerializationException", raw.put_secret_value, SecretId=secret, SecretString=5)
        self.refused("SerializationException", raw.delete_secret, SecretId=secret, RecoveryWindowInDays="7")
        self.assertEqual(self.value(secret), "first")

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


class LimitTest(AwsCase):
    """The longest that is taken, and one more."""

    def bounded(self, most, call):
        call(most)
        self.refused("InvalidParameterException", lambda: call(most + 1))

    def test_names_descriptions_and_tokens(self):
        raw = client(parameter_validation=False)
        stem = name("n") + "/"
        self.bounded(512, lambda size: self.aws.create_secret(Name=stem.ljust(size, "x"), SecretString="first"))
        longest = stem.ljust(512, "x")
        self.assertEqual(self.value(longest), "first")
        self.assertEqual(self.value(self.aws.describe_secret(SecretId=longest)["ARN"]), "first")
        self.bounded(2048, lambda size: self.aws.update_secret(SecretId=longest, Description="\u00e9" * size))
        self.assertEqual(self.aws.describe_secret(SecretId=longest)["Description"], "\u00e9" * 2048)
        self.bounded(64, lambda size: raw.put_secret_value(SecretId=longest, SecretString="x", ClientRequestToken="t" * size))
        self.bounded(65536, lambda size: self.aws.put_secret_value(SecretId=longest, SecretString="x" * size))
        self.bounded(65536, lambda size: self.aws.update_secret(SecretId=longest, SecretBinary=bytes(size)))
        self.refused("InvalidParameterException", self.aws.put_secret_value, SecretId=longest, SecretString="\u00e9" * 32769)
        self.refused("InvalidParameterException", raw.put_secret_value, SecretId=longest, SecretString="")

    def test_tags(self):
        secret = self.create()

        def tag(key="k", value="v"):
            self.aws.tag_resource(SecretId=secret, Tags=[{"Key": key, "Value": value}])

        self.bounded(128, lambda size: tag(key="\u00e9" * size))
        self.bounded(256, lambda size: tag(value="\u00e9" * size))
        tag("k" * 128, "v" * 256)
        for key in ("aws:mine", "aws:"):
            self.refused("InvalidParameterException", lambda: tag(key))
            self.refused("InvalidParameterException", self.aws.create_secret, Name=name("tags"), Tags=[{"Key": key, "Value": "x"}])
        tag("awsome:mine")
        many = [{"Key": f"k{number}", "Value": ""} for number in range(51)]
        self.bounded(50, lambda count: self.aws.create_secret(Name=name("tags"), SecretString="x", Tags=many[:count]))
        full = self.create(Tags=many[:49])
        self.aws.tag_resource(SecretId=full, Tags=many[48:50])
        self.refused("InvalidParameterException", self.aws.tag_resource, SecretId=full, Tags=many[50:])
        self.aws.tag_resource(SecretId=full, Tags=[{"Key": "k0", "Value": "changed"}])
        self.assertEqual({tag["Key"]: tag["Value"] for tag in self.aws.describe_secret(SecretId=full)["Tags"]},
                         {**{tag["Key"]: "" for tag in many[:50]}, "k0": "changed"})

    def test_labels(self):
        secret, token = self.create(), str(uuid.uuid4())
        labels = [f"label{number}" for number in range(21)]
        self.refused("InvalidParameterException", self.aws.put_secret_value, SecretId=secret, SecretString="x", VersionStages=labels)
        self.aws.put_secret_value(SecretId=secret, SecretString="x", ClientRequestToken=token, VersionStages=labels[:19])
        move = self.aws.update_secret_version_stage
        self.refused("LimitExceededException", move, SecretId=secret, VersionStage=labels[20], MoveToVersionId=token)  # AWSCURRENT counts.
        self.refused("LimitExceededException", self.aws.put_secret_value, SecretId=secret, SecretString="z", VersionStages=labels[20:])
        move(SecretId=secret, VersionStage=labels[0], RemoveFromVersionId=token)
        move(SecretId=secret, VersionStage=labels[20], MoveToVersionId=token)
        self.assertEqual(sorted(self.aws.describe_secret(SecretId=secret)["VersionIdsToStages"][token]), sorted(labels[1:19] + labels[20:]))
        other = self.create()
        self.bounded(256, lambda size: self.aws.put_secret_value(SecretId=other, SecretString="y", VersionStages=["\u00e9" * size]))


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


if __name__ == "__main__":
    unittest.main()
