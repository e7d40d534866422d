"""Counting the licences and languages that an import brings."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.packages.importing.report import Changes, Kind, Outcome
from packslip.packages.models import Language, License, Package


@dataclass(frozen=True)
class Words:
    """The licences and languages that the index knows at some moment."""

    licenses: frozenset[str]
    languages: frozenset[str]


def known_words(session: Session) -> Words:
    """Those that it knows now. There are some hundred at most."""
    return Words(
        frozenset(session.scalars(select(License.id))),
        frozenset(session.scalars(select(Language.id))),
    )


def note_words(changes: Changes, package: Package, before: Words | None) -> None:
    """Note the package's licence and languages, all as old ones without `before`."""
    if package.license is not None:
        is_new = before is not None and package.license.id not in before.licenses
        changes.note(Kind.LICENSE, package.license.id, _outcome(is_new))
    for language in package.languages:
        is_new = before is not None and language.id not in before.languages
        changes.note(Kind.LANGUAGE, language.id, _outcome(is_new))


def _outcome(is_new: bool) -> Outcome:
    return Outcome.ADDED if is_new else Outcome.PRESENT
