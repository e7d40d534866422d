"""Carrying the bytes of files from one storage into another."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from packslip.errors import UnavailableError
from packslip.storage.protocol import Storage, StoredKey

#: Files that are on their way at a time.
AT_ONCE = 4

#: Of files that wait to be carried.
_AHEAD = 64


class DifferentBytesError(UnavailableError):
    """The bytes that arrived are not those that were sent."""

    def __init__(self, key: str) -> None:
        super().__init__(f"The bytes of {key.rpartition('/')[2]} did not arrive as they were sent.")


class DamagedBytesError(UnavailableError):
    """The bytes are damaged where they are."""

    def __init__(self, key: str) -> None:
        name = key.rpartition("/")[2]
        super().__init__(
            f"The bytes of {name} are damaged in the old storage. packslip fsck tells more."
        )


@dataclass
class Carried:
    """How many files are in both storages now, and of how many bytes."""

    files: int = 0
    size: int = 0
    #: Those that were there before.
    known: int = 0


def carry_files(source: Storage, target: Storage, advance: Callable[[StoredKey], None]) -> Carried:
    """Copy everything that is not in the target yet, and read back what was copied.

    It may be broken off and begun again at any moment, also while the source is in use.

    Raises:
        DamagedBytesError: bytes of the source are not what their key says.
        DifferentBytesError: bytes did not arrive as they were sent.
    """
    there = {stored.key: stored.size for stored in target.keys()}  # noqa: SIM118 - no mapping
    carried = Carried()
    for stored, is_known in _carry_all(source, target, there):
        carried.files += 1
        carried.size += stored.size
        carried.known += is_known
        advance(stored)
    return carried


def _carry_all(
    source: Storage, target: Storage, there: dict[str, int]
) -> Iterator[tuple[StoredKey, bool]]:
    waiting: list[tuple[StoredKey, Future[None]]] = []
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for stored in source.keys():  # noqa: SIM118 - no mapping
            if there.get(stored.key) == stored.size:
                yield stored, True
                continue
            waiting.append((stored, pool.submit(_carry_one, source, target, stored.key)))
            if len(waiting) >= _AHEAD:
                first, done = waiting.pop(0)
                done.result()
                yield first, False
        for stored, done in waiting:
            done.result()
            yield stored, False


def _carry_one(source: Storage, target: Storage, key: str) -> None:
    digest = hashlib.sha256()
    with source.open(key) as file, target.stage() as staged:
        for block in file.read():
            digest.update(block)
            staged.write(block)
        said = _digest_in(key)
        if said is not None and said != digest.hexdigest():
            raise DamagedBytesError(key)
        target.put(key, staged)
    if _digest_of(target, key) != digest.hexdigest():
        raise DifferentBytesError(key)


def _digest_in(key: str) -> str | None:
    """The digest that the key of a file names; None for what is kept beside files."""
    *folders, name = key.split("/")
    digest = "".join(folders)
    is_content = len(folders) == 3 and len(digest) == 64 and not name.endswith(".metadata")
    return digest if is_content else None


def _digest_of(storage: Storage, key: str) -> str:
    digest = hashlib.sha256()
    with storage.open(key) as file:
        for block in file.read():
            digest.update(block)
    return digest.hexdigest()
