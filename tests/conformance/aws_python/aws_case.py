"""What the suites of AWS's API share: clients of both APIs, and a case that knows how errors look."""

import json
import os
import unittest
import urllib.error
import urllib.request
import uuid

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

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


def vault_text(method, path, body=None):
    """The same of texts as they are."""
    request = urllib.request.Request(f"{ADDRESS}/v1/{path}", method=method, data=body and body.encode(),
                                     headers={"X-Vault-Token": os.environ["VAULT_TOKEN"]})
    with urllib.request.urlopen(request) as answer:
        return answer.read().decode()


def name(what):
    """One that no other test has."""
    return f"conformance/{what}-{uuid.uuid4().hex[:8]}"


def statement(effect, action, resource="*", **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": effect, "Action": action, "Resource": resource, **more}]})


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
