"""What releases require, and which packages here require one (PEP 508)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from packslip.packages import models
from packslip.packages.models import Package

#: So many requirements of one release are looked at.
MOST = 1000

#: Characters that are kept of what a package says of one that it requires.
LONGEST_TEXT = 1000

_EXTRA = re.compile(r'\bextra == "([^"]*)"')
_AND_EXTRA = re.compile(r'^(?:(.*) and )?extra == "[^"]*"$', re.DOTALL)


@dataclass(frozen=True)
class Required:
    """One requirement of a release."""

    #: All of it, as it is written.
    text: str
    #: The normalised name of what is required; None when the text cannot be understood.
    package_id: str | None = None
    #: The name as it is written.
    name: str = ""
    #: What follows the name: extras and versions, or an address.
    rest: str = ""
    #: When it is required, beside the extra: a marker.
    condition: str = ""
    #: The extras that ask for it, normalised; without one it is always required.
    extras: tuple[str, ...] = ()


@dataclass(frozen=True)
class Dependant:
    """A package whose latest release requires another one."""

    package_id: str
    name: str
    summary: str
    #: How it says so, a line for each requirement.
    text: str


def read_requirement(text: str) -> Required:
    """Take a requirement apart; what cannot be understood is text alone."""
    try:
        found = Requirement(text)
    except (InvalidRequirement, RecursionError):
        return Required(text)
    rest = f"[{','.join(sorted(found.extras))}]" if found.extras else ""
    rest += (
        f" @ {found.url}" if found.url else ",".join(sorted(map(str, found.specifier), key=_order))
    )
    marker = str(found.marker or "")
    extras = dict.fromkeys(canonicalize_name(extra) for extra in _EXTRA.findall(marker))
    return Required(
        text=text,
        package_id=canonicalize_name(found.name),
        name=found.name,
        rest=rest,
        condition=_without_extra(marker),
        extras=tuple(extras),
    )


def group_by_extra(
    requires_dist: Sequence[str], provides_extra: Iterable[str] = ()
) -> dict[str, list[Required]]:
    """Requirements by the extra that asks for them.

    Those that are always required stand under the empty name, which comes first. Extras that ask
    for nothing have an empty list. Only the first `MOST` are read.
    """
    groups: dict[str, list[Required]] = {"": []}
    for extra in list(provides_extra)[:MOST]:
        groups[canonicalize_name(extra)] = []
    for text in requires_dist[:MOST]:
        required = read_requirement(text)
        for extra in required.extras or ("",):
            groups.setdefault(extra, []).append(required)
    return groups


def required_packages(package_id: str, requires_dist: Sequence[str]) -> dict[str, str]:
    """The packages that a package requires, by normalised name, and how it says so."""
    texts: dict[str, list[str]] = {}
    for text in requires_dist[:MOST]:
        required = read_requirement(text)
        # Extras are often made of others of the same package.
        if required.package_id not in (None, package_id):
            texts.setdefault(required.package_id or "", []).append(text)
    return {name: "\n".join(lines)[:LONGEST_TEXT] for name, lines in texts.items()}


def note_requirements(session: Session, package: Package, requires_dist: Sequence[str]) -> None:
    """Keep what the latest release requires, so that it can be asked who requires a package."""
    wanted = required_packages(package.id, requires_dist)
    query = select(models.Requirement).where(models.Requirement.package_id == package.id)
    for row in session.scalars(query).all():
        text = wanted.pop(row.required_id, None)
        if text is None:
            session.delete(row)
        elif text != row.text:
            row.text = text
    for required_id, text in sorted(wanted.items()):
        row = models.Requirement(package_id=package.id, required_id=required_id, text=text)
        session.add(row)
    session.flush()


def list_dependants(
    session: Session, package_id: str, limit: int, after: str = ""
) -> list[Dependant]:
    """Packages whose latest release requires this one, by name, from the one after `after` on."""
    query = (
        select(Package.id, Package.name, Package.summary, models.Requirement.text)
        .join(Package, Package.id == models.Requirement.package_id)
        .where(models.Requirement.required_id == package_id)
        .where(models.Requirement.package_id > after)
        .order_by(models.Requirement.package_id)
        .limit(limit)
    )
    return [Dependant(*row) for row in session.execute(query)]


def count_dependants(session: Session, package_id: str) -> int:
    """How many packages' latest releases require this one."""
    query = select(func.count()).where(models.Requirement.required_id == package_id)
    return session.scalar(query) or 0


def _order(specifier: str) -> tuple[bool, str]:
    # "At least" before "less than".
    return specifier.startswith("<"), specifier


def _without_extra(marker: str) -> str:
    match = _AND_EXTRA.match(marker)
    if match is None:
        return marker
    rest = match[1] or ""
    # "and" binds closer than "or": of `a or b and extra == "x"` nothing can be left out.
    if " or " in rest and not (rest.startswith("(") and rest.endswith(")")):
        return marker
    return rest
