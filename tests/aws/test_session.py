"""AWS clients: their limits, whom they are signed in as, how they send."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from streamalert_apps.aws.session import Session
from streamalert_apps.errors import CredentialsError
from tests import loopback, proxy

if TYPE_CHECKING:
    from pathlib import Path

    from tests.loopback import Exchange


def test_clients_give_up_in_time_and_say_who_they_are(aws_env: str) -> None:
    config = Session("us-east-1", read_seconds=7).client("ssm").meta.config
    assert (config.connect_timeout, config.read_timeout) == (5.0, 7)
    assert config.retries["mode"] == "standard"
    assert config.user_agent_extra.startswith("sa-apps/")


def test_another_account_than_confs_is_refused(aws_env: str, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session("us-east-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", aws_env)
    with pytest.raises(
        CredentialsError, match=r"account 123456789012, but conf.global\.json names 999999999999"
    ):
        session.sign_in("999999999999")


def test_an_emulators_account_number_means_nothing(aws_env: str) -> None:
    Session("us-east-1").sign_in("999999999999")


def test_a_number_that_no_emulator_has_is_refused_behind_an_endpoint_too(
    aws_env: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy.serve(aws_env) as between:
        monkeypatch.setenv("AWS_ENDPOINT_URL", between.url)
        other = b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>999999999999</Account>"
        end = b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
        between.before = lambda _: proxy.Answer(200, other + end)
        with pytest.raises(CredentialsError, match="account 999999999999"):
            Session("us-east-1").sign_in("123456789012")


@pytest.mark.parametrize(
    "process",
    ["no-such-program", "echo not-json", "echo []", "echo {}", "false", """echo '{"Version": 1}'"""],
)
def test_a_credential_process_that_does_not_do_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, process: str
) -> None:
    (tmp_path / "config").write_text(f"[default]\ncredential_process = {process}\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    with pytest.raises(CredentialsError, match="can't be had"):
        Session("us-east-1").sign_in("123456789012")


def test_a_slow_line_has_its_time_to_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """More than the buffers of the system hold, read in longer than the time-out for one piece."""
    size = 18 << 20

    def slowly(exchange: Exchange) -> None:
        length = int(exchange.headers["Content-Length"])
        while length > 0:
            length -= len(exchange.rfile.read(min(1 << 21, length)))
            time.sleep(0.1)
        exchange.send(200, b"{}", {"Content-Type": "application/x-amz-json-1.1"})

    with loopback.serve(slowly) as address:
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{address}")
        session = Session("us-east-1", connect_seconds=0.6)
        client = session.client("lambda", read_timeout=5, retries={"total_max_attempts": 1})
        client.update_function_code(FunctionName="f", ZipFile=bytes(size))
