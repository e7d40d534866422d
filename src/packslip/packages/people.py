"""Authors and maintainers as metadata names them."""

from __future__ import annotations

import re
from email.utils import getaddresses
from typing import NamedTuple

from packslip.packages.metadata import CoreMetadata

_LONGEST = 200
_BETWEEN_NAMES = re.compile(
    r"\s*(?:[;\n]|,(?!\s*(?:inc|ltd|llc|gmbh|jr|sr)\b)|&|\band\b)\s*", re.IGNORECASE
)
_IN_BRACKETS = re.compile(r"\s*<[^<>]*>")
_ADDRESS = re.compile(r"[^\s@<>()\[\],;:\"]+@[^\s@<>()\[\],;:\"]+")


class Person(NamedTuple):
    """Somebody who wrote or looks after a package; at least one of the two is there."""

    name: str | None
    email: str | None


def people_of(names: str | None, emails: str | None) -> list[Person]:
    """Return the people that a pair of fields names, such as Author and Author-email.

    Either may hold several people, and Author-email also their names:
    `"Jane Doe" <jane@example.com>, joe@example.com`.
    """
    known = [name for name in _BETWEEN_NAMES.split(_without_addresses(names or "")) if name]
    addressed = _addressed(emails or "")
    nameless = [person for person in addressed if person.name is None]
    if known and len(known) == len(nameless):
        named = iter(known)
        return [
            person if person.name else Person(next(named), person.email) for person in addressed
        ]
    told = {person.name for person in addressed}
    return [Person(name[:_LONGEST], None) for name in known if name not in told] + addressed


def author_of(metadata: CoreMetadata) -> tuple[str | None, str | None]:
    """Return the author's name and e-mail address; of several people all names, one address.

    Where no author is named, the maintainer is.
    """
    if metadata.author or metadata.author_email:
        return _name_and_address(metadata.author, metadata.author_email)
    return _name_and_address(metadata.maintainer, metadata.maintainer_email)


def _name_and_address(name: str | None, email: str | None) -> tuple[str | None, str | None]:
    people = _addressed(email or "") or _addressed(name or "")
    told = _without_addresses(name or "")
    names = told or ", ".join(person.name for person in people if person.name)
    return names[:_LONGEST] or None, people[0].email if people else None


def _without_addresses(names: str) -> str:
    return _ADDRESS.sub("", _IN_BRACKETS.sub("", names)).strip(" ,;")


def _addressed(text: str) -> list[Person]:
    people = []
    try:
        addresses = getaddresses([text.replace(";", ",")])
    except RecursionError:
        # Comments in brackets may be nested.
        addresses = []
    for name, address in addresses:
        if _ADDRESS.fullmatch(address) and len(address) <= _LONGEST:
            people.append(Person(" ".join(name.split())[:_LONGEST] or None, address))
    if not people:
        # Written so that no parser takes it: the addresses alone are still of use.
        people = [Person(None, address[:_LONGEST]) for address in _ADDRESS.findall(text)]
    return people
