"""What `devpi-export` writes: `dataindex.json`, and files in folders by user and index.

Indexes of devpi become one here: those that take no file twice before volatile ones, so that of
two files with one name the released one comes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from packslip.errors import InvalidError
from packslip.exchange.documents import FileRecord, InvalidExportError, PackageRecord, PersonRecord
from packslip.exchange.sources import Offered
from packslip.packages.digests import digests_of
from packslip.packages.models import MaintainerRole

#: What marks a folder as an export of devpi.
DATA = "dataindex.json"

_VERSIONS = frozenset({"1", "2"})
_TAKEN = (".whl", ".tar.gz", ".zip")
_KINDS = {"doczip": "documentation", "toxresult": "results of tests"}
_SHA256 = re.compile(r"[0-9a-f]{64}")

#: Bytes that the document may have; all metadata of all releases is in it.
_LARGEST = 2 * 1024**3

#: Who has all rights on a devpi, and is no person.
_ROOT = "root"


class _User(msgspec.Struct):
    email: str | None = None


class _Config(msgspec.Struct):
    type: str
    volatile: bool = True
    acl_upload: list[str] = []


class _Log(msgspec.Struct):
    what: str = ""
    who: str | None = None
    #: Year to second, in UTC.
    when: list[int] = []


class _Entry(msgspec.Struct):
    last_modified: str | None = None
    hash_spec: str | None = None
    hashes: dict[str, str] = {}
    #: In exports of old.
    md5: str | None = None


class _File(msgspec.Struct):
    type: str
    projectname: str
    relpath: str
    version: str = ""
    entrymapping: _Entry = msgspec.field(default_factory=_Entry)
    log: list[_Log] = []


class _Index(msgspec.Struct):
    indexconfig: _Config
    projects: dict[str, dict[str, Any]] = {}
    files: list[_File] = []


class _Data(msgspec.Struct):
    dumpversion: str | int
    users: dict[str, _User]
    indexes: dict[str, _Index]


def is_devpi_export(folder: Path) -> bool:
    """Whether devpi wrote the folder."""
    return (folder / DATA).is_file()


class DevpiSource:
    """The packages of an export of devpi."""

    def __init__(self, folder: Path, chosen: Sequence[str] = (), named: Mapping[str, str] = {}):
        """Read the export.

        Args:
            folder: Where `dataindex.json` lies.
            chosen: The indexes to take, the first one first; all without any.
            named: What people are called here, where somebody said so.

        Raises:
            InvalidExportError: it cannot be read.
            InvalidError: it has no such index.
        """
        self._folder = folder.resolve()
        self._data = _read(folder / DATA)
        self._named = named
        self._indexes = self._in_order(chosen)
        self._names = self._packages()
        self.left_out: Sequence[str] = list(self._besides())

    def names(self) -> Sequence[str]:
        """All packages that have a file, or are merely named, in one of the indexes."""
        return sorted(self._names)

    @contextmanager
    def read(self, name: str) -> Iterator[Offered]:
        """One package, of all indexes."""
        left_out: list[str] = []
        files: dict[str, FileRecord] = {}
        self._paths: dict[str, Path] = {}
        for _, given in self._names[name]:
            path = self._folder / given.relpath
            fault = self._fault(given, path)
            if fault:
                left_out.append(f"{given.relpath}: {fault}")
                continue
            file = _record(given, path)
            before = files.setdefault(path.name, file)
            if before is file:
                self._paths[path.name] = path
            elif before.sha256 != file.sha256:
                left_out.append(f"{given.relpath}: another index has other bytes of that name")
        left_out += self._mere_names(name)
        indexes = {index for index, _ in self._names[name]}
        people = self._people(indexes, {file.uploader for file in files.values()})
        record = PackageRecord(self._spelled(name), people, list(files.values()))
        yield Offered(record, left_out)

    def open(self, name: str, file: FileRecord) -> AbstractContextManager[Path]:
        """The file in the folder of its index."""
        return nullcontext(self._paths[file.filename])

    def _in_order(self, chosen: Sequence[str]) -> dict[str, _Index]:
        stages = {
            name: index
            for name, index in self._data.indexes.items()
            if index.indexconfig.type == "stage"
        }
        for name in chosen:
            if name not in stages:
                raise InvalidError(
                    f"The export has no index {name!r} to take: {', '.join(stages) or 'none'}."
                )
        if chosen:
            return {name: stages[name] for name in chosen}
        # Sorting keeps the order of those that are alike.
        return dict(sorted(stages.items(), key=lambda item: item[1].indexconfig.volatile))

    def _packages(self) -> dict[str, list[tuple[str, _File]]]:
        found: dict[str, list[tuple[str, _File]]] = {}
        for index, content in self._indexes.items():
            for project in content.projects:
                found.setdefault(canonicalize_name(project), [])
            for file in content.files:
                found.setdefault(canonicalize_name(file.projectname), []).append((index, file))
        return found

    def _besides(self) -> Iterator[str]:
        for name, index in self._data.indexes.items():
            kind = index.indexconfig.type
            if kind == "mirror":
                yield f"{name}: a mirror; PACKSLIP_UPSTREAM_URL says what is mirrored here"
            elif kind != "stage":
                yield f"{name}: an index of the kind {kind}"
            elif name not in self._indexes:
                yield f"{name}: not among the indexes that were asked for"
        if _ROOT in self._data.users and _ROOT not in self._named:
            yield f"{_ROOT}: nobody's account; --map-user {_ROOT}=USER says whose it shall be"
        for name, index in self._indexes.items():
            groups = [one for one in index.indexconfig.acl_upload if one not in self._data.users]
            if groups:
                yield f"{name}: that {', '.join(groups)} may upload, who are no people"

    def _fault(self, given: _File, path: Path) -> str | None:
        """Why the file cannot be taken."""
        if given.type != "releasefile":
            return f"{_KINDS.get(given.type, given.type)}, which is not kept here"
        if not given.relpath.endswith(_TAKEN):
            return "neither a wheel nor a .tar.gz or .zip"
        if not path.resolve().is_relative_to(self._folder) or not path.is_file():
            return "it is not in the export"
        return None

    def _mere_names(self, name: str) -> Iterator[str]:
        for index, content in self._indexes.items():
            having = {
                file.version
                for of, file in self._names[name]
                if of == index and file.type == "releasefile"
            }
            for project, versions in content.projects.items():
                if canonicalize_name(project) == name:
                    for version in versions.keys() - having:
                        yield f"{index} {name} {version}: a release without a file"

    def _people(self, indexes: set[str], uploaders: set[str | None]) -> list[PersonRecord]:
        """Owners are whose indexes they are, maintainers whoever else may upload there."""
        roles: dict[str, MaintainerRole | None] = dict.fromkeys(one for one in uploaders if one)
        for index in self._indexes.keys() & indexes:
            for name in self._indexes[index].indexconfig.acl_upload:
                roles[name] = MaintainerRole.MAINTAINER
        for index in indexes:
            roles[index.partition("/")[0]] = MaintainerRole.OWNER
        return [
            PersonRecord(name, self._data.users[name].email or None, role=roles[name])
            for name in sorted(roles)
            if name in self._data.users and (name != _ROOT or name in self._named)
        ]

    def _spelled(self, name: str) -> str:
        """The name as its author spells it."""
        for content in self._indexes.values():
            for project, versions in content.projects.items():
                if canonicalize_name(project) == name:
                    for told in reversed(list(versions.values())):
                        spelled = told.get("name") if isinstance(told, dict) else None
                        if isinstance(spelled, str) and canonicalize_name(spelled) == name:
                            return spelled
        return name


def _record(given: _File, path: Path) -> FileRecord:
    """What is said of a file."""
    entry = given.entrymapping
    spec = (entry.hash_spec or "").partition("=")
    sha256 = entry.hashes.get("sha256") or (spec[2] if spec[0] == "sha256" else "")
    if not _SHA256.fullmatch(sha256):
        # Exports of old have nothing but an MD5.
        digests = digests_of(path)
        sha256 = digests.sha256
        md5 = entry.hashes.get("md5") or entry.md5 or (spec[2] if spec[0] == "md5" else None)
        if md5 and md5 != digests.md5:
            # No file has that one, so it is refused as any file with other bytes.
            sha256 = "0" * 64
    upload = next((one for one in given.log if one.what == "upload"), _Log())
    return FileRecord(
        filename=path.name,
        version=given.version,
        sha256=sha256,
        size=path.stat().st_size,
        uploaded_at=_moment(upload, entry) or datetime.fromtimestamp(path.stat().st_mtime, UTC),
        uploader=upload.who,
    )


def _moment(upload: _Log, entry: _Entry) -> datetime | None:
    try:
        if len(upload.when) >= 6:
            return datetime(*upload.when[:6], tzinfo=UTC)  # type: ignore[misc,arg-type]
        if entry.last_modified:
            return parsedate_to_datetime(entry.last_modified).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    return None


def _read(path: Path) -> _Data:
    try:
        if path.stat().st_size > _LARGEST:
            raise InvalidExportError(path, "it is too large")
        data = msgspec.json.decode(path.read_bytes(), type=_Data)
    except OSError as error:
        raise InvalidExportError(path, (error.strerror or "it cannot be read").lower()) from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidExportError(path, f"it is not as devpi writes it, {error}") from None
    if str(data.dumpversion) not in _VERSIONS:
        raise InvalidExportError(path, f"devpi's format {data.dumpversion} is not known")
    return data
