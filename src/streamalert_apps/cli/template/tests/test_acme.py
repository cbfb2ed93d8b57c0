"""Acme's app types against their twin: many pages, late events, faults, kills at any step, and more."""

from pathlib import Path

from streamalert_apps.testing import conformance, load_plugin

ACME = load_plugin(Path(__file__).parents[1] / "acme")

test_nothing_is_lost_or_repeated = conformance(*ACME.apps.values(), twin=ACME.twin)
