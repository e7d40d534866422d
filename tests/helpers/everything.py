"""One of everything that pages show, and what stands for it in their addresses.

A page that shows something new is only looked at with it when it is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_token, make_user
from tests.helpers.distributions import build_sdist, build_wheel
from tests.helpers.downloads import add_downloads
from tests.helpers.inside import Inside
from tests.helpers.mirror_rules import add_rules
from tests.helpers.notes import fields, make_note
from tests.helpers.publishing import upload
from tests.helpers.subscriptions import subscribe
from tests.helpers.teams import make_team
from werkzeug.routing import Rule

from packslip.accounts.invitations import create_invitation
from packslip.accounts.links import make_link
from packslip.accounts.models import LinkPurpose, Role, User
from packslip.accounts.recovery import make_reset_link
from packslip.attestations.models import Attested
from packslip.db import write_transaction
from packslip.index import staged_uploads
from packslip.notes.acts import lift_act
from packslip.notes.comments import add_comment
from packslip.notes.models import Note, NoteComment, Visibility
from packslip.notes.operations import edit_note
from packslip.packages.digests import digests_of
from packslip.packages.examination import examine
from packslip.packages.maintainer_invitations import invite_maintainer
from packslip.packages.models import Act, File, MaintainerRole, Package
from packslip.web.context import current_settings, current_storage

#: Who owns the package, wrote the note and is an admin: nearly all pages are for her.
ADMIN = "mary"
#: A member, who is invited to look after the package.
MEMBER = "bob"
PACKAGE = "everything"
MIRRORED = "mirrored"
#: A pre-release that is yanked, of a package that is deprecated.
OLD = "1.0rc1"

README = """# Everything

