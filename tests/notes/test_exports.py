"""`packslip note list`, `edit`, `export` and `import`."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_user
from tests.helpers.notes import make_note
from tests.helpers.packages import add_releases

from packslip.accounts.models import Role
from packslip.accounts.queries import get_user
from packslip.cli import packslip
from packslip.db import is_postgresql, write_transaction
from packslip.notes.comments import add_comment, delete_comment
from packslip.notes.fields import fields_of
from packslip.notes.models import Note, NoteComment, NoteRevision, Visibility
from packslip.notes.operations import edit_note
from packslip.packages.models import Act, Package, Release, StandingAct


class Run:
    """Runs `packslip note`."""

    def __init__(self, app: Flask, session: Session) -> None:
        self._runner, self._session = app.test_cli_runner(), session

    def __call__(self, *arguments: str, stdin: str = "") -> Any:
        result = self._runner.invoke(packslip, ["note", *arguments], input=stdin)
        self._session.rollback()
        return result


@pytest.fixture
def run(app: Flask, session: Session) -> Run:
    ada = make_user(session, "ada")
    make_user(session, "bob", role=Role.CURATOR)
    add_releases(session, "Demo", {"1.0": [], "2.0": []}, owner=ada)
    return Run(app, session)


def state(session: Session) -> list[Any]:
    session.rollback()
    names = [column.name for column in Note.__table__.columns if column.name != "edition"]
    found = session.scalars(select(Note).order_by(Note.id))
    rows: list[Any] = [{name: getattr(one, name) for name in names} for one in found]
    acts = session.execute(select(StandingAct.note_id, StandingAct.act))
    yanks = session.execute(select(Release.version, Release.yanked_reason).order_by(Release.id))
    return [*rows, *map(tuple, acts), *map(tuple, yanks)]


def test_an_export_into_an_empty_index_gives_the_same_notes(
    run: Run, session: Session, tmp_path: Path
) -> None:
    folder = tmp_path / "notes"
    ada, bob = get_user(session, "ada"), get_user(session, "bob")
    make_note(session, ada, "gone")
    make_note(session, ada, "Mine", body="\n#tag\n---\n\n")
    make_note(session, bob, "Theirs, private")
    make_note(session, bob, 'It\'s "so": ü', visibility=Visibility.TEAM)
    make_note(session, ada, "Leaks", act=Act.YANK, version_range="<2", body="See [[demo]].")
    make_note(session, bob, "Held once", act=Act.HOLD)
    assert run("lift", "6").exit_code == 0
    with write_transaction(session):
        session.execute(delete(Note).where(Note.id == 1))
    exported = run("export", str(folder), "--user", "ada", "--team")
    assert exported.output == f"4 notes exported to {folder}\n"
    assert sorted(path.name for path in folder.glob("*.md")) == [
        "00002-mine.md", "00004-it-s-so-u.md", "00005-leaks.md", "00006-held-once.md",
    ]  # fmt: skip
    assert "4 unchanged" in run("import", str(folder), "--user", "bob").output
    before = [one for one in state(session) if not (isinstance(one, dict) and one["id"] == 3)]
    with write_transaction(session):
        session.execute(delete(StandingAct))
        session.execute(delete(Note))
        for release in session.scalars(select(Release)):
            release.yanked, release.yanked_reason = False, None
        for package in session.scalars(select(Package)):
            package.acts_until = None
        reset_numbers(session)
    empty = state(session)
    assert run("import", str(folder), "--dry-run").exit_code == 0
    assert state(session) == empty
    done = run("import", str(folder), "--user", "ada")
    assert done.output == "4 created, 0 updated, 0 unchanged, 0 skipped\n"
    after = state(session)
    for one in (*before, *after):
        if isinstance(one, dict):
            # Who lifted it is not told.
            one.pop("lifted_by_id")
    assert after == before
    assert "4 unchanged" in run("import", str(folder), "--user", "ada").output


def history(session: Session) -> list[Any]:
    """All revisions and comments, without their keys."""
    session.rollback()
    revisions = session.scalars(
        select(NoteRevision).order_by(NoteRevision.note_id, NoteRevision.number)
    )
    comments = session.scalars(select(NoteComment).order_by(NoteComment.id))
    return [
        *([one.note_id, *(getattr(one, name) for name in REVISION)] for one in revisions),
        *([one.note_id, *(getattr(one, name) for name in COMMENT)] for one in comments),
    ]


REVISION = (
    "number", "user_id", "created_at", "title", "body", "visibility", "package_id",
    "version_range", "act",
)  # fmt: skip
COMMENT = ("user_id", "created_at", "updated_at", "body")


def edit(session: Session, note: Note, **changes: Any) -> None:
    with write_transaction(session):
        edit_note(session, ACTOR, note.author, note, replace(fields_of(note), **changes),
                  edition=note.edition)  # fmt: skip


def test_revisions_and_comments_survive_the_tool(
    run: Run, session: Session, tmp_path: Path
) -> None:
    ada, bob = get_user(session, "ada"), get_user(session, "bob")
    note = make_note(session, ada, "Secret draft", body="Mine\n---\n")
    edit(session, note, title="Shared", visibility=Visibility.TEAM, package="demo")
    edit(session, note, act=Act.WARN, version_range="<2")
    with write_transaction(session):
        for text in ("One.\n\nTwo.", "Gone"):
            comment = add_comment(session, ACTOR, bob, note, text)
        delete_comment(session, ACTOR, bob, comment.id)
    everything, shared = tmp_path / "ada", tmp_path / "team"
    assert run("export", str(everything), "--user", "ada").exit_code == 0
    assert run("export", str(shared)).exit_code == 0
    names = ["comment-00001.md", "revision-0002.md", "revision-0003.md"]
    assert sorted(path.name for path in (shared / "00001").iterdir()) == names
    assert not any("Secret" in path.read_text() for path in shared.rglob("*.md"))
    (everything / "00001" / "comment-00009.md").write_text("An older export's.")
    assert run("export", str(everything), "--user", "ada").exit_code == 0
    before, last = history(session), note.updated_at
    assert len(before) == 3 + 2
    assert "1 unchanged" in run("import", str(everything)).output
    assert history(session) == before

    with write_transaction(session):
        session.execute(delete(StandingAct))
        session.execute(delete(Note))
        reset_numbers(session)
    assert run("import", str(shared), "--user", "ada").exit_code == 0
    assert [one[1] for one in history(session)[:-1]] == [2, 3]
    # What was not among them comes with a fuller export.
    assert "1 updated" in run("import", str(everything), "--user", "ada").output
    assert before.pop()[-1] == ""  # what was deleted is not exported
    assert history(session) == before
    found = session.scalars(select(Note)).one()
    assert (found.edition, found.updated_at) == (3, last)
    assert "1 unchanged" in run("import", str(everything), "--user", "ada").output


def test_what_was_written_here_and_in_the_files_is_kept(
    run: Run, session: Session, tmp_path: Path
) -> None:
    note = make_note(session, get_user(session, "ada"), "First", visibility=Visibility.TEAM)
    edit(session, note, title="Second")
    assert run("export", str(tmp_path)).exit_code == 0
    (file,) = tmp_path.glob("*.md")
    # By hand, and with a comment of somebody who is not here.
    file.write_text(file.read_text().replace("Second", "By hand"))
    comment = '---\nauthor: "eve"\ncreated_at: "2026-01-01T00:00:00Z"\n---\n\nHello.\n'
    (tmp_path / "00001" / "comment-1.md").write_text(comment)
    done = run("import", str(tmp_path))
    assert "comments of eve are left out: there is no such user" in done.output
    titles = [one[4] for one in history(session)]
    assert titles == ["First", "Second", "By hand"]
    with write_transaction(session):
        session.execute(delete(Note))
    assert "1 created" in run("import", str(tmp_path)).output
    assert [(one[1], one[4]) for one in history(session)] == [
        (1, "First"), (2, "Second"), (3, "By hand"),
    ]  # fmt: skip
    (tmp_path / "00001" / "revision-0009.md").write_text("---\nnumber: 1\n---\n")
    refused = run("import", str(tmp_path))
    assert refused.exit_code == 1
    assert "00001/revision-0009.md: " in refused.output


def reset_numbers(session: Session) -> None:
    if is_postgresql(session):
        session.execute(text("ALTER SEQUENCE notes_id_seq RESTART"))
    else:
        session.execute(text("DELETE FROM sqlite_sequence WHERE name = 'notes'"))


def test_an_import_acts_with_rights_alone_and_says_what_it_skips(
    run: Run, session: Session, tmp_path: Path
) -> None:
    head = '---\ntitle: "Evil"\nauthor: "ada"\nvisibility: "team"\npackage: "demo"\n'
    hold = f'{head}act: "hold"\ncreated_at: "2026-01-01T00:00:00Z"\n---\n\nText.\n'
    (tmp_path / "1.md").write_text(hold)
    (tmp_path / "2.md").write_text(hold.replace('"ada"', '"nobody"'))
    (tmp_path / "3.md").write_text("No note.")
    (tmp_path / "4.md").write_text(hold.replace("demo", "nowhere"))
    done = run("import", str(tmp_path), "--user", "ada")
    assert done.exit_code == 1
    assert "1 created, 0 updated, 0 unchanged, 3 skipped" in done.output
    assert "1.md: created: it does not act" in done.output
    assert "3.md: skipped: it does not begin with a line ---" in done.output
    assert session.scalars(select(StandingAct)).all() == []
    again = json.loads(run("import", str(tmp_path), "--user", "bob", "--json").stdout)
    assert again["files"][0] == {"file": "1.md", "outcome": "updated", "note": 1, "why": ""}
    assert session.scalars(select(StandingAct)).one().act == "hold"
    (tmp_path / "1.md").write_text(hold.replace("Evil", "Other"))
    refused = run("import", str(tmp_path))
    assert "1.md: skipped: to hold needs a --user" in refused.output
    assert session.scalars(select(Note)).one().title == "Evil"


def test_notes_are_listed_and_edited(
    run: Run, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("add", "--user", "ada", "--title", "Mine", "--body", "about #things")
    run("add", "--user", "ada", "--title", "Act", "--package", "demo", "--act", "warn")
    assert run("list").stdout == "2\tada\tteam\twarn\tdemo\tAct\n"
    assert run("list", "--user", "ada", "--tag", "#things").stdout.startswith("1\tada\tprivate")
    assert run("list", "--user", "bob", "thing").stdout == ""
    (found,) = json.loads(run("list", "--acting", "--package", "Demo", "--json").stdout)
    assert (found["id"], found["is_acting"]) == (2, True)
    edited = run("edit", "1", "--user", "ada", "--body", "-", stdin="From a pipe.")
    assert edited.stdout == "Note 1 is saved as edition 2.\n"
    assert run("edit", "1", "--title", "x").exit_code == 1
    monkeypatch.setattr("click.edit", lambda text, extension: text.replace("Mine", "Ours") + "\n")
    assert run("edit", "1", "--user", "ada").exit_code == 0
    note = session.get_one(Note, 1)
    assert (note.title, note.body) == ("Ours", "From a pipe.")
    monkeypatch.setattr("click.edit", lambda text, extension: "\n")
    refused = run("edit", "1", "--user", "ada")
    assert refused.exit_code == 1
    kept = Path(refused.stderr.split("is in ")[1].strip())
    assert kept.read_text() == "\n"
    kept.unlink()
