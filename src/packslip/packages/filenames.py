"""What the name of a distribution says: the package, the version, and what it fits.

Wheels are named by the binary distribution format (PEP 427, PEP 425), source distributions by
PEP 625. Files that were made before these were settled are read too: names with capitals, dots
and dashes, and versions with dashes.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from packaging.tags import InvalidTag, parse_tag
from packaging.utils import InvalidName, canonicalize_name, canonicalize_version
from packaging.version import Version

from packslip.errors import InvalidError
from packslip.packages.versions import parse_version
from packslip.texts import brief

LONGEST_FILENAME = 240

#: How many tags the compressed tag set of one wheel may stand for; real ones stay under 40.
MOST_TAGS = 1000

PackageType = Literal["bdist_wheel", "sdist"]

_WHEEL = ".whl"
_SDIST_ENDINGS = (".tar.gz", ".zip")
_BUILD = re.compile(r"([0-9]+)([\w.]*)", re.ASCII)
_TAGS = re.compile(r"[\w.]+-[\w.]+-[\w.]+", re.ASCII)


class InvalidFilenameError(InvalidError):
    """A file's name is not that of a wheel or of a source distribution."""

    def __init__(self, filename: str, fault: str) -> None:
        super().__init__(f"Invalid file name {brief(filename)}: {fault}")
        self.filename = filename
        self.fault = fault


@dataclass(frozen=True, slots=True)
class DistributionName:
    """A distribution's file name, taken apart."""

    filename: str
    #: The package's normalised name (PEP 503).
    package: str
    #: The package's name as the file name spells it.
    project: str
    version: Version
    packagetype: PackageType
    #: A wheel's compatibility tags as in the file name, such as `py3-none-any`; else `source`.
    tags: str
    #: A wheel's build number with its suffix.
    build: str | None
    #: A wheel's Python tag, such as `cp312` or `py2.py3`; else `source`.
    python_version: str
    #: The same for all names that mean the same file: `Foo-1.0.tar.gz` and `foo-1.0.0.tar.gz`.
    key: str

    @property
    def is_wheel(self) -> bool:
        """Whether it is a wheel rather than a source distribution."""
        return self.packagetype == "bdist_wheel"


def parse_filename(filename: str, package: str | None = None) -> DistributionName:
    """Take the name of a wheel or source distribution apart.

    Args:
        filename: The name alone, without folders.
        package: The package's name as the metadata or the uploader gives it. It decides where the
            name of an old source distribution ends and its version begins (`foo-1-2.tar.gz`);
            without it the version is the shortest that is possible.

    Raises:
        InvalidFilenameError: The name does not follow the specifications, or is not one of
            `package`.

    """
    _check_characters(filename)
    if filename.endswith(_WHEEL):
        return _parse_wheel(filename, package)
    for ending in _SDIST_ENDINGS:
        if filename.endswith(ending):
            return _parse_sdist(filename, ending, package)
    raise InvalidFilenameError(filename, "only .whl, .tar.gz and .zip files are taken")


def split_stem(stem: str) -> Iterator[tuple[str, Version]]:
    """Give each way to read `name-version`, the shortest version first."""
    at = stem.rfind("-")
    while at > 0:
        version = _version(stem[at + 1 :])
        if version is not None and _is_name(stem[:at]):
            yield stem[:at], version
        at = stem.rfind("-", 0, at)


def _check_characters(filename: str) -> None:
    if not filename:
        raise InvalidFilenameError(filename, "it is empty")
    if len(filename) > LONGEST_FILENAME:
        raise InvalidFilenameError(filename, f"it is longer than {LONGEST_FILENAME} characters")
    if not filename.isascii() or not filename.isprintable() or " " in filename:
        raise InvalidFilenameError(filename, "only printable ASCII without spaces is allowed")
    if "/" in filename or "\\" in filename or filename.startswith("."):
        raise InvalidFilenameError(filename, "it may not hold a folder or begin with a dot")


def _parse_wheel(filename: str, package: str | None) -> DistributionName:
    # Not packaging's parse_wheel_filename: it refuses the doubled and leading underscores and the
    # versions with an underscore for a dash that old wheels have.
    parts = filename.removesuffix(_WHEEL).split("-")
    if len(parts) not in (5, 6):
        raise InvalidFilenameError(
            filename, "a wheel is named name-version[-build]-python-abi-platform.whl"
        )
    project, version_text, build = parts[0], parts[1], parts[2] if len(parts) == 6 else None
    tags = "-".join(parts[-3:])
    if not _is_name(project):
        raise InvalidFilenameError(filename, f"{brief(project)} is not a package name")
    version = _version(version_text)
    if version is None:
        raise InvalidFilenameError(filename, f"{brief(version_text)} is not a version (PEP 440)")
    if build is not None and not _BUILD.fullmatch(build):
        raise InvalidFilenameError(filename, "a build number is digits, then letters")
    _check_tags(filename, tags)
    name = canonicalize_name(project)
    if package is not None and name != canonicalize_name(package):
        raise InvalidFilenameError(filename, f"it is not named for {brief(package)}")
    return DistributionName(
        filename=filename,
        package=name,
        project=project,
        version=version,
        packagetype="bdist_wheel",
        tags=tags,
        build=build,
        python_version=parts[-3],
        key=_wheel_key(name, version, build, tags),
    )


def _check_tags(filename: str, tags: str) -> None:
    count = math.prod(part.count(".") + 1 for part in tags.split("-"))
    if count > MOST_TAGS:
        raise InvalidFilenameError(filename, f"its tags stand for more than {MOST_TAGS}")
    try:
        parse_tag(tags)
    except InvalidTag:
        well_formed = False
    else:
        well_formed = _TAGS.fullmatch(tags) is not None
    if not well_formed:
        raise InvalidFilenameError(filename, f"{brief(tags)} are not compatibility tags")


def _wheel_key(name: str, version: Version, build: str | None, tags: str) -> str:
    parts = [name, canonicalize_version(version)]
    if build is not None:
        match = _BUILD.fullmatch(build)
        assert match is not None
        parts.append(f"{int(match[1])}{match[2].lower()}")
    parts += [".".join(sorted(set(part.split(".")))) for part in tags.lower().split("-")]
    return "-".join(parts) + _WHEEL


def _parse_sdist(filename: str, ending: str, package: str | None) -> DistributionName:
    readings = list(split_stem(filename.removesuffix(ending)))
    if not readings:
        raise InvalidFilenameError(
            filename, f"a source distribution is named name-version{ending}, its version by PEP 440"
        )
    if package is not None:
        wanted = canonicalize_name(package)
        readings = [reading for reading in readings if canonicalize_name(reading[0]) == wanted]
        if not readings:
            raise InvalidFilenameError(filename, f"it is not named for {brief(package)}")
    project, version = readings[0]
    name = canonicalize_name(project)
    return DistributionName(
        filename=filename,
        package=name,
        project=project,
        version=version,
        packagetype="sdist",
        tags="source",
        build=None,
        python_version="source",
        key=f"{name}-{canonicalize_version(version)}{ending}",
    )


def _is_name(text: str) -> bool:
    try:
        canonicalize_name(text, validate=True)
    except InvalidName:
        return False
    return True


def _version(text: str) -> Version | None:
    # Wheels once had every dash of a version written as an underscore: 1.0_1 for 1.0-1.
    return parse_version(text) or parse_version(text.replace("_", "-"))
