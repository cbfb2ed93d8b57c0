"""The status page: one HTML file that asks nobody for anything, and runs nothing.

It shows what `status --json` says, word for word and number for number, and no content of an event. All
text is escaped; the policy in it lets a browser use the page's own style and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from importlib.resources import files
from typing import Any, Final

from streamalert_apps.sdk.count import counted
from streamalert_apps.serve.plain import plain

App = Mapping[str, Any]
"""What `status --json` says of an app."""

STYLE: Final = files(__package__).joinpath("page.css").read_text("utf-8")
_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
_SIGNS: Final = {"unhealthy": "✖", "warning": "▲", "healthy": "✔", "paused": "‖"}
_OPEN: Final = {"unhealthy", "warning"}
_WIDTH: Final = 240  # of a graph, in its own units
_HEIGHT: Final = 48
_UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What the page shows: apps in the order in which they shall stand, and what is wrong around them."""

    apps: Sequence[App]
    warnings: Sequence[str]
    title: str
    now: datetime


def page(answer: Answer) -> str:
    """Return the page."""
    counts = Counter(app["health"] for app in answer.apps)
    worst = next((health for health in _SIGNS if counts[health]), "healthy")
    chips = "".join(_chip(health, counts[health]) for health in _SIGNS if counts[health])
    warnings = "".join(f"<li>{_text(warning)}</li>" for warning in answer.warnings)
    return (
        "<!doctype html>\n"
        '<html lang="en"><head><meta charset="utf-8">'
        f"<title>{_SIGNS[worst]} {_text(answer.title)}: status</title>"
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">'
        f"<style>{STYLE}</style></head><body>"
        '<a class="skip" href="#apps">Skip to the apps</a>'
        f"<header><h1>{_text(answer.title)}</h1>"
        f"<p>As of {_time(answer.now.isoformat(timespec='seconds'))}</p>"
        f'<ul class="chips" aria-label="How many apps are how">{chips}</ul>'
        + (f'<ul class="warnings" aria-label="Warnings">{warnings}</ul>' if warnings else "")
        + f'</header><main id="apps">{"".join(map(_app, answer.apps)) or _empty()}</main>'
        "<footer><p>Times are in UTC. Lag is the age of the newest moment up to which everything is on "
        "record that the service has shown; a point of its line is the largest of an hour.</p></footer>"
        "</body></html>\n"
    )


def _empty() -> str:
    return "<p>No Apps configured. <code>sa-apps new</code> adds one.</p>"


def _app(app: App) -> str:
    """Return an app's part: a line that opens what there is to know of it."""
    health, name = app["health"], f"{app['name']} ({app['cluster']})"
    is_open = " open" if health in _OPEN else ""
    told = [f'<li class="problem">{_text(problem)}</li>' for problem in app["problems"]]
    told += [f"<li>{_text(note)}</li>" for note in app["notes"]]
    return (
        f'<details class="app {health}" data-function="{_text(app["function"])}"{is_open}><summary>'
        f'<span class="health">{_sign(health)} {health}</span> <h2>{_text(name)}</h2> '
        f'<span class="lag">lag {_length(app["lag_seconds"], "lag")}</span></summary>'
        + (f'<ul class="told">{"".join(told)}</ul>' if told else "")
        + f'<dl>{"".join(_facts(app))}</dl><div class="graphs">{_lag(app)}{_events(app)}</div>'
        f"{_destinations(app)}{_runs(app)}{_hours(app)}</details>"
    )


def _facts(app: App) -> Iterator[str]:
    deployment = app["deployment"]
    yield _fact("Type", _text(app["type"]))
    if deployment:
        yield _fact("Schedule", _text(deployment["schedule"]) + ("" if deployment["enabled"] else ", paused"))
        yield _fact("Version", _text(deployment["version"]))
        yield _fact("Runs in 24 hours", f"{deployment['invocations']:,}, {deployment['errors']:,} failed")
    if app["running_since"]:
        yield _fact("Running since", _time(app["running_since"]))
    if last := app["last_run"]:
        yield _fact(
            "Last run",
            f"{_time(last['started'])}, {counted(last['logs'], 'event')} in {last['seconds']:.1f} s",
        )
    else:
        yield _fact("Last run", "none yet")
    if app["recorded_until"]:
        yield _fact("On record until", _time(app["recorded_until"]))
    if app["collected_until"]:
        yield _fact("Complete until", _time(app["collected_until"]))
    if app["credentials_until"]:
        yield _fact("Credentials end", _time(app["credentials_until"]))


def _fact(name: str, value: str) -> str:
    return f"<div><dt>{name}</dt><dd>{value}</dd></div>"


