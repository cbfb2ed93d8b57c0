"""What apps rely on and deploys do not make: who hears the alarms, what keeps what the classifier lost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, Final, NamedTuple

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.deploy.patience import explained
from streamalert_apps.deploy.place import Place
from streamalert_apps.deploy.view import found
from streamalert_apps.errors import AppError
from streamalert_apps.runtime import names

_UNHEARD: Final = "nobody hears the alarms"
_NO_TOPIC: Final = {"NotFound", "NotFoundException"}


class Lack(NamedTuple):
    """Something that is missing, and what comes of it; `is_there`: it is, but of no use."""

    what: str
    why: str
    is_there: bool = False

    def text(self) -> str:
        """Return it in one line."""
        return f"{self.what}: {self.why}."


def warnings(sns: Any, functions: Any, place: Place, clusters: Collection[str]) -> list[str]:
    """Return what there is to say, a line each; or why that can't be told."""
    told = unheard(sns, place)
    for cluster in sorted(clusters):
        name = names.classifier(place.prefix, cluster)
        told += _checked(f"What becomes of events that {name} loses", partial(lost, functions, name))
    return told


def unheard(sns: Any, place: Place) -> list[str]:
    """Return why nobody hears the alarms, a line each; or why that can't be told."""
    return _checked("Whether anybody hears the alarms", partial(alarms, sns, place))


def _checked(what: str, look: Callable[[], Iterator[Lack]]) -> list[str]:
    try:
        return [lack.text() for lack in look()]
    except (AppError, ClientError, BotoCoreError) as error:
        return [f"{what} could not be checked: {explained(error).message}"]


def alarms(sns: Any, place: Place) -> Iterator[Lack]:
    """Yield why nobody hears the alarms."""
    try:
        topic = sns.get_topic_attributes(TopicArn=place.topic())["Attributes"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_TOPIC:
            raise
        yield Lack(f"There is no SNS topic {place.alarm_topic}", _UNHEARD)
        return
    if not int(topic.get("SubscriptionsConfirmed") or 0):
        yield Lack(f"The SNS topic {place.alarm_topic} has no subscriber", _UNHEARD, is_there=True)


def lost(functions: Any, name: str) -> Iterator[Lack]:
    """Yield where nothing keeps an invocation that failed; a classifier that is not there loses none."""
    there = found(lambda: functions.get_function(FunctionName=name, Qualifier=names.ALIAS))
    if not there or (there["Configuration"].get("DeadLetterConfig") or {}).get("TargetArn"):
        return
    call = functions.get_function_event_invoke_config
    asked = found(lambda: call(FunctionName=name, Qualifier=names.ALIAS))
    on_failure = ((asked or {}).get("DestinationConfig") or {}).get("OnFailure") or {}
    if not on_failure.get("Destination"):
        why = "events of an invocation that fails three times are nowhere but in the apps' records"
        yield Lack(f"{name} has no dead-letter queue", why)
