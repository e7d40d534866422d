"""Publishing distributions that lie in a folder."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.events.operations import Actor
from packslip.packages.digests import Digester, digests_of
from packslip.packages.distributions import Distribution, read_distribution
from packslip.packages.filenames import InvalidFilenameError, parse_filename
from packslip.packages.importing.report import Changes, Kind, NotImportableError, Outcome
from packslip.packages.importing.words import known_words, note_words
from packslip.packages.models import File, Package, Release
from packslip.packages.publishing import FilenameUsedError, publish_file
from packslip.packages.releases import find_file
from packslip.packages.versions import canonical
from packslip.storage.protocol import BLOCK_SIZE, StagedFile, Storage


def check_is_distribution(path: Path) -> None:
    """Tell archives that happen to lie there from distributions.

    Raises:
        NotImportableError: it is a .tar.gz or .zip with another name than distributions have.
        InvalidFilenameError: it is a wheel with a wrong name.
    """
    try:
        parse_filename(path.name)
    except InvalidFilenameError:
        if path.name.endswith(".whl"):
            raise
        raise NotImportableError("not named as a source distribution: name-version") from None


def find_held(session: Session, path: Path) -> File | None:
    """The index's file of that name, if it holds the same bytes."""
    file = session.scalar(select(File).where(File.filename == path.name))
    if file is None or file.storage_key is None or file.size != path.stat().st_size:
        return None
    return file if file.sha256 == digests_of(path).sha256 else None


def present(file: File) -> Changes:
    """What becomes of a file that is held: nothing."""
    changes = Changes()
    release = file.release
    changes.note(Kind.PACKAGE, release.package_id, Outcome.PRESENT)
    changes.note(Kind.RELEASE, f"{release.package_id} {release.version}", Outcome.PRESENT)
    changes.note(Kind.FILE, file.filename, Outcome.PRESENT)
    note_words(changes, release.package, before=None)
    return changes


def stage_distribution(staged: StagedFile, path: Path) -> Distribution:
    """Copy a distribution into the storage's hands and check it as an upload is.

    Raises:
        InvalidError: something about it is wrong.
        OSError: it cannot be read.
    """
    digester = Digester()
    with path.open("rb", buffering=0) as file:
        while block := file.read(BLOCK_SIZE):
            staged.write(block)
            digester.update(block)
    return read_distribution(staged, path.name, digester.digests())


def import_distribution(
    session: Session, storage: Storage, actor: Actor, distribution: Distribution, owner: User | None
) -> Changes:
    """Publish a distribution, and give what became of it. A new package gets the owner.

    Raises:
        NotImportableError: its name was that of a file which was removed.
        PackslipError: it cannot be published, as `publish_file` tells.
    """
    changes = Changes()
    name = distribution.name
    package = session.get(Package, name.package)
    known_file = None if package is None else find_file(session, package, name)
    known_release = session.scalar(
        select(Release.id).where(
            Release.package_id == name.package,
            Release.canonical_version == canonical(str(name.version)),
        )
    )
    before = known_words(session)
    user_id = None if owner is None else owner.id
    try:
        published = publish_file(session, storage, actor, distribution, user_id=user_id)
    except FilenameUsedError:
        raise NotImportableError("the index had it, and it was removed there") from None
    release = published.file.release
    added = Outcome.ADDED if published.created else Outcome.PRESENT
    changed = Outcome.CHANGED if published.created else Outcome.PRESENT
    changes.note(Kind.PACKAGE, name.package, added if package is None else changed)
    release_key = f"{name.package} {release.version}"
    changes.note(Kind.RELEASE, release_key, added if known_release is None else changed)
    changes.note(Kind.FILE, published.file.filename, added if known_file is None else changed)
    if package is None and owner is not None:
        changes.note(Kind.MAINTAINER, f"{name.package} {owner.username}", Outcome.ADDED)
    note_words(changes, release.package, before)
    return changes
