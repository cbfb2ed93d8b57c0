"""`sa-apps verify`: compare what a service lists with what is on record."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any

import typer

from streamalert_apps.cli.terminal import options, output
from streamalert_apps.errors import Incomplete
from streamalert_apps.sdk.count import counted

if TYPE_CHECKING:
    from streamalert_apps.config.conf import AppConf
    from streamalert_apps.serve.estimate import Estimate
    from streamalert_apps.serve.verify import Verified

EXAMPLES = """Examples:

\b
  sa-apps verify duo_prod_collector
  sa-apps verify duo_prod_collector --since 30d --json
  sa-apps verify duo_prod_collector --since 2026-03-01 --until 2026-03-02 --repair

It lists the time span again, using at most half of the service's limit, and changes nothing. For time
before the journal, it compares hourly counts. It exits with 1 if events are missing and --repair is not
given."""

MOST_SHOWN = 20


def command(
    *,
    names: options.Names = None,
    names_option: options.NamesOption = None,
    cluster: options.Cluster = None,
    every_app: options.All = False,
    since: Annotated[
        str, typer.Option(help="Start: how long ago (2h, 30d), or a date or time.", metavar="TIME")
    ] = "24h",
    until: Annotated[
        str | None, typer.Option(help="End: how long ago, or a date or time. Default: now.", metavar="TIME")
    ] = None,
    repair: Annotated[
        bool, typer.Option("--repair", help="Let the next run put the missing events on record.")
    ] = False,
    simulator: options.Simulator = "",
    project_dir: options.ProjectDir = None,
    no_input: options.NoInput = False,
    as_json: options.Json = False,
) -> int:
    """Find events that a service lists but that are not on record."""
    from streamalert_apps.cli.asking import asker_of, span_of
    from streamalert_apps.cli.each import Told, each
    from streamalert_apps.cli.selection import chosen
    from streamalert_apps.cli.terminal.description import label
    from streamalert_apps.serve.verify import verify

    picked = chosen(project_dir, names, names_option, cluster, every=every_app, no_input=no_input)
    begin, end = span_of(since, until)

    def tell(estimate: Estimate) -> None:
        lasting = _lasting(estimate.seconds)
        asked, events = counted(estimate.requests, "request"), counted(estimate.events, "event")
        output.say(f"About {asked} for {events}{lasting}.")

    def verified(app: AppConf) -> Told:
        asker = asker_of(picked.project, app, simulator)
        with output.working(f"Listing the events of {label(app)} again"):
            found = verify(asker, begin, end, repair=repair, tell=tell)
        if not as_json:
            _show(label(app) if picked.several else "", found)
        if found.repaired:
            when = "The next run puts" if found.soon else "A run within a quarter of an hour puts"
            output.say(f"{when} {counted(found.repaired, 'event')} on record.")
        lacking = len(found.missing) + sum(hour.listed - hour.recorded for hour in found.hours)
        if not (left := lacking - found.repaired):
            return Told(_described(found))
        hint = "" if repair else "`--repair` puts the events that are named by id on record."
        missing = Incomplete(f"{label(app)}: {counted(left, 'event')} missing on record.", hint=hint)
        return Told(_described(found), missing)

    return each("verify", picked, verified, done="complete", as_json=as_json)


def _lasting(seconds: float) -> str:
    return f", {seconds / 60:,.0f} min within half of the service's limit" if seconds >= 60 else ""  # noqa: PLR2004


def _described(found: Verified) -> dict[str, Any]:
    return {
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "whole_from": found.whole_from.isoformat(),
        "listed": found.listed,
        "recorded": found.recorded,
        "missing": [
            {
                "id": one.id,
                "at": one.at.isoformat(),
                "late_at_least_seconds": round(one.least, 3),
                "late_at_most_seconds": round(one.most, 3),
            }
            for one in found.missing
        ],
        "hours": [
            {"begins": hour.begins.isoformat(), "listed": hour.listed, "recorded": hour.recorded}
            for hour in found.hours
        ],
        "estimate": {
            "requests": found.estimate.requests,
            "events": found.estimate.events,
            "seconds": round(found.estimate.seconds, 1),
        },
        "requests": found.requests,
        "repaired": found.repaired,
    }


def _show(app: str, found: Verified) -> None:
    begins, ends = (f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S}" for time in (found.since, found.until))
    output.data(
        f"{app}{': ' if app else ''}{begins} to {ends} UTC: {found.listed:,} listed, "
        f"{found.recorded:,} on record, {len(found.missing):,} missing"
    )
    for one in found.missing[:MOST_SHOWN]:
        late = f"between {_hours(one.least)} and {_hours(one.most)} late"
        output.data(f"{one.id}  {one.at:%Y-%m-%d %H:%M:%S} UTC, {late}")
    if len(found.missing) > MOST_SHOWN:
        output.data(f"and {len(found.missing) - MOST_SHOWN:,} more; --json names all")
    for hour in found.hours:
        output.data(f"{hour.begins:%Y-%m-%d %H:00} UTC: {hour.listed:,} listed, {hour.recorded:,} on record")


def _hours(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"  # noqa: PLR2004
