"""Everything that is wrong with a distribution, rather than the first thing.

What refuses an upload is `packslip.packages.distributions.read_distribution`. Here its steps are
gone through in the same order for somebody who wants to see all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from packslip.errors import InvalidError
from packslip.packages.agreement import check_metadata
from packslip.packages.archives import read_metadata
from packslip.packages.digests import Digests
from packslip.packages.distributions import Distribution, understand
from packslip.packages.filenames import parse_filename
from packslip.packages.metadata import CoreMetadata, inspect_metadata
from packslip.storage.protocol import StagedFile
from packslip.texts import brief


class Step(StrEnum):
    """What is looked at, in this order."""

    NAME = "name"
    ARCHIVE = "archive"
    METADATA = "metadata"
    AGREEMENT = "agreement"


@dataclass(frozen=True)
class Fault:
    """Something for which the distribution is refused."""

    step: Step
    reason: str
    #: The field of the metadata that is at fault.
    field: str | None = None


@dataclass(frozen=True)
class Examined:
    """A file that was looked at."""

    #: As it was sent; when it is none for a file, made readable.
    filename: str
    staged: StagedFile
    digests: Digests
    #: None when there are faults.
    distribution: Distribution | None = None
    #: What could be read of it, faults or not.
    metadata: CoreMetadata | None = None
    faults: list[Fault] = field(default_factory=list)


def examine(staged: StagedFile, filename: str, digests: Digests) -> Examined:
    """Look at what may be a distribution. The first fault is that for which it is refused.

    A faulty name or archive hides what is behind it.
    """
    try:
        name = parse_filename(filename)
    except InvalidError as error:
        return Examined(brief(filename), staged, digests, faults=[_fault(Step.NAME, error)])
    try:
        metadata_bytes = read_metadata(staged.path, name)
    except InvalidError as error:
        return Examined(filename, staged, digests, faults=[_fault(Step.ARCHIVE, error)])
    metadata, found = inspect_metadata(metadata_bytes)
    faults = [Fault(Step.METADATA, error.reason, error.field) for error in found]
    if metadata is not None:
        try:
            check_metadata(name, metadata)
        except InvalidError as error:
            faults.append(_fault(Step.AGREEMENT, error))
    distribution = None if faults else understand(staged, name, metadata_bytes, digests)
    return Examined(filename, staged, digests, distribution, metadata, faults)


def _fault(step: Step, error: InvalidError) -> Fault:
    return Fault(step, error.reason)
