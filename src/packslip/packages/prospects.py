"""What would become of a distribution if its user uploaded it now.

`packslip.packages.publishing.publish_upload` decides when the time comes; this asks the same rules,
without changing anything, so that somebody can see all answers before.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from packaging.utils import canonicalize_name
from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.accounts.identity import Identity
from packslip.accounts.models import User
from packslip.errors import PackslipError
from packslip.packages.access import NotMaintainerError, require_uploader
from packslip.packages.digests import Digests
from packslip.packages.filenames import DistributionName
from packslip.packages.free_names import require_free_name
from packslip.packages.models import File, Package, RegisteredFilename, Release
from packslip.packages.publishing import (
    require_only_source,
    require_open,
    require_same_file,
)
from packslip.packages.roles import find_role
from packslip.packages.versions import canonical


@dataclass
class Prospect:
    """What is there already, and what stands in the way."""

    #: None when the package would be new.
    package: Package | None = None
    #: The user's part in it.
    role: str | None = None
    #: None when the release would be new.
    release: Release | None = None
    #: The file itself, when these very bytes are here; uploading it changes nothing.
    file: File | None = None
    #: Why the package takes nothing of this user, or nothing at all.
    package_faults: list[str] = field(default_factory=list)
    #: Why the release does not take this file.
    file_faults: list[str] = field(default_factory=list)


def foresee(
    session: Session,
    user: User,
    spelled: str,
    name: DistributionName,
    digests: Digests,
    *,
    is_taken_over: bool = False,
) -> Prospect:
    """What would become of a distribution of that name, whose package is spelled so.

    With `is_taken_over` nothing that is there counts: it would go before.
    """
    package_id = canonicalize_name(spelled)
    prospect = Prospect(None if is_taken_over else session.get(Package, package_id))
    with _noting(prospect.package_faults):
        try:
            require_uploader(session, Identity(user), package_id)
        except NotMaintainerError:
            if not is_taken_over:
                raise
    if prospect.package is None:
        with _noting(prospect.package_faults):
            require_free_name(session, package_id, spelled)
    else:
        prospect.role = find_role(session, package_id, user)
        with _noting(prospect.package_faults):
            require_open(prospect.package)
    if not is_taken_over:
        _foresee_file(session, prospect, package_id, name, digests)
    return prospect


def _foresee_file(
    session: Session,
    prospect: Prospect,
    package_id: str,
    name: DistributionName,
    digests: Digests,
) -> None:
    version = canonical(str(name.version))
    prospect.release = session.scalar(
        select(Release).where(
            Release.package_id == package_id, Release.canonical_version == version
        )
    )
    with _noting(prospect.file_faults):
        if session.get(RegisteredFilename, name.key) is not None:
            package = prospect.package or Package(id=package_id)
            file = require_same_file(session, package, name, digests)
            prospect.file = file if file.storage_key is not None else None
        elif prospect.release is not None and not name.is_wheel:
            require_only_source(prospect.release, name)


@contextmanager
def _noting(faults: list[str]) -> Iterator[None]:
    try:
        yield
    except PackslipError as error:
        faults.append(error.reason)
