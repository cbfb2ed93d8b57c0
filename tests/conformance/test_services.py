"""Every app type of every service, through every scenario."""

from streamalert_apps.testing import conformance

test_services = conformance()
