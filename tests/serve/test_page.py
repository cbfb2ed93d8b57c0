"""The status page, as a browser shows it: the same as `status --json`, and nothing of elsewhere."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from streamalert_apps.runtime.head import Head, Position, Run
from streamalert_apps.runtime.history import Hour, hour_of
from streamalert_apps.serve import condition, page
from streamalert_apps.serve.heads import Found
from streamalert_apps.serve.plain import plain
from tests import browser
from tests.deploy.cloud import app

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf
    from streamalert_apps.plugins.registry import Registry

NOW = datetime(2026, 11, 26, 15, 30, tzinfo=UTC)
HOSTILE = "<img src=x onerror=parent.harmed=1>\"'\u202e\x1b[2J</style><script>parent.harmed=1</script>"
WIDTHS = (360, 1440)
# What a person sees of each app, read from the page itself.
LOOK = """(page, window) => {
  const text = (node) => node ? node.textContent.trim() : null;
  const value = (node) => node.value === "" ? null : Number(node.value);
  const rows = (app, title) => [...app.querySelectorAll(`[aria-label="${title}"] tbody tr`)].map(
    (row) => [...row.cells].map((cell) => {
      const time = cell.querySelector("time"), data = cell.querySelector("data");
      return time ? time.dateTime : data ? value(data) : text(cell);
    }));
  const style = window.getComputedStyle(page.querySelector(".app"));
  return {
    apps: [...page.querySelectorAll("details.app")].map((app) => ({
      function: app.dataset.function, open: app.open, name: text(app.querySelector("h2")),
      health: text(app.querySelector(".health")).split(" ").pop(),
      lag: value(app.querySelector("summary data")),
      told: [...app.querySelectorAll(".told li")].map(text),
      bars: app.querySelectorAll("rect").length,
      points: (app.querySelector("polyline") || {points: []}).points.length,
      destinations: rows(app, "Destinations"), runs: rows(app, "Last runs"), hours: rows(app, "By hour"),
      graphs: [...app.querySelectorAll("svg")].map((graph) => graph.getAttribute("aria-label")),
    })),
    warnings: [...page.querySelectorAll(".warnings li")].map(text),
    counts: [...page.querySelectorAll(".chips data")].map(value),
    too_wide: page.documentElement.scrollWidth - page.documentElement.clientWidth,
    asked: window.performance.getEntriesByType("resource").length,
    scripts: page.scripts.length, images: page.images.length, harmed: window.parent.harmed || 0,
    styled: style.borderLeftStyle, heading: text(page.querySelector("h1")),
    unnamed: [...page.querySelectorAll("summary, a, [tabindex]")].filter(
      (node) => !(text(node) || node.getAttribute("aria-label"))).length,
    unreachable: [...page.querySelectorAll("summary, a, [tabindex]")].filter(
      (node) => node.tabIndex < 0).length,
  };
}"""


@pytest.fixture(scope="module")
def types() -> Registry:
    from streamalert_apps.plugins.registry import Registry

    return Registry(None, lambda _: None)


def place(floor: float, looked: float) -> dict[str, Any]:
    times = {"floor": floor, "looked": looked, "swept": looked}
    return {key: (NOW - timedelta(minutes=ago)).isoformat() for key, ago in times.items()}


def head(**other: Any) -> Head:
    now = hour_of(NOW)
    runs = [
        Run(NOW - timedelta(minutes=30 - number), "succeeded", 1.5, 100 + number, 2000)
        for number in range(12)
    ]
    hours = [Hour(now - ago, 4, 0, 100 * ago, 20_000 * ago, 60.0 + ago) for ago in range(24, -1, -1)]
    fields = {"checkpoint": place(20, 5), "runs": runs, "hours": hours, "events": 1000, **other}
    return Head("arn", "birth", "00" * 16, 1, **fields)


def ill() -> Head:
    run = Run(NOW - timedelta(minutes=3), "failed", 2.0, 0, error="bad_response", message=HOSTILE)
    stuck = Position(3, events=880, until=(NOW - timedelta(minutes=90)).timestamp(), dead=2)
    stuck.state, stuck.error, stuck.message = "configuration", "credentials_refused", HOSTILE
    ends = (NOW + timedelta(days=3)).timestamp()
    return head(
        runs=[run], hours=[], checkpoint=place(90, 60), positions={"splunk": stuck}, credentials_until=ends
    )


@pytest.fixture(scope="module")
def apps(types: Registry) -> list[dict[str, Any]]:
    """What `status --json` says of four apps."""

    def named(name: str, left: Head | None) -> tuple[AppConf, Found]:
        return app(name=name), Found(NOW, left)

    four = [
        named("fine", head(positions={"lake": Position(9, events=1000)})),
        named("ill", ill()),
        named("new", None),
        named(HOSTILE, head(positions={"lake": Position(9, events=900)})),
    ]
    statuses = condition.read([one for one, _ in four], [found for _, found in four], types, None)
    described = [status.described() for status in condition.worst_first(statuses)]
    told: list[dict[str, Any]] = json.loads(json.dumps(described))
    return told


@pytest.fixture(scope="module")
def html(apps: list[dict[str, Any]]) -> str:
    return page.page(page.Answer(apps, [HOSTILE], f"acme {HOSTILE}", NOW))


@pytest.fixture(scope="module")
def seen(html: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return browser.look(html, LOOK, tmp_path_factory.mktemp("page"), WIDTHS)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_shows_what_json_says(seen: dict[str, Any], apps: list[dict[str, Any]], width: int) -> None:
    shown = seen[str(width)]
    assert [one["function"] for one in shown["apps"]] == [plain(one["function"]) for one in apps]
    for one, told in zip(shown["apps"], apps, strict=True):
        assert (one["health"], one["lag"]) == (told["health"], told["lag_seconds"])
        assert one["told"] == [plain(text) for text in (*told["problems"], *told["notes"])]
        assert one["runs"] == [
            [
                run["started"],
                run["outcome"],
                run["logs"],
                f"{run['seconds']:.1f} s",
                plain(f"{run['error']} {run['message']}".strip()),
            ]
            for run in told["runs"]
        ]
        keys = ("began", "logs", "bytes", "lag_seconds", "runs", "failed")
        assert one["hours"] == [[hour[key] for key in keys] for hour in told["hours"]]
        of_sink = ("name", "state", "lag_seconds", "waiting_events", "dead")
        assert one["destinations"] == [
            [*(each[key] for key in of_sink), plain(each["message"])] for each in told["destinations"]
        ]
    assert sum(shown["counts"]) == len(apps)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_graphs_have_an_hour_a_bar_and_a_point_and_say_in_words_what_they_show(
    seen: dict[str, Any], width: int
) -> None:
    (fine,) = (one for one in seen[str(width)]["apps"] if one["name"] == "fine (prod)")
    assert (fine["bars"], fine["points"]) == (24, 25)  # nothing happened in the hour that is not over
    assert fine["graphs"] == [
        "Lag: 1 min at most in the last day",
        "Events an hour: 2,400 at most, 30,000 in the last day",
    ]


@pytest.mark.parametrize("width", WIDTHS)
def test_it_fits_the_screen(seen: dict[str, Any], width: int) -> None:
    assert seen[str(width)]["too_wide"] <= 0


def test_its_own_style_holds_and_what_comes_from_outside_does_nothing(seen: dict[str, Any]) -> None:
    for shown in seen.values():
        assert shown["styled"] == "solid"
        assert (shown["asked"], shown["scripts"], shown["images"], shown["harmed"]) == (0, 0, 0, 0)
        assert shown["heading"] == plain(f"acme {HOSTILE}")
        assert shown["warnings"] == [plain(HOSTILE)]


def test_what_is_wrong_is_open_and_all_of_it_can_be_reached_by_the_keyboard(seen: dict[str, Any]) -> None:
    for shown in seen.values():
        assert [one["open"] for one in shown["apps"]] == [True, False, False, False]
        assert (shown["unnamed"], shown["unreachable"]) == (0, 0)


def test_it_asks_nobody_for_anything_and_says_so(html: str) -> None:
    assert re.findall(r"(?:src|href)=\"([^\"]*)\"", html) == ["#apps"]
    assert "url(" not in page.STYLE
    assert page.POLICY.startswith("default-src 'none'; style-src 'sha256-")


def test_a_project_without_apps_says_what_to_do() -> None:
    assert "<code>sa-apps new</code>" in page.page(page.Answer([], [], "acme", NOW))


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_its_colours_can_be_read(scheme: int) -> None:
    colours = [
        dict(re.findall(r"--(\w+): (#\w+)", block)) for block in re.findall(r":root \{[^}]*\}", page.STYLE)
    ]
    for ground in ("ground", "card"):
        for ink in ("ink", "soft", "bad", "odd", "good"):
            assert contrast(colours[scheme][ink], colours[scheme][ground]) >= 4.5, (ink, ground)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
