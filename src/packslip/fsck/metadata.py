"""The metadata inside of files that are held."""

from __future__ import annotations

from packslip.errors import PackslipError
from packslip.packages.archives import read_metadata
from packslip.packages.filenames import parse_filename
from packslip.storage.protocol import Storage


def metadata_inside(storage: Storage, key: str, filename: str, package_id: str) -> bytes | None:
    """METADATA or PKG-INFO of the distribution under the key; None when it cannot be had."""
    try:
        with storage.stage() as staged, storage.open(key) as stored:
            for block in stored.read():
                staged.write(block)
            return read_metadata(staged.path, parse_filename(filename, package_id))
    except (PackslipError, OSError):
        return None
