"""What upstreams say of packages, without upstreams."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from packaging.utils import NormalizedName
from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.mirror.models import MirrorPage
from packslip.mirror.taking import Source, take_page
from packslip.mirror.upstream_pages import UpstreamFile, UpstreamPage
from packslip.packages.filenames import parse_filename

UPSTREAM = "https://packages.example.com/files"


def upstream_file(filename: str, **values: Any) -> UpstreamFile:
    """A file that an upstream lists, with the digest of its name."""
    name = parse_filename(filename)
    said = {
        "version": str(name.version),
        "packagetype": name.packagetype,
        "tags": name.tags,
        "url": f"{UPSTREAM}/{filename}",
        "digests": {"sha256": sha256(filename.encode()).hexdigest()},
        "size": 1000,
    }
    return UpstreamFile(filename=filename, **(said | values))


def upstream_page(*files: UpstreamFile, **values: Any) -> UpstreamPage:
    """A page with these files, and the versions that they are of."""
    versions = tuple(dict.fromkeys(file.version for file in files))
    return UpstreamPage(files=files, **({"versions": versions} | values))


def mirror(
    session: Session, name: str, *files: UpstreamFile, source: str = "upstream", **values: Any
) -> NormalizedName:
    """Take a page of these files in, as if the upstream had been asked for it."""
    package_id = NormalizedName(name)
    with write_transaction(session):
        if session.get(MirrorPage, package_id) is None:
            session.add(MirrorPage(package_id=package_id))
    take_page(session, package_id, upstream_page(*files, **values), Source(source))
    return package_id
