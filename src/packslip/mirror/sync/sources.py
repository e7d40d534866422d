"""What a source distribution says that it needs, to be built and when it is installed."""

from __future__ import annotations

import tempfile
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packslip.packages.archives import InvalidArchiveError
from packslip.packages.archives.members import LARGEST_METADATA, Budget, Kind, checked, read
from packslip.packages.archives.tars import tar_members
from packslip.packages.archives.zips import zip_members
from packslip.packages.metadata import inspect_metadata
from packslip.storage.protocol import Storage

#: What installers build with when a distribution does not say (PEP 518).
_DEFAULT_BUILD = ("setuptools>=40.8.0",)

_WALKS = {".zip": zip_members, ".tar.gz": tar_members}


class UnreadableSourceError(InvalidArchiveError):
    """What the source distribution needs cannot be told."""


@dataclass(frozen=True)
class SourceNeeds:
    """What a source distribution needs (PEP 508)."""

    #: When it is installed.
    requires: Sequence[str]
    #: To be built.
    build_requires: Sequence[str]
    #: Whether building it may bring up more (PEP 643).
    is_certain: bool


def needs_of_source(storage: Storage, key: str, filename: str) -> SourceNeeds:
    """What the source distribution that the storage has under that key needs.

    Raises:
        InvalidArchiveError: it is damaged or unsafe, or of a kind that is not read.
    """
    ending = next((ending for ending in _WALKS if filename.endswith(ending)), None)
    if ending is None:
        raise UnreadableSourceError(f"What {filename} needs is not read from such an archive.")
    with storage.open(key) as stored, tempfile.NamedTemporaryFile() as copy:
        for block in stored.read():
            copy.write(block)
        copy.flush()
        path = Path(copy.name)
        found: dict[str, bytes] = {}
        for member in checked(_WALKS[ending](path, Budget(path.stat().st_size))):
            inside = member.name.partition("/")[2]
            if inside in {"PKG-INFO", "pyproject.toml"} and member.kind is Kind.FILE:
                found[inside] = read(member, LARGEST_METADATA)
    metadata = inspect_metadata(found.get("PKG-INFO", b""))[0]
    return SourceNeeds(
        requires=() if metadata is None else metadata.requires_dist,
        build_requires=_build_requires(found.get("pyproject.toml")),
        is_certain=metadata is not None and metadata.is_static,
    )


def _build_requires(pyproject: bytes | None) -> Sequence[str]:
    try:
        document = tomllib.loads((pyproject or b"").decode())
    except (ValueError, RecursionError):
        return _DEFAULT_BUILD
    system: Any = document.get("build-system")
    requires = system.get("requires") if isinstance(system, Mapping) else None
    if not isinstance(requires, list):
        return _DEFAULT_BUILD
    return [one for one in requires if isinstance(one, str)]
