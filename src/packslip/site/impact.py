"""Who feels it when something is done about a package or some of its releases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.accounts.models import Role, Token, User
from packslip.downloads.downloaders import Downloader, list_downloaders
from packslip.packages.access import rights_of
from packslip.packages.models import Package, Release
from packslip.packages.requirements import count_dependants, list_dependants
from packslip.packages.version_ranges import covers
from packslip.site.removals import DEPENDANTS, Needing, allows_any

#: Days that are looked back.
DAYS = 90

#: So many users and tokens are named, and so many addresses.
NAMED = 100

#: Who looks after the index as a whole.
_GUARDS = frozenset({Role.CURATOR, Role.ADMIN})


@dataclass(frozen=True)
class Sight:
    """How much somebody sees of who downloaded something."""

    #: Who they are, and by which tokens.
    people: bool = False
    #: From where those did whom nobody knows.
    addresses: bool = False


@dataclass(frozen=True)
class Feeling:
    """Somebody who downloaded it."""

    #: None for whom nobody knows, and for an account that is gone.
    username: str | None
    #: The token's name; None where none was sent.
    token: str | None
    address: str | None
    #: The installers' names.
    tools: Sequence[str]
    downloads: int
    last_at: datetime


@dataclass(frozen=True)
class Impact:
    """Who has downloaded it in the last `DAYS` days, and what requires it."""

    #: The versions that are meant and are there, the newest first.
    versions: Sequence[str]
    downloads: int
    #: False when there were more downloads than were looked at.
    is_all: bool
    sight: Sight
    #: Of how many users they were, as far as they are known.
    users: int
    #: Downloads of nobody who is known.
    unknown: int
    #: Users and tokens, the most downloads first; none without the right to see them.
    people: Sequence[Feeling]
    #: Those whom nobody knows, by address, or by tool alone.
    others: Sequence[Feeling]
    #: Packages whose latest release requires one of the versions.
    needing: Sequence[Needing]
    #: Whether more packages require it than were looked at.
    more: bool


def sight_of(session: Session, user: User, package: Package) -> Sight:
    """What the user sees: names, if they look after the package or guard the index.

    Addresses are for owners, curators and admins.
    """
    if user.disabled_at is not None:
        return Sight()
    rights, guards = rights_of(session, user, package), user.role in _GUARDS
    return Sight(people=rights.maintain or guards, addresses=rights.manage or guards)


def impact_of(
    session: Session,
    package: Package,
    sight: Sight,
    *,
    version_range: str | None = None,
    version: str | None = None,
) -> Impact:
    """Who feels it when the releases in the range are concerned, or the one of that version."""
    rows = session.execute(
        select(Release.id, Release.version)
        .where(Release.package_id == package.id)
        .order_by(Release.sort_key.desc())
    ).all()
    meant = [
        (key, text)
        for key, text in rows
        if (covers(version_range, text) if version is None else text == version)
    ]
    since = datetime.now(UTC) - timedelta(days=DAYS)
    is_whole = version is None and version_range is None
    found = list_downloaders(
        session, package.id, since, release_ids=None if is_whole else [key for key, _ in meant]
    )
    known = [one for one in found.downloaders if one.user_id is not None]
    unknown = [one for one in found.downloaders if one.user_id is None]
    versions = [text for _, text in meant]
    dependants = _needing(session, package, versions, [text for _, text in rows])
    return Impact(
        versions=versions,
        downloads=sum(one.downloads for one in found.downloaders),
        is_all=found.is_all,
        sight=sight,
        users=len({one.user_id for one in known}),
        unknown=sum(one.downloads for one in unknown),
        people=_people(session, known) if sight.people else [],
        others=_others(unknown, with_addresses=sight.addresses),
        needing=dependants,
        more=count_dependants(session, package.id) > DEPENDANTS,
    )


def _people(session: Session, known: Iterable[Downloader]) -> list[Feeling]:
    groups: defaultdict[tuple[int | None, int | None], list[Downloader]] = defaultdict(list)
    for one in known:
        groups[one.user_id, one.token_id].append(one)
    ordered = sorted(groups.items(), key=lambda item: -_sum(item[1]))[:NAMED]
    user_ids, token_ids = {key[0] for key, _ in ordered}, {key[1] for key, _ in ordered}
    names = select(User.id, User.username).where(User.id.in_(user_ids))
    usernames = {row.id: row.username for row in session.execute(names)}
    titles = select(Token.id, Token.name).where(Token.id.in_(token_ids - {None}))
    tokens = {row.id: row.name for row in session.execute(titles)}
    return [
        _feeling(
            some,
            username=usernames.get(user_id or 0),
            token=None if token_id is None else tokens.get(token_id) or f"token {token_id}",
        )
        for (user_id, token_id), some in ordered
    ]


def _others(unknown: Iterable[Downloader], *, with_addresses: bool) -> list[Feeling]:
    groups: defaultdict[str | None, list[Downloader]] = defaultdict(list)
    for one in unknown:
        groups[one.ip_address if with_addresses else one.tool].append(one)
    ordered = sorted(groups.items(), key=lambda item: (-_sum(item[1]), item[0] or ""))[:NAMED]
    return [_feeling(some, address=key if with_addresses else None) for key, some in ordered]


def _feeling(
    some: Collection[Downloader],
    *,
    username: str | None = None,
    token: str | None = None,
    address: str | None = None,
) -> Feeling:
    return Feeling(
        username=username,
        token=token,
        address=address,
        tools=sorted({one.tool for one in some if one.tool}),
        downloads=_sum(some),
        last_at=max(one.last_at for one in some),
    )


def _sum(some: Iterable[Downloader]) -> int:
    return sum(one.downloads for one in some)


def _needing(
    session: Session, package: Package, versions: Collection[str], every: Sequence[str]
) -> list[Needing]:
    dependants = list_dependants(session, package.id, DEPENDANTS)
    if not versions:
        return []
    meant = set(versions)
    others = [text for text in every if text not in meant]
    return [
        Needing(one.package_id, one.name, one.text, not allows_any(one, others))
        for one in dependants
        if allows_any(one, versions)
    ]
