"""boto3's lists and batches of secrets against a development server."""

import datetime
import time
import unittest

from aws_case import AwsCase, client, name


class ListTest(AwsCase):
    def listed(self, **inputs):
        names, inputs = [], dict(inputs)
        while True:
            page = self.aws.list_secrets(**inputs)
            names += [secret["Name"] for secret in page["SecretList"]]
            if "NextToken" not in page:
                return names
            inputs["NextToken"] = page["NextToken"]

    def create_at_its_time(self, secret, **more):
        """Those of one millisecond would be ordered by name."""
        made = self.aws.create_secret(Name=secret, SecretString="x", **more)["Name"]
        time.sleep(0.002)
        return made

    def test_pages_filters_and_order(self):
        prefix = name("list")
        made = [f"{prefix}/{letter}" for letter in "dbca"]
        for number, secret in enumerate(made):
            self.create_at_its_time(secret, Description=f"Number {number} of {prefix}", Tags=[{"Key": "n", "Value": f"v{number}"}])
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

    def test_filters(self):
        """Each key finds what it should of two secrets, and none of anything else."""
        word = name("filters").rsplit("-", 1)[1]
        web = self.create(f"{word}/Web", Description=f"Zebra of {word}", Tags=[{"Key": f"Team-{word}", "Value": f"Pay {word}"}],
                          AddReplicaRegions=[{"Region": "us-east-2"}])
        job = self.create(f"{word}/job", Description=f"job of {word}", Tags=[{"Key": f"team-{word}", "Value": f"pay {word}"}])
        stem = f"conformance/{word}/"
        for key, values, found in (
                ("name", [stem], {web, job}), ("name", [web, job], {web, job}), ("name", [f"{stem}w"], set()), ("name", ["Web"], set()),
                ("description", ["zebra of"], {web}), ("description", ["ZEBRA OF", "JOB"], {web, job}), ("description", [f"of {word}"], set()),
                ("tag-key", [f"Team-{word}"], {web}), ("tag-key", [f"team-{word[:4]}"], {job}), ("tag-key", [word], set()),
                ("tag-value", ["Pay "], {web}), ("tag-value", [f"pay {word}"], {job}), ("tag-value", ["PAY"], set()),
                ("primary-region", ["eu-"], {web}), ("primary-region", ["us-east-2"], set()),
                ("owning-service", ["rds"], set()),
                ("all", [f"{word} zebra"], {web}), ("all", [f"ZEBRA {word}", f"job {word}"], {web, job}), ("all", [f"zebra job {word}"], set()),
                ("name", [f"!{web}"], {job}), ("description", ["!zebra"], {job}), ("tag-key", [f"!Team-{word}"], {job}),
                ("tag-value", ["!Pay"], {job}), ("primary-region", ["!eu-central-1"], {job}), ("owning-service", ["!rds"], {web, job}),
                ("all", ["!zebra"], {job})):
            with self.subTest(f"{key} {values}"):
                both = [{"Key": "name", "Values": [stem]}, {"Key": key, "Values": values}]
                self.assertEqual(set(self.listed(Filters=both)), found)
                self.assertEqual(set(self.listed(Filters=both, SortOrder="desc", MaxResults=1)), found)

    def test_filters_that_are_refused(self):
        raw = client(parameter_validation=False)
        for call in (raw.list_secrets, raw.batch_get_secret_value):
            for filters, text in (([{"Key": "color", "Values": ["x"]}], "Invalid filter key"), ([{"Values": ["x"]}], "Invalid filter key"),
                                  ([{"Key": "name", "Values": []}], ""), ([{"Key": "name"}], ""), ([{"Key": "name", "Values": [""]}], ""),
                                  ([{"Key": "name", "Values": ["x" * 513]}], ""), ([{"Key": "name", "Values": ["x"] * 11}], ""),
                                  ([{"Key": "name", "Values": ["x"]}] * 11, "")):
                self.refused("InvalidParameterException", call, text, Filters=filters)
            call(Filters=[{"Key": "name", "Values": ["x" * 512] * 10}] * 10)

    def test_orders(self):
        prefix = name("order")
        made = [self.create_at_its_time(f"{prefix}/{letter}") for letter in "cab"]
        self.aws.tag_resource(SecretId=made[0], Tags=[{"Key": "changed", "Value": "last"}])
        mine = [{"Key": "name", "Values": [prefix]}]
        for by, order in (("name", sorted(made)), ("created-date", made), ("last-changed-date", made[1:] + made[:1])):
            for size in (1, 2, 100):
                with self.subTest(f"{by}, pages of {size}"):
                    self.assertEqual(self.listed(Filters=mine, SortBy=by, MaxResults=size), order)
                    self.assertEqual(self.listed(Filters=mine, SortBy=by, SortOrder="asc", MaxResults=size), order)
                    self.assertEqual(self.listed(Filters=mine, SortBy=by, SortOrder="desc", MaxResults=size), order[::-1])
        self.refused("InvalidParameterException", self.aws.list_secrets, SortBy="colour")
        self.refused("InvalidParameterException", self.aws.list_secrets, SortOrder="up")

    def test_pages_that_are_refused(self):
        raw, secret, other = client(parameter_validation=False), self.create(), self.create()
        mine = [{"Key": "name", "Values": [secret, other]}]
        for size in (-1, 0, 101):
            self.refused("InvalidParameterException", raw.list_secrets, MaxResults=size)
            self.refused("InvalidParameterException", raw.list_secret_version_ids, SecretId=secret, MaxResults=size)
        for size in (0, 21):
            self.refused("InvalidParameterException", raw.batch_get_secret_value, Filters=mine, MaxResults=size)
        token = self.aws.list_secrets(Filters=mine, MaxResults=1)["NextToken"]
        flipped = token[:-2] + ("A" if token[-2] != "A" else "B") + token[-1]
        for wrong in ("nonsense", "AA==", token[:-8], flipped, token + "A", "x" * 4096):
            self.refused("InvalidNextTokenException", self.aws.list_secrets, Filters=mine, NextToken=wrong)
            self.refused("InvalidNextTokenException", self.aws.batch_get_secret_value, Filters=mine, NextToken=wrong)
        self.refused("InvalidNextTokenException", self.aws.list_secret_version_ids, SecretId=secret, NextToken=token)
        self.refused("InvalidNextTokenException", self.aws.list_secrets, Filters=mine, SortOrder="desc", NextToken=token)

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

    def test_batches_with_errors(self):
        good, gone, empty = self.create(), self.create(), self.aws.create_secret(Name=name("empty"))["Name"]
        arn = self.aws.describe_secret(SecretId=good)["ARN"]
        self.aws.delete_secret(SecretId=gone)
        got = self.aws.batch_get_secret_value(SecretIdList=[gone, arn, empty])
        self.assertEqual([(value["ARN"], value["VersionStages"]) for value in got["SecretValues"]], [(arn, ["AWSCURRENT"])])
        self.assertIsInstance(got["SecretValues"][0]["CreatedDate"], datetime.datetime)
        self.assertEqual({error["SecretId"]: error["ErrorCode"] for error in got["Errors"]},
                         {gone: "InvalidRequestException", empty: "ResourceNotFoundException"})
        batch, filters = self.aws.batch_get_secret_value, [{"Key": "name", "Values": [good]}]
        self.refused("InvalidParameterException", batch, "Either 'SecretIdList' or 'Filters' must be provided, but not both.",
                     SecretIdList=[good], Filters=filters)
        self.refused("InvalidParameterException", batch, SecretIdList=[good] * 21)
        self.refused("InvalidParameterException", batch, SecretIdList=[good], MaxResults=1)
        self.assertEqual(len(batch(SecretIdList=[self.create() for _ in range(20)])["SecretValues"]), 20)


if __name__ == "__main__":
    unittest.main()
