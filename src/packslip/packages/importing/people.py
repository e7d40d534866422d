"""Who somebody is whom the author and maintainer fields of a document name."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator

from packslip.accounts.usernames import MAX_LENGTH
from packslip.packages.importing.values import line
from packslip.packages.people import Person, people_of

#: Characters of a field that are read; a longer one is no list of people but a text.
LONGEST_FIELD = 4000
#: Leaves room for a number behind it.
LONGEST_USERNAME = MAX_LENGTH - 10

_ET_AL = re.compile(r"\s+et\.?\s+al\b.*", re.IGNORECASE)
_NOBODY = {
    *("", "all contributors", "contributors", "et al", "many others", "n/a", "na", "nobody"),
    *("none", "null", "other contributors", "others", "the contributors", "unknown", "various"),
}
#: Local parts of addresses that name a task and no person (RFC 2142, and what is usual).
_TASKS = {
    *("abuse", "admin", "administrator", "contact", "dev", "devs", "hello", "help", "hostmaster"),
    *("info", "mail", "me", "no-reply", "noreply", "office", "opensource", "oss", "packages"),
    *("packslip", "pip", "postmaster", "pypi", "python", "root", "security", "support", "team"),
    *("webmaster",),
}


def read_people(names: str, emails: str) -> list[Person]:
    """The people of one pair of fields, such as `author` and `author_email`, each once.

    Names and addresses that belong to nobody in particular are left out. As many names without an
    address as addresses without a name belong together; else those that resemble each other.
    """
    names, emails = _sorted_out(names[:LONGEST_FIELD], emails[:LONGEST_FIELD])
    people = [*_cleaned(people_of(names, emails))]
    nameless = [person for person in people if person.name is None]
    unaddressed = [person for person in people if person.email is None]
    is_even = len(nameless) == len(unaddressed)
    for person in nameless:
        match = next((p for p in unaddressed if is_even or _resembles(p, person)), None)
        if match is not None:
            unaddressed.remove(match)
            people.remove(match)
            people[people.index(person)] = Person(match.name, person.email)
    return unite(people)


def unite(people: Iterable[Person]) -> list[Person]:
    """Each person once, those with an address first."""
    found: list[Person] = []
    for person in sorted(people, key=lambda person: person.email is None):
        if not is_among(person, found):
            found.append(person)
    return found


def is_among(person: Person, others: Iterable[Person]) -> bool:
    """Whether one of the others is this person: by address, or by name where one has none."""
    return any(
        person.email == other.email
        if person.email and other.email
        else is_same_name(person.name, other.name)
        for other in others
    )


def is_same_name(name: str | None, other: str | None) -> bool:
    """Whether two names are one, regardless of case; no name is nobody's."""
    return bool(name and other) and str(name).casefold() == str(other).casefold()


def username_for(person: Person) -> str:
    """A username for a new user, in the form that accounts ask for; it may be taken."""
    local, _, domain = (person.email or "").partition("@")
    local = local.partition("+")[0]
    if local in _TASKS:
        candidates = (person.name or "", f"{local}-{domain.partition('.')[0]}")
    else:
        candidates = (local, person.name or "")
    return next((slug for slug in map(_slug, candidates) if slug), "user")


def _sorted_out(names: str, emails: str) -> tuple[str, str]:
    """Put names with an address behind them where addresses belong."""
    if "@" not in names:
        return names, emails
    parts = re.split(r"[,;\n]", names)
    addressed = [part for part in parts if "@" in part]
    return ", ".join(p for p in parts if "@" not in p), ", ".join([emails, *addressed])


def _cleaned(people: Iterable[Person]) -> Iterator[Person]:
    for person in people:
        name = _ET_AL.sub("", line(person.name))
        known = None if name.lower().rstrip(".") in _NOBODY or "://" in name else name
        if known or person.email:
            yield Person(known, person.email and person.email.lower())


def _resembles(named: Person, addressed: Person) -> bool:
    local = (addressed.email or "").partition("@")[0]
    words = re.split(r"[._-]+", _slug(named.name or ""))
    return any(len(word) > 2 and word in local for word in words)


def _slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    joined = re.sub(r"[^a-z0-9._-]+", "-", plain)
    return re.sub(r"[._-]{2,}", "-", joined).strip("._-")[:LONGEST_USERNAME].rstrip("._-")
