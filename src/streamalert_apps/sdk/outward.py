"""The way out as the environment has it: HTTPS_PROXY, ALL_PROXY, NO_PROXY, and whose certificates to trust.

What can't be used is an error that names the variable, at the first request that needs it. No message
shows a variable's value: that of a proxy may hold a password.
"""

from __future__ import annotations

import logging
import os
import re
import ssl
from contextlib import suppress
from functools import cached_property, lru_cache
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Final
from urllib.request import getproxies

import certifi
import httpx

from streamalert_apps.errors import ConfigError

INSTEAD: Final = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # these certificates are trusted, and no others
BESIDE: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE")  # meant for others: these, too
TRUST_HINT: Final = (
    "If something on the way inspects TLS, set SSL_CERT_FILE to a file with your organization's root "
    "certificates, in PEM."
)
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")
_PORTS: Final = 1 << 16
_PROXY_VARIABLES: Final = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")

LOGGER = logging.getLogger(__name__)


class Outward(httpx.BaseTransport):
    """Sends requests by HTTPS, through a proxy where the environment names one for the host."""

    @cached_property
    def _direct(self) -> httpx.HTTPTransport:
        return httpx.HTTPTransport(verify=_kept(_variables()), trust_env=False)

    @cached_property
    def _proxied(self) -> httpx.HTTPTransport | None:
        if (proxy := named_proxy()) is None:
            return None
        return httpx.HTTPTransport(verify=_kept(_variables()), trust_env=False, proxy=proxy)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request."""
        bypassed = request.url.scheme == "http" or is_bypassed(request.url.host, request.url.port or 443)
        way = self._direct if bypassed else self._proxied or self._direct
        return way.handle_request(request)

    def close(self) -> None:
        """Close the connections that were made."""
        for name in ("_direct", "_proxied"):
            if transport := self.__dict__.pop(name, None):
                transport.close()


@lru_cache(maxsize=8)
def _kept(_: tuple[str | None, ...]) -> ssl.SSLContext:
    """Return whose certificates are trusted as some variables say; to read them takes long."""
    return trusted()


def _variables() -> tuple[str | None, ...]:
    return tuple(os.environ.get(name) for name in (*INSTEAD, *BESIDE, "SSLKEYLOGFILE"))


def trusted() -> ssl.SSLContext:
    """Return whose certificates are trusted; raise ConfigError where a variable names none."""
    try:
        context = ssl.create_default_context()
    except OSError:
        raise ConfigError("SSLKEYLOGFILE names a file that can't be written.") from None
    if name := next((name for name in INSTEAD if os.environ.get(name)), None):
        paths = os.environ[name].split(os.pathsep) if name == "SSL_CERT_DIR" else [os.environ[name]]
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for path in paths:
            try:
                trust(context, path)
            except OSError as error:
                raise ConfigError(
                    f"{name} does not name certificates: {reason(error)}.",
                    hint="Give the path of certificates in PEM, or unset it.",
                ) from None
        return context
    context.load_verify_locations(certifi.where())
    for name in BESIDE:
        if bundle := os.environ.get(name):
            try:
                trust(context, bundle)
            except OSError as error:
                LOGGER.warning("%s is not heeded, as it does not name certificates: %s", name, reason(error))
    return context


def trust(context: ssl.SSLContext, path: str) -> None:
    """Trust the certificates of a file or a folder as well; raise OSError where it holds none."""
    place = Path(path)
    if place.is_dir():
        context.load_verify_locations(capath=path)
    else:
        context.load_verify_locations(cafile=path)


def reason(error: OSError) -> str:
    """Return in words why certificates can't be read."""
    if isinstance(error, ssl.SSLError):
        return "the file is not PEM"
    return (error.strerror or "it can't be read").lower()


def named_proxy() -> httpx.Proxy | None:
    """Return the proxy for HTTPS; raise ConfigError where it can't be used."""
    given = getproxies()
    address = given.get("https") or given.get("all")
    if not address:
        return None
    name = proxy_name()
    address = address if "://" in address else f"http://{address}"
    try:
        if address.lower().startswith("socks"):
            raise ConfigError(
                f"{name} names a SOCKS proxy, which can't be used.",
                hint="Set HTTPS_PROXY to an HTTP proxy, or name the service's host in NO_PROXY.",
            )
        proxy = httpx.Proxy(address)
    except (httpx.InvalidURL, ValueError, UnicodeError):
        proxy = None
    if proxy is None or not _HOST.fullmatch(proxy.url.host) or not 0 < (proxy.url.port or 1) < _PORTS:
        raise ConfigError(
            f"{name} is not the address of a proxy.", hint="Give one like http://proxy.example.com:3128."
        )
    return proxy


def proxy_name() -> str:
    """Return what names the proxy that is used for HTTPS."""
    return next((name for name in _PROXY_VARIABLES if os.environ.get(name)), "The system's proxy")


def is_bypassed(host: str, port: int) -> bool:
    """Tell whether NO_PROXY says that a host is asked without the proxy; what can't be read says nothing."""
    entries = getproxies().get("no", "").replace(",", " ").split()
    return any(_covers(entry.lower(), host.lower().strip("[]"), port) for entry in entries)


def _covers(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    entry = entry.partition("://")[2] or entry
    with suppress(ValueError):  # an address or a network
        return ip_address(host) in ip_network(entry.strip("[]"), strict=False)
    name, colon, number = entry.rpartition(":")
    if colon and number.isdecimal():
        if int(number) != port:
            return False
        return _covers(name, host, port)
    suffix = entry.removeprefix("*").lstrip(".")
    return bool(suffix) and (host == suffix or host.endswith(f".{suffix}"))
