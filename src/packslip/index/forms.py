"""Reads a form with one file (RFC 7578) while it arrives: memory stays bounded.

The parser is that of the library `multipart`. Werkzeug's own takes a carriage return too much into
a file when a block happens to end behind its closing boundary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
)
from werkzeug.http import parse_options_header

from packslip.errors import InvalidError
from packslip.web.bodies import TruncatedBodyError

#: Parts that one form may have.
MOST_PARTS = 4000

#: Bytes that one text may have, and all texts of a form together. The longest is the description.
LONGEST_TEXT = 4 * 1024**2
MOST_TEXT = 8 * 1024**2

#: Bytes that a form may have beside its file: texts, and what stands around each part.
MOST_BESIDE = MOST_TEXT + MOST_PARTS * 1024

_LONGEST_BOUNDARY = 200
_SHOWN = 60


class NoFormError(InvalidError):
    """The request carries no form that can hold a file."""

    def __init__(self) -> None:
        super().__init__("An upload is a form of the type multipart/form-data with a boundary.")


class MalformedFormError(InvalidError):
    """The form breaks the rules for forms."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"The form is not well-formed multipart/form-data: {fault}.")
        self.fault = fault


class FormTooLargeError(InvalidError):
    """The form has too many parts, or too much text."""


class FieldError(InvalidError):
    """A field of the form is missing, faulty, or there too often."""

    def __init__(self, field: str, fault: str) -> None:
        super().__init__(f"The field {shown(field)} {fault}.")
        self.field = field
        self.fault = fault


@dataclass
class Form:
    """A form that was read."""

    #: The values of the texts that were asked for, in their order; empty ones are left out.
    texts: dict[str, list[str]] = field(default_factory=dict)
    #: How often each text was there, asked for or not, empty or not.
    counts: dict[str, int] = field(default_factory=dict)
    #: The name under which the file was sent; None when there was no file.
    filename: str | None = None


#: Is given the name of a file (None when the part is none) and the form as it stands before it, and
#: gives what takes the file's bytes.
StartFile = Callable[[str | None, Form], Callable[[bytes], object]]


def read_form(
    blocks: Iterable[bytes],
    content_type: str,
    *,
    texts: frozenset[str],
    file_field: str,
    write: Callable[[bytes], object],
    ignored_files: frozenset[str] = frozenset(),
) -> Form:
    """Read a form to the end of its body, and hand the bytes of its file to `write`.

    All parts are checked and counted, but only those fields are kept that `texts` names. Parts
    named in `ignored_files` may be files and are dropped.

    Raises:
        NoFormError: the content type is not that of such a form.
        MalformedFormError: the form cannot be read.
        FieldError: a text was sent as a file, the file as a text or more than once, or a text is
            not UTF-8 or holds a NUL.
        FormTooLargeError: there are too many parts or too much text.
        TruncatedBodyError: the form ends before its closing boundary.
    """

    def start_file(filename: str | None, form: Form) -> Callable[[bytes], object]:
        if not filename:
            raise FieldError(file_field, "must be a file with a name")
        if form.filename is not None:
            raise FieldError(file_field, "was given twice: an upload has one file")
        form.filename = filename
        return write

    return read_parts(
        blocks,
        content_type,
        texts=texts,
        file_field=file_field,
        start_file=start_file,
        ignored_files=ignored_files,
    )


def read_parts(
    blocks: Iterable[bytes],
    content_type: str,
    *,
    texts: frozenset[str],
    file_field: str,
    start_file: StartFile,
    ignored_files: frozenset[str] = frozenset(),
) -> Form:
    """The same for a form that may have several files: `start_file` is asked as each one begins.

    Raises:
        PackslipError: as `read_form` does, and whatever `start_file` and what it gives raise.
    """
    parser = PushMultipartParser(
        boundary_of(content_type), max_segment_count=MOST_PARTS, max_header_size=1024
    )
    reader = _Reader(texts, file_field, start_file, ignored_files)
    for block in blocks:
        try:
            for event in parser.parse(block):
                reader.take(event)
        except ParserLimitReached:
            raise FormTooLargeError(
                f"The form has more than {MOST_PARTS} parts, or a part with too many headers."
            ) from None
        except MultipartError as error:
            raise MalformedFormError(_fault(error)) from error
    try:
        # No bytes mean the end, and an error if that is too early.
        list(parser.parse(b""))
    except MultipartError as error:
        raise TruncatedBodyError from error
    return reader.form


def boundary_of(content_type: str) -> str:
    """The boundary that separates the parts of a form.

    Raises:
        NoFormError: the content type is not that of a form that can hold a file.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    usable = boundary.isascii() and boundary.isprintable() and len(boundary) <= _LONGEST_BOUNDARY
    if kind.lower() != "multipart/form-data" or not boundary or not usable:
        raise NoFormError
    return boundary


def shown(name: str) -> str:
    """A field's name as one short piece of ASCII."""
    text = ascii(name)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...'"


class _Reader:
    """Takes the parser's events."""

    def __init__(
        self,
        texts: frozenset[str],
        file_field: str,
        start_file: StartFile,
        ignored_files: frozenset[str],
    ) -> None:
        self.form = Form()
        self._texts = texts
        self._file_field = file_field
        self._start_file = start_file
        self._ignored_files = ignored_files
        self._name = ""
        self._value = bytearray()
        self._size = 0
        self._total = 0
        self._write: Callable[[bytes], object] = self._write_text

    def take(self, event: MultipartSegment | bytes | bytearray | None) -> None:
        """Take the start of a part, some of its bytes, or its end (None)."""
        if event is None:
            self._finish()
        elif isinstance(event, MultipartSegment):
            self._start(event)
        else:
            self._write(bytes(event))

    def _start(self, part: MultipartSegment) -> None:
        if part.name is None:
            raise MalformedFormError("a part has no name")
        self._name, self._size = part.name, 0
        self._value.clear()
        if part.name == self._file_field:
            self._write = self._start_file(part.filename, self.form)
        elif part.filename is not None and part.name not in self._ignored_files:
            raise FieldError(part.name, "is a text, and was sent as a file")
        else:
            self.form.counts[part.name] = self.form.counts.get(part.name, 0) + 1
            self._write = self._keep_text if part.name in self._texts else self._write_text

    def _write_text(self, data: bytes) -> None:
        self._size += len(data)
        self._total += len(data)
        if self._size > LONGEST_TEXT:
            raise FormTooLargeError(
                f"The field {shown(self._name)} is longer than {LONGEST_TEXT} bytes."
            )
        if self._total > MOST_TEXT:
            raise FormTooLargeError(f"The form's texts have more than {MOST_TEXT} bytes.")
        if b"\0" in data and self._name not in self._ignored_files:
            raise FieldError(self._name, "holds a NUL character")

    def _keep_text(self, data: bytes) -> None:
        self._write_text(data)
        self._value += data

    def _finish(self) -> None:
        if self._write != self._keep_text:
            return
        try:
            text = self._value.decode()
        except UnicodeDecodeError:
            raise FieldError(self._name, "is not UTF-8") from None
        if text:
            self.form.texts.setdefault(self._name, []).append(text)


def _fault(error: MultipartError) -> str:
    text = str(error.args[0]) if error.args else "unreadable"
    return text[:1].lower() + text[1:]
