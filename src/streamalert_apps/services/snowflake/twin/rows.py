"""Rows of Snowflake's views: every cell is text, or null."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final

from streamalert_apps.simulator.single import ID, TIME, Row, chance

_PEOPLE: Final = ("DANA", "zoë.łukasz@example.com", "渡辺", 'PAT "O"', "LOADER")


def numbers(digits: int) -> Callable[[Random, Sequence[tuple[int, int]]], list[str | int]]:
    """Return what makes ids of so many digits."""

    def ids(random: Random, times: Sequence[tuple[int, int]]) -> list[str | int]:
        least = 10 ** (digits - 1)
        return [str(least + number) for number in random.sample(range(9 * least), len(times))]

    return ids


def login(random: Random) -> Row:
    """Return a sign-in; one that failed has an error, and may have no user."""
    failed = chance(random, 0.2)
    return {
        "EVENT_ID": ID,
        "EVENT_TIMESTAMP": TIME,
        "EVENT_TYPE": "LOGIN",
        "USER_NAME": None if failed and chance(random, 0.3) else random.choice(_PEOPLE),
        "CLIENT_IP": f"203.0.113.{random.randint(1, 254)}",
        "REPORTED_CLIENT_TYPE": random.choice(["SNOWFLAKE_UI", "JDBC_DRIVER", "PYTHON_DRIVER"]),
        "REPORTED_CLIENT_VERSION": random.choice(["3.14.1", None]),
        "FIRST_AUTHENTICATION_FACTOR": random.choice(["PASSWORD", "RSA_KEYPAIR", "SAML2_ASSERTION"]),
        "SECOND_AUTHENTICATION_FACTOR": random.choice([None, "DUO_PASSCODE"]),
        "IS_SUCCESS": "NO" if failed else "YES",
        "ERROR_CODE": "390100" if failed else None,
        "ERROR_MESSAGE": "INCORRECT_USERNAME_PASSWORD" if failed else None,
        "RELATED_EVENT_ID": "0",
        "CONNECTION": None,
    }


def query(random: Random) -> Row:
    """Return a query that has ended."""
    failed = chance(random, 0.1)
    return {
        "QUERY_ID": ID,
        "QUERY_TEXT": random.choice([
            "select 1",
            "COPY INTO @stage/büro FROM t",
            "GRANT ROLE a\n\tTO USER b",
        ]),
        "DATABASE_NAME": random.choice(["SALES", None]),
        "SCHEMA_NAME": "PUBLIC",
        "QUERY_TYPE": random.choice(["SELECT", "UNLOAD", "GRANT"]),
        "SESSION_ID": str(random.getrandbits(50)),
        "USER_NAME": random.choice(_PEOPLE),
        "ROLE_NAME": "ANALYST",
        "WAREHOUSE_NAME": random.choice(["COMPUTE_WH", None]),
        "QUERY_TAG": "",
        "EXECUTION_STATUS": "FAIL" if failed else "SUCCESS",
        "ERROR_CODE": "002003" if failed else None,
        "ERROR_MESSAGE": "SQL compilation error" if failed else None,
        "START_TIME": "1700557945.271000000",
        "END_TIME": TIME,
        "TOTAL_ELAPSED_TIME": str(random.randint(1, 100_000)),
        "BYTES_SCANNED": str(random.getrandbits(30)),
        "BYTES_WRITTEN": "0",
        "ROWS_PRODUCED": random.choice(["10", None]),
        "ROWS_INSERTED": "0",
        "ROWS_UPDATED": "0",
        "ROWS_DELETED": "0",
        "ROWS_UNLOADED": "0",
        "OUTBOUND_DATA_TRANSFER_CLOUD": None,
        "OUTBOUND_DATA_TRANSFER_REGION": None,
        "OUTBOUND_DATA_TRANSFER_BYTES": "0",
    }


def session(random: Random) -> Row:
    """Return a session."""
    return {
        "SESSION_ID": ID,
        "CREATED_ON": TIME,
        "USER_NAME": random.choice(_PEOPLE),
        "AUTHENTICATION_METHOD": random.choice(["Password", "RSA Keypair", "SAML2"]),
        "LOGIN_EVENT_ID": str(random.getrandbits(36)),
        "CLIENT_APPLICATION_VERSION": "3.14.1",
        "CLIENT_APPLICATION_ID": "JDBC 3.14.1",
        "CLIENT_ENVIRONMENT": f'{{"OS":"Linux","build":{random.randint(1, 9999)}}}',
        "CLIENT_BUILD_ID": random.choice([None, "41897"]),
        "CLIENT_VERSION": None,
        "CLOSED_REASON": random.choice([None, "LOGOUT", "ABANDONED"]),
    }
