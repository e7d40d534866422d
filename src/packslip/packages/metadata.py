"""Core metadata: what METADATA and PKG-INFO say about a release.

The specification's versions 1.0 to 2.6 are known. Metadata from 2.1 on is held to it, as that is
the time since which indexes have checked what they take. In older metadata, what cannot be used is
left out; of versions that are newer than this code, everything is kept as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from packaging.utils import canonicalize_name

from packslip.packages.metadata_fields import FieldReader, Rigour
from packslip.packages.metadata_parsing import Headers, InvalidMetadataError, headers_of

__all__ = [
    "CoreMetadata",
    "InvalidMetadataError",
    "inspect_metadata",
    "metadata_of",
    "parse_metadata",
]

_DECIDES_DEPENDENCIES = {"requires-dist", "requires-python", "provides-extra"}


@dataclass(frozen=True, slots=True)
class CoreMetadata:
    """A release's metadata. What is absent is None or empty; `UNKNOWN` counts as absent."""

    metadata_version: str
    #: As its author spells it.
    name: str
    #: As its author spells it; always a version after PEP 440.
    version: str
    #: One line of at most 512 characters.
    summary: str | None = None
    description: str | None = None
    description_content_type: str | None = None
    keywords: tuple[str, ...] = ()
    home_page: str | None = None
    download_url: str | None = None
    author: str | None = None
    author_email: str | None = None
    maintainer: str | None = None
    maintainer_email: str | None = None
    #: The old free text: a name, or a whole licence.
    license: str | None = None
    #: An SPDX expression in its normal form.
    license_expression: str | None = None
    license_files: tuple[str, ...] = ()
    classifiers: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    supported_platforms: tuple[str, ...] = ()
    requires_dist: tuple[str, ...] = ()
    requires_python: str | None = None
    requires_external: tuple[str, ...] = ()
    provides_extra: tuple[str, ...] = ()
    #: Addresses by label; http and https only.
    project_urls: dict[str, str] = field(default_factory=dict)
    #: Names of fields, in lower case.
    dynamic: tuple[str, ...] = ()
    import_names: tuple[str, ...] = ()
    import_namespaces: tuple[str, ...] = ()
    #: All other fields, those that nobody knows yet included: lower case, with underscores.
    others: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def package(self) -> str:
        """The package's normalised name (PEP 503)."""
        return canonicalize_name(self.name)

    @property
    def is_static(self) -> bool:
        """Whether what is built from a source distribution has the same dependencies (PEP 643)."""
        return _version(self.metadata_version) >= (2, 2) and not (
            _DECIDES_DEPENDENCIES & set(self.dynamic)
        )

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form that PEP 566 describes: what may come often is a list."""
        values: dict[str, Any] = {
            "metadata_version": self.metadata_version,
            "name": self.name,
            "version": self.version,
            "platform": self.platforms,
            "supported_platform": self.supported_platforms,
            "summary": self.summary,
            "description": self.description,
            "description_content_type": self.description_content_type,
            "keywords": self.keywords,
            "home_page": self.home_page,
            "download_url": self.download_url,
            "author": self.author,
            "author_email": self.author_email,
            "maintainer": self.maintainer,
            "maintainer_email": self.maintainer_email,
            "license": self.license,
            "license_expression": self.license_expression,
            "license_file": self.license_files,
            "classifier": self.classifiers,
            "requires_dist": self.requires_dist,
            "requires_python": self.requires_python,
            "requires_external": self.requires_external,
            "project_url": tuple(f"{label}, {url}" for label, url in self.project_urls.items()),
            "provides_extra": self.provides_extra,
            "dynamic": self.dynamic,
            "import_name": self.import_names,
            "import_namespace": self.import_namespaces,
        }
        return {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in (self.others | values).items()
            if value
        }


def parse_metadata(data: bytes) -> CoreMetadata:
    """Read METADATA or PKG-INFO.

    Raises:
        InvalidMetadataError: It breaks the core metadata specification, or its version is unknown.

    """
    return metadata_of(headers_of(data))


def inspect_metadata(data: bytes) -> tuple[CoreMetadata | None, list[InvalidMetadataError]]:
    """Read METADATA or PKG-INFO, and give all that `parse_metadata` would refuse it for.

    Returns:
        What could be read: all but the faulty fields, or None when name or version are faulty.
        Then the faults, first that with which `parse_metadata` would stop.

    """
    faults: list[InvalidMetadataError] = []
    try:
        return metadata_of(headers_of(data), faults), faults
    except InvalidMetadataError as fault:
        return None, [*faults, fault]


def metadata_of(headers: Headers, faults: list[InvalidMetadataError] | None = None) -> CoreMetadata:
    """Read the fields of metadata that was taken apart, wherever it stood.

    Args:
        headers: What it was taken apart into.
        faults: Where to put what is wrong with single fields, instead of stopping at the first.

    Raises:
        InvalidMetadataError: It breaks the core metadata specification, or its version is unknown.

    """
    version = headers.metadata_version()
    number = _version(version)
    read = FieldReader(headers, number, _rigour(number), faults)
    return CoreMetadata(
        metadata_version=version,
        name=read.name(),
        version=read.version(),
        summary=read.summary(),
        description=read.description(),
        description_content_type=read.description_content_type(),
        keywords=read.keywords(),
        home_page=read.url("home-page"),
        download_url=read.url("download-url"),
        author=read.line("author"),
        author_email=read.line("author-email"),
        maintainer=read.line("maintainer"),
        maintainer_email=read.line("maintainer-email"),
        license=read.text("license"),
        license_expression=read.license_expression(),
        license_files=read.checked("license-file", since=(2, 4)),
        classifiers=read.classifiers(),
        platforms=read.lines("platform"),
        supported_platforms=read.lines("supported-platform"),
        requires_dist=read.requires_dist(),
        requires_python=read.requires_python(),
        requires_external=read.lines("requires-external"),
        provides_extra=read.checked("provides-extra", since=(2, 3)),
        project_urls=read.project_urls(),
        dynamic=read.dynamic(),
        import_names=read.checked("import-name", since=(2, 5)),
        import_namespaces=read.checked("import-namespace", since=(2, 5)),
        others=read.others(),
    )


def _rigour(version: tuple[int, int]) -> Rigour:
    if version > (2, 6):
        return Rigour.KEEP
    return Rigour.CHECK if version >= (2, 1) else Rigour.MEND


def _version(text: str) -> tuple[int, int]:
    major, minor = text.split(".")
    return int(major), int(minor)
