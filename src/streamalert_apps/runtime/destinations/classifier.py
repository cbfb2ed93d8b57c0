"""StreamAlert's classifier function, invoked asynchronously."""

from __future__ import annotations

import json
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.errors import AppError, CredentialsError, DeliveryFailed, DeliveryRefused
from streamalert_apps.runtime.delivery import BATCH_BYTES, Answer, Batch, Limits, nothing_taken
from streamalert_apps.runtime.names import ALIAS

_PASSING: Final = {"TooManyRequestsException", "ServiceException", "ThrottlingException"}
_PASSING_STATUSES: Final = {
    HTTPStatus.CONFLICT,
    HTTPStatus.TOO_MANY_REQUESTS,
}  # Pending: it was idle for long
LARGEST_BYTES: Final = 1 << 20  # of an asynchronous invocation
ENVELOPE_BYTES: Final = 512  # what one holds besides its events, at most


class ClassifierLambda:
    """Delivers `{"Records": [{"streamalert_app": source, "logs": […]}]}`; `source` is the app's function."""

    def __init__(self, client: Any, function_name: str, source: str, batch_bytes: int = BATCH_BYTES) -> None:
        largest = LARGEST_BYTES - ENVELOPE_BYTES
        self.limits = Limits(bytes=min(batch_bytes, largest), event_bytes=largest)
        self._client = client
        self._function_name = function_name
        self._head = f'{{"Records":[{{"streamalert_app":{json.dumps(source)},"logs":['.encode()

    def send(self, batch: Batch) -> Answer:
        """Invoke the classifier: it takes all of a batch or nothing."""
        payload = b"".join((self._head, b",".join(batch.events), b"]}]}"))
        try:
            answer = self._client.invoke(
                FunctionName=self._function_name, Qualifier=ALIAS, InvocationType="Event", Payload=payload
            )
        except ClientError as error:
            return nothing_taken(batch, self._named(error))
        except BotoCoreError as error:
            name = type(error).__name__
            return nothing_taken(batch, DeliveryFailed(f"Can't connect to {self._function_name} ({name})."))
        with suppress(BotoCoreError):  # it is empty, but unread it keeps its connection from the next batch
            answer["Payload"].read()
        return Answer()

    def _named(self, error: ClientError) -> AppError:
        code = error.response["Error"]["Code"]
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if code in _PASSING or status in _PASSING_STATUSES or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return DeliveryFailed(f"{self._function_name} did not take a batch ({code}).")
        if code == "ResourceNotFoundException":
            return DeliveryRefused(
                f"There is no classifier {self._function_name}:{ALIAS}.",
                hint="Deploy StreamAlert's classifier.",
            )
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} or code == "AccessDeniedException":
            return CredentialsError(f"AWS does not allow invoking {self._function_name} ({code}).")
        return DeliveryRefused(f"{self._function_name} refused a batch ({code}).")
