"""What another Packslip offers while it runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote, urljoin, urlsplit

import msgspec
from packaging.utils import parse_sdist_filename, parse_wheel_filename

from packslip.errors import InvalidError
from packslip.exchange.documents import (
    FileRecord,
    InvalidExportError,
    PackageRecord,
    PersonRecord,
    YankRecord,
    check_files,
)
from packslip.exchange.remote_notes import read_notes, write_notes, yanking_ranges
from packslip.exchange.sources import Offered
from packslip.mirror.client import UpstreamClient
from packslip.mirror.errors import UpstreamFailedError, UpstreamSlowError
from packslip.mirror.upstreams import Upstream
from packslip.notes.documents import NoteDocument
from packslip.packages.models import MaintainerRole, Origin
from packslip.packages.version_ranges import covers

_SIMPLE = "application/vnd.pypi.simple.v1+json"

#: Bytes that a document may have.
_LARGEST = 256 * 1024**2

#: Seconds for a document.
_SECONDS = 120

_T = TypeVar("_T")


class _Name(msgspec.Struct):
    name: str


class _Root(msgspec.Struct):
    projects: list[_Name]


class _Role(msgspec.Struct):
    role: str
    user: str


class _Ownership(msgspec.Struct):
    roles: list[_Role]


class _Info(msgspec.Struct):
    name: str


class _Package(msgspec.Struct):
    info: _Info
    ownership: _Ownership
    #: No other index has it.
    origin: str = msgspec.field(name="_origin")


class _File(msgspec.Struct):
    filename: str
    url: str
    hashes: dict[str, str]
    size: int = 0
    upload_time: datetime | None = msgspec.field(name="upload-time", default=None)
    yanked: bool | str = False


class _Page(msgspec.Struct):
    files: list[_File]


class RemoteSource:
    """The hosted packages of another Packslip, as far as a token may see them."""

    def __init__(self, address: str, token: str | None = None) -> None:
        """Ask which packages there are.

        Raises:
            InvalidError: the address is none, or what is there does not answer.
        """
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise InvalidError(f"{address!r} is no address of an index.")
        if parts.username or parts.password:
            raise InvalidError("A token is given by --token-file, not in the address.")
        self._base = f"{address.rstrip('/')}/"
        user = None if token is None else "__token__"
        # Credentials go to what stands before the first slash alone.
        self._upstream = Upstream("source", self._base, username=user, password=token)
        self._client = UpstreamClient("packslip-import")
        self._names = [one.name for one in self._get("simple/", _Root).projects]
        self.left_out: Sequence[str] = ()

    def names(self) -> Sequence[str]:
        """All packages that it lists, mirrored ones too."""
        return sorted(self._names)

    @contextmanager
    def read(self, name: str) -> Iterator[Offered]:
        """One package with the notes that the token may see, private ones never."""
        quoted = quote(name, safe="")
        told = self._get(f"pypi/{quoted}/json", _Package)
        if told.origin != Origin.HOSTED:
            record = PackageRecord(told.info.name, [], [])
            yield Offered(record, [f"{name}: it is mirrored there"])
            return
        page = self._get(f"simple/{quoted}/", _Page)
        self._urls = {one.filename: one.url for one in page.files}
        self._page = f"{self._base}simple/{quoted}/"
        notes = read_notes(self._get, quoted)
        people = {
            one.user: PersonRecord(one.user, role=MaintainerRole(one.role.lower()))
            for one in told.ownership.roles
            if one.role.lower() in set(MaintainerRole)
        }
        record = PackageRecord(
            name=told.info.name,
            people=list(people.values()),
            files=[_record(one) for one in page.files],
            yanked=_yanked(page, notes),
        )
        check_files(self._base, record)
        with tempfile.TemporaryDirectory(prefix="packslip-") as place:
            folder = Path(place)
            for author in write_notes(folder, notes, self._get):
                people.setdefault(author, PersonRecord(author))
            record.people = list(people.values())
            yield Offered(record, [] if page.files else [f"{name}: it offers no files"], folder)

    @contextmanager
    def open(self, name: str, file: FileRecord) -> Iterator[Path]:
        """The file, fetched into a folder that is gone afterwards."""
        address = urljoin(self._page, self._urls[file.filename])
        with tempfile.TemporaryDirectory(prefix="packslip-") as folder:
            path = Path(folder) / file.filename
            try:
                with (
                    self._client.open(self._upstream, address, seconds=_SECONDS) as incoming,
                    path.open("wb") as output,
                ):
                    if incoming.status != 200:
                        raise InvalidError(f"{self._base} answers {incoming.status}.")
                    received = 0
                    for chunk in incoming.chunks():
                        received += len(chunk)
                        if file.size and received > file.size:
                            raise InvalidError("It is larger than was said.")
                        output.write(chunk)
            except (UpstreamFailedError, UpstreamSlowError) as error:
                raise InvalidError(f"{self._base}: {error.problem}.") from None
            yield path

    def _get(self, path: str, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(self._raw(path), type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise InvalidExportError(
                f"{self._base}{path}", "it does not answer as a Packslip of this version"
            ) from None

    def _raw(self, path: str) -> bytes:
        headers = {"Accept": f"{_SIMPLE}, application/json;q=0.9"}
        try:
            answer = self._client.get(
                self._upstream,
                f"{self._base}{path}",
                headers=headers,
                limit=_LARGEST,
                seconds=_SECONDS,
            )
        except (UpstreamFailedError, UpstreamSlowError) as error:
            raise InvalidError(f"{self._base}{path}: {error.problem}.") from None
        if answer.status != 200:
            raise InvalidError(f"{self._base}{path}: it answers {answer.status}.")
        return answer.body


def _record(file: _File) -> FileRecord:
    if file.upload_time is None:
        raise InvalidError(f"It does not say when {file.filename} came.")
    return FileRecord(
        filename=file.filename,
        version=_version(file.filename),
        sha256=file.hashes.get("sha256", ""),
        size=file.size,
        uploaded_at=file.upload_time,
    )


def _version(filename: str) -> str:
    """The version in the name; as the index spells it is told by the file itself."""
    try:
        if filename.endswith(".whl"):
            return str(parse_wheel_filename(filename)[1])
        return str(parse_sdist_filename(filename)[1])
    except ValueError:
        return ""


def _yanked(page: _Page, notes: Sequence[NoteDocument]) -> list[YankRecord]:
    """The releases that are yanked by no note that comes along."""
    ranges = yanking_ranges(notes)
    found: dict[str, YankRecord] = {}
    for file in page.files:
        version = _version(file.filename)
        by_note = any(covers(version_range, version) for version_range in ranges)
        if file.yanked is not False and version and not by_note:
            reason = file.yanked if isinstance(file.yanked, str) else None
            found.setdefault(version, YankRecord(version, reason))
    return list(found.values())
