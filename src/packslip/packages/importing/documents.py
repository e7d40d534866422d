"""Reading PyPI's JSON documents, one per package: the shape of `/pypi/<name>/json`.

They come from many years and tools. What is missing or odd in one is left out and reported; only
what describes no package at all is refused.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from packaging.utils import canonicalize_name

from packslip.packages.filenames import (
    LONGEST_FILENAME,
    InvalidFilenameError,
    parse_filename,
)
from packslip.packages.importing.people import is_among, read_people, unite
from packslip.packages.importing.report import Kind, NotImportableError, Skip
from packslip.packages.importing.values import digest, line, moment, size, text, texts, web_address
from packslip.packages.mending import readable_specifiers
from packslip.packages.metadata import metadata_of
from packslip.packages.metadata_parsing import Headers
from packslip.packages.models import MaintainerRole
from packslip.packages.people import Person
from packslip.packages.versions import canonical, normal_form
from packslip.simple_api.page import InvalidPackageNameError, normalize_name

LONGEST_VERSION = 200
LONGEST_REASON = 200
LONGEST_SPECIFIER = 500

#: Any printable ASCII without spaces and slashes; not hidden.
_FILENAME = re.compile(r"[A-Za-z0-9_][!-.0-\[\]-~]*")
_VERSION = re.compile(r"[!-.0-~](?:[ -.0-~]*[!-.0-~])?")
#: The keys of `info` that are core metadata, with the header's name where it is another one.
_INFO = dict.fromkeys(
    (
        *("author", "author_email", "description", "description_content_type", "download_url"),
        *("dynamic", "home_page", "keywords", "license", "license_expression", "maintainer"),
        *("maintainer_email", "platform", "provides_extra", "requires_dist", "requires_python"),
        "summary",
    ),
    "",
) | {"classifiers": "classifier", "license_files": "license-file"}
_PACKAGETYPE = re.compile(r"[a-z_]{1,32}")


@dataclass(frozen=True)
class KnownFile:
    """A file that a document names. Its bytes lie elsewhere."""

    filename: str
    #: The same for all names that mean the same file; see `DistributionName.key`.
    key: str
    packagetype: str
    tags: str
    size: int
    sha256: str | None
    md5: str | None
    blake2_256: str | None
    requires_python: str | None
    #: None when the document does not tell.
    uploaded_at: datetime | None
    url: str | None
    comment: str | None
    yanked: bool
    yanked_reason: str | None


@dataclass
class KnownRelease:
    """A release that a document names."""

    version: str
    files: list[KnownFile] = field(default_factory=list)

    @property
    def is_yanked(self) -> bool:
        """Whether every one of its files is yanked."""
        return bool(self.files) and all(file.yanked for file in self.files)

    @property
    def yanked_reason(self) -> str | None:
        """The first reason that its files give."""
        return next((file.yanked_reason for file in self.files if file.yanked_reason), None)


@dataclass
class PackageDocument:
    """What a document tells about a package."""

    package_id: str
    name: str
    #: The canonical version that `info` describes; None when it does not say.
    described_version: str | None
    #: Its page on the index that the document comes from.
    package_url: str | None
    #: `info` as core metadata, with the keys of its JSON form (PEP 566).
    metadata: dict[str, Any]
    #: Those named as maintainers are its owners, and the authors beside them maintainers. Where
    #: nobody is named as maintainer, the authors are the owners.
    people: list[tuple[Person, MaintainerRole]]
    #: By canonical version.
    releases: dict[str, KnownRelease] = field(default_factory=dict)
    #: What was left out.
    skips: list[Skip] = field(default_factory=list)


def read_document(data: bytes) -> PackageDocument:
    """Read a document.

    Raises:
        NotImportableError: it is not JSON, or describes no package with a valid name.
    """
    content = _parse(data)
    info = content.get("info") if isinstance(content, dict) else None
    if not isinstance(info, dict) or not line(info.get("name")):
        raise NotImportableError("JSON of another kind")
    name = line(info["name"])
    try:
        package_id = normalize_name(name)
    except InvalidPackageNameError:
        raise NotImportableError("not a valid package name") from None
    described = line(info.get("version"))
    document = PackageDocument(
        package_id=package_id,
        name=name,
        described_version=canonical(described) if described else None,
        package_url=web_address(info.get("package_url")),
        metadata=core_metadata(info, name, described),
        people=_people(info),
    )
    _read_releases(document, content, described)
    _note_single_yanks(document)
    return document


def _parse(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        raise NotImportableError("not JSON") from None


def _people(info: dict[str, Any]) -> list[tuple[Person, MaintainerRole]]:
    authors = read_people(text(info.get("author")), text(info.get("author_email")))
    maintainers = read_people(text(info.get("maintainer")), text(info.get("maintainer_email")))
    owners = maintainers or authors
    return [
        (person, MaintainerRole.OWNER if is_among(person, owners) else MaintainerRole.MAINTAINER)
        for person in unite([*maintainers, *authors])
    ]


def core_metadata(info: dict[str, Any], name: str, version: str) -> dict[str, Any]:
    """The `info` of a document in the JSON form of core metadata (PEP 566).

    It is read as metadata from before the time of checks: what cannot be used is left out.
    """
    values = {
        header or key.replace("_", "-"): texts(info.get(key)) for key, header in _INFO.items()
    }
    values["project-url"] = [f"{line(label)}, {line(url)}" for label, url in _urls(info)]
    # The version may be odd, which metadata must not be.
    values |= {"metadata-version": ["1.2"], "name": [name], "version": ["0"]}
    metadata = metadata_of(Headers(values), faults=[]).as_json()
    del metadata["metadata_version"]
    return metadata | {"version": version}


def _urls(info: dict[str, Any]) -> list[tuple[Any, Any]]:
    urls = info.get("project_urls")
    labelled = list(urls.items()) if isinstance(urls, dict) else []
    # What old documents have of their own.
    docs_url = info.get("docs_url")
    return [*labelled, ("Documentation", docs_url)] if docs_url else labelled


def _read_releases(document: PackageDocument, content: dict[str, Any], described: str) -> None:
    seen: set[str] = set()
    releases = content.get("releases")
    for version, files in releases.items() if isinstance(releases, dict) else ():
        _read_release(document, version, files, seen)
    # The files of `info.version` once more; the document of a single release has only these.
    urls = content.get("urls")
    if described and isinstance(urls, list):
        unseen = [file for file in urls if _filename(file) not in seen]
        if unseen or canonical(described) not in document.releases:
            _read_release(document, described, unseen, seen)
    elif described and not document.releases:
        _read_release(document, described, [], seen)


def _read_release(document: PackageDocument, version: str, files: Any, seen: set[str]) -> None:
    shown = line(version)
    if not _VERSION.fullmatch(shown) or len(shown) > LONGEST_VERSION:
        document.skips.append(Skip(Kind.RELEASE, shown[:LONGEST_VERSION], "not a version"))
        return
    release = document.releases.setdefault(canonical(shown), KnownRelease(normal_form(shown)))
    if release.version != normal_form(shown):
        document.skips.append(Skip(Kind.RELEASE, shown, "another spelling of a release"))
    for file in files if isinstance(files, list) else ():
        filename = _filename(file)
        fault = _fault(document.package_id, filename, seen)
        if fault:
            document.skips.append(Skip(Kind.FILE, filename[:LONGEST_FILENAME], fault))
        else:
            seen.add(filename)
            release.files.append(_known_file(document.package_id, filename, file))


def _note_single_yanks(document: PackageDocument) -> None:
    for release in document.releases.values():
        for file in release.files if not release.is_yanked else ():
            if file.yanked:
                reason = "the yank of one file; here a release is yanked as a whole"
                document.skips.append(Skip(Kind.FILE, file.filename, reason))


def _filename(file: Any) -> str:
    return text(file.get("filename")) if isinstance(file, dict) else ""


def _fault(package_id: str, filename: str, seen: set[str]) -> str | None:
    if not filename:
        return "no file name"
    if not _FILENAME.fullmatch(filename) or len(filename) > LONGEST_FILENAME:
        return "not a file name"
    if not canonicalize_name(filename).startswith(f"{package_id}-"):
        return "named for another package"
    return "named twice" if filename in seen else None


def _known_file(package_id: str, filename: str, file: dict[str, Any]) -> KnownFile:
    key, packagetype, tags = _kind(package_id, filename, file)
    digests = file.get("digests")
    given = file | digests if isinstance(digests, dict) else file
    uploaded_at = moment(file.get("upload_time_iso_8601")) or moment(file.get("upload_time"))
    return KnownFile(
        filename=filename,
        key=key,
        packagetype=packagetype,
        tags=tags,
        size=size(file.get("size")),
        sha256=digest(given.get("sha256"), 64) or digest(given.get("sha256_digest"), 64),
        md5=digest(given.get("md5"), 32) or digest(given.get("md5_digest"), 32),
        blake2_256=digest(given.get("blake2b_256"), 64),
        requires_python=_specifier(line(file.get("requires_python"))),
        uploaded_at=uploaded_at,
        url=web_address(file.get("url")),
        comment=line(file.get("comment_text")) or None,
        yanked=file.get("yanked") is True,
        yanked_reason=line(file.get("yanked_reason"))[:LONGEST_REASON] or None,
    )


def _specifier(given: str) -> str | None:
    try:
        return readable_specifiers(given[:LONGEST_SPECIFIER]) or None
    except ValueError:
        return None


def _kind(package_id: str, filename: str, file: dict[str, Any]) -> tuple[str, str, str]:
    """The key, type and tags of a file."""
    try:
        name = parse_filename(filename, package_id)
    except InvalidFilenameError:
        # Eggs, installers and files with odd versions: they cannot be uploaded any more, so that
        # their names stand for themselves.
        given = text(file.get("packagetype"))
        packagetype = given if _PACKAGETYPE.fullmatch(given) else "unknown"
        return filename, packagetype, "source" if packagetype == "sdist" else ""
    return name.key, name.packagetype, name.tags
