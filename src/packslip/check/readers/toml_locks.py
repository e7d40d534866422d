"""Read `uv.lock`, `pylock.toml` (PEP 751), `poetry.lock` and `pdm.lock`: all of them are TOML."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import unquote, urlsplit

from packaging.pylock import Pylock, PylockUnsupportedVersionError, PylockValidationError

from packslip.check.readers.locks import (
    NOT_OF_AN_INDEX,
    BrokenLockError,
    Lock,
    LockBuilder,
    LockedFile,
    LockKind,
    locked_file,
    locked_files,
)
from packslip.texts import brief

Table: TypeAlias = Mapping[str, Any]

#: The project that the lock file belongs to.
_THE_PROJECT = "it is the project itself, or one beside it"

_AT_LINE = re.compile(r"\s*\(at line (\d+), column \d+\)|\s*\(at end of document\)")
_HEADER = re.compile(r"[ \t]*\[\[[ \t]*packages?[ \t]*\]\][ \t]*(?:#.*)?\Z")


def read_toml_lock(filename: str, text: str) -> Lock:
    """Read a lock file in TOML; its keys tell which kind it is.

    Raises:
        BrokenLockError: it is no TOML, of an unknown kind, or not as its kind should be.
        LockTooLargeError: it has too many packages.
    """
    document = _parse(filename, text)
    kind = _kind(document)
    if kind is None:
        known = ", ".join(list(LockKind)[:-1])
        raise BrokenLockError(
            filename, None, f"it is none of the lock files that are read: {known}, {LockKind.PDM}."
        )
    builder = LockBuilder(filename, kind)
    if kind is LockKind.PYLOCK:
        _validate_pylock(builder, document)
    tables = document.get("packages" if kind is LockKind.PYLOCK else "package", [])
    if not isinstance(tables, list):
        raise builder.broken(None, "its packages are not a list of tables.")
    lines = _lines(text, len(tables))
    for table, line in zip(tables, lines, strict=True):
        if not isinstance(table, Mapping):
            raise builder.broken(line, "a package is not a table.")
        _READERS[kind](builder, table, line, document)
    return builder.lock()


def _parse(filename: str, text: str) -> Table:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _AT_LINE.search(message)
        line = int(place[1]) if place and place[1] else text.count("\n") + 1
        raise BrokenLockError(
            filename, line, f"it is no TOML: {brief(_AT_LINE.sub('', message))}."
        ) from None
    except (ValueError, RecursionError):
        # Numbers of thousands of digits, and arrays within arrays without end.
        raise BrokenLockError(filename, None, "it is no TOML that can be read.") from None


def _kind(document: Table) -> LockKind | None:
    metadata = document.get("metadata")
    if "lock-version" in document:
        return LockKind.PYLOCK
    if isinstance(metadata, Mapping) and "lock_version" in metadata:
        return LockKind.PDM
    if isinstance(metadata, Mapping) and ("lock-version" in metadata or "content-hash" in metadata):
        return LockKind.POETRY
    return LockKind.UV if isinstance(document.get("version"), int) else None


def _validate_pylock(builder: LockBuilder, document: Table) -> None:
    try:
        Pylock.from_dict(document)
    except PylockUnsupportedVersionError:
        raise builder.broken(None, "its lock-version is not 1.x.") from None
    except (PylockValidationError, ValueError, TypeError, AttributeError) as error:
        raise builder.broken(None, f"it is not as PEP 751 asks: {brief(str(error), 300)}") from None


def _lines(text: str, number: int) -> list[int]:
    """The lines on which the tables of the packages begin; 1 where that cannot be told."""
    found = [at for at, line in enumerate(text.splitlines(), 1) if _HEADER.match(line)]
    return found if len(found) == number else [1] * number


def _text(builder: LockBuilder, table: Table, key: str, line: int) -> str:
    value = table.get(key)
    if not isinstance(value, str):
        raise builder.broken(line, f"a package has no {key}.")
    return value


def _tables(value: object) -> Iterator[Table]:
    if isinstance(value, list):
        yield from (one for one in value if isinstance(one, Mapping))


def _last_part(address: object) -> str | None:
    if not isinstance(address, str):
        return None
    try:
        path = urlsplit(address).path
    except ValueError:
        return None
    return unquote(path.replace("\\", "/").rpartition("/")[2]) or None


def _listed(entries: Iterable[Table]) -> list[LockedFile]:
    """Files that are listed with a name or an address, and a hash."""
    found = (
        locked_file(
            one.get("hash"),
            _last_part(one.get("file") or one.get("filename") or one.get("url") or one.get("path")),
        )
        for one in entries
    )
    return [file for file in found if file is not None]


def _read_uv(builder: LockBuilder, table: Table, line: int, _: Table) -> None:
    name = _text(builder, table, "name", line)
    source = table.get("source")
    origin = source if isinstance(source, Mapping) else {}
    if "registry" not in origin:
        own = any(key in origin for key in ("virtual", "editable", "directory"))
        builder.skip(name, _THE_PROJECT if own else NOT_OF_AN_INDEX, line)
        return
    sdist = table.get("sdist")
    entries = [*_tables([sdist]), *_tables(table.get("wheels"))]
    builder.add(name, _text(builder, table, "version", line), line, _listed(entries))


def _read_pylock(builder: LockBuilder, table: Table, line: int, _: Table) -> None:
    name = _text(builder, table, "name", line)
    if any(key in table for key in ("vcs", "directory", "archive")) or "version" not in table:
        builder.skip(name, NOT_OF_AN_INDEX, line)
        return
    marker = table.get("marker")
    files = [
        file
        for one in [*_tables([table.get("sdist")]), *_tables(table.get("wheels"))]
        for file in locked_files(
            one.get("hashes"), one.get("name") or _last_part(one.get("url") or one.get("path"))
        )
    ]
    version = _text(builder, table, "version", line)
    builder.add(name, version, line, files, marker if isinstance(marker, str) else None)


def _read_poetry(builder: LockBuilder, table: Table, line: int, document: Table) -> None:
    name = _text(builder, table, "name", line)
    source = table.get("source")
    # "legacy" is poetry's word for an index that is not the default one.
    if isinstance(source, Mapping) and source.get("type") != "legacy":
        builder.skip(name, NOT_OF_AN_INDEX, line)
        return
    entries = table.get("files", _old_files(document, name))
    version = _text(builder, table, "version", line)
    builder.add(name, version, line, _listed(_tables(entries)), _marker(table))


def _read_pdm(builder: LockBuilder, table: Table, line: int, document: Table) -> None:
    name = _text(builder, table, "name", line)
    if any(key in table for key in ("git", "hg", "svn", "bzr", "path", "url")):
        builder.skip(name, NOT_OF_AN_INDEX, line)
        return
    version = _text(builder, table, "version", line)
    entries = table.get("files", _old_files(document, f"{name} {version}"))
    builder.add(name, version, line, _listed(_tables(entries)), _marker(table))


def _old_files(document: Table, key: str) -> object:
    """Files as lock files of poetry before 1.5 and of pdm before 2.8 list them."""
    metadata = document.get("metadata")
    files = metadata.get("files") if isinstance(metadata, Mapping) else None
    return files.get(key) if isinstance(files, Mapping) else None


def _marker(table: Table) -> str | None:
    # Poetry has a table here where groups differ.
    marker = table.get("marker", table.get("markers"))
    return marker if isinstance(marker, str) else None


_READERS: dict[LockKind, Callable[[LockBuilder, Table, int, Table], None]] = {
    LockKind.UV: _read_uv,
    LockKind.PYLOCK: _read_pylock,
    LockKind.POETRY: _read_poetry,
    LockKind.PDM: _read_pdm,
}
