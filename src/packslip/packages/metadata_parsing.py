"""Takes METADATA and PKG-INFO apart into headers and a body, whatever bytes they are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

from packaging.metadata import parse_email

from packslip.errors import InvalidError
from packslip.texts import brief

#: Headers that one metadata file may have; packages with hundreds of dependencies stay below.
MOST_HEADERS = 10_000

#: Different names that these headers may have; the specification knows 33.
MOST_HEADER_NAMES = 200

_HEADER = re.compile(r"^([!-9;-~]*)[ \t]*:", re.MULTILINE)
_IN_PARTS = re.compile(r"^content-type:\s*(multipart|message)/", re.MULTILINE | re.IGNORECASE)
_VERSION = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")
_KNOWN_MAJORS = ("1", "2")

#: The keys of `packaging.metadata.RawMetadata` that are not simply the header's name.
_PLURALS = {
    "classifiers": "classifier",
    "import_names": "import-name",
    "import_namespaces": "import-namespace",
    "license_files": "license-file",
    "platforms": "platform",
    "project_urls": "project-url",
    "supported_platforms": "supported-platform",
}


class InvalidMetadataError(InvalidError):
    """A distribution's metadata breaks the core metadata specification."""

    def __init__(self, field: str, fault: str) -> None:
        header = "-".join(part.capitalize() for part in field.split("-"))
        super().__init__(f"Invalid metadata: {header} {brief(fault, 300)}")
        self.field = field
        self.fault = fault


class Headers:
    """The headers of a metadata file by their names in lower case, and the description."""

    def __init__(self, values: Mapping[str, list[str]]) -> None:
        self._values = values

    def all(self, name: str) -> list[str]:
        """Return each value that says something, in order."""
        values = [value.strip() for value in self._values.get(name, [])]
        return [value for value in values if value and value != "UNKNOWN"]

    def names(self) -> list[str]:
        """Return the names of all headers that are there."""
        return sorted(self._values)

    def unstripped(self, name: str) -> list[str]:
        """Return each value as it is, but for `UNKNOWN` and blank ones."""
        values = self._values.get(name, [])
        return [value for value in values if value.strip() not in {"", "UNKNOWN"}]

    def metadata_version(self) -> str:
        """Return the version of the specification that the metadata follows.

        Raises:
            InvalidMetadataError: There is none, or a major one that is not known.

        """
        versions = self.all("metadata-version")
        if len(versions) != 1:
            fault = "is missing" if not versions else "is given more than once"
            raise InvalidMetadataError("metadata-version", fault)
        if not _VERSION.fullmatch(versions[0]):
            raise InvalidMetadataError("metadata-version", f"{versions[0]!r} is not a version")
        if versions[0].split(".")[0] not in _KNOWN_MAJORS:
            raise InvalidMetadataError("metadata-version", f"{versions[0]} is not supported")
        return versions[0]


def headers_of(data: bytes) -> Headers:
    """Take a metadata file apart.

    Raises:
        InvalidMetadataError: It cannot be read, or has more headers than is reasonable.

    """
    text = _decoded(data)
    if "\0" in text:
        raise InvalidMetadataError("file", "holds a NUL character")
    head = text.partition("\n\n")[0]
    names = _HEADER.findall(head)
    # The parser compares each name with each header, and each line with each part's boundary.
    if len(names) > MOST_HEADERS or len(set(names)) > MOST_HEADER_NAMES:
        raise InvalidMetadataError("file", "has too many headers")
    if _IN_PARTS.search(head):
        raise InvalidMetadataError("file", "consists of several parts")
    raw, unparsed = parse_email(text)
    values: dict[str, list[str]] = {}
    for key, value in cast("dict[str, str | list[str] | dict[str, str]]", raw).items():
        values[_PLURALS.get(key, key.replace("_", "-"))] = _as_list(key, value)
    for name, given in unparsed.items():
        values[name] = [str(value) for value in given]
    return Headers(values)


def _decoded(data: bytes) -> str:
    text = data.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        return text.decode()
    except UnicodeDecodeError:
        # Before the encoding was settled, some wrote Latin-1, if only into one of the fields.
        return "\n".join(_decoded_line(line) for line in text.split(b"\n"))


def _decoded_line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _as_list(key: str, value: str | list[str] | dict[str, str]) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [f"{label}, {url}" for label, url in value.items()]
    return [",".join(value)] if key == "keywords" else value
