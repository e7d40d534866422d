"""What people of the showcase wrote, and what waits for them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, make_token
from tests.helpers.distributions import build_wheel
from tests.helpers.inside import Inside
from tests.helpers.mirror_rules import add_rules
from tests.helpers.notes import fields, make_note
from tests.helpers.second_factors import add_authenticator
from tests.helpers.subscriptions import subscribe

from packslip.accounts.invitations import create_invitation
from packslip.accounts.links import make_link
from packslip.accounts.models import LinkPurpose, Scope, User
from packslip.accounts.recovery import make_reset_link
from packslip.db import write_transaction
from packslip.index import staged_uploads
from packslip.notes.acts import lift_act
from packslip.notes.comments import add_comment
from packslip.notes.models import Note, NoteComment, Visibility
from packslip.notes.operations import edit_note
from packslip.packages.digests import digests_of
from packslip.packages.examination import examine
from packslip.packages.maintainer_invitations import invite_maintainer
from packslip.packages.models import Act, MaintainerRole, Package
from packslip.web.context import current_settings, current_storage

BODY = """## What happened

After the update to **acme-orders 2.1** the nightly import took four hours instead of one. The
reason is the new default of `page_size`: see [[acme-http]] and the tag #performance.

```python
with Orders.open("orders", page_size=500) as store:
    ...  # as before
```

| page_size | rows a second | memory |
|---:|---:|---:|
| 50 | 410 | 90 MB |
| 500 | 1,720 | 130 MB |

- [x] tell the warehouse, @grace
- [ ] put it into the handbook

> Whoever changes a default says so in the first line of the changelog.
"""

SHORT = {
    "Which versions run in the shop": (
        "acme-orders",
        "2.1 everywhere since Monday; the warehouse follows. #deploy",
    ),
    "Rates come from the bank now": ("acme-money", "Nightly, at 02:00 UTC. #rates #deploy"),
    "Fixtures for the queue": ("acme-testing", "Use `fake_queue`; it keeps the order. #tests"),
    "Ask before the summer sale": (None, "No releases in the week before it. #deploy"),
}


def add_notes_and_more(within: Inside, folder: Path) -> dict[str, Any]:
    """Write notes, and leave something waiting; what stands in braces in the addresses."""
    with within.working() as session:
        people = {user.username: user for user in session.scalars(select(User))}
        note, comment = _write(session, people["ada"], people["grace"])
        acting, lifted = _act(session, people)
        webhook, unsubscribe = subscribe(session, people["ada"], "acme-orders")
        ruled = add_rules(session, people["ada"], "urllib3")
        upload = _leave_waiting(session, people["ada"], folder)
        make_token(session, people["ada"], name="laptop")
        make_token(session, people["ada"], name="ci of acme-orders", packages=["acme-orders"])
        make_token(session, people["ada"], name="servers", scope=Scope.READ)
        add_authenticator(session, people["margaret"])
        day = timedelta(days=1)
        with write_transaction(session):
            invite_maintainer(
                session,
                ACTOR,
                session.get_one(Package, "acme-orders"),
                people["linus"],
                MaintainerRole.MAINTAINER,
                invited_by=people["ada"],
            )
            _, invitation = create_invitation(session, ACTOR, email="mary@example.com")
            confirm = make_link(
                session,
                people["ada"],
                LinkPurpose.CONFIRM_EMAIL,
                day,
                email="ada@example.com",
            )
            reset = make_reset_link(session, ACTOR, people["linus"])
        return {
            "acting": acting.id,
            "comment": comment.id,
            "confirm": confirm.rpartition("/")[2],
            "invitation": invitation,
            "exception": ruled.exception,
            "lifted": lifted.id,
            "note": note.id,
            "request": ruled.request,
            "rule": ruled.rule,
            "reset": reset.rpartition("/")[2],
            "unsubscribe": unsubscribe,
            "upload": upload,
            "webhook": webhook,
        }


def _write(session: Session, author: User, other: User) -> tuple[Note, NoteComment]:
    """A note with all that there is, and the comment of the other person."""
    said: dict[str, Any] = {"visibility": Visibility.TEAM, "package": "acme-orders"}
    for title, (package, body) in SHORT.items():
        values = said | {"package": package}
        make_note(session, other, title, body=body, **values)
    make_note(session, author, "Ideas for 3.0", body="Async throughout? #ideas")
    title = "Why the nightly import became slow"
    note = make_note(session, author, title, body=BODY.partition("- [x]")[0], **said)
    with write_transaction(session):
        newer = fields(title, body=BODY, version_range=">=2.1", **said)
        note = edit_note(session, ACTOR, author, note, newer, edition=1)
        comment = add_comment(session, ACTOR, other, note, "The handbook has it. **Thanks!**")
        add_comment(session, ACTOR, author, note, "I close this when the warehouse is done.")
    return note, comment


def _act(session: Session, people: dict[str, User]) -> tuple[Note, Note]:
    """Notes that act; the one with the most to show, and one that acts no more."""
    make_note(
        session,
        people["grace"],
        "The carrier prints labels itself now",
        package="acme-labels",
        act=Act.DEPRECATE,
    )
    make_note(
        session,
        people["ada"],
        "Needs a restart of all workers",
        package="acme-login",
        version_range=">=4.1",
        act=Act.WARN,
    )
    lifted = make_note(
        session,
        people["grace"],
        "Waits for the new bank interface",
        package="acme-ledger",
        version_range="==3.2",
        act=Act.HOLD,
    )
    with write_transaction(session):
        lift_act(session, ACTOR, None, lifted)
    acting = make_note(
        session,
        people["grace"],
        "Forecasts are twice too high",
        body="The new model counts returns as sales. Mended in 0.3.",
        package="acme-forecast",
        version_range="==0.2",
        fixed_in="0.3",
        act=Act.HOLD,
    )
    return acting, lifted


def _leave_waiting(session: Session, user: User, folder: Path) -> str:
    """Uploads that wait to be confirmed, one of them with faults; the id of the good one."""
    storage, most = current_storage(), current_settings().max_upload
    readme: dict[str, Any] = {
        "description": "# Orders\n\nNow async.\n",
        "description_content_type": "text/markdown",
    }
    good = build_wheel(folder, "acme-orders", "2.2", summary="Read and write orders.", **readme)
    bad = build_wheel(
        folder, "acme-orders", "2.3", requires_python="three", classifier=["Weather :: Sunny"]
    )
    for path in (good, bad):
        with storage.stage() as staged:
            staged.write(path.read_bytes())
            found = [examine(staged, path.name, digests_of(path))]
            staged_uploads.keep(
                session, storage, user.id, found, max_upload=most, confirm=lambda _: None
            )
    waiting = staged_uploads.list_staged(session, user)
    return next(one.id for one in waiting if one.filename == good.name)
