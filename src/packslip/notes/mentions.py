"""What the mentions of a note lead to: packages, releases and people that are there, and tags."""

from __future__ import annotations

from collections.abc import Mapping

from flask import url_for
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.notes.markdown import Mention
from packslip.notes.rendering import Find
from packslip.packages.models import Release
from packslip.packages.queries import known_packages
from packslip.packages.versions import canonical


def find_in(session: Session, reader: User | None) -> Find:
    """A function that finds the addresses of mentions, as the reader may see them."""

    def find(mentions: frozenset[Mention]) -> Mapping[Mention, str]:
        links = _packages(session, {one for one in mentions if one.kind == "package"})
        links |= _users(session, {one for one in mentions if one.kind == "user"})
        if reader is not None:
            # Lists of notes are for members.
            links |= {
                one: url_for("notes.index", show="team", tag=one.name)
                for one in mentions
                if one.kind == "tag"
            }
        return links

    return find


def _packages(session: Session, mentions: set[Mention]) -> dict[Mention, str]:
    if not mentions:
        return {}
    known = known_packages(session, {one.name for one in mentions})
    pinned = {(one.name, canonical(one.version)) for one in mentions if one.version}
    releases = _releases(session, pinned) if pinned else {}
    links = {}
    for one in mentions:
        if one.version is None and one.name in known:
            links[one] = url_for("site.package", name=one.name)
        version = releases.get((one.name, canonical(one.version or "")))
        if one.version is not None and version is not None:
            links[one] = url_for("site.release", name=one.name, version=version)
    return links


def _releases(session: Session, pinned: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    columns = Release.package_id, Release.canonical_version, Release.version
    wanted = tuple_(Release.package_id, Release.canonical_version).in_(sorted(pinned))
    rows = session.execute(select(*columns).where(wanted))
    return {
        (package_id, canonical_version): version for package_id, canonical_version, version in rows
    }


def _users(session: Session, mentions: set[Mention]) -> dict[Mention, str]:
    if not mentions:
        return {}
    names = sorted(one.name for one in mentions)
    here = User.username.in_(names), User.disabled_at.is_(None)
    known = session.scalars(select(User.username).where(*here))
    return {Mention("user", name): f"/user/{name}/" for name in known}
