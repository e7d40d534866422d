"""Whether an upload agrees with itself: the form, the file name, and the metadata in the archive.

The archive is the truth. The form of an upload is filled by each client in its own way, so that
only what would put a file in another place than its uploader believes is compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from packaging.utils import canonicalize_name
from packaging.version import Version

from packslip.errors import InvalidError
from packslip.packages.filenames import DistributionName, parse_filename
from packslip.packages.metadata import CoreMetadata
from packslip.packages.versions import parse_version
from packslip.texts import brief


class DisagreementError(InvalidError):
    """Two parts of one upload say different things."""

    def __init__(self, what: str, one: str, other: str) -> None:
        super().__init__(f"The {what} disagree: {brief(one)} and {brief(other)}")
        self.what = what


class RepeatedFieldError(InvalidError):
    """A form gives a field more than once that may be given once."""

    def __init__(self, field: str) -> None:
        super().__init__(f"The form gives {field} more than once")
        self.field = field


def check_metadata(name: DistributionName, metadata: CoreMetadata) -> DistributionName:
    """Check that a file is named for the package and version that it holds.

    Returns:
        What the file name says, read with the package's name known: `foo-1-2.tar.gz` may be
        version 2 of foo-1, or 1.post2 of foo.

    Raises:
        InvalidFilenameError: The file is not named for the package.
        DisagreementError: The file is of another version than its metadata.

    """
    name = parse_filename(name.filename, metadata.name)
    if name.version != Version(metadata.version):
        raise DisagreementError(
            "versions in file name and metadata", str(name.version), metadata.version
        )
    return name


def check_form(
    form: Mapping[str, Sequence[str]], name: DistributionName, metadata: CoreMetadata
) -> None:
    """Check the upload form's name, version and file type against the distribution.

    Empty fields count as absent, and absent ones agree with everything.

    Args:
        form: All values of each field of the form, texts only.
        name: What the file name says.
        metadata: What the archive says.

    Raises:
        DisagreementError: One of the three differs.
        RepeatedFieldError: One of the three is given twice.

    """
    package = _single(form, "name")
    if package is not None and canonicalize_name(package) != metadata.package:
        raise DisagreementError("names in form and metadata", package, metadata.name)
    version = _single(form, "version")
    if version is not None and parse_version(version) != Version(metadata.version):
        raise DisagreementError("versions in form and metadata", version, metadata.version)
    filetype = _single(form, "filetype")
    if filetype is not None and filetype != name.packagetype:
        raise DisagreementError("types in form and file name", filetype, name.packagetype)


def _single(form: Mapping[str, Sequence[str]], field: str) -> str | None:
    values = [value.strip() for value in form.get(field, ()) if value.strip()]
    if len(values) > 1:
        raise RepeatedFieldError(field)
    return values[0] if values else None
