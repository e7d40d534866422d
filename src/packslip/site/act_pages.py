"""What the pages show on which somebody confirms what a note will do, or no longer do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.notes.rehearsal import Rehearsed, ReleaseChange
from packslip.packages.models import Act
from packslip.packages.queries import get_package
from packslip.site.impact import DAYS, impact_of, sight_of
from packslip.web.errors import reason_phrase

#: So many releases are named one by one.
NAMED = 30


@dataclass(frozen=True)
class Printed:
    """What tools print of a release, by the part of their output that is ours."""

    version: str
    #: By pip, when the release is pinned.
    pip: str
    uv: str
    #: The status line of its files; None while they are sent.
    refusal: str | None


def printed_of(package_id: str, change: ReleaseChange) -> Printed | None:
    """What tools print of the release after the change; None for nothing."""
    after = change.after
    if not after.yanked:
        return None
    pinned = f"{package_id}=={change.version}"
    if after.held_reason is not None:
        phrase = reason_phrase(after.held_reason)
        return Printed(
            change.version,
            pip=f"403 Client Error: {phrase} for url: …",
            uv=f"HTTP status client error (403 {phrase}) for url (…)",
            refusal=f"403 {phrase}",
        )
    reason = after.yanked_reason
    told = "" if reason is None else f' (reason: "{reason}")'
    return Printed(
        change.version,
        pip=f"Reason for being yanked: {reason or '<none given>'}",
        uv=f"warning: `{pinned}` is yanked{told}",
        refusal=None,
    )


def page_of(session: Session, user: User, rehearsed: Rehearsed) -> dict[str, Any]:
    """The variables of `site/act_parts.html`."""
    package = get_package(session, rehearsed.package_id, without_texts=True)
    state = rehearsed.state
    sight = sight_of(session, user, package)
    printed = (printed_of(package.id, one) for one in rehearsed.changes)
    return {
        "rehearsed": rehearsed,
        "printed": next((one for one in printed if one is not None), None),
        "impact": impact_of(session, package, sight, version_range=state.version_range),
        "days": DAYS,
        "named": NAMED,
        "is_ranged": state.act in {Act.WARN, Act.YANK, Act.HOLD},
    }
