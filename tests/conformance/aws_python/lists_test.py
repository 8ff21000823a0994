"""boto3's lists and batches of secrets against a development server."""

import unittest

from aws_case import AwsCase, name


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


if __name__ == "__main__":
    unittest.main()
