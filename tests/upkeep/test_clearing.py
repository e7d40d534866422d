"""What is not needed any more goes; all else stays."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.clock import now
from tests.helpers.downloads import add_downloads

from packslip.accounts.login_sessions import start_login_session
from packslip.accounts.models import LoginSession
from packslip.db import write_transaction
from packslip.downloads.models import Download, DownloadTotal
from packslip.events.models import Action, Event
from packslip.events.operations import record
from packslip.index.queries import last_serial
from packslip.notes.models import NoteDraft
from packslip.upkeep import clearing
from packslip.upkeep.commands import gc_command
from packslip.web.context import current_settings, current_storage


def long_ago() -> datetime:
    return now() - timedelta(days=400)


def _clear(session: Session, *, dry_run: bool = False, **settings: Any) -> dict[str, int]:
    in_force = replace(current_settings(), **settings)
    found = clearing.clear(session, current_storage(), in_force, dry_run=dry_run)
    return {one.what: one.count for one in found if one.count}


def _count(session: Session, model: Any) -> int:
    found = session.scalar(select(func.count()).select_from(model)) or 0
    session.rollback()
    return found


def test_downloads_go_after_their_time_and_their_sums_stay(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clearing, "_BATCH", 2)
    with write_transaction(session):
        add_downloads(session, *[{"created_at": long_ago()}] * 5, {"created_at": now()})
    assert _clear(session) == {}
    assert _clear(session, keep_downloads=30, dry_run=True) == {"downloads": 5}
    assert _count(session, Download) == 6
    assert _clear(session, keep_downloads=30) == {"downloads": 5}
    assert _clear(session, keep_downloads=30) == {}
    assert _count(session, Download) == 1
    assert session.get_one(DownloadTotal, "demo").downloads == 6


def test_old_events_go_but_the_serial_of_the_index_never_goes_back(session: Session) -> None:
    with write_transaction(session):
        for package_id, action in (
            ("demo", Action.PACKAGE_CREATE),
            ("demo", Action.FILE_LOSE),
            ("demo", Action.PACKAGE_CREATE),
            (None, Action.USER_CHANGE),
        ):
            event = Event(
                action=action, actor_name="x", package_id=package_id, created_at=long_ago(), data={}
            )
            session.add(event)
    before = last_serial(session)
    session.rollback()
    assert _clear(session, keep_events=100) == {"events": 2}
    assert last_serial(session) == before
    left = session.scalars(select(Event.action).order_by(Event.id)).all()
    assert left == [Action.FILE_LOSE, Action.PACKAGE_CREATE]
    session.rollback()
    with write_transaction(session):
        record(session, ACTOR, Action.PACKAGE_CREATE, package_id="demo")
    assert _clear(session, keep_events=100) == {"events": 1}


def test_what_has_expired_goes_without_any_setting(session: Session) -> None:
    with write_transaction(session):
        ada = make_user(session, "ada")
    with write_transaction(session):
        for _ in range(2):
            start_login_session(session, ada, ip_address=None, user_agent="")
        first = session.scalars(select(LoginSession).limit(1)).one()
        first.expires_at = long_ago()
    assert _clear(session) == {"sessions": 1}
    assert _count(session, LoginSession) == 1


def test_drafts_go_when_nobody_went_on_with_them(session: Session) -> None:
    with write_transaction(session):
        ada = make_user(session, "ada")
    with write_transaction(session):
        session.add(NoteDraft(user_id=ada.id, key="new", updated_at=long_ago()))
        session.add(NoteDraft(user_id=ada.id, key="7", updated_at=now()))
    assert _clear(session) == {}
    assert _clear(session, keep_drafts=90) == {"drafts": 1}
    assert session.scalars(select(NoteDraft.key)).all() == ["7"]


def test_the_command_counts_or_removes(app: Flask, session: Session, tmp_path: Path) -> None:
    half = tmp_path / "files" / ".staging" / "left"
    half.parent.mkdir(parents=True)
    half.write_bytes(b"half")
    runner = app.test_cli_runner()
    for arguments, is_there in ((["--dry-run"], True), ([], False)):
        done = runner.invoke(gc_command, ["--json", *arguments])
        assert done.exit_code == 0, done.output
        said = json.loads(done.stdout)
        assert said["dry_run"] is is_there
        assert said["removed"]["files left half written"] == 1
        assert half.exists() is is_there
