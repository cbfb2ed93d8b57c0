"""The conformance kit: what an app loses, repeats or never finishes, whatever happens.

    from streamalert_apps.testing import conformance

    test_acme_events = conformance(AcmeEvents, twin=AcmeTwin)

runs an app type and its twin through every scenario. `check` runs one of them and says in words what
is wrong.
"""

from streamalert_apps.testing.clock import ManualClock
from streamalert_apps.testing.conformance import conformance
from streamalert_apps.testing.kit import Scenario, check
from streamalert_apps.testing.plugins import load_plugin
from streamalert_apps.testing.report import Report
from streamalert_apps.testing.scenarios import scenarios
from streamalert_apps.testing.world import TwinFactory

__all__ = [
    "ManualClock",
    "Report",
    "Scenario",
    "TwinFactory",
    "check",
    "conformance",
    "load_plugin",
    "scenarios",
]
