"""Which releases and files of a package are wanted, by all that is asked of it.

Pure: no framework, no database.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import reduce
from operator import and_

from packslip.mirror.sync.environments import Environment
from packslip.mirror.sync.values import (
    Ask,
    Choice,
    Conflict,
    FixedFile,
    KnownFile,
    KnownPackage,
    KnownRelease,
    Missing,
    Pick,
    Withheld,
)
from packslip.packages.filenames import InvalidFilenameError, parse_filename
from packslip.packages.versions import canonical, parse_version


def choose(
    package: KnownPackage,
    asks: Iterable[Ask],
    environments: Sequence[Environment],
    *,
    no_sdist: bool = False,
) -> Choice:
    """Choose releases and files for all that is asked of the package.

    That is the newest release that satisfies everything in an environment; where there is none, the
    newest for each that asks.
    """
    chooser = _Chooser(package, environments, no_sdist=no_sdist)
    asks = list(asks)
    for ask in asks:
        if ask.version is not None:
            chooser.take_exactly(ask)
        elif ask.every:
            chooser.take_all(ask)
    for index in range(len(environments)):
        chooser.take_newest(
            [a for a in asks if index in a.environments and a.version is None and not a.every],
            index,
        )
    return chooser.choice()


class _Chooser:
    def __init__(
        self, package: KnownPackage, environments: Sequence[Environment], *, no_sdist: bool
    ) -> None:
        self._package = package
        self._environments = environments
        self._no_sdist = no_sdist
        self._releases: dict[str, KnownRelease] = {}
        self._files: dict[str, set[int]] = {}
        self._follows: dict[str, set[int]] = {}
        self._withheld: dict[tuple[str, str | None], Withheld] = {}
        self._missing: dict[tuple[str, str], Missing] = {}
        self._conflicts: dict[tuple[str, ...], Conflict] = {}
        self._elsewhere: list[str] = []

    def choice(self) -> Choice:
        picks = [
            Pick(
                release=release,
                version=release.version,
                files=frozenset(self._files[release.version]),
                follows=frozenset(self._follows[release.version]),
            )
            for release in self._package.releases
            if release.version in self._releases
        ]
        return Choice(
            tuple(picks),
            tuple(self._withheld.values()),
            tuple(self._missing.values()),
            tuple(self._conflicts.values()),
            tuple(self._elsewhere),
        )

    def take_exactly(self, ask: Ask) -> None:
        wanted = canonical(ask.version or "")
        found = [one for one in self._package.releases if canonical(one.version) == wanted]
        if not found:
            self._miss([ask], "there is no such release")
            return
        had = [self._take(found[0], [ask], index) for index in sorted(ask.environments)]
        if not any(had) and self._is_elsewhere(found[0], ask):
            where = ", ".join(str(self._environments[index]) for index in sorted(ask.environments))
            self._elsewhere.append(
                f"{self._package.name} {found[0].version} of {ask.by} has nothing for {where}"
            )
        elif not any(had):
            self._miss([ask], self._why_not(found[0], [ask], min(ask.environments)))
        self._miss_named(ask, found[0])

    def _is_elsewhere(self, release: KnownRelease, ask: Ask) -> bool:
        """Whether all its files are for other machines; lock files are often for several."""
        return bool(release.files) and not any(
            self._fits(file, index, even_sdist=True)
            for file in release.files
            for index in ask.environments
        )

    def take_all(self, ask: Ask) -> None:
        is_any = False
        for index in sorted(ask.environments):
            for release in self._fitting([ask], index):
                is_any |= self._take(release, [ask], index)
        if not is_any:
            self._miss([ask], self._why_none([ask], min(ask.environments)))

    def take_newest(self, asks: Sequence[Ask], index: int) -> None:
        if not asks or self._take_best(asks, index):
            return
        apart = list({str(ask.specifier): ask for ask in asks}.values())
        if len(apart) == 1:
            self._miss(asks, self._why_none(asks, index))
            return
        found = []
        for one in apart:
            alike = [ask for ask in asks if str(ask.specifier) == str(one.specifier)]
            best = self._take_best(alike, index)
            if best is None:
                self._miss(alike, self._why_none(alike, index))
            else:
                found.append(best.version)
        if len(found) > 1:
            asked = tuple(f"{ask.what} ({ask.by})" for ask in asks)
            versions = tuple(dict.fromkeys(found))
            self._conflicts[asked] = Conflict(self._package.name, asked, versions)

    def _take_best(self, asks: Sequence[Ask], index: int) -> KnownRelease | None:
        """Take the newest release that satisfies them all; say which newer ones are withheld."""
        for release in self._fitting(asks, index):
            if self._take(release, asks, index):
                return release
        return None

    def _fitting(self, asks: Sequence[Ask], index: int) -> Iterator[KnownRelease]:
        """Releases that satisfy them all, the newest first, whether files can be had or not."""
        specifier = reduce(and_, (ask.specifier for ask in asks))
        takes_yanked = any(ask.takes_yanked for ask in asks)
        by_version = {}
        for release in self._package.releases:
            version = parse_version(release.version)
            if version is None or (release.yanked and not takes_yanked):
                continue
            if any(self._fits(file, index) for file in release.files):
                by_version[version] = release
        usable = {
            version: release
            for version, release in by_version.items()
            if any(self._fits(f, index) and f.bar is None for f in release.files)
        }
        # Whether pre-releases come into question, those that can be had decide (PEP 440).
        allowed = set(specifier.filter(usable)) or set(specifier.filter(by_version))
        finals_only = not any(version.is_prerelease for version in allowed)
        for version, release in by_version.items():
            barred = version not in usable and specifier.contains(version, prereleases=True)
            if version in allowed or (barred and not (finals_only and version.is_prerelease)):
                yield release

    def _fits(self, file: KnownFile, index: int, *, even_sdist: bool = False) -> bool:
        environment = self._environments[index]
        if self._package.is_hosted:
            # Nothing of it is fetched.
            return environment.takes_python(file.requires_python)
        if not file.is_wheel:
            is_wanted = even_sdist or not self._no_sdist
            return is_wanted and environment.takes_python(file.requires_python)
        return environment.takes_wheel(file.tags) and environment.takes_python(file.requires_python)

    def _take(self, release: KnownRelease, asks: Sequence[Ask], index: int) -> bool:
        """Take what can be had of the release; whether that is anything."""
        files = self._matching(release, asks, index)
        usable = [file for file in files if file.bar is None]
        withheld = [file for file in files if file.bar is not None and file.bar.is_withheld]
        for file in withheld:
            self._withhold(release, file, is_all=len(withheld) == len(files))
        if not usable:
            return False
        self._releases[release.version] = release
        self._files.setdefault(release.version, set()).update(file.file_id for file in usable)
        follows = self._follows.setdefault(release.version, set())
        if any(ask.version is None for ask in asks):
            follows.add(index)
        return True

    def _matching(
        self, release: KnownRelease, asks: Sequence[Ask], index: int
    ) -> Sequence[KnownFile]:
        files = [file for file in release.files if self._fits(file, index)]
        for ask in asks:
            if ask.files:
                files = [file for file in files if _is_allowed(file, ask.files)]
        return files

    def _withhold(self, release: KnownRelease, file: KnownFile, *, is_all: bool) -> None:
        assert file.bar is not None
        key = (release.version, None if is_all else file.filename)
        self._withheld.setdefault(
            key,
            Withheld(self._package.name, *key, file.bar.reason, file.bar.until),
        )

    def _why_none(self, asks: Sequence[Ask], index: int) -> str:
        for release in self._fitting(asks, index):
            return self._why_not(release, asks, index)
        if not self._package.releases:
            return "it has no releases"
        where = self._environments[index]
        specifier = reduce(and_, (ask.specifier for ask in asks))
        within = [
            release
            for release in self._package.releases
            if (version := parse_version(release.version)) is not None
            and specifier.contains(version, prereleases=True)
        ]
        if within and all(release.yanked for release in within):
            return "all releases that fit are yanked"
        if within and all(release.files for release in within):
            return f"no release that fits has a file for {where}"
        return "no release fits"

    def _why_not(self, release: KnownRelease, asks: Sequence[Ask], index: int) -> str:
        fitting = [file for file in release.files if self._fits(file, index)]
        if not fitting:
            return f"{release.version} has no file for {self._environments[index]}"
        files = self._matching(release, asks, index)
        if not files:
            return f"{release.version} has none of the files with these hashes"
        return next((file.bar.reason for file in files if file.bar is not None), "it has no file")

    def _miss(self, asks: Sequence[Ask], reason: str) -> None:
        what = ", ".join(dict.fromkeys(ask.what for ask in asks))
        by = tuple(dict.fromkeys(ask.by for ask in asks))
        self._missing.setdefault((what, reason), Missing(self._package.name, what, reason, by))

    def _miss_named(self, ask: Ask, release: KnownRelease) -> None:
        """Say which files a lock names and the release does not have."""
        there = {file.filename: file for file in release.files}
        for name, digests in _by_name(ask.files).items():
            file = there.get(name)
            if file is None:
                if self._would_fit(name, ask):
                    self._miss([ask], f"{name} is not among the files of {release.version}")
            elif digests.get("sha256", file.sha256) not in {None, file.sha256} and file.sha256:
                self._miss([ask], f"{name} has other bytes than the lock file says")

    def _would_fit(self, filename: str, ask: Ask) -> bool:
        try:
            name = parse_filename(filename, self._package.name)
        except InvalidFilenameError:
            return False
        file = KnownFile(0, filename, name.is_wheel, name.tags, 0)
        return any(self._fits(file, index) for index in ask.environments)


def _is_allowed(file: KnownFile, fixed: Sequence[FixedFile]) -> bool:
    hashes = {one.digest for one in fixed if one.algorithm == "sha256"}
    if file.sha256 is not None and hashes:
        return file.sha256 in hashes
    # It is compared when it comes, or by whoever installs it.
    names = {one.filename for one in fixed} - {None}
    return not names or file.filename in names


def _by_name(fixed: Sequence[FixedFile]) -> Mapping[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for one in fixed:
        if one.filename is not None:
            found.setdefault(one.filename, {})[one.algorithm] = one.digest
    return found
