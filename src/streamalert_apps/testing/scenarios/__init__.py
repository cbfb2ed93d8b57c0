"""The scenarios, by name; one module for each kind of trouble."""

from __future__ import annotations

from streamalert_apps.testing.kit import Scenario
from streamalert_apps.testing.scenarios import access, aws, cuts, feeds, service
from streamalert_apps.testing.scenarios.form import form
from streamalert_apps.testing.scenarios.storm import storm


def scenarios() -> tuple[Scenario, ...]:
    """Return every scenario, those first that say most about a plugin that has just been written."""
    return (
        Scenario("form", "What the app type says of itself.", form, core=True),
        Scenario("backlog", "Several pages.", feeds.backlog, core=True, sockets=True),
        Scenario("empty", "A service with nothing to collect.", feeds.empty, core=True),
        Scenario("wrong_credentials", "Credentials that are refused.", access.wrong_credentials, core=True),
        Scenario("resume", "A run cut short after each page.", cuts.resume),
        Scenario("late", "Events that appear as late as is documented.", feeds.late, core=True),
        Scenario("growing", "Events that happen while pages are read.", feeds.growing),
        Scenario("own_pages", "Pages as large as the vendor makes them.", feeds.own_pages),
        Scenario("few_moments", "Many events, few times.", feeds.few_moments),
        Scenario("burst", "More than a thousand events in one second.", feeds.burst),
        Scenario("large", "Events of 200 kB and 1.5 MB.", feeds.large, sockets=True),
        Scenario("little_time", "Short invocations, one after the other.", cuts.little_time),
        Scenario("pauses", "A day between two pages.", cuts.pauses),
        Scenario("revoked_token", "Access tokens that end in the middle of a run.", access.revoked_token),
        Scenario("kill", "The process dies, at any step.", cuts.kill),
        Scenario("overlap", "A second invocation, at any step.", cuts.overlap, shared=True),
        Scenario("takeover", "A state that StreamAlert left.", cuts.takeover),
        *service.scenarios(),
        Scenario("deliveries", "Deliveries that fail.", aws.deliveries, shared=True),
        Scenario("store_writes", "Writes to the store that fail.", aws.store_writes, shared=True),
        Scenario("unheard", "Calls to AWS whose answers are lost.", aws.unheard, shared=True),
        Scenario("storm", "All of it at random.", storm),
    )
