from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.request import Request

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy.orm import Session
from tests.helpers.accounts import make_user
from tests.helpers.notes_about import add_note
from tests.helpers.packages import add_demo

from packslip.check import remote
from packslip.check.commands import check_command


def run(app: Flask, *arguments: str | Path) -> Result:
    info = ScriptInfo(create_app=lambda: app)
    return CliRunner().invoke(check_command, [str(one) for one in arguments], obj=info)


def test_the_exit_code_tells_of_findings(app: Flask, session: Session, tmp_path: Path) -> None:
    add_demo(session, latest_version="1.0")
    file = tmp_path / "requirements.txt"
    file.write_text("# pins\ndemo==1.0\nother==2.0\nloose\n")
    assert run(app, file).exit_code == 0

    note = add_note(session, make_user(session), "demo", "Drops \x1b[1msessions", "yank")
    done = run(app, file)
    assert done.exit_code == 1
    url = f"http://packages.example.com/notes/{note.id}"
    other = "http://packages.example.com/project/other/"
    assert done.stdout.splitlines() == [
        f"{file}:2\tdemo 1.0\twarning\tyank: Drops  [1msessions\t{url}",
        f"{file}:3\tother 2.0\tnote\tunknown-package: This index has no such package.\t{other}",
    ]
    assert done.stderr.splitlines() == [
        f"{file}:4: not looked at, as it is not pinned to one version: loose",
        "0 errors, 1 warning, 1 note for 2 pins",
    ]
    assert run(app, "--fail-on", "error", file).exit_code == 0
    assert run(app, "--fail-on", "never", file).exit_code == 0
    data = json.loads(run(app, "--json", file).stdout)
    assert (data["warnings"], data["files"][0]["file"]) == (1, str(file))
    log = json.loads(run(app, "--sarif", file).stdout)
    assert [one["ruleId"] for one in log["runs"][0]["results"]] == ["yank", "unknown-package"]


def test_wrong_usage_is_told_from_findings(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "r.txt"
    file.write_text("")
    assert run(app).exit_code == 2
    assert run(app, tmp_path / "none.txt").exit_code == 2
    assert run(app, "--json", "--sarif", file).exit_code == 2
    assert run(app, "--fail-on", "note", file).exit_code == 2


@pytest.mark.parametrize(
    ("index", "address", "sends"),
    [
        ("https://example.com/", "https://example.com", "Bearer secret"),
        ("https://example.com:8443/team/simple/", "https://example.com:8443/team", "Bearer secret"),
        ("http://me:pa%3Ass@[::1]:80/simple", "http://[::1]:80", "Basic bWU6cGE6c3M="),
    ],
)
def test_the_address_of_an_index_may_have_credentials(
    index: str, address: str, sends: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PACKSLIP_TOKEN", "secret")
    assert remote._address(index) == (address, sends)


def test_credentials_may_come_from_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    assert remote._address("https://example.com")[1] is None
    (tmp_path / "netrc").write_text("machine example.com login __token__ password secret\n")
    assert remote._address("https://example.com")[1] == "Basic X190b2tlbl9fOnNlY3JldA=="
    assert remote._address("https://other.example.com")[1] is None


@pytest.mark.parametrize("index", ["example.com", "file:///etc", "https://", "http://[", "ftp://x"])
def test_what_is_no_address_of_an_index_is_refused(index: str) -> None:
    with pytest.raises(remote.IndexRefusedError, match="with https://"):
        remote.ask_index(index, "r.txt", b"")


@pytest.mark.parametrize(
    ("index", "is_refused"),
    [
        ("http://packages.example.com", True),
        ("http://me:secret@192.0.2.7/simple/", True),
        ("http://127.0.0.1.example.com", True),
        ("http://localhost.example.com", True),
        ("https://packages.example.com", False),
        ("http://localhost:8080", False),
        ("http://index.localhost", False),
        ("http://127.8.0.1:8080", False),
        ("http://[::1]:8080", False),
    ],
)
def test_credentials_never_cross_a_network_in_clear_text(
    index: str, is_refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[tuple[str, str | None]] = []

    class Opener:
        def open(self, request: Request, timeout: float) -> Any:
            sent.append((request.full_url, request.get_header("Authorization")))
            raise OSError("nobody is there")

    monkeypatch.setattr("urllib.request.build_opener", lambda *_: Opener())
    monkeypatch.setenv("PACKSLIP_TOKEN", "secret")
    with pytest.raises(remote.IndexRefusedError) as refused:
        remote.ask_index(index, "r.txt", b"")
    assert isinstance(refused.value, remote.ClearTextError) == is_refused
    assert bool(sent) != is_refused
    assert "secret" not in refused.value.reason
    with pytest.raises(remote.IndexRefusedError, match="nobody is there"):
        remote.ask_index(index, "r.txt", b"", insecure=True)
    assert sent[-1][1] is not None
    # Without credentials there is nothing to hide.
    monkeypatch.delenv("PACKSLIP_TOKEN")
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with pytest.raises(remote.IndexRefusedError, match="nobody is there"):
        remote.ask_index(index.replace("me:secret@", ""), "r.txt", b"")
    assert sent[-1][1] is None
