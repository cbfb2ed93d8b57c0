"""The System Log against a twin: polled link by link, with a token or a key, on whatever host of Okta's."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from streamalert_apps import services
from streamalert_apps.errors import BadResponse, CredentialsError, UsageError
from streamalert_apps.services.okta.twin import Okta
from streamalert_apps.simulator.contract import Request, Response
from streamalert_apps.simulator.faults import Delivery, Fault
from streamalert_apps.simulator.oauth import rsa_key
from tests.services.running import Collector, nothing_lost_or_repeated
from tests.simulator.world import NOW, StillClock

APP = "okta_system_log"
START = NOW - timedelta(hours=2)

signing_in = pytest.mark.parametrize("sign_in", ["token", "key"])


def collector(*, faults: tuple[Fault, ...] = (), **options: Any) -> Collector:
    return Collector(Okta(StillClock(), **({"rate": None} | options)), APP, START, faults)


@signing_in
def test_a_backlog_arrives_whole_whichever_way_it_signs_in(sign_in: str) -> None:
    app = collector(sign_in=sign_in)
    app.twin.seed(APP, events=2500, burst=1200, start=START, end=NOW)

    app.cut_short(runs=6)
    app.finish()

    assert nothing_lost_or_repeated(app.tally())
    assert app.tally().arrived == 2500


def test_an_event_that_is_stored_hours_late_arrives_once() -> None:
    app = collector()
    app.twin.seed(APP, events=300, late=100, lateness=timedelta(hours=3), start=START, end=NOW)

    app.come_to_rest(lag=timedelta(hours=3))

    assert nothing_lost_or_repeated(app.tally())


def test_a_run_goes_on_at_the_link_that_the_one_before_it_got() -> None:
    app = collector()
    app.twin.seed(APP, events=20, start=START, end=NOW)
    app.finish()
    before = len(app.requests)
    app.twin.clock.sleep(60)
    app.twin.put(APP, at=app.twin.clock.now())
    app.finish()

    asked = [dict(one.params) for one in app.requests]
    assert "since" in asked[0]
    assert all("after" in params and "since" not in params for params in asked[before:])
    assert app.tally().arrived == 21


def test_a_link_that_is_not_known_any_more_costs_no_event() -> None:
    app = collector()
    app.twin.seed(APP, events=50, start=START, end=NOW)
    app.finish()
    assert isinstance(app.twin, Okta)
    app.twin.forget_cursors()
    app.twin.clock.sleep(3600)
    app.twin.put(APP, at=app.twin.clock.now() - timedelta(minutes=50))

    app.finish()

    assert nothing_lost_or_repeated(app.tally())


class Relinked:
    """A fault: the link to the next page is another one, or there is none."""

    def __init__(self, old: str, new: str) -> None:
        self.old, self.new = old, new

    def deliver(self, twin: Any, request: Request) -> Delivery:
        answer = twin.handle(request)
        headers = tuple((name, value.replace(self.old, self.new)) for name, value in answer.headers)
        return Delivery(Response(answer.status, answer.body, headers))


def test_a_link_to_another_place_is_not_followed() -> None:
    app = collector(faults=(Fault(Relinked("https://acme.okta.com", "https://evil.example.com")),))
    app.twin.seed(APP, events=1500, start=START, end=NOW)

    app.finish()

    assert nothing_lost_or_repeated(app.tally())  # the twin answers at its own host alone


def test_events_without_a_link_to_go_on_with_are_an_error() -> None:
    app = collector(faults=(Fault(Relinked('rel="next"', 'rel="other"')),))
    app.twin.seed(APP, events=50, start=START, end=NOW)

    with pytest.raises(BadResponse, match="no link"):
        app.finish()


def test_the_limit_is_waited_out_until_the_moment_that_okta_names() -> None:
    app = collector(rate=3, page_size=20)
    app.twin.seed(APP, events=100, start=START, end=NOW)

    app.finish()

    assert [asked.status for asked in app.requests][:5] == [200, 200, 200, 429, 200]
    assert nothing_lost_or_repeated(app.tally())


@pytest.mark.parametrize(
    ("options", "changed", "hint"),
    [
        ({}, {"token": "00" + "x" * 40}, "unused for 30 days"),
        ({}, {"host": "nobody.okta.com"}, "Check the host"),
        ({"permitted": False}, {}, "Read-Only Administrator"),
        ({}, {"token": None}, "one of the two"),
        ({"sign_in": "key"}, {"client_id": "0oanobody"}, "Check client ID"),
        ({"sign_in": "key"}, {"key_id": "another"}, "Check client ID"),
        ({"sign_in": "key", "granted": False}, {}, "okta.logs.read"),
        ({"sign_in": "key", "dpop": True}, {}, "DPoP"),
        ({"sign_in": "key", "permitted": False}, {}, "Read-Only Administrator"),
    ],
)
def test_credentials_that_are_refused_are_explained(
    options: dict[str, Any], changed: dict[str, Any], hint: str
) -> None:
    app = collector(**options)
    app.credentials = dict(app.twin.credentials) | changed

    with pytest.raises(CredentialsError) as refused:
        app.app().check()

    assert hint in refused.value.hint


def test_a_token_that_was_not_used_for_a_month_is_refused() -> None:
    app = collector()
    app.app().check()
    app.twin.clock.sleep(31 * 86_400)

    with pytest.raises(CredentialsError):
        app.app().check()


def field(name: str) -> Any:
    (found,) = (one for one in services.find(APP).auth if one.name == name)
    return found


@pytest.mark.parametrize(
    "host",
    [
        "acme.okta.com",
        "acme.oktapreview.com",
        "acme.okta-emea.com",
        "acme.okta-gov.com",
        "acme.okta.mil",
        "acme.okta-miltest.com",
        "acme.trex-govcloud.com",
    ],
)
def test_an_organization_of_each_cloud_is_asked(host: str) -> None:
    app = collector(host=host)
    app.twin.put(APP, at=NOW - timedelta(minutes=1))

    app.finish()

    assert field("host").parse(f"https://{host.upper()}/") == host
    assert app.tally().arrived == 1


@pytest.mark.parametrize(
    "host",
    [
        "acme-admin.okta.com",
        "okta.com",
        "acme.okta.com.evil.test",
        "acme.evil-okta.com",
        "a.acme.okta.com",
        "acme",
    ],
)
def test_another_host_is_not_taken(host: str) -> None:
    with pytest.raises(UsageError):
        field("host").parse(host)


def web_key() -> dict[str, str]:
    """Return the twin's key as a JSON Web Key."""
    key = rsa_key().private_numbers()
    public = key.public_numbers
    numbers = {"n": public.n, "e": public.e, "d": key.d, "p": key.p, "q": key.q}
    numbers |= {"dp": key.dmp1, "dq": key.dmq1, "qi": key.iqmp}
    told = {
        name: urlsafe_b64encode(number.to_bytes(-(-number.bit_length() // 8))).rstrip(b"=").decode()
        for name, number in numbers.items()
    }
    return {"kty": "RSA", "kid": "k1", "use": "sig"} | told


@pytest.mark.parametrize("form", ["PEM", "JWK", "file of PEM", "file of JWK"])
def test_a_private_key_is_taken_in_both_forms_that_okta_shows(form: str, tmp_path: Path) -> None:
    pem = Okta(StillClock(), sign_in="key").credentials["private_key"]["private_key"]
    text = json.dumps(web_key()) if "JWK" in form else pem
    if "file" in form:
        (tmp_path / "key").write_text(text)
        text = str(tmp_path / "key")

    stored = field("private_key").parse(text)

    assert stored == {"private_key": stored["private_key"]} | (
        {"private_key_id": "k1"} if "JWK" in form else {}
    )
    assert stored["private_key"].split() == pem.split()
    assert field("private_key").parse(json.dumps(stored)) == stored


@pytest.mark.parametrize("missing", ["d", "qi", "n"])
def test_a_public_key_is_not_taken_for_a_private_one(missing: str) -> None:
    key = web_key()
    del key[missing]

    with pytest.raises(UsageError, match="not a private key of RSA"):
        field("private_key").parse(json.dumps(key))