![build](https://images.example.com/build.svg) Text with [a link](https://example.com).

```python
import os  # a comment

@decorated
class Thing(Base):
    \"\"\"Says what it is.\"\"\"

    limit: int = 42

    def name(self) -> str:
        return f"{self!r}\\n" if True and not None else 'x'
```

```console
$ pip install everything
Successfully installed
```

```diff
- old
+ new
```

> quoted

| one | two | three | four | five | six | seven |
|---|---|---|---|---|---|---|
| 1 | 2 | 3 | 4 | 5 | 6 | a-very-long-word-that-does-not-fit-into-one-line-of-a-phone |

- [x] done
"""

NOTE = "We left **3.0** for [[everything]], see #deploy and @mary.\n\n- [x] tried\n\n" + README

_SAID: dict[str, Any] = {
    "metadata_version": "2.4",
    "summary": "Has all that there is",
    "description": README,
    "description_content_type": "text/markdown",
    "author_email": "Mary <mary@example.com>",
    "license_expression": "MIT",
    "keywords": "demo,pages",
    "requires_python": ">=3.9",
    "classifier": ["Programming Language :: Python :: 3", "Topic :: Software Development"],
    "project_url": ["Source, https://code.example.com/demo", "Docs, https://docs.example.com"],
    "requires_dist": ["everything-else>=1", 'pytest; extra == "test"'],
    "provides_extra": ["test"],
}

#: What has the name of a team in its address.
_OF_A_TEAM = (
    "team", "add", "delete", "describe", "give_prefix", "leave", "remove", "take_prefix",
)  # fmt: skip

_LINUX = "cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64"


def add_everything(within: Inside, folder: Path) -> dict[str, Any]:
    """Fill the index; what stands for each part of an address, by its name.

    Where a part is called alike in several addresses, `ENDPOINT PART` tells them apart.
    """
    with within.working() as session:
        admin = make_user(session, ADMIN, name="Mary Shelley", role=Role.ADMIN)
        member = make_user(session, MEMBER)
        make_token(session, admin, packages=[PACKAGE], name="laptop " + "x" * 80)
        _publish(session, admin, member, folder)
        note, comment = _write(session, admin, member)
        acting, lifted = _act(session, admin)
        webhook, token = subscribe(session, admin, PACKAGE)
        ruled = add_rules(session, member, MIRRORED)
        team = make_team(
            session, "data", member, managers=(admin,), packages={PACKAGE: "owner"},
            prefixes={"everything": "maintainer"},
        )  # fmt: skip
        waiting = _leave_waiting(session, admin, folder)
        with write_transaction(session):
            _, invitation = create_invitation(session, ACTOR, email="carol@example.com")
            confirm = LinkPurpose.CONFIRM_EMAIL
            day = timedelta(days=1)
            links = {
                "recovery.reset": make_reset_link(session, ACTOR, admin),
                "confirmation.ask": make_link(session, admin, confirm, day, email=admin.email),
            }
        return {
            **{f"{page} secret": link.rsplit("/", 1)[1] for page, link in links.items()},
            "browse.language_page group_id": "Python",
            "browse.license_page group_id": "MIT",
            "comment_id": comment.id,
            "admin.remove_rule_page rule_id": ruled.rule,
            "admin.rule rule_id": ruled.rule,
            "mirror.ask name": MIRRORED,
            "mirror.decide note_id": ruled.request,
            "mirror.end_exception rule_id": ruled.exception,
            "name": PACKAGE,
            "invitation": invitation,
            "note_acts.lift note_id": acting,
            "note_acts.resume note_id": lifted,
            "note_id": note.id,
            "number": 1,
            **{f"teams.{page} name": team.name for page in _OF_A_TEAM},
            "token": token,
            "upload_id": waiting,
            "username": ADMIN,
            "version": OLD,
            "webhook_id": webhook,
        }


def address_of(rule: Rule, parts: Mapping[str, Any]) -> str:
    """An address of the rule at which something is.

    Raises:
        AssertionError: nobody said what stands for a part of it.
    """
    values = {}
    for part in rule.arguments:
        value = parts.get(f"{rule.endpoint} {part}", parts.get(part))
        assert value is not None, (
            f"{rule.rule} is new: let add_everything() in {Path(__file__).name} make what it shows,"
            f' and return what stands for <{part}> as "{part}" or "{rule.endpoint} {part}"'
        )
        values[part] = value
    built = rule.build(values)
    assert built is not None, rule
    return built[1]


def _publish(session: Session, owner: User, invited: User, folder: Path) -> None:
    storage = current_storage()
    for path in (
        build_wheel(folder, PACKAGE, OLD, tags=_LINUX, **_SAID),
        build_sdist(folder, PACKAGE, OLD, **_SAID),
        build_wheel(folder, PACKAGE, "2.0", **_SAID),
        build_sdist(folder, PACKAGE, "2.0", **_SAID),
        build_wheel(folder, "everything-else", "1.0", requires_dist=[PACKAGE]),
    ):
        upload(session, storage, owner, path)
    file = session.scalars(select(File).where(File.filename.endswith("2.0.tar.gz"))).one()
    now = datetime.now(UTC)
    downloads = [
        {
            "created_at": now - timedelta(days=back),
            "package_id": PACKAGE,
            "release_id": file.release_id,
            "file": file.filename,
            "user_id": owner.id,
            "installer": ("pip", "uv")[back % 2],
            "python_version": "3.12.1",
            "system": "Linux",
        }
        for back in range(20)
    ]
    with write_transaction(session):
        session.add(Attested(file_id=file.id, attestations=[{"version": 1}]))
        add_downloads(session, *downloads)
        package = session.get_one(Package, PACKAGE)
        role = MaintainerRole.MAINTAINER
        invite_maintainer(session, ACTOR, package, invited, role, invited_by=owner)


def _write(session: Session, author: User, other: User) -> tuple[Note, NoteComment]:
    """A note with two revisions and a comment of its author."""
    said: dict[str, Any] = {"visibility": Visibility.PUBLIC, "package": PACKAGE}
    note = make_note(session, author, "Why we left", body=NOTE, **said)
    newer = fields("Why we left it", body=f"{NOTE}\nMore.\n", **said)
    with write_transaction(session):
        note = edit_note(session, ACTOR, author, note, newer, edition=1)
        comment = add_comment(session, ACTOR, author, note, "Yes, `always`.")
        add_comment(session, ACTOR, other, note, "No.")
    return note, comment


def _act(session: Session, author: User) -> tuple[int, int]:
    """Notes that act; one that does, and one that does no more."""
    acts: tuple[Mapping[str, Any], ...] = (
        {"title": "drops sessions", "act": Act.YANK, "version_range": f"=={OLD}"},
        {"title": "use everything-else instead", "act": Act.DEPRECATE},
        {"title": "needs a restart", "act": Act.WARN},
        {"title": "is slow", "act": Act.WARN},
    )
    notes = [make_note(session, author, package=PACKAGE, **values) for values in acts]
    with write_transaction(session):
        lift_act(session, ACTOR, author, notes[-1])
    return notes[0].id, notes[-1].id


def _leave_waiting(session: Session, owner: User, folder: Path) -> str:
    """An upload of a page that waits to be confirmed, and one with faults; the id of the first."""
    storage, most = current_storage(), current_settings().max_upload
    good = build_wheel(folder, PACKAGE, "3.0", **_SAID)
    bad = build_wheel(folder, PACKAGE, "4.0", requires_python="three", classifier=["Odd :: x"])
    for path in (good, bad):
        with storage.stage() as staged:
            staged.write(path.read_bytes())
            found = [examine(staged, path.name, digests_of(path))]
            staged_uploads.keep(
                session, storage, owner.id, found, max_upload=most, confirm=lambda _: None
            )
    waiting = staged_uploads.list_staged(session, owner)
    return next(one.id for one in waiting if one.filename == good.name)
