"""Going through a folder: what each file in it is, and storing one after the other."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from packslip.accounts.models import User
from packslip.errors import PackslipError
from packslip.events.operations import Actor
from packslip.packages.importing.distributions import (
    check_is_distribution,
    find_held,
    import_distribution,
    present,
    stage_distribution,
)
from packslip.packages.importing.documents import read_document
from packslip.packages.importing.operations import import_document
from packslip.packages.importing.report import Item, Kind, NotImportableError, Outcome
from packslip.packages.importing.trials import publication_of, storage_of, transaction_of
from packslip.storage.protocol import Storage

#: Bytes that a document may have; the largest known ones have some tens of millions.
LARGEST_DOCUMENT = 256 * 1024**2

_DISTRIBUTIONS = (".whl", ".tar.gz", ".zip")


@dataclass(frozen=True)
class Importer:
    """How to import."""

    session: Session
    storage: Storage
    actor: Actor
    #: The user who owns the packages that the import makes.
    owner: User | None = None
    #: Check everything and store nothing.
    dry_run: bool = False


def find_files(path: Path) -> list[Path]:
    """All that lies in a folder and below it, in the order of names; a file gives itself.

    Links to folders and folders that cannot be read are in the list themselves.
    """
    if not path.is_dir():
        return [path]
    found: list[Path] = []
    unreadable: list[OSError] = []
    for folder, folders, files in os.walk(path, onerror=unreadable.append):
        inside = Path(folder)
        found += [inside / name for name in files]
        found += [inside / name for name in folders if (inside / name).is_symlink()]
    return sorted([*found, *(Path(error.filename) for error in unreadable)])


def import_file(importer: Importer, path: Path) -> Item:
    """Import one file in a transaction of its own, and tell what became of it."""
    try:
        return _import(importer, path)
    except NotImportableError as error:
        return Item(str(path), Outcome.SKIPPED, reason=error.reason)
    except OSError as error:
        return Item(str(path), Outcome.FAILED, reason=error.strerror or "it cannot be read")
    except PackslipError as error:
        return Item(str(path), Outcome.FAILED, reason=error.reason)
    except IntegrityError:
        reason = "somebody else changed the same at that moment; import it again"
        return Item(str(path), Outcome.FAILED, reason=reason)
    except DBAPIError as error:
        return Item(str(path), Outcome.FAILED, reason=f"the database says: {error.orig}")


def _import(importer: Importer, path: Path) -> Item:
    if path.is_dir():
        if not path.is_symlink():
            # It is in the list because it could not be read, and says so again.
            next(path.iterdir(), None)
        raise NotImportableError("a link to a folder")
    if not path.is_file():
        raise NotImportableError("not a file, or a link to none")
    if path.suffix.lower() == ".json":
        return _import_document(importer, path)
    if path.name.endswith(_DISTRIBUTIONS):
        return _import_distribution(importer, path)
    if path.suffix == ".asc":
        raise NotImportableError("a signature, which indexes keep no more")
    raise NotImportableError("neither a JSON document nor a wheel, .tar.gz or .zip")


def _import_document(importer: Importer, path: Path) -> Item:
    if path.stat().st_size > LARGEST_DOCUMENT:
        raise NotImportableError("too large for a document")
    document = read_document(path.read_bytes())
    with transaction_of(importer.session, importer.dry_run):
        changes = import_document(importer.session, importer.actor, document, importer.owner)
    outcome = changes.outcomes[Kind.PACKAGE, document.package_id]
    return Item(str(path), outcome, document.package_id, changes=changes)


def _import_distribution(importer: Importer, path: Path) -> Item:
    check_is_distribution(path)
    session = importer.session
    # Reading it again is much cheaper than storing and checking it again.
    file = find_held(session, path)
    if file is not None:
        return Item(str(path), Outcome.PRESENT, file.release.package_id, changes=present(file))
    with storage_of(importer.storage, importer.dry_run) as storage, storage.stage() as staged:
        distribution = stage_distribution(staged, path)
        with publication_of(session, storage, distribution, importer.dry_run):
            changes = import_distribution(
                session, storage, importer.actor, distribution, importer.owner
            )
    name = distribution.name
    outcome = next(o for (kind, _), o in changes.outcomes.items() if kind == Kind.FILE)
    return Item(str(path), outcome, name.package, changes=changes)
