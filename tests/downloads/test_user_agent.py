from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from packslip.downloads.models import Download
from packslip.downloads.user_agent import Client, parse_user_agent

PIP = (
    'pip/26.3 {"ci":null,"cpu":"x86_64","distro":{"id":"bookworm","libc":{"lib":"glibc",'
    '"version":"2.36"},"name":"Debian GNU/Linux","version":"12"},"implementation":{"name":'
    '"CPython","version":"3.11.7"},"installer":{"name":"pip","version":"26.3"},'
    '"openssl_version":"OpenSSL 3.0.19 27 Jan 2026","python":"3.11.7",'
    '"setuptools_version":"65.5.0","system":{"name":"Linux","release":"6.1.0"}}'
)
UV = (
    'uv/0.13.9 {"installer":{"name":"uv","version":"0.13.9","subcommand":["pip","install"]},'
    '"python":"3.11.7","implementation":{"name":"CPython","version":"3.11.7"},"distro":null,'
    '"system":{"name":"Darwin","release":"24.1"},"cpu":"arm64","openssl_version":null,"ci":null}'
)
HATCH = (
    'Hatch/1.18.2 {"implementation":{"name":"CPython","version":"3.12.1"},'
    '"python":"3.12.1","system":{"name":"Linux","release":"6.1"}} HTTPX2/2.0'
)


@pytest.mark.parametrize(
    ("text", "client"),
    [
        (PIP, Client("pip", "26.3", "3.11.7", "Linux")),
        (UV, Client("uv", "0.13.9", "3.11.7", "Darwin")),
        (HATCH, Client("hatch", "1.18.2", "3.12.1", "Linux")),
        ("uv/0.5.1", Client("uv", "0.5.1")),
        (
            "poetry/2.5.1 CPython/3.11.7 Linux/6.1.0-18-amd64",
            Client("poetry", "2.5.1", "3.11.7", "Linux"),
        ),
        (
            "pdm/2.29.3 CPython/3.13.1 Windows/11",
            Client("pdm", "2.29.3", "3.13.1", "Windows"),
        ),
        ("twine/7.0.0 CPython/3.11.7", Client("twine", "7.0.0", "3.11.7")),
        ("python-requests/2.34.2", Client("python-requests", "2.34.2")),
        ("curl/7.88.1", Client("curl", "7.88.1")),
        ("Wget", Client("wget")),
        (
            "bandersnatch/7.1 (cpython 3.11.7-final0, Linux x86_64) (aiohttp 3.9.1)",
            Client("bandersnatch", "7.1", "3.11.7", "Linux"),
        ),
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            Client("browser", None, None, "Linux"),
        ),
        (
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Chrome/140.0",
            Client("browser", None, None, "Darwin"),
        ),
        ("", Client()),
        ("   ", Client()),
        ("{}", Client()),
        (PIP[:200], Client("pip", "26.3", None, "Linux")),
    ],
)
def test_clients_are_known_by_their_user_agent(text: str, client: Client) -> None:
    assert parse_user_agent(text) == client


@pytest.mark.parametrize(
    "told",
    [
        [],
        "text",
        {"installer": []},
        {"installer": {"name": 1, "version": {}}},
        {"installer": {"name": None}, "python": 3.11, "system": "Linux"},
        {"system": {"name": ["Linux"]}, "python": {"version": "3"}},
    ],
)
def test_json_of_another_shape_tells_nothing(told: Any) -> None:
    client = parse_user_agent(f"pip/1 {json.dumps(told)}")
    assert client.python_version is None
    assert client.installer in {"pip", None}


def test_json_that_is_nested_too_deep_is_left_out() -> None:
    assert parse_user_agent('pip/1 {"a":' + "[" * 100_000).installer == "pip"


def test_long_and_unprintable_texts_are_cut_to_their_columns() -> None:
    told = {
        "installer": {"name": "x" * 500, "version": "1\n\0" + "2" * 500},
        "python": "3" * 500,
        "system": {"name": "é" * 500},
    }
    client = asdict(parse_user_agent(f"x {json.dumps(told)}"))
    for name, value in client.items():
        length = Download.__table__.c[name].type.length  # type: ignore[attr-defined]
        assert len(value) == length
        assert value.isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["installer", "name", "version", "python", "system"]), inner
        )
    ),
)


@given(st.text() | json_values.map(lambda told: f"pip/26.3 {json.dumps(told)}"))
def test_nothing_that_a_client_sends_raises_or_overflows(text: str) -> None:
    client = parse_user_agent(text)
    assert len(client.installer or "") <= 32
    for value in (client.installer_version, client.python_version, client.system):
        assert value is None or 0 < len(value) <= 64
