"""An index of any size, made straight in the database: what pages and searches are measured on.

The same number of packages gives the same rows every time. Words are as frequent as in a real
index: the commonest ones stand in every tenth title and in every fourth description. Nothing is
held, so files cannot be downloaded.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.db import is_postgresql, write_transaction
from packslip.downloads.models import DownloadSum, DownloadTotal
from packslip.many_rows import add_rows
from packslip.packages.models import (
    File,
    Language,
    License,
    Maintainer,
    Package,
    Release,
    package_languages,
)
from packslip.packages.search_index import index_packages
from packslip.packages.versions import canonical, sort_key

BATCH = 500

#: The commonest words, most frequent first; the rest is made of syllables.
_COMMON = (
    "data python library web client api tools simple framework async http server file model test"
    " machine learning django flask json command line parser utilities wrapper package interface"
    " database sql cloud manager plugin toolkit analysis image text graph network deep neural time"
    " series config logging cache queue task stream event schema validation type auth token user"
    " admin template static build deploy docker pipeline science geometry audio video game"
)
WORDS = tuple(_COMMON.split())
RARE_WORDS = 30_000

_LICENSES = ("MIT", "Apache-2.0", "BSD-3-Clause", "GPL-3.0-only", "MPL-2.0", "ISC", "Zlib")
_LANGUAGES = ("Python", "C", "C++", "Rust", "Cython", "JavaScript")
_PYTHONS = (">=3.8", ">=3.9", ">=3.10", ">=3.7,<4", None, ">=3.12")
_TAGS = ("py3-none-any", *(f"cp3{n}-cp3{n}-manylinux_2_28_x86_64" for n in range(10, 15)))
_SYLLABLES = [a + b for a in "bdfgklmnprstvz" for b in "aeiou"]


@dataclass(frozen=True)
class Size:
    """How much there is; releases are those of one package, files those of one release."""

    packages: int
    releases: int = 10
    users: int = 1000
    files: int = 1


def fill(session: Session, size: Size, seed: int = 7) -> Iterator[int]:
    """Fill an empty database, and tell after each batch how many packages there are."""
    maker = _Maker(random.Random(seed), size)
    with write_transaction(session):
        session.execute(insert(License), [{"id": name, "description": name} for name in _LICENSES])
        session.execute(insert(Language), [{"id": name, "description": ""} for name in _LANGUAGES])
        session.execute(
            insert(User),
            [{"username": f"user-{n}", "email": f"u{n}@example.com"} for n in range(size.users)],
        )
    for first in range(0, size.packages, BATCH):
        numbers = range(first, min(first + BATCH, size.packages))
        with write_transaction(session):
            names = maker.add(session, numbers)
            index_packages(session, names)
        yield numbers[-1] + 1
    if is_postgresql(session):
        # The releases came with their numbers, and the next ones must not have the same.
        with write_transaction(session):
            newest = "SELECT max(id) FROM releases"
            session.execute(text(f"SELECT setval('releases_id_seq', ({newest}))"))


class _Maker:
    def __init__(self, rng: random.Random, size: Size) -> None:
        self.rng = rng
        self.size = size
        rare = ["".join(rng.choices(_SYLLABLES, k=rng.randint(2, 5))) for _ in range(RARE_WORDS)]
        self.vocabulary = [*WORDS, *dict.fromkeys(rare)]
        frequencies = (1 / (rank + 20) for rank in range(len(self.vocabulary)))
        self.frequencies = list(itertools.accumulate(frequencies))
        self.now = datetime.now(UTC).replace(microsecond=0)
        self.seen: set[str] = set()

    def words(self, count: int) -> list[str]:
        return self.rng.choices(self.vocabulary, cum_weights=self.frequencies, k=count)

    def add(self, session: Session, numbers: range) -> list[str]:
        packages = [self.package(number) for number in numbers]
        names = [package["id"] for package in packages]
        session.execute(insert(Package), packages)
        releases = [row for package in packages for row in self.releases(package)]
        add_rows(session, Release, releases)
        files = [self.file(one, number) for one in releases for number in range(self.size.files)]
        add_rows(session, File, files)
        session.execute(
            insert(package_languages),
            [
                {"package_id": name, "language_id": language}
                for name in names
                for language in {"Python", self.rng.choice(_LANGUAGES)}
            ],
        )
        session.execute(
            insert(Maintainer),
            [
                {
                    "package_id": name,
                    "user_id": self.rng.randint(1, self.size.users),
                    "role": "owner",
                }
                for name in names
            ],
        )
        self.downloads(session, names)
        return names

    def package(self, number: int) -> dict[str, Any]:
        rng = self.rng
        name = "-".join(self.words(rng.choice((1, 2, 2, 3))))
        if name in self.seen:
            name = f"{name}-{number}"
        self.seen.add(name)
        topic = self.words(40)
        return {
            "id": name,
            "name": name,
            "summary": " ".join(self.words(9)).capitalize() + ".",
            "description": " ".join(rng.choices(topic, k=int(rng.lognormvariate(5, 1)))),
            "description_content_type": "text/markdown",
            "author_name": " ".join(self.words(2)).title(),
            "license_id": rng.choice(_LICENSES),
            "origin": rng.choice(("hosted", "mirrored")),
            "latest_version": f"{self.size.releases - 1}.0",
            "latest_at": self.now - timedelta(seconds=rng.randrange(5 * 365 * 86400)),
            "requires_python": rng.choice(_PYTHONS),
            "latest_yanked": rng.random() < 0.01,
            "keywords": ", ".join(self.words(3)),
            "people": " ".join(self.words(2)).title(),
        }

    def releases(self, package: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for number in range(self.size.releases):
            version = f"{number}.0"
            is_latest = number == self.size.releases - 1
            said = {"name": package["name"], "version": version, "summary": package["summary"]}
            if is_latest:
                said["description"] = package["description"]
            self.release_id = getattr(self, "release_id", 0) + 1
            yield {
                "id": self.release_id,
                "package_id": package["id"],
                "version": version,
                "canonical_version": canonical(version),
                "sort_key": sort_key(version),
                "major_ver": number,
                "size": 1234,
                "yanked": is_latest and package["latest_yanked"],
                "metadata": said,
                "created_at": package["latest_at"],
            }

    def file(self, release: dict[str, Any], number: int) -> dict[str, Any]:
        tags = _TAGS[number % len(_TAGS)]
        filename = f"{release['package_id'].replace('-', '_')}-{release['version']}-{tags}.whl"
        digest = sha256(filename.encode()).hexdigest()
        return {
            "release_id": release["id"],
            "filename": filename,
            "packagetype": "bdist_wheel",
            "tags": tags,
            "size": 1234,
            "sha256": digest,
            "storage_key": f"{digest[:2]}/{digest[2:4]}/{digest[4:]}/{filename}",
            "uploaded_at": release["created_at"],
        }

    def downloads(self, session: Session, names: list[str]) -> None:
        """Most packages are hardly ever downloaded, and few of them very often."""
        totals, sums = [], []
        for name in names:
            if self.rng.random() < 0.4:
                continue
            a_day = min(10**6, int(self.rng.paretovariate(0.5)))
            days = range(0, 30, 1 if a_day > 20 else 10)
            sums += [
                {
                    "package_id": name,
                    "dimension": "total",
                    "day": self.now.date() - timedelta(days=day),
                    "value": "",
                    "downloads": a_day,
                }
                for day in days
            ]
            totals.append(
                {
                    "package_id": name,
                    "downloads": 9 * a_day * len(days),
                    "recent": a_day * len(days),
                    "last_at": self.now,
                    "recent_on": self.now.date(),
                }
            )
        if totals:
            session.execute(insert(DownloadSum), sums)
            session.execute(insert(DownloadTotal), totals)
