"""A bucket: lines of JSON, compressed, in folders by the time at which events happened.

    <prefix><app type>/dt=2026-11-26/hour=14/<app>-<what is sent together>.ndjson.gz

An object is written once: its name says which events it holds, and S3 refuses to write it again. So each
event is there exactly once, whatever was sent twice.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final

from streamalert_apps.errors import AppError, OutOfTime
from streamalert_apps.runtime import setting
from streamalert_apps.runtime.delivery import Answer, Batch, Limits, moment
from streamalert_apps.runtime.posting import packed
from streamalert_apps.runtime.sink import Permission, Setting, Setup, Sink, Where

ANY_SIZE: Final = 1 << 40
_PARTITIONS: Final = {"hour": "dt=%Y-%m-%d/hour=%H/", "day": "dt=%Y-%m-%d/"}


class S3(Sink):
    """Writes objects of what is sent together, one for each hour or day in which events happened."""

    kind = "s3"
    takes = "an S3 bucket, for Athena, DuckDB or a data lake"
    documentation = "https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObject.html"
    settings = (
        Setting(
            "bucket",
            "the name of the bucket",
            setting.matching(
                r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", "the name of a bucket", "Give a name, not an ARN."
            ),
        ),
        Setting(
            "prefix",
            "the prefix of all object names",
            setting.matching(r"([A-Za-z0-9!_.*'()=-]+/)*", "a prefix", "Write it like logs/saas/."),
            "",
        ),
        Setting("partition", "hour or day", setting.choice("hour", "day"), "hour"),
        Setting(
            "region",
            "the region of the bucket, if it is not the app's",
            setting.region,
            "",
        ),
        Setting(
            "owner",
            "the account that must own the bucket",
            setting.matching(r"[0-9]{12}", "an AWS account id", "It has 12 digits."),
            "",
        ),
        Setting(
            "kms_key",
            "the ARN of the KMS key that encrypts the objects",
            setting.kms_key,
            "",
        ),
    )
    # All that is sent together is one batch, so that its name stays the same whatever the settings are.
    limits = Limits(ANY_SIZE, ANY_SIZE, ANY_SIZE)

    def __init__(self, setup: Setup) -> None:
        super().__init__(setup)
        self._always: dict[str, str] = {"Bucket": self.given["bucket"], "ContentType": "application/x-ndjson"}
        if self.given["owner"]:
            self._always["ExpectedBucketOwner"] = self.given["owner"]
        if self.given["kms_key"]:
            self._always |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": self.given["kms_key"]}

    @classmethod
    def permissions(cls, settings: Mapping[str, Any], where: Where) -> Sequence[Permission]:
        """Return what the role of a function has to allow."""
        objects = f"arn:{where.partition}:s3:::{settings['bucket']}/{settings['prefix']}*"
        found = [Permission(["s3:PutObject"], [objects])]
        if settings["kms_key"]:
            found.append(Permission(["kms:GenerateDataKey"], [settings["kms_key"]]))
        return found

    def send(self, batch: Batch) -> Answer:
        """Write the objects of a batch; those that are there already were written by an earlier try."""
        folders: dict[str, list[int]] = {}
        for row, time in enumerate(batch.times):
            folders.setdefault(self._folder(time), []).append(row)
        retry: list[int] = []
        error: AppError | None = None
        for folder, rows in folders.items():
            error = error or self._write(
                f"{folder}{self.setup.source.name}-{batch.window}.ndjson.gz", batch, rows
            )
            if error:
                retry += rows
        return Answer(sorted(retry), error=error)

    def _folder(self, time: float) -> str:
        partition = moment(time).strftime(_PARTITIONS[self.given["partition"]])
        return f"{self.given['prefix']}{self.setup.source.type}/{partition}"

    def _write(self, key: str, batch: Batch, rows: Sequence[int]) -> AppError | None:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 (conf/ is read without)

        from streamalert_apps.runtime.aws import refusal  # noqa: PLC0415

        if self.setup.deadline.left() <= 0:
            return OutOfTime("There is no time left to write everything; the next run continues.")
        body = packed(b"".join(batch.events[row] + b"\n" for row in rows))
        client = self.setup.client("s3", self.given["region"])
        try:
            client.put_object(**self._always, Key=key, Body=body, IfNoneMatch="*")
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] != HTTPStatus.PRECONDITION_FAILED:
                return refusal(error, f"The bucket {self.given['bucket']}")
        except BotoCoreError as error:
            return refusal(error, f"The bucket {self.given['bucket']}")
        return None


SINK = S3
