"""Where a project lives in AWS, and the ARNs that follow from it."""

from __future__ import annotations

from dataclasses import dataclass

from streamalert_apps.config.conf import Account
from streamalert_apps.runtime import names


@dataclass(frozen=True, slots=True)
class Place:
    """One account in one region, and the prefix of the project's names there."""

    account: str
    region: str
    prefix: str
    alarm_topic: str
    named_bucket: str = ""
    named_key: str = ""
    role_boundary: str = ""
    tags: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, account: Account) -> Place:
        """Return the place that conf/global.json names."""
        return cls(
            account.aws_account_id,
            account.region,
            account.prefix,
            account.alarm_topic,
            account.named_bucket,
            account.kms_key,
            account.role_boundary,
            account.tags,
        )

    @property
    def partition(self) -> str:
        """The part of AWS that the region belongs to."""
        return names.partition(self.region)

    @property
    def bucket(self) -> str:
        """The name of the bucket that holds the apps' records."""
        return self.named_bucket or names.bucket(self.prefix, self.account, self.region)

    @property
    def kms_key(self) -> str:
        """The ARN of the key that encrypts bucket, parameters and functions; empty where it is AWS's own."""
        if not self.named_key or self.named_key.startswith("arn:"):
            return self.named_key
        return self._arn("kms", f"key/{self.named_key}")

    def function(self, name: str) -> str:
        """Return a function's ARN."""
        return self._arn("lambda", f"function:{name}")

    def alias(self, function: str) -> str:
        """Return the ARN of a function's alias `production`."""
        return f"{self.function(function)}:{names.ALIAS}"

    def role(self, function: str) -> str:
        """Return the ARN of a function's role."""
        return f"arn:{self.partition}:iam::{self.account}:role{names.ROLE_PATH}{names.role(function)}"

    def deleting_rule(self, function: str) -> str:
        """Return the ARN of the rule that lets a paused function delete."""
        return self._arn("events", f"rule/{names.deleting_rule(function)}")

    def rule(self, function: str) -> str:
        """Return the ARN of the rule that invokes a function."""
        return self._arn("events", f"rule/{names.rule(function)}")

    def log_group(self, function: str) -> str:
        """Return the ARN of a function's log group."""
        return self._arn("logs", f"log-group:{names.log_group(function)}")

    def alarm(self, name: str) -> str:
        """Return an alarm's ARN."""
        return self._arn("cloudwatch", f"alarm:{name}")

    def parameter(self, name: str) -> str:
        """Return a parameter's ARN."""
        return self._arn("ssm", f"parameter/{name}")

    def topic(self) -> str:
        """Return the ARN of the topic that alarms go to."""
        return self._arn("sns", self.alarm_topic)

    def bucket_arn(self) -> str:
        """Return the bucket's ARN."""
        return f"arn:{self.partition}:s3:::{self.bucket}"

    def _arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"
