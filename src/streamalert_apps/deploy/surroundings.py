"""What apps rely on and deploys do not make: who hears the alarms, what keeps what the classifier lost."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from streamalert_apps.deploy.patience import explained
from streamalert_apps.deploy.place import Place
from streamalert_apps.deploy.view import found
from streamalert_apps.errors import AppError
from streamalert_apps.runtime import names

_NO_TOPIC: Final = {"NotFound", "NotFoundException"}


def warnings(sns: Any, functions: Any, place: Place, clusters: Collection[str]) -> list[str]:
    """Return what there is to say, a line each; or why that can't be told."""
    told = alarms(sns, place)
    for cluster in sorted(clusters):
        name = names.classifier(place.prefix, cluster)
        told += _checked(f"What becomes of events that {name} loses", partial(_lost, functions, name))
    return told


def alarms(sns: Any, place: Place) -> list[str]:
    """Return what there is to say of the topic that alarms go to."""
    return _checked("Whether anybody hears the alarms", partial(_alarms, sns, place))


def _checked(what: str, look: Callable[[], Iterator[str]]) -> list[str]:
    try:
        return list(look())
    except (AppError, ClientError, BotoCoreError) as error:
        return [f"{what} could not be checked: {explained(error).message}"]


def _alarms(sns: Any, place: Place) -> Iterator[str]:
    try:
        topic = sns.get_topic_attributes(TopicArn=place.topic())["Attributes"]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NO_TOPIC:
            raise
        yield f"There is no SNS topic {place.alarm_topic}: nobody hears the alarms."
        return
    if not int(topic.get("SubscriptionsConfirmed") or 0):
        yield f"The SNS topic {place.alarm_topic} has no subscriber: nobody hears the alarms."


def _lost(functions: Any, name: str) -> Iterator[str]:
    """Yield where nothing keeps an invocation that failed; a classifier that is not there loses none."""
    there = found(lambda: functions.get_function(FunctionName=name, Qualifier=names.ALIAS))
    if not there or (there["Configuration"].get("DeadLetterConfig") or {}).get("TargetArn"):
        return
    call = functions.get_function_event_invoke_config
    asked = found(lambda: call(FunctionName=name, Qualifier=names.ALIAS))
    on_failure = ((asked or {}).get("DestinationConfig") or {}).get("OnFailure") or {}
    if not on_failure.get("Destination"):
        yield (
            f"{name} has no dead-letter queue: events of an invocation that fails three times are "
            "nowhere but in the apps' records."
        )
