"""What is different between what is known of a mirrored package and what its upstream says now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from packslip.mirror.upstream_pages import UpstreamFile, UpstreamPage
from packslip.packages.versions import canonical
from packslip.simple_api.page import PackageStatus

#: Why a file is not served whose digest is another one than it was.
ALTERED = "Upstream changed its bytes under the same name."

#: The digests that `files` has columns for.
_COLUMNS = {
    "sha256": "sha256",
    "md5": "md5",
    "blake2b_256": "blake2_256",
    "blake2_256": "blake2_256",
}


@dataclass(frozen=True, kw_only=True)
class KnownFile:
    """A file as it is known here."""

    file_id: int
    filename: str
    #: Its version without trailing zeros.
    canonical_version: str
    #: The columns of `files` that follow upstream.
    file: Mapping[str, Any]
    #: Those of `mirror_files`.
    mirror: Mapping[str, Any]


@dataclass(frozen=True)
class Change:
    """What a file's rows have to say instead."""

    file_id: int
    filename: str
    file: Mapping[str, Any]
    mirror: Mapping[str, Any]


@dataclass
class Changes:
    """What to do about the files of a package."""

    new: list[UpstreamFile] = field(default_factory=list)
    #: Versions of a known package of which no file was known before.
    released: list[str] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    #: Names of files that upstream lists no more.
    vanished: list[str] = field(default_factory=list)
    #: Names of files that upstream gives another digest than before.
    altered: list[str] = field(default_factory=list)


def compare(known: Sequence[KnownFile], page: UpstreamPage, now: datetime) -> Changes:
    """What has to change so that the page is told as it is now."""
    changes = Changes()
    by_name = {one.filename: one for one in known}
    for file in page.files:
        one = by_name.pop(file.filename, None)
        if one is None:
            changes.new.append(file)
        else:
            _compare_file(one, file, changes)
    if known:
        before = {one.canonical_version for one in known}
        versions = dict.fromkeys(file.version for file in changes.new)
        changes.released += [one for one in versions if canonical(one) not in before]
    # An index shows no files of what it quarantines; they are not gone.
    if page.status != PackageStatus.QUARANTINED and not page.is_part:
        for one in by_name.values():
            if one.mirror["vanished_at"] is None:
                changes.vanished.append(one.filename)
                changes.changed.append(_change(one, {}, {"vanished_at": now}))
    return changes


def file_values(file: UpstreamFile) -> dict[str, Any]:
    """What upstream tells for the row in `files`, as far as it tells."""
    values: dict[str, Any] = {
        "url": file.url,
        "requires_python": file.requires_python,
        "metadata_is_static": file.packagetype == "bdist_wheel" or file.metadata is not None,
    }
    values |= {_COLUMNS[name]: text for name, text in file.digests.items() if name in _COLUMNS}
    if file.size:
        values["size"] = file.size
    if file.uploaded_at is not None:
        values["uploaded_at"] = file.uploaded_at
    if file.metadata not in {None, "true"}:
        values["metadata_sha256"] = file.metadata
    return values


def mirror_values(file: UpstreamFile) -> dict[str, Any]:
    """What upstream tells for the row in `mirror_files`."""
    return {
        "digests": {name: text for name, text in file.digests.items() if name not in _COLUMNS},
        "metadata_offered": file.metadata,
        "dated": file.uploaded_at is not None,
        "yanked": file.yanked,
        "provenance": file.provenance,
        "vanished_at": None,
    }


def _compare_file(known: KnownFile, file: UpstreamFile, changes: Changes) -> None:
    if _contradicts(known, file):
        if known.mirror["refused"] is None:
            changes.altered.append(file.filename)
            changes.changed.append(_change(known, {}, {"refused": ALTERED}))
        return
    mirror = mirror_values(file)
    if known.mirror["refused"] == ALTERED:
        mirror["refused"] = None
    values = file_values(file)
    kept_metadata = known.file["metadata_sha256"] if known.mirror["metadata_kept"] else None
    if kept_metadata is not None:
        # What was fetched under the old digest stays true to it.
        values.pop("metadata_sha256", None)
    change = _change(known, values, mirror)
    if change.file or change.mirror:
        changes.changed.append(change)


def _contradicts(known: KnownFile, file: UpstreamFile) -> bool:
    for name, text in file.digests.items():
        column = _COLUMNS.get(name)
        before = known.file[column] if column else known.mirror["digests"].get(name)
        if before is not None and before != text:
            return True
    return False


def _change(known: KnownFile, file: Mapping[str, Any], mirror: Mapping[str, Any]) -> Change:
    return Change(
        known.file_id,
        known.filename,
        {name: value for name, value in file.items() if known.file[name] != value},
        {name: value for name, value in mirror.items() if known.mirror[name] != value},
    )
