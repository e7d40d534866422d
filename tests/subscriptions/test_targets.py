"""Which addresses webhooks may have, and which of them are reached."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest
from tests.helpers.receiver import receiver

from packslip.subscriptions import targets
from packslip.subscriptions.targets import (
    NotSentError,
    RefusedTargetError,
    WebhookUrlError,
    check_url,
    is_private,
    post,
)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "127.8.8.8",
        "0.0.0.0",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "64:ff9b::10.0.0.1",
        "2002:7f00:1::",
        "fe80::1",
        "fd00::1",
        "ff02::1",
    ],
)
def test_these_are_private(address: str) -> None:
    assert is_private(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1::1", "64:ff9b::8.8.8.8"])
def test_these_are_not(address: str) -> None:
    assert not is_private(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example.com",
        "ftp://hooks.example.com/",
        "file:///etc/passwd",
        "https:///path",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com/#part",
        "https://hooks.example.com:99999/",
        "https://hooks.example.com/\r\nX: y",
        "https://hooks.example.com/a b",
        "https://[::1/",
        "https://hooks.example.com/" + "a" * 2000,
    ],
)
def test_these_are_no_addresses(url: str) -> None:
    with pytest.raises(WebhookUrlError):
        check_url(url)


def test_a_private_network_is_reached_only_when_that_is_allowed() -> None:
    with receiver() as told:
        for url in (told.url, told.url.replace("127.0.0.1", "localhost")):
            with pytest.raises(RefusedTargetError):
                post(url, {}, b"{}", allow_private=False)
        assert not told.messages
        assert post(told.url, {"webhook-id": "1"}, b"{}", allow_private=True) == 204
    assert (told.messages[0].path, told.messages[0].body) == ("/hook?key=1", b"{}")


def test_a_name_is_looked_up_once_and_refused_if_any_of_its_addresses_is_private(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with receiver() as told:
        port = int(told.url.rpartition(":")[2].partition("/")[0])
        answers = [["93.184.216.34", "127.0.0.1"], ["127.0.0.1"]]

        def look_up(host: str, port: int, **options: Any) -> list[Any]:
            found = answers.pop(0)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in found]

        with monkeypatch.context() as patch:
            patch.setattr(targets.socket, "getaddrinfo", look_up)
            with pytest.raises(RefusedTargetError):
                post(f"http://hooks.example.com:{port}/", {}, b"", allow_private=False)
        assert len(answers) == 1
        assert not told.messages


def test_redirects_are_answers() -> None:
    with receiver() as inner, receiver(302, location=inner.url) as told:
        assert post(told.url, {}, b"{}", allow_private=True) == 302
        assert not inner.messages


def test_who_answers_too_slowly_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        with pytest.raises(NotSentError):
            post(url, {}, b"{}", allow_private=True)
    with pytest.raises(NotSentError):
        post(url, {}, b"{}", allow_private=True)
