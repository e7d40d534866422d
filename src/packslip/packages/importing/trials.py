"""Trying something out: all is checked as ever, and nothing is kept."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.orm import Session

from packslip.db import write_transaction
from packslip.packages.distributions import Distribution
from packslip.packages.publishing import publication
from packslip.storage.local import LocalStorage
from packslip.storage.protocol import Storage


class _DryRunError(Exception):
    """Ends the transaction of a dry run."""


@contextmanager
def storage_of(storage: Storage, dry_run: bool) -> Iterator[Storage]:
    """Where the bytes go: in a dry run into a folder that is gone afterwards."""
    if not dry_run:
        yield storage
        return
    with tempfile.TemporaryDirectory(prefix="packslip-") as folder:
        yield LocalStorage(Path(folder))


@contextmanager
def transaction_of(session: Session, dry_run: bool) -> Iterator[None]:
    """A write transaction, which a dry run takes back."""
    try:
        with write_transaction(session):
            yield
            if dry_run:
                session.flush()
                raise _DryRunError
    except _DryRunError:
        pass


@contextmanager
def publication_of(
    session: Session, storage: Storage, distribution: Distribution, dry_run: bool
) -> Iterator[None]:
    """A publication, which a dry run takes back; `storage` is that of `storage_of`."""
    if dry_run:
        with transaction_of(session, dry_run):
            yield
    else:
        with publication(session, storage, distribution):
            yield
