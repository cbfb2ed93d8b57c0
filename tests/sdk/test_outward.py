"""The way out as the environment has it: proxies, and whose certificates are trusted."""

from __future__ import annotations

import os
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from streamalert_apps.errors import AppError, ConfigError, Unavailable
from streamalert_apps.sdk.clock import Deadline
from streamalert_apps.sdk.http import Answer, Api
from streamalert_apps.sdk.outward import BESIDE, INSTEAD, is_bypassed
from tests.simulator.world import StillClock

VARIABLES = [*INSTEAD, *BESIDE, "SSLKEYLOGFILE"]
VARIABLES += [
    case(f"{name}_proxy") for name in ("http", "https", "all", "no") for case in (str.upper, str.lower)
]
SECRET = "pa55word"


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def ask(url: str) -> Answer | AppError:
    api = Api(clock=StillClock(), deadline=Deadline(lambda: 5.0))
    try:
        return api.get(url)
    except AppError as error:
        return error
    finally:
        api.close()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that nobody knows, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Acme inspection")])
    now = datetime.now(UTC)
    signed = (
        x509
        .CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + secret)
    return path


@contextmanager
def inspected(certificate: Path) -> Iterator[tuple[str, list[str]]]:
    """Serve by HTTPS with that certificate; yield the URL and the requests that came through."""
    asked: list[str] = []

    class Exchange(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with Server(("127.0.0.1", 0), Exchange) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield f"https://127.0.0.1:{server.server_port}/x", asked
        finally:
            server.shutdown()
            thread.join()


# Certificates


def test_a_certificate_that_is_not_trusted_is_told_at_once_with_what_to_set(certificate: Path) -> None:
    with inspected(certificate) as (url, asked):
        error = ask(url)

    assert isinstance(error, ConfigError)
    assert error.message.startswith("The certificate of 127.0.0.1:")
    assert "self-signed certificate" in error.message.replace("self signed", "self-signed")
    assert "SSL_CERT_FILE" in error.hint
    assert asked == []


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_certificate_that_a_variable_names_is_trusted(
    name: str, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(certificate))

    with inspected(certificate) as (url, _):
        answer = ask(url)

    assert isinstance(answer, Answer)


@pytest.mark.parametrize("name", INSTEAD)
@pytest.mark.parametrize("what", ["missing", "not PEM", "empty"])
def test_a_file_that_is_no_certificate_is_told_with_the_variable(
    name: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "roots.pem"
    if what != "missing":
        path.write_text("no certificate" if what == "not PEM" else "")
    monkeypatch.setenv(name, str(path))

    error = ask("https://127.0.0.1:1/x")

    assert isinstance(error, ConfigError)
    assert error.message.startswith(f"{name} does not name certificates: ")


@pytest.mark.parametrize("name", BESIDE)
def test_a_file_for_others_that_is_not_there_stops_nothing(
    name: str,
    certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "missing"))

    with inspected(certificate) as (url, _):
        error = ask(url)

    assert isinstance(error, ConfigError)
    assert "is not trusted" in error.message
    assert name in caplog.text


# Proxies


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(
    "value",
    [
        "proxy:abc",
        "http://",
        "http://[::1",
        f"http://me:{SECRET}@proxy:99999999",
        "ftp://proxy:21",
        "http://a b/",
    ],
)
def test_a_proxy_that_can_not_be_read_is_told_with_the_variable(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)

    error = ask("https://api.example.com/x")

    assert isinstance(error, ConfigError)
    assert error.message == f"{name} is not the address of a proxy."
    assert SECRET not in repr(error)


@pytest.mark.parametrize("value", ["socks5h://127.0.0.1:1080", "socks5://proxy", "SOCKS4://127.0.0.1:1080"])
def test_a_socks_proxy_is_told_plainly(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", value)

    error = ask("https://api.example.com/x")

    assert isinstance(error, ConfigError)
    assert error.message == "ALL_PROXY names a SOCKS proxy, which can't be used."


def test_nothing_of_the_environment_is_read_before_the_first_request(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ALL_PROXY": "socks5://x", "NO_PROXY": "[::1", "SSL_CERT_FILE": "/missing"}.items():
        monkeypatch.setenv(name, value)

    Api(clock=StillClock()).close()
    Api(clock=StillClock(), simulator="http://127.0.0.1:8080").close()


class Proxy(BaseHTTPRequestHandler):
    """Notes what it is asked for, and refuses it."""

    asked: list[str]
    status = 502

    def do_CONNECT(self) -> None:
        self.asked.append(self.path)
        self.send_response(self.status, "No")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def proxy(status: int = 502) -> Iterator[tuple[str, list[str]]]:
    asked: list[str] = []
    handler = type("Proxy", (Proxy,), {"asked": asked, "status": status})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield f"127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()


@pytest.mark.parametrize("scheme", ["", "http://"])
def test_a_proxy_is_asked_with_and_without_a_scheme(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy(502) as (address, asked):
        monkeypatch.setenv("HTTPS_PROXY", scheme + address)
        error = ask("https://api.example.com/x")

    assert isinstance(error, Unavailable)
    assert set(asked) == {"api.example.com:443"}
    assert "HTTPS_PROXY" in error.hint


@pytest.mark.parametrize("status", [403, 407])
def test_a_proxy_that_refuses_is_told_at_once(status: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with proxy(status) as (address, asked):
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:{SECRET}@{address}")
        error = ask("https://api.example.com/x")

    assert isinstance(error, ConfigError)
    assert error.message == f"The proxy does not let api.example.com be asked ({status})."
    assert "HTTPS_PROXY" in error.hint
    assert SECRET not in repr(error)
    assert len(asked) == 1


def test_an_odd_entry_of_no_proxy_spoils_no_other(monkeypatch: pytest.MonkeyPatch, certificate: Path) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "localhost,[::1,fe80::/10,::ffff:0:0/96,10.0.0.0/8, ²:x,,127.0.0.0/8")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    with inspected(certificate) as (url, asked):
        ask(url)

    assert asked == ["/x"]


@pytest.mark.parametrize(
    ("entry", "host"),
    [
        ("*", "api.example.com"),
        ("example.com", "api.example.com"),
        ("example.com", "example.com"),
        (".example.com", "api.example.com"),
        ("*.example.com", "api.example.com"),
        ("API.Example.com:443", "api.example.com"),
        ("https://api.example.com", "api.example.com"),
        ("a.example b.example", "b.example"),
        ("10.0.0.0/8", "10.1.2.3"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8::/32", "2001:db8::7"),
    ],
)
def test_no_proxy_takes_hosts_out(entry: str, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", entry)

    assert is_bypassed(host, 443)


@pytest.mark.parametrize(
    "entry",
    ["", "ample.com", "example.com:8443", "10.0.0.0/8", "[::1", ":443", "²", "api.example.com.evil", "/"],
)
def test_no_proxy_takes_no_other_host_out(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", entry)
    assert os.environ["NO_PROXY"] == entry

    assert not is_bypassed("api.example.com", 443)
