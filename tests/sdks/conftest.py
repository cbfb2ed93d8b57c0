"""The vendors' own SDKs against our twins: `nox -s sdks` installs them and sets SA_APPS_SDKS.

An SDK asks its vendor's hosts by HTTPS. Here each name leads to a port of this machine, where a TLS front
with a certificate for all of those names passes bytes on to the twin's own server.
"""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from streamalert_apps.simulator.contract import Twin
from streamalert_apps.simulator.faults import Fault
from streamalert_apps.simulator.server import Server, serve

if not os.environ.get("SA_APPS_SDKS"):
    collect_ignore_glob = ["test_*.py"]

HOSTS = (
    "*.duosecurity.com",
    "*.okta.com",
    "api.cloudflare.com",
    "api.crowdstrike.com",
    "api.stripe.com",
    "monitor.twilio.com",
    "*.eu.auth0.com",
    "*.onelogin.com",
    "*.googleapis.com",
    "*.box.com",
    "slack.com",
    "*.slack.com",
    "*.intercom.io",
    "actiontrail.cn-hangzhou.aliyuncs.com",
    "*.salesforce.com",
    "*.my.salesforce.com",
    "login.microsoftonline.com",
    "*.microsoft.com",
    "api.openai.com",
    "api.airtable.com",
    "api.datadoghq.eu",
    "api.dropboxapi.com",
    "gitlab.com",
    "api.pagerduty.com",
    "identity.pagerduty.com",
    "api.eu.pagerduty.com",
    "*.eastus-1.ingest.monitor.azure.com",
)
HERE = {"127.0.0.1", "localhost", None}
PEM = serialization.Encoding.PEM

Serve = Callable[..., Server]


def _certificate(path: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Twins")])
    now = datetime.now(UTC)
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
    signed = (
        x509
        .CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(signed.public_bytes(PEM) + secret)


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A certificate for the vendors' hosts, trusted by whatever an SDK asks with."""
    path = tmp_path_factory.mktemp("tls") / "twins.pem"
    _certificate(path)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "HTTPLIB2_CA_CERTS"):
            patch.setenv(name, str(path))
        patch.setattr("certifi.where", lambda: str(path))
        yield path


@pytest.fixture
def served(certificate: Path) -> Iterator[Serve]:
    """Serve a twin under its vendor's own names."""
    with ExitStack() as stack:

        def begin(twin: Twin, *faults: Fault) -> Server:
            server = stack.enter_context(serve(twin, faults=faults))
            stack.enter_context(_front(certificate, int(server.url.rpartition(":")[2])))
            return server

        yield begin


@contextmanager
def _front(certificate: Path, port: int) -> Iterator[None]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    resolve, connect = socket.getaddrinfo, socket.socket.connect
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.MonkeyPatch.context() as patch:
        front = listener.getsockname()[1]

        def lead_here(host: Any, asked: Any, *rest: Any, **more: Any) -> Any:
            if host in HERE:
                return resolve(host, asked, *rest, **more)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", front))]

        def connect_here(this: socket.socket, address: Any) -> None:
            connect(this, address if address[0] in HERE else ("127.0.0.1", front))

        patch.setattr(socket, "getaddrinfo", lead_here)
        patch.setattr(socket.socket, "connect", connect_here)  # some resolve a name by connecting to it
        threading.Thread(target=_accept, args=(listener, context, port), daemon=True).start()
        yield
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with suppress(OSError):
        while True:
            raw, _ = listener.accept()
            threading.Thread(target=_pass_on, args=(raw, context, port), daemon=True).start()


def _pass_on(raw: socket.socket, context: ssl.SSLContext, port: int) -> None:
    with (
        suppress(OSError),
        context.wrap_socket(raw, server_side=True) as asking,
        socket.create_connection(("127.0.0.1", port)) as answering,
    ):
        threading.Thread(target=_pump, args=(answering, asking), daemon=True).start()
        _pump(asking, answering)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError, ValueError):
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
