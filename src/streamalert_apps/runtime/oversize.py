"""Where the whole of a log goes that no delivery can carry."""

from __future__ import annotations

import logging
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

LOGGER = logging.getLogger(__name__)


class Bucket:
    """An S3 bucket that the app names."""

    def __init__(self, client: Any, bucket: str, function: str) -> None:
        self._client = client
        self._bucket = bucket
        self._function = function

    def keep(self, log: bytes, digest: str) -> str:
        """Put the log there; return its address, or "" where that failed, which is told."""
        key = f"{self._function}/{digest}.json"
        try:
            self._client.put_object(Bucket=self._bucket, Key=key, Body=log, ContentType="application/json")
        except (ClientError, BotoCoreError) as error:
            LOGGER.error("the bucket %s did not take a large log (%s)", self._bucket, type(error).__name__)  # noqa: TRY400
            return ""
        return f"s3://{self._bucket}/{key}"
