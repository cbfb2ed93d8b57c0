"""The kit finds what is wrong with an app and says it in words. Each app here has one fault."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from streamalert_apps.errors import BadResponse, ConfigError, CredentialsError, RequestRefused
from streamalert_apps.sdk.app import App, Checkpoint, Json, Memory, Page
from streamalert_apps.sdk.clock import Clock
from streamalert_apps.sdk.events import Fetched
from streamalert_apps.testing import ManualClock, Report, check, conformance, scenarios
from tests.conformance.acme import AcmeEvents
from tests.conformance.acme_twin import AcmeTwin

test_a_good_app_comes_through_every_scenario = conformance(AcmeEvents, twin=AcmeTwin)


def report_of(kind: type[App], name: str, twin: type[AcmeTwin] = AcmeTwin, **options: Any) -> Report:
    scenario = next(scenario for scenario in scenarios() if scenario.name == name)
    return check(kind, twin, scenario, **options)


class ByTime(AcmeEvents):
    """Goes on after the last event's time, as StreamAlert's apps do."""

    step = timedelta(seconds=1)

    def start(self, since: datetime) -> Checkpoint:
        return {"since": since.isoformat()}

    def watermark(self, checkpoint: Checkpoint) -> datetime:
        return datetime.fromisoformat(checkpoint["since"])

    def poll(self, checkpoint: Checkpoint) -> Iterator[Page]:
        more = True
        while more:
            since = datetime.fromisoformat(checkpoint["since"])
            fetched = self.fetch(since, self.api.clock.now(), None)
            if fetched.rows:
                checkpoint = {"since": (self.stamp(fetched.rows[-1]).time + self.step).isoformat()}
            more = fetched.next is not None
            yield Page(fetched.rows, checkpoint, more=more)

    def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:  # noqa: ARG002 (it has none)
        return self.poll(checkpoint)


def test_events_that_share_a_second_across_a_page_are_missed() -> None:
    report = report_of(ByTime, "few_moments")

    assert report.lost > 0
    assert "that shared a second across the edge of page 1" in str(report)


def test_events_at_the_edge_come_twice() -> None:
    class Inclusive(ByTime):
        step = timedelta(0)

    report = report_of(Inclusive, "empty")

    assert (report.lost, report.repeated) == (0, 2)
    assert "2 events were collected again: 1 of" in str(report)


class Repeating(AcmeEvents):
    """Has no ids, and sends the last event of each page twice."""

    id_fields = ()

    def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
        fetched = super().fetch(since, until, token)
        return Fetched([*fetched.rows, *fetched.rows[-1:]], fetched.next)


def test_without_ids_an_event_unlike_all_others_must_not_come_again() -> None:
    assert report_of(Repeating, "backlog").repeated > 0
    assert report_of(Repeating, "growing").repeated > 0


def test_without_ids_one_of_equal_events_may_come_again_while_pages_move() -> None:
    class Equal(AcmeTwin):
        def identify(self, _: str, __: Mapping[str, Any]) -> str:
            return "event"

        def held(
            self, app_type: str, *, since: datetime | None = None, until: datetime | None = None
        ) -> Counter[str]:
            return Counter(event=super().held(app_type, since=since, until=until).total())

    assert report_of(Repeating, "backlog", Equal).repeated > 0
    assert report_of(Repeating, "growing", Equal).ok


def test_a_checkpoint_that_moves_before_the_service_has_answered_is_told() -> None:
    class Hasty(AcmeEvents):
        def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
            yield Page([], checkpoint | {"turns": self.api.clock.now().second + 7}, more=True)
            yield from super().walk(checkpoint, memory)

    assert "a run with wrong credentials moved the checkpoint" in str(report_of(Hasty, "wrong_credentials"))


def test_late_events_are_missed() -> None:
    class Prompt(AcmeEvents):
        lag = timedelta(seconds=10)

    report = report_of(Prompt, "late")

    assert report.lost > 0
    assert "12 events were lost: 1 of 09:58:12; 1 of 09:58:18" in str(report)
    assert report_of(AcmeEvents, "late").ok


class Eager(AcmeEvents):
    """Moves its checkpoint to the end of the walk with the first page."""

    def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
        pages = list(super().walk(checkpoint, memory))
        for page in pages:
            yield replace(page, checkpoint=pages[-1].checkpoint)


def test_a_checkpoint_moves_too_early() -> None:
    report = report_of(Eager, "resume")

    assert report.lost > 0
    assert "the checkpoint moved before page 2 was returned" in str(report)


def test_a_kill_shows_a_checkpoint_that_moved_too_early() -> None:
    report = report_of(Eager, "kill")

    assert report.lost > 0
    assert "killed" in str(report)


def test_a_checkpoint_is_no_json() -> None:
    class Dated(AcmeEvents):
        def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
            for page in super().walk(checkpoint, memory):
                yield replace(page, checkpoint=page.checkpoint | {"at": datetime.now(UTC)})

    assert "the checkpoint of page 1 is not JSON" in str(report_of(Dated, "backlog"))


def test_a_checkpoint_does_not_survive_json() -> None:
    class Keyed(AcmeEvents):
        def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
            for page in super().walk(checkpoint, memory):
                yield replace(page, checkpoint=page.checkpoint | {"counts": {1: 2}})

    assert "is another one after a way through JSON" in str(report_of(Keyed, "backlog"))


def test_a_checkpoint_is_too_large() -> None:
    class Bulky(AcmeEvents):
        def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
            for page in super().walk(checkpoint, memory):
                yield replace(page, checkpoint=page.checkpoint | {"more": "x" * 100_000})

    assert "characters; 100000 fit" in str(report_of(Bulky, "backlog"))


def test_pages_that_run_in_a_circle() -> None:
    class Circling(AcmeEvents):
        def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
            return Fetched(super().fetch(since, until, None).rows, token or "on and on")

    report = report_of(Circling, "backlog")

    assert report.stuck
    assert "it is stuck" in str(report)


def test_a_run_that_takes_no_notice_of_the_time() -> None:
    class Slow(AcmeEvents):
        def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
            self.api.clock.sleep(1000)
            return super().fetch(since, until, token)

    assert "still busy when its time was up" in str(report_of(Slow, "backlog"))


@pytest.mark.parametrize("place", ["a log line", "an error", "the head", "a repr"])
def test_a_secret_is_seen(place: str) -> None:
    class Leaky(AcmeEvents):
        def __repr__(self) -> str:
            return f"Leaky({self.credentials})" if place == "a repr" else "Leaky()"

        def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
            secret = self.credentials["secret"]
            if place == "a log line":
                logging.getLogger("acme").warning("signing in with %s", secret)
            if place == "an error":
                raise BadResponse(f"{secret} does not work")
            for page in super().walk(checkpoint, memory):
                seen = {"secret": secret} if place == "the head" else {}
                yield replace(page, checkpoint=page.checkpoint | seen)

    assert f"the credential 'secret' is seen in {place}" in str(report_of(Leaky, "backlog"))


def test_a_token_is_seen() -> None:
    class Chatty(AcmeEvents):
        def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
            fetched = super().fetch(since, until, token)
            logging.getLogger("acme").warning("%s", self._acme._header())
            return fetched

    assert "an access token is seen in a log line" in str(report_of(Chatty, "backlog"))


def test_refused_credentials_are_not_told_as_such() -> None:
    class Deaf(AcmeEvents):
        def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
            try:
                return super().fetch(since, until, token)
            except CredentialsError:
                raise RequestRefused("It did not work.") from None

    said = str(report_of(Deaf, "wrong_credentials"))

    assert "with wrong credentials a run has to fail as refused credentials; it failed" in said
    assert "check() with wrong credentials is to raise CredentialsError; it raised request_refused" in said


def test_a_refusal_passes_for_nothing_new() -> None:
    class Silent(AcmeEvents):
        def fetch(self, since: datetime, until: datetime, token: Json) -> Fetched:
            try:
                return super().fetch(since, until, token)
            except CredentialsError:
                return Fetched([])

    said = str(report_of(Silent, "wrong_credentials"))

    assert "with wrong credentials a run has to fail as refused credentials; it succeeded" in said
    assert "check() accepts wrong credentials" in said


def test_an_impatient_app_asks_again_too_soon() -> None:
    class Impatient(AcmeEvents):
        def walk(self, checkpoint: Checkpoint, memory: Memory) -> Iterator[Page]:
            self.api.pace.not_before = 0.0
            return super().walk(checkpoint, memory)

    said = str(report_of(Impatient, "service_429_long"))

    assert "before the time that Retry-After had named" in said


def test_an_app_says_too_little_of_itself() -> None:
    class Nameless(AcmeEvents):
        type = "acme"
        collects = ""

    said = str(report_of(Nameless, "form"))

    assert "its type is to be '<service>_<log>'; it is 'acme'" in said
    assert "it does not say what it collects" in said


def test_a_twin_that_lacks_something_is_told_by_name() -> None:
    class Bare:
        def __init__(self, *, clock: Clock, seed: int, page_size: int) -> None:
            self.made_with = (clock, seed, page_size)
            self.credentials = {"secret": "acme-secret"}

    with pytest.raises(ConfigError, match="The twin of acme_events lacks clock, wrong_credentials, facts"):
        check(AcmeEvents, Bare, scenarios()[1])


def test_over_real_sockets_it_is_the_same() -> None:
    assert report_of(AcmeEvents, "backlog", sockets=True).ok
    assert report_of(ByTime, "few_moments", sockets=True).lost == report_of(ByTime, "few_moments").lost > 0


def test_the_same_seed_gives_the_same_report() -> None:
    first, second = (report_of(AcmeEvents, "storm", seed=5) for _ in range(2))

    assert first == second


def test_many_like_messages_are_told_once() -> None:
    assert len(report_of(Eager, "kill").messages) < 10


def test_a_clock_moves_when_somebody_sleeps() -> None:
    clock = ManualClock()
    began = clock.now()

    clock.sleep(90)
    clock.sleep(-5)

    assert clock.now() - began == timedelta(seconds=90)
