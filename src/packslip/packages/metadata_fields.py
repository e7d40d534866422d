"""Reads single fields of core metadata, as strictly as their time asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from typing import cast
from urllib.parse import urlsplit

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.metadata import InvalidMetadata, Metadata, RawMetadata
from packaging.utils import InvalidName, canonicalize_name
from trove_classifiers import classifiers as trove

from packslip.packages.mending import readable_requirement, readable_specifiers
from packslip.packages.metadata_parsing import Headers, InvalidMetadataError
from packslip.packages.versions import parse_version
from packslip.texts import brief

LONGEST_SUMMARY = 512
LONGEST_LINE = 4000
LONGEST_URL = 2000
LONGEST_EXPRESSION = 1000

#: Longer ones are cut: their meaning is at the beginning, and parsing them is recursive.
LONGEST_TYPE = 100

#: Addresses of these kinds would run code in the browser of whoever follows them.
_ACTIVE = {"javascript", "data", "vbscript"}
#: "Private" is for what nobody else shall take; no index lists it.
_CLASSIFIER_ROOTS = {classifier.partition(" :: ")[0] for classifier in trove} | {"Private"}
_NEVER_DYNAMIC = {"metadata-version", "name", "version"}
_UNPRINTABLE = re.compile(r"[\s\x00-\x20\x7f\"<>\\^`{|}]")

_RAW_KEYS = {
    "import-name": "import_names",
    "import-namespace": "import_namespaces",
    "license-file": "license_files",
    "provides-extra": "provides_extra",
}

#: What `FieldReader` gives by name; the rest is kept as it is.
_GIVEN = {
    "author", "author-email", "classifier", "description", "description-content-type",
    "download-url", "dynamic", "home-page", "import-name", "import-namespace", "keywords",
    "license", "license-expression", "license-file", "maintainer", "maintainer-email",
    "metadata-version", "name", "platform", "project-url", "provides-extra", "requires-dist",
    "requires-external", "requires-python", "summary", "supported-platform", "version",
}  # fmt: skip


class Rigour(Enum):
    """What is done about a field that breaks the specification."""

    #: Refuse it: the metadata is of a version whose rules are known and were checked in its time.
    CHECK = "check"
    #: Mend it, or leave it out: it is older than the checks.
    MEND = "mend"
    #: Keep it: it is newer than this code, and the rule may have changed.
    KEEP = "keep"


class FieldReader:
    """Gives the fields of one metadata file, checked.

    Each method raises `InvalidMetadataError` for what the rigour does not let pass. With `faults`
    they are put there instead, all but those of name and version.
    """

    def __init__(
        self,
        headers: Headers,
        version: tuple[int, int],
        rigour: Rigour,
        faults: list[InvalidMetadataError] | None = None,
    ) -> None:
        self._headers = headers
        self._version = version
        self._rigour = rigour
        self._faults = faults

    def name(self) -> str:
        """Return the package's name; it is refused when wrong, however old."""
        name = self._required("name")
        try:
            canonicalize_name(name, validate=True)
        except InvalidName:
            raise InvalidMetadataError("name", f"{brief(name)} is not a valid name") from None
        return name

    def version(self) -> str:
        """Return the release's version; it is refused when wrong, however old."""
        version = self._required("version")
        if parse_version(version) is None:
            fault = f"{brief(version)} is not a version after PEP 440"
            raise InvalidMetadataError("version", fault)
        return version

    def text(self, name: str) -> str | None:
        """Return a field of any number of lines, without the indentation that folding added."""
        value = self._single(name)
        return None if value is None else _unfolded(value)

    def line(self, name: str) -> str | None:
        """Return a field as one line."""
        value = self._single(name)
        return None if value is None else " ".join(value.split())[:LONGEST_LINE]

    def lines(self, name: str) -> tuple[str, ...]:
        """Return a field that may come often, each as one line, each once."""
        values = (" ".join(value.split())[:LONGEST_LINE] for value in self._headers.all(name))
        return tuple(dict.fromkeys(values))

    def summary(self) -> str | None:
        """Return the summary, one line."""
        value = self._single("summary")
        if value is None:
            return None
        if len(value.splitlines()) > 1:
            self._fault("summary", "has more than one line")
        line = " ".join(value.split())
        if len(line) > LONGEST_SUMMARY:
            self._fault("summary", f"is longer than {LONGEST_SUMMARY} characters")
        return line[:LONGEST_SUMMARY]

    def description(self) -> str | None:
        """Return the description, from the body or from the header that it once was."""
        values = self._headers.unstripped("description")
        # With both, the body is what tools have written since 2.1.
        return _unfolded(values[-1]) if values else None

    def description_content_type(self) -> str | None:
        """Return the type of the description."""
        value = self.line("description-content-type")
        if value is None:
            return None
        fault = _fault_of("description_content_type", value[:LONGEST_TYPE])
        return value if fault is None else self._fault("description-content-type", fault, value)

    def keywords(self) -> tuple[str, ...]:
        """Return each keyword once."""
        text = self.line("keywords") or ""
        return tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))

    def url(self, name: str) -> str | None:
        """Return an http or https address; where others are not refused, they are left out."""
        value = self.line(name)
        return None if value is None else self._web_address(name, value)

    def project_urls(self) -> dict[str, str]:
        """Return http and https addresses by label; of a label given twice the first."""
        urls: dict[str, str] = {}
        for value in self.lines("project-url"):
            label, _, address = (part.strip() for part in value.partition(","))
            if url := self._web_address("project-url", address):
                urls.setdefault(label or "Homepage", url)
        return urls

    def license_expression(self) -> str | None:
        """Return the SPDX expression in its normal form."""
        value = self.line("license-expression")
        if value is None:
            return None
        if len(value) > LONGEST_EXPRESSION:
            return self._fault("license-expression", "is too long")
        try:
            return canonicalize_license_expression(value)
        except InvalidLicenseExpression as fault:
            return self._fault("license-expression", f"is not valid: {fault}", value)

    def classifiers(self) -> tuple[str, ...]:
        """Return the classifiers.

        One that is not in the list is accepted where its first part is: lists grow, and a wheel
        may be newer than this server.
        """
        values = self.lines("classifier")
        for value in values:
            if value.partition(" :: ")[0] not in _CLASSIFIER_ROOTS:
                fault = f"{brief(value)} is not a known one; your own begin with 'Private ::'"
                self._fault("classifier", fault)
        return values

    def requires_dist(self) -> tuple[str, ...]:
        """Return the requirements, each after PEP 508 as far as it could be understood."""
        return tuple(
            self._readable("requires-dist", value, readable_requirement, value)
            for value in dict.fromkeys(self._headers.all("requires-dist"))
        )

    def requires_python(self) -> str | None:
        """Return the specifiers of Python versions; what installers could not read is left out."""
        value = self._single("requires-python")
        if value is None:
            return None
        return self._readable("requires-python", value, readable_specifiers, "") or None

    def dynamic(self) -> tuple[str, ...]:
        """Return the names of fields that a build may change, in lower case."""
        names = tuple(name.lower() for name in self.lines("dynamic"))
        for name in _NEVER_DYNAMIC.intersection(names):
            self._fault("dynamic", f"may not name {name}")
        return names

    def checked(self, name: str, since: tuple[int, int]) -> tuple[str, ...]:
        """Return a field that may come often, checked by the rules that it has had `since`."""
        values = self.lines(name)
        if self._version >= since and self._rigour is Rigour.CHECK:
            fault = _fault_of(_RAW_KEYS[name], list(values))
            if fault is not None:
                self._refuse(name, fault)
        return values

    def others(self) -> dict[str, tuple[str, ...]]:
        """Return the fields that have no method of their own."""
        names = [name for name in self._headers.names() if name not in _GIVEN]
        found = {name.replace("-", "_"): self.lines(name) for name in names}
        return {name: values for name, values in found.items() if values}

    def _required(self, name: str) -> str:
        values = self._headers.all(name)
        if len(set(values)) != 1:
            fault = "is missing" if not values else "is given more than once"
            raise InvalidMetadataError(name, fault)
        return values[0]

    def _single(self, name: str) -> str | None:
        values = self._headers.all(name)
        if len(set(values)) > 1:
            self._fault(name, "is given more than once")
        return values[0] if values else None

    def _web_address(self, name: str, value: str) -> str | None:
        try:
            # Its beginning tells the scheme. Hosts are normalised, which takes long for long ones.
            parts = urlsplit(value[: LONGEST_URL + 1])
            scheme, host = parts.scheme, parts.hostname
        except ValueError:
            scheme, host = "", None
        if scheme in {"http", "https"} and host and not _UNPRINTABLE.search(value):
            if len(value) <= LONGEST_URL:
                return value
            fault = f"is longer than {LONGEST_URL} characters"
        else:
            fault = f"{brief(value)} is not an http or https address"
        if scheme in _ACTIVE:
            # No honest file has ever had one, however old.
            self._refuse(name, fault)
        self._fault(name, fault)
        return None

    def _readable(self, name: str, value: str, read: Callable[[str], str], instead: str) -> str:
        value = " ".join(value.split())
        try:
            if len(value) > LONGEST_LINE:
                raise ValueError("it is too long")
            return read(value)
        except ValueError as fault:
            first_line = str(fault).partition("\n")[0]
            self._fault(name, f"{brief(value)} is not valid: {first_line}")
            return value if self._rigour is Rigour.KEEP else instead

    def _fault(self, name: str, fault: str, value: str | None = None) -> str | None:
        """Refuse the field, or return what stands for it."""
        if self._rigour is Rigour.CHECK:
            self._refuse(name, fault)
        return value if self._rigour is Rigour.KEEP else None

    def _refuse(self, name: str, fault: str) -> None:
        error = InvalidMetadataError(name, fault)
        if self._faults is None:
            raise error
        self._faults.append(error)


def _fault_of(key: str, value: str | list[str]) -> str | None:
    """Return what packaging has against a field, if anything."""
    metadata = Metadata.from_raw(cast("RawMetadata", {key: value}), validate=False)
    try:
        getattr(metadata, key)
    except InvalidMetadata as fault:
        return f"is not valid: {fault}"
    except (AttributeError, LookupError, RecursionError, ValueError):
        # The standard library's header parser raises these for odd parameters.
        return "is not valid"
    return None


def _unfolded(text: str) -> str:
    """Take off what setuptools put before each line of a header but the first."""
    first, *rest = text.split("\n")
    for folding in ("       |", " " * 8):
        if rest and all(line.startswith(folding) or not line.strip() for line in rest):
            return "\n".join([first, *(line[len(folding) :] for line in rest)])
    return text