def _lag(app: App) -> str:
    """Return the line of an app's lag, an hour a point; where no run told it, there is none."""
    lags = [hour["lag_seconds"] for hour in app["hours"]]
    known = [lag for lag in lags if lag is not None]
    if not known:
        return _figure("Lag", "no run told it in the last day", "")
    most, step = max(*known, 1), _WIDTH / max(1, len(lags) - 1)
    points = [
        f"{number * step:.1f},{_HEIGHT - 2 - lag / most * (_HEIGHT - 4):.1f}"
        for number, lag in enumerate(lags)
        if lag is not None
    ]
    line = f'<polyline points="{" ".join(points)}"/>'
    if len(points) == 1:
        x, y = points[0].split(",")
        line = f'<circle cx="{x}" cy="{y}" r="2"/>'
    return _figure("Lag", f"{_plain_length(max(known))} at most in the last day", line)


def _events(app: App) -> str:
    """Return the bars of an app's events, one an hour."""
    counts = [hour["logs"] for hour in app["hours"]]
    most, step = max(*counts, 1), _WIDTH / len(counts)
    bars = "".join(
        _bar(number * step, step * 0.8, count / most) for number, count in enumerate(counts) if count
    )
    return _figure("Events an hour", f"{max(counts):,} at most, {sum(counts):,} in the last day", bars)


def _bar(left: float, width: float, part: float) -> str:
    height = part * (_HEIGHT - 2)
    top = _HEIGHT - height
    return f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}"/>'


def _figure(title: str, told: str, drawing: str) -> str:
    box = f'viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none"'
    graph = f'<svg {box} role="img" aria-label="{title}: {told}">{drawing}</svg>'
    ends = '<p class="ends" aria-hidden="true"><span>24 h ago</span><span>now</span></p>'
    return f"<figure><figcaption><b>{title}</b>: {told}</figcaption>{graph}{ends}</figure>"


def _destinations(app: App) -> str:
    rows = [
        (
            _text(one["name"]),
            _text(one["state"]),
            _length(one["lag_seconds"], "lag"),
            _number(one["waiting_events"]),
            _number(one["dead"]),
            _text(one["message"]),
        )
        for one in app["destinations"]
    ]
    heads = ("Destination", "State", "Lag", "Waiting", "Dead", "Message")
    return _table("Destinations", heads, rows) if rows else ""


def _runs(app: App) -> str:
    rows = [
        (
            _time(run["started"]),
            _text(run["outcome"]),
            _number(run["logs"]),
            f"{run['seconds']:.1f} s",
            _text(" ".join(filter(None, (run["error"], run["message"])))),
        )
        for run in app["runs"]
    ]
    heads = ("Started", "Outcome", "Events", "Took", "Error")
    return _folded("Last runs", _table("Last runs", heads, rows)) if rows else ""


def _hours(app: App) -> str:
    rows = [
        (
            _time(hour["began"]),
            _number(hour["logs"]),
            _number(hour["bytes"]),
            _length(hour["lag_seconds"], "lag"),
            _number(hour["runs"]),
            _number(hour["failed"]),
        )
        for hour in app["hours"]
    ]
    heads = ("Hour from", "Events", "Bytes", "Largest lag", "Runs", "Failed")
    return _folded("By hour", _table("By hour", heads, rows))


def _folded(title: str, content: str) -> str:
    return f'<details class="more"><summary>{title}</summary>{content}</details>'


def _table(title: str, heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Return a table that can be scrolled by itself, with the keyboard too, where the screen is narrow."""
    head = "".join(f'<th scope="col">{one}</th>' for one in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    region = f'class="wide" role="region" aria-label="{title}" tabindex="0"'
    return f"<div {region}><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _chip(health: str, count: int) -> str:
    return f'<li class="{health}">{_sign(health)} {_number(count)} {health}</li>'


def _sign(health: str) -> str:
    return f'<span aria-hidden="true">{_SIGNS[health]}</span>'


def _number(value: int) -> str:
    return f'<data value="{value}">{value:,}</data>'


def _length(seconds: int | None, kind: str) -> str:
    """Return a length of time that a person reads, with the seconds for a program."""
    if seconds is None:
        return f'<data class="{kind}" value="">unknown</data>'
    return f'<data class="{kind}" value="{seconds}">{_plain_length(seconds)}</data>'


def _plain_length(seconds: int) -> str:
    size, unit = next((one for one in _UNITS if seconds >= one[0]), _UNITS[-1])
    return f"{seconds // size} {unit}"


def _time(iso: str) -> str:
    return f'<time datetime="{_text(iso)}">{_text(iso[:19].replace("T", " "))}</time>'


def _text(text: str) -> str:
    return escape(plain(text), quote=True)
