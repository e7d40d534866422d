"""What an upload's form says, and whether it holds for the file that came with it.

The fields are those of the upload API that twine and the other tools speak. It was never
specified; what is taken here is what the tools were seen to send. The archive's own metadata is
the truth, and most fields, which repeat it, are not even read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from packslip.errors import GoneError, TooLargeError
from packslip.index.forms import MOST_BESIDE, FieldError, Form, read_form, shown
from packslip.packages.agreement import check_form
from packslip.packages.digests import Digester, Digests
from packslip.packages.distributions import Distribution, read_distribution
from packslip.storage.protocol import StagedFile

ACTION = ":action"
CONTENT = "content"

#: The fields that hold digests, with the number of their hexadecimal digits.
DIGEST_FIELDS = {"sha256_digest": 64, "blake2_256_digest": 64, "md5_digest": 32}

#: The fields that are read.
FIELDS = frozenset(
    {
        ACTION, "protocol_version", "name", "version", "filetype", "comment", "attestations",
        *DIGEST_FIELDS,
    }
)  # fmt: skip

#: Other fields that may be given once. What they say is read from the archive instead.
SINGLE_FIELDS = frozenset(
    {
        "author", "author_email", "description", "description_content_type", "download_url",
        "home_page", "license", "license_expression", "maintainer", "maintainer_email",
        "metadata_version", "pyversion", "requires_python", "summary",
    }
)  # fmt: skip

#: Fields that hold files which nobody needs any more.
DROPPED_FILES = frozenset({"gpg_signature"})

#: What old tools asked for under the same address.
RETIRED_ACTIONS = frozenset({"submit", "submit_pkg_info", "doc_upload", "verify"})

FILE_TYPES = ("bdist_wheel", "sdist")

LONGEST_COMMENT = 2000


class FileTooLargeError(TooLargeError):
    """The file is larger than this index takes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The file is too large: this index takes files of at most {limit} bytes.")
        self.limit = limit


class RetiredActionError(GoneError):
    """Old tools ask for something that no index does any more."""

    def __init__(self, action: str) -> None:
        super().__init__(f"The action {action} is retired; the only one is file_upload.")
        self.action = action


class DigestMismatchError(FieldError):
    """The file that arrived is not the one that was sent."""

    def __init__(self, field: str, digest: str) -> None:
        super().__init__(field, f"does not fit the file that arrived, which has {digest}")
        self.digest = digest


@dataclass(frozen=True)
class Upload:
    """A form that was read, and whose file is staged."""

    form: Form
    digests: Digests


def check_length(length: int | None, limit: int) -> None:
    """Refuse a body at once that cannot but hold a file beyond the limit.

    Raises:
        FileTooLargeError: it is so long.
    """
    if length is not None and length > limit + MOST_BESIDE:
        raise FileTooLargeError(limit)


def receive(
    blocks: Iterable[bytes], content_type: str, staged: StagedFile, max_size: int
) -> Upload:
    """Read an upload: its file goes to `staged`, its digests are computed on the way.

    Raises:
        InvalidError: the form cannot be read; see `packslip.index.forms.read_form`.
        FileTooLargeError: the file has more than `max_size` bytes.
        StorageFullError: there is no room left for it.
    """
    digester = Digester()

    def write(data: bytes) -> None:
        if staged.size + len(data) > max_size:
            raise FileTooLargeError(max_size)
        staged.write(data)
        digester.update(data)

    form = read_form(
        blocks,
        content_type,
        texts=FIELDS,
        file_field=CONTENT,
        write=write,
        ignored_files=DROPPED_FILES,
    )
    return Upload(form, digester.digests())


def check_upload(upload: Upload, staged: StagedFile) -> Distribution:
    """Return what was uploaded, once form, digests, name, archive and metadata are found right.

    Raises:
        InvalidError: something is faulty; the error tells what.
        RetiredActionError: it is no upload but something that old tools ask for.
    """
    form = upload.form
    _check_action(form)
    for field, count in form.counts.items():
        if count > 1 and (field in FIELDS or field in SINGLE_FIELDS):
            raise FieldError(field, "was given more than once")
        if field.endswith("_digest") and field not in DIGEST_FIELDS:
            raise FieldError(field, "cannot be checked; sha256_digest can")
    for field in ("name", "version", "filetype"):
        if field not in form.texts:
            raise FieldError(field, "is missing")
    if _value(form, "filetype") not in FILE_TYPES:
        raise FieldError("filetype", f"must be {' or '.join(FILE_TYPES)}")
    if form.filename is None:
        raise FieldError(CONTENT, "is missing")
    _check_digests(form, upload.digests)
    distribution = read_distribution(staged, form.filename, upload.digests, _comment(form))
    check_form(form.texts, distribution.name, distribution.metadata)
    return distribution


def attestations_of(upload: Upload) -> str | None:
    """The JSON of the attestations that came with the file (PEP 740); None if none did."""
    return _value(upload.form, "attestations")


def _check_action(form: Form) -> None:
    action = _value(form, ACTION)
    if action in RETIRED_ACTIONS:
        raise RetiredActionError(action)
    if action is None:
        raise FieldError(ACTION, "is missing; it must be file_upload")
    if action != "file_upload":
        raise FieldError(ACTION, f"must be file_upload, not {shown(action)}")
    if _value(form, "protocol_version") not in {None, "1"}:
        raise FieldError("protocol_version", "must be 1")


def _check_digests(form: Form, digests: Digests) -> None:
    actual = dict(
        zip(DIGEST_FIELDS, (digests.sha256, digests.blake2_256, digests.md5), strict=True)
    )
    if not any(field in form.texts for field in DIGEST_FIELDS):
        raise FieldError("sha256_digest", "is missing, and so are the other digests")
    for field, digits in DIGEST_FIELDS.items():
        given = _value(form, field)
        if given is None:
            continue
        if not re.fullmatch(r"[0-9a-fA-F]*", given) or len(given) != digits:
            raise FieldError(field, f"must have {digits} hexadecimal digits")
        if given.lower() != actual[field]:
            raise DigestMismatchError(field, actual[field])


def _comment(form: Form) -> str | None:
    comment = _value(form, "comment")
    if comment is not None and len(comment) > LONGEST_COMMENT:
        raise FieldError("comment", f"is longer than {LONGEST_COMMENT} characters")
    return comment


def _value(form: Form, field: str) -> str | None:
    return form.texts.get(field, [None])[0]
