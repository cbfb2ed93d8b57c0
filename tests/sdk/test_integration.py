"""StreamAlert's own way to write an app works as it did, and tells failures from silence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from streamalert_apps import LOGGER, AppIntegration, StreamAlertApp
from streamalert_apps.errors import (
    AppError,
    BadResponse,
    ConfigError,
    CredentialsError,
    RateLimited,
    RequestRefused,
    Unavailable,
    UsageError,
)
from streamalert_apps.sdk.app import Checkpoint, Page
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.http import Api
from tests.simulator.world import NOW, StillClock

AUTH = {"token": "t0ken", "client_id": "c1", "secret_key": "k1"}


@StreamAlertApp
class BoxApp(AppIntegration):
    """Box StreamAlert App"""

    _BOX_API_V2_EVENTS_ENDPOINT = "https://api.box.com/2.0/events"
    _MAX_EVENTS_LIMIT = 5

    @classmethod
    def service(cls) -> str:
        return "box"

    @classmethod
    def _type(cls) -> str:
        return "admin_logs"

    def required_auth_info(self) -> dict[str, Any]:
        return {
            "secret_key": {
                "description": "the secret key for this Box instance...",
                "format": re.compile(r"[a-z0-9]+"),
            },
            "client_id": {
                "description": "the client_id for this Box instance...",
                "format": re.compile(r"[a-z0-9]+"),
            },
            "token": {
                "description": "the token for this Box instance...",
                "format": re.compile(r"[a-z0-9]+"),
            },
        }

    def _sleep_seconds(self) -> float:
        return self._poll_count / 10 * 1

    def _gather_logs(self) -> list[Any] | bool:
        headers = {"Authorization": f"Bearer {self._config.auth['token']}"}
        params = {
            "stream_position": self._last_timestamp,
            "limit": self._MAX_EVENTS_LIMIT,
            "stream_type": "admin_logs",
        }
        success, response = self._make_get_request(self._BOX_API_V2_EVENTS_ENDPOINT, headers, params)
        if not success:
            LOGGER.error("no logs")
            return False
        logs: list[Any] = response["entries"]
        self._last_timestamp = response["next_stream_position"]
        self._more_to_poll = len(logs) >= self._MAX_EVENTS_LIMIT
        return logs


class Box:
    """Hands out numbered entries by position."""

    def __init__(self, entries: int) -> None:
        self.entries = entries
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        position, limit = (int(request.url.params[name]) for name in ("stream_position", "limit"))
        entries = [{"event_id": n} for n in range(position, min(position + limit, self.entries))]
        return httpx.Response(200, json={"entries": entries, "next_stream_position": position + len(entries)})


def api(answer: Callable[[httpx.Request], httpx.Response], *, left: float = float("inf")) -> Api:
    clock = StillClock()
    end = left

    def seconds() -> float:
        return end - (clock.now() - NOW).total_seconds()

    return Api(clock=clock, deadline=Deadline(seconds), transport=httpx.MockTransport(answer))


def answering(*answers: httpx.Response) -> Callable[[httpx.Request], httpx.Response]:
    queue = list(answers)
    return lambda _: queue.pop(0) if len(queue) > 1 else queue[0]


class Plain(AppIntegration):
    """An app whose gathering is a function of the test."""

    gather: Callable[[Any], Any]
    seconds = 0.0

    @classmethod
    def service(cls) -> str:
        return "acme"

    @classmethod
    def _type(cls) -> str:
        return "audit"

    @classmethod
    def required_auth_info(cls) -> dict[str, Any]:
        return {}

    def _sleep_seconds(self) -> float:
        return self.seconds

    def _gather_logs(self) -> Any:
        return type(self).gather(self)


def plain(gather: Callable[[Any], Any], **says: Any) -> type[AppIntegration]:
    return StreamAlertApp(type("Acme", (Plain,), {"gather": staticmethod(gather), **says}))


def polled(app: AppIntegration, checkpoint: Checkpoint | None = None) -> list[Page]:
    return list(app.poll(checkpoint or {"last_timestamp": 0, "context": {}}))


# The example of StreamAlert's documentation


def test_streamalerts_own_example_collects_everything() -> None:
    box = Box(13)

    pages = polled(BoxApp(AUTH, api(box)))

    assert [log["event_id"] for page in pages for log in page.logs] == list(range(13))  # type: ignore[call-overload]
    assert [page.more for page in pages] == [True, True, False]
    assert pages[-1].checkpoint == {"last_timestamp": 13, "context": {}}
    assert {request.headers["Authorization"] for request in box.requests} == {"Bearer t0ken"}


def test_it_goes_on_in_a_new_object_from_any_page() -> None:
    box = Box(13)
    first = polled(BoxApp(AUTH, api(box)))[0]

    rest = polled(BoxApp(AUTH, api(box)), first.checkpoint)

    assert [log["event_id"] for page in rest for log in page.logs] == list(range(5, 13))  # type: ignore[call-overload]


def test_its_type_fields_and_description_come_from_what_it_says() -> None:
    assert BoxApp.type == "box_admin_logs"
    assert BoxApp.collects == "Box StreamAlert App"
    assert [field.name for field in BoxApp.auth] == ["secret_key", "client_id", "token"]
    assert all(field.secret for field in BoxApp.auth)
    assert BoxApp.auth[0].parse("abc") == "abc"
    with pytest.raises(UsageError):
        BoxApp.auth[0].parse("abc!")


# What an app may say in several ways


def info(self_or_cls: Any) -> dict[str, Any]:
    return {"token": {"description": "a token", "format": re.compile("x+")}}


@pytest.mark.parametrize("name", ["required_auth_info", "_required_auth_info"])
@pytest.mark.parametrize("kind", [lambda function: function, classmethod], ids=["instance", "class"])
def test_the_fields_may_come_from_a_method_of_the_instance_or_of_the_class(
    name: str, kind: Callable[[Any], Any]
) -> None:
    says = {"required_auth_info": None, name: kind(info)}

    cls = plain(lambda _: [], **says)

    assert [(field.name, field.description) for field in cls.auth] == [("token", "a token")]


def test_a_format_may_be_a_text_a_function_or_left_out() -> None:
    fields = {
        "word": {"description": "a word", "format": "[a-z]+"},
        "file": {"description": "a file", "format": lambda text: {"content": text}},
        "free": {"description": "anything"},
    }
    cls = plain(lambda _: [], required_auth_info=classmethod(lambda _: fields))

    word, file, free = cls.auth
    assert word.parse("abc") == "abc"
    assert file.parse("x") == {"content": "x"}
    assert free.parse("any\nthing") == "any\nthing"
    with pytest.raises(UsageError, match="'word' is invalid"):
        word.parse("abc1")


def test_an_app_that_needs_nothing_says_so() -> None:
    assert plain(lambda _: []).auth == ()


def test_a_class_that_leaves_something_out_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"Half does not say _gather_logs, _sleep_seconds, _type"):

        @StreamAlertApp
        class Half(AppIntegration):
            @classmethod
            def service(cls) -> str:
                return "half"


def test_a_class_without_fields_is_refused() -> None:
    with pytest.raises(ConfigError, match="does not say required_auth_info"):
        plain(lambda _: [], required_auth_info=None)


# Failure and silence


def test_an_empty_list_is_nothing_new() -> None:
    (page,) = polled(plain(lambda _: [])({}, api(answering(httpx.Response(200)))))

    assert (page.logs, page.more) == ([], False)


def test_false_is_a_failure() -> None:
    with pytest.raises(Unavailable, match="acme_audit could not gather its logs"):
        polled(plain(lambda _: False)({}, api(answering(httpx.Response(200)))))


def ask(app: Any) -> Any:
    success, answer = app._make_get_request("https://api.acme.test/v1", {})
    return answer["rows"] if success else False


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (401, CredentialsError),
        (403, CredentialsError),
        (404, RequestRefused),
        (400, RequestRefused),
        (302, BadResponse),
        (500, Unavailable),
    ],
)
def test_a_failure_has_the_reason_that_http_gave(status: int, error: type[AppError]) -> None:
    app = plain(ask)({}, api(answering(httpx.Response(status, json={"message": "no"}))))

    with pytest.raises(error, match=f"answered {status}"):
        polled(app)


def test_a_page_for_people_is_a_failure() -> None:
    app = plain(ask)({}, api(answering(httpx.Response(200, text="<html>"))))

    with pytest.raises(BadResponse, match="is not JSON"):
        polled(app)


def test_a_limit_is_waited_out_and_not_taken_for_a_failure() -> None:
    limited = httpx.Response(429, headers={"Retry-After": "30"})
    app = plain(ask)({}, api(answering(limited, httpx.Response(200, json={"rows": [{"n": 1}]}))))

    assert polled(app)[0].logs == [{"n": 1}]


def test_a_limit_that_the_time_left_does_not_cover_is_told_as_one() -> None:
    limited = httpx.Response(429, headers={"Retry-After": "300"})
    app = plain(ask)({}, api(answering(limited), left=60))

    with pytest.raises(RateLimited) as raised:
        polled(app)

    assert raised.value.retry_after == 300


def test_the_answer_of_a_refusal_can_be_read() -> None:
    seen: list[Any] = []

    def gather(app: Any) -> Any:
        seen.append(app._make_get_request("https://api.acme.test/v1", None))
        return []

    polled(plain(gather)({}, api(answering(httpx.Response(400, json={"code": 7})))))

    assert seen == [(False, {"code": 7})]


def test_the_reason_of_an_earlier_poll_is_not_that_of_a_later_one() -> None:
    answers = answering(httpx.Response(404), httpx.Response(200, json={}))

    def gather(app: Any) -> Any:
        app._make_get_request("https://api.acme.test/v1", {})
        app._more_to_poll = True
        return [{"n": 1}] if app._poll_count == 1 else False

    with pytest.raises(Unavailable, match="could not gather"):
        polled(plain(gather)({}, api(answers)))


@pytest.mark.parametrize(
    ("is_json", "content"), [(True, b'{"since":1}'), (False, b"since=1")], ids=["json", "form"]
)
def test_a_post_carries_json_or_a_form(*, is_json: bool, content: bytes) -> None:
    requests: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200, json={"rows": []})

    def gather(app: Any) -> Any:
        _, rows = app._make_post_request(
            "https://api.acme.test/v1", {}, {"since": "1"} if not is_json else {"since": 1}, is_json
        )
        return rows["rows"]

    polled(plain(gather)({}, api(answer)))

    assert [request.content for request in requests] == [content]


# Where it is


def test_what_an_app_keeps_in_its_context_is_there_in_the_next_process() -> None:
    def gather(app: Any) -> Any:
        app._context["seen"] = [*app._context.get("seen", []), app._last_timestamp]
        app._last_timestamp += 1
        app._more_to_poll = app._poll_count < 2
        return [{"n": app._last_timestamp}]

    cls = plain(gather)
    pages = polled(cls({}, api(answering(httpx.Response(200)))))
    rest = polled(cls({}, api(answering(httpx.Response(200)))), pages[0].checkpoint)

    assert [page.checkpoint for page in pages] == [
        {"last_timestamp": 1, "context": {"seen": [0]}},
        {"last_timestamp": 2, "context": {"seen": [0, 1]}},
    ]
    assert rest[0].checkpoint == pages[1].checkpoint


def test_an_app_may_start_with_a_time_in_its_own_form() -> None:
    since = datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    formatted = plain(lambda _: [], date_formatter=classmethod(lambda _: "%Y-%m-%dT%H:%M:%SZ"))

    assert formatted({}, api(answering())).start(since)["last_timestamp"] == "2023-11-14T22:13:20Z"
    assert plain(lambda _: [])({}, api(answering())).start(since)["last_timestamp"] == 1_700_000_000


def test_what_streamalert_stored_is_taken_as_it_is() -> None:
    app = plain(lambda _: [])({}, api(answering()))

    checkpoint = app.adopt("1152922976252290886", {"cursor": "c"})

    assert checkpoint == {"last_timestamp": "1152922976252290886", "context": {"cursor": "c"}}
    assert app.last_timestamp(checkpoint) == "1152922976252290886"


def test_the_last_timestamp_and_the_auth_are_there_as_streamalert_had_them() -> None:
    seen: list[Any] = []

    def gather(app: Any) -> Any:
        seen.append((app._config.auth["token"], app._config.last_timestamp, app._last_timestamp))
        return []

    polled(plain(gather)({"token": "t"}, api(answering())), {"last_timestamp": 7, "context": {}})

    assert seen == [("t", 7, 7)]


# Time


def more(app: Any) -> Any:
    app._more_to_poll = True
    return []


def test_an_app_sleeps_between_two_polls_and_not_before_the_first() -> None:
    app = plain(more, seconds=10.0)({}, api(answering()))
    pages: Iterator[Page] = app.poll({"last_timestamp": 0, "context": {}})
    waited = []
    for _ in range(3):
        next(pages)
        waited.append(app.api.clock.now() - NOW)

    assert waited == [timedelta(seconds=n) for n in (0, 10, 20)]


def test_a_sleep_that_the_time_left_does_not_cover_ends_the_run() -> None:
    app = plain(more, seconds=10.0)({}, api(answering(), left=25))
    with pytest.raises(RateLimited):
        polled(app)

    assert app.api.clock.now() - NOW == timedelta(seconds=20)


def test_the_example_counts_its_polls_for_its_sleep() -> None:
    clock_before = NOW
    app = BoxApp(AUTH, api(Box(13)))

    polled(app)

    assert app.api.clock.now() - clock_before == timedelta(seconds=0.3)


def test_a_check_asks_once() -> None:
    asked: list[int] = []

    def gather(app: Any) -> Any:
        asked.append(app._last_timestamp)
        app._more_to_poll = True
        return []

    plain(gather)({}, api(answering())).check()

    assert len(asked) == 1
