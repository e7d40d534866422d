"""What a release says about itself, put in order for a page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlsplit

from packslip.packages.languages import languages_of
from packslip.packages.licenses import license_of
from packslip.packages.models import Package, Release
from packslip.packages.people import Person, people_of
from packslip.packages.project_urls import well_known

#: So many of what may come often are shown.
MOST_LINKS = 40
MOST_PEOPLE = 20
MOST_KEYWORDS = 60
MOST_CLASSIFIERS = 200

#: What labels mean, with the icon that stands for it.
_ICONS = {
    "homepage": "home",
    "source": "code",
    "download": "download",
    "changelog": "history",
    "releasenotes": "history",
    "documentation": "note",
    "issues": "check",
}


@dataclass(frozen=True)
class Link:
    """An address of the package elsewhere."""

    label: str
    url: str
    #: The host that it leads to, in ASCII: letters that look like others cannot deceive.
    host: str
    icon: str


@dataclass(frozen=True)
class Facts:
    """What stands beside a description. Lists are cut; `more` says by how much."""

    links: list[Link] = field(default_factory=list)
    license: str | None = None
    requires_python: str | None = None
    authors: list[Person] = field(default_factory=list)
    maintainers: list[Person] = field(default_factory=list)
    languages: list[str] = field(default_factory=list)
    keywords: list[str] = field(default_factory=list)
    #: By their first part, as `License` of `License :: OSI Approved`: what follows it.
    classifiers: dict[str, list[str]] = field(default_factory=dict)
    #: How many classifiers there are that are not shown.
    more_classifiers: int = 0


def facts_of(package: Package, release: Release | None) -> Facts:
    """What the release says; for one without metadata, what the package says."""
    said = release.core_metadata if release else {}
    return _of_metadata(said) if said else _of_package(package)


def mail_address(address: str) -> str:
    """A link to an e-mail address; it cannot bring further fields of a mail with it."""
    return f"mailto:{quote(address, safe='@+.')}"


def _of_metadata(said: dict[str, Any]) -> Facts:
    classifiers = said.get("classifier", ())
    return Facts(
        links=_links(_labelled(said)),
        license=license_of(said.get("license_expression"), classifiers, said.get("license")),
        requires_python=said.get("requires_python"),
        authors=people_of(said.get("author"), said.get("author_email"))[:MOST_PEOPLE],
        maintainers=people_of(said.get("maintainer"), said.get("maintainer_email"))[:MOST_PEOPLE],
        languages=languages_of(classifiers)[:MOST_LINKS],
        keywords=list(said.get("keywords", ()))[:MOST_KEYWORDS],
        classifiers=_by_first_part(classifiers[:MOST_CLASSIFIERS]),
        more_classifiers=max(0, len(classifiers) - MOST_CLASSIFIERS),
    )


def _of_package(package: Package) -> Facts:
    pages = [("Homepage", package.home_page), ("Documentation", package.docs_url)]
    author = package.author_name or package.author_email
    return Facts(
        links=_links((label, url) for label, url in pages if url),
        license=package.license_id,
        authors=[Person(package.author_name, package.author_email)] if author else [],
        languages=[language.id for language in package.languages],
    )


def _labelled(said: dict[str, Any]) -> Iterable[tuple[str, str]]:
    for entry in said.get("project_url", ()):
        label, _, url = entry.partition(",")
        yield label.strip(), url.strip()
    for label, key in (("Homepage", "home_page"), ("Download", "download_url")):
        if said.get(key):
            yield label, said[key]


def _links(labelled: Iterable[tuple[str, str]]) -> list[Link]:
    links: dict[str, Link] = {}
    for label, url in labelled:
        host = _host(url)
        if host and url not in links:
            icon = _ICONS.get(well_known(label) or "", "external")
            links[url] = Link(label[:100] or host, url, host, icon)
        if len(links) == MOST_LINKS:
            break
    return list(links.values())


def _host(url: str) -> str | None:
    """The host of a web address; None for any other kind of address."""
    try:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            return None
        return parts.hostname.encode("idna").decode("ascii")
    except ValueError:
        # A broken IPv6 address, or a label that is empty or too long.
        return None


def _by_first_part(classifiers: Iterable[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for classifier in classifiers:
        first, _, rest = classifier.partition(" :: ")
        groups.setdefault(first, []).append(rest or first)
    return groups
