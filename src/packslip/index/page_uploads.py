"""Reads the form of the page for uploads while it arrives: one or several files, and its token."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from packslip.errors import InvalidError, TooLargeError
from packslip.index.forms import MOST_BESIDE, FieldError, Form, read_parts
from packslip.index.staged_uploads import MOST_FILES, TooMuchWaitsError
from packslip.packages.digests import Digester
from packslip.storage.protocol import StagedFile, Storage
from packslip.texts import brief

TOKEN = "csrf_token"  # noqa: S105 - the name of a field
FILES = "files"


class NoFilesError(InvalidError):
    """The form was sent without a file."""

    field = FILES

    def __init__(self) -> None:
        super().__init__("Choose a file first: a wheel or a source distribution.")


class OneFileTooLargeError(TooLargeError):
    """One of the files is larger than this index takes."""

    def __init__(self, filename: str, limit: int) -> None:
        super().__init__(
            f"The file {brief(filename)} is too large: this index takes files of at most"
            f" {limit} bytes. Nothing was kept."
        )
        self.filename = filename
        self.limit = limit


@dataclass
class ArrivedFile:
    """One file of the form, on the disk."""

    filename: str
    staged: StagedFile
    digester: Digester = field(default_factory=Digester)


def check_length(length: int | None, most: int) -> None:
    """Refuse a body at once that cannot but hold more bytes of files than may wait.

    Raises:
        TooMuchWaitsError: it is so long.
    """
    if length is not None and length > most + MOST_BESIDE:
        raise TooMuchWaitsError(most)


@contextmanager
def arriving(
    blocks: Iterable[bytes],
    content_type: str,
    storage: Storage,
    *,
    check_token: Callable[[str | None], object],
    max_size: int,
    most: int,
) -> Iterator[list[ArrivedFile]]:
    """The files of a form. They are removed at the end of the block, if not put.

    `check_token` is given the token before anything of the first file is kept. A file has at most
    `max_size` bytes, and all together have at most `most`.

    Raises:
        PackslipError: the form cannot be read, see `packslip.index.forms.read_form`.
        NoFilesError: there is no file.
        OneFileTooLargeError: one is too large.
        TooMuchWaitsError: they are too many, or too large together.
        StorageFullError: there is no room left for them.
    """
    with ExitStack() as stack:
        files: list[ArrivedFile] = []

        def start_file(filename: str | None, form: Form) -> Callable[[bytes], object]:
            if not files:
                check_token(_token(form))
            if not filename:
                # Browsers send this when no file was chosen.
                return _refuse_bytes
            if len(files) == MOST_FILES:
                raise TooMuchWaitsError(most)
            files.append(file := ArrivedFile(filename, stack.enter_context(storage.stage())))
            return lambda data: _write(files, file, data, max_size, most)

        form = read_parts(
            blocks, content_type, texts=frozenset({TOKEN}), file_field=FILES, start_file=start_file
        )
        if not files:
            check_token(_token(form))
            raise NoFilesError
        yield files


def _write(
    files: list[ArrivedFile], file: ArrivedFile, data: bytes, max_size: int, most: int
) -> None:
    if file.staged.size + len(data) > max_size:
        raise OneFileTooLargeError(file.filename, max_size)
    if sum(one.staged.size for one in files) + len(data) > most:
        raise TooMuchWaitsError(most)
    file.staged.write(data)
    file.digester.update(data)


def _refuse_bytes(data: bytes) -> None:
    if data:
        raise FieldError(FILES, "must be a file with a name")


def _token(form: Form) -> str | None:
    return form.texts.get(TOKEN, [None])[0]
