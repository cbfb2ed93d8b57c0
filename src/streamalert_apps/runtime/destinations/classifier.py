"""StreamAlert's classifier function, invoked asynchronously."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.errors import CredentialsError, DeliveryFailed, DeliveryRefused
from streamalert_apps.runtime.batch import Bytes
from streamalert_apps.runtime.names import ALIAS

_PASSING: Final = {"TooManyRequestsException", "ServiceException", "ThrottlingException"}


class ClassifierLambda:
    """Delivers `{"Records": [{"streamalert_app": source, "logs": […]}]}`; `source` is the app's function."""

    def __init__(self, client: Any, function_name: str, source: str) -> None:
        self._client = client
        self._function_name = function_name
        self._head = f'{{"Records":[{{"streamalert_app":{json.dumps(source)},"logs":['.encode()

    def forward(self, batch: Sequence[Bytes]) -> None:
        """Invoke the classifier; raise DeliveryFailed where trying again may help."""
        payload = b"".join((self._head, b",".join(batch), b"]}]}"))
        try:
            answer = self._client.invoke(
                FunctionName=self._function_name, Qualifier=ALIAS, InvocationType="Event", Payload=payload
            )
        except ClientError as error:
            raise self._named(error) from None
        except BotoCoreError as error:
            raise DeliveryFailed(
                f"{self._function_name} can't be reached ({type(error).__name__})."
            ) from None
        with suppress(BotoCoreError):  # it is empty, but unread it keeps its connection from the next batch
            answer["Payload"].read()

    def _named(self, error: ClientError) -> Exception:
        code = error.response["Error"]["Code"]
        if code in _PASSING or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:  # noqa: PLR2004
            return DeliveryFailed(f"{self._function_name} did not take a batch ({code}).")
        if code == "ResourceNotFoundException":
            return DeliveryRefused(
                f"There is no classifier {self._function_name}:{ALIAS}.",
                hint="Deploy StreamAlert's classifier.",
            )
        if code == "AccessDeniedException":
            return CredentialsError(f"AWS does not allow invoking {self._function_name}.")
        return DeliveryRefused(f"{self._function_name} refused a batch ({code}).")
