"""Every app type of every service, through every scenario."""

from streamalert_apps.testing import conformance

test_services = conformance()
test_services_over_sockets = conformance(sockets=True)
