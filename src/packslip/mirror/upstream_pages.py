"""Reading what an upstream says of a package: its page of the Simple API (PEP 503, 691, 700, 740).

What is odd in one file is that file's loss: the others are there all the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import msgspec
from packaging.utils import NormalizedName, canonicalize_name

from packslip.packages.filenames import (
    LONGEST_FILENAME,
    InvalidFilenameError,
    parse_filename,
    split_stem,
)
from packslip.packages.versions import normal_form
from packslip.simple_api.page import PackageStatus

#: What is asked for: JSON first, since the HTML form lacks sizes and times.
ACCEPT = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2,"
    " text/html;q=0.1"
)

#: Endings of source distributions that are not made any more, but that installers still take.
_OLD_ENDINGS = (".tar.bz2", ".tar.xz", ".tgz", ".tbz", ".txz", ".tar")

#: Characters of a reason.
_LONGEST = 500
_DIGEST = re.compile(r"[0-9a-f]{32,128}")
_JSON = re.compile(r"application/(vnd\.pypi\.simple\.(v1|latest)\+)?json\s*(;|$)")
_HTML = re.compile(r"(text/html|application/vnd\.pypi\.simple\.(v1|latest)\+html)\s*(;|$)")


class UnreadablePageError(ValueError):
    """An answer is no page of the Simple API; the message completes "…: "."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamFile:
    """A file as an upstream lists it."""

    filename: str
    #: In the normal form of PEP 440.
    version: str
    #: `bdist_wheel` or `sdist`.
    packagetype: str
    tags: str
    #: Absolute.
    url: str
    #: Hexadecimal, by the name of the algorithm.
    digests: dict[str, str]
    #: Bytes; 0 when it is not told.
    size: int = 0
    #: None when it is not told.
    uploaded_at: datetime | None = None
    requires_python: str | None = None
    #: The reason, empty without one; None for what is not yanked.
    yanked: str | None = None
    #: The SHA-256 of its metadata file, `true` when it is there without one, None when it is not.
    metadata: str | None = None
    provenance: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamPage:
    """What an upstream says of a package."""

    files: tuple[UpstreamFile, ...]
    #: Versions in the normal form of PEP 440, those without files among them.
    versions: tuple[str, ...]
    status: str = PackageStatus.ACTIVE
    status_reason: str | None = None
    #: How many files were left out because they are of no kind that installers take.
    left_out: int = 0
    #: Whether upstream has more files, which are as they were known.
    is_part: bool = False


class _File(msgspec.Struct, rename="kebab"):
    filename: str
    url: str
    hashes: dict[str, str] = {}
    size: int | None = None
    upload_time: str | None = None
    requires_python: str | None = None
    yanked: bool | str = False
    core_metadata: bool | dict[str, str] | None = None
    dist_info_metadata: bool | dict[str, str] | None = None
    provenance: str | None = None


class _Status(msgspec.Struct):
    status: str = "active"
    reason: str | None = None


class _Page(msgspec.Struct, rename="kebab"):
    name: str
    files: list[msgspec.Raw]
    meta: dict[str, Any] = {}
    versions: list[str] = []
    project_status: _Status | None = None


_read_page = msgspec.json.Decoder(_Page).decode
_read_file = msgspec.json.Decoder(_File).decode


def read_page(
    package: NormalizedName, body: bytes, content_type: str, address: str
) -> UpstreamPage:
    """Read a package's page; `address` is where it was found, and links count from there.

    Raises:
        UnreadablePageError: it is none, or that of another package.
    """
    kind = content_type.strip().lower()
    if _JSON.match(kind):
        return _from_json(package, body, address)
    if _HTML.match(kind):
        return _from_html(package, body, kind, address)
    raise UnreadablePageError(f"it answers with {content_type[:60]!r} instead of a page")


def _from_json(package: NormalizedName, body: bytes, address: str) -> UpstreamPage:
    try:
        page = _read_page(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UnreadablePageError(f"its page cannot be read ({error})") from error
    _check_version(str(page.meta.get("api-version", "1.0")))
    if canonicalize_name(page.name) != package:
        raise UnreadablePageError(f"its page is that of {page.name[:100]!r}")
    files = []
    for raw in page.files:
        try:
            entry = _read_file(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue
        if (file := _file(package, entry, address)) is not None:
            files.append(file)
    return _page(page.versions, files, len(page.files) - len(files), page.project_status)


def _from_html(package: NormalizedName, body: bytes, kind: str, address: str) -> UpstreamPage:
    # It takes 0.3 s and 20 MB to import, and most upstreams offer JSON.
    from pypi_simple import (  # noqa: PLC0415 - see above
        DistributionPackage,
        RepositoryPage,
        UnsupportedRepoVersionError,
    )

    try:
        page = RepositoryPage.from_html(body, address, _charset(kind))
        found = [(link, DistributionPackage.from_link(link, package)) for link in page.links]
    except UnsupportedRepoVersionError as error:
        raise UnreadablePageError("its page is of a newer version of the Simple API") from error
    except (ValueError, LookupError) as error:
        raise UnreadablePageError(f"its page cannot be read ({error})") from error
    files = []
    for link, one in found:
        # In no specification, but some indexes write it and uv reads it.
        told = link.attrs.get("data-upload-time")
        entry = _File(
            filename=one.filename,
            url=one.url,
            hashes=dict(one.digests),
            upload_time=told if isinstance(told, str) else None,
            requires_python=one.requires_python,
            yanked=(one.yanked_reason or True) if one.is_yanked else False,
            core_metadata=one.metadata_digests or bool(one.has_metadata),
            provenance=one.provenance_url,
        )
        if (file := _file(package, entry, address)) is not None:
            files.append(file)
    status = _Status(str(page.status or "active"), page.status_reason)
    return _page([], files, len(found) - len(files), status)


def _page(
    versions: list[str], files: list[UpstreamFile], left_out: int, status: _Status | None
) -> UpstreamPage:
    unique = {file.filename: file for file in files}
    named = [normal_form(version) for version in versions if 0 < len(version) <= LONGEST_FILENAME]
    status = status or _Status()
    if status.status not in set(PackageStatus):
        # What a newer version of the specification may name.
        status = _Status()
    return UpstreamPage(
        files=tuple(unique.values()),
        versions=tuple(dict.fromkeys([*named, *(file.version for file in unique.values())])),
        status=status.status,
        status_reason=(_line(status.reason) or "")[:_LONGEST] or None,
        left_out=left_out,
    )


def _file(package: NormalizedName, entry: _File, address: str) -> UpstreamFile | None:
    named = _named(package, entry.filename)
    url = _address(entry.url, address)
    if named is None or url is None:
        return None
    version, packagetype, tags = named
    metadata = entry.core_metadata
    if metadata is None:
        metadata = entry.dist_info_metadata
    return UpstreamFile(
        filename=entry.filename,
        version=version,
        packagetype=packagetype,
        tags=tags,
        url=url,
        digests=_digests(entry.hashes),
        size=entry.size if entry.size is not None and 0 < entry.size < 2**63 else 0,
        uploaded_at=_moment(entry.upload_time),
        requires_python=_line(entry.requires_python),
        yanked=(_line(entry.yanked) or "")[:_LONGEST] if _is_yanked(entry.yanked) else None,
        metadata=_metadata(metadata),
        provenance=_address(entry.provenance, address) if entry.provenance else None,
    )


def _named(package: NormalizedName, filename: str) -> tuple[str, str, str] | None:
    """The version, the kind and the tags; None for what installers don't take."""
    try:
        name = parse_filename(filename, package)
    except InvalidFilenameError:
        pass
    else:
        return str(name.version), name.packagetype, name.tags
    ending = next((end for end in _OLD_ENDINGS if filename.endswith(end)), None)
    if (
        ending is None
        or len(filename) > LONGEST_FILENAME
        or not re.fullmatch(r"\w[!-.0-\[\]-~]*", filename)
    ):
        return None
    for project, version in split_stem(filename.removesuffix(ending)):
        if canonicalize_name(project) == package:
            return str(version), "sdist", "source"
    return None


def _address(url: str, base: str) -> str | None:
    try:
        found = urldefrag(urljoin(base, url.strip()))[0]
        parts = urlsplit(found)
        is_one = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return None
    if not is_one or not found.isprintable() or " " in found or parts.username is not None:
        return None
    # Who came by TLS does not go on without.
    if base.startswith("https:") and parts.scheme == "http":
        return None
    return found


def _digests(hashes: dict[str, str]) -> dict[str, str]:
    lower = {name.lower(): value.strip().lower() for name, value in hashes.items()}
    return {name: value for name, value in lower.items() if _is_digest(name, value)}


def _is_digest(name: str, value: str) -> bool:
    if name == "sha256" and len(value) != 64:
        return False
    return len(name) <= 20 and _DIGEST.fullmatch(value) is not None


def _metadata(offered: bool | dict[str, str] | None) -> str | None:
    if isinstance(offered, dict):
        return _digests(offered).get("sha256", "true")
    return "true" if offered else None


def _is_yanked(value: bool | str) -> bool:
    # PEP 592's attribute of HTML may be empty and still yanks; JSON has `true` for that.
    return value is True or (isinstance(value, str) and value != "")


def _line(text: object) -> str | None:
    if not isinstance(text, str):
        return None
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()) or None


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text or "")
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def _check_version(version: str) -> None:
    if version.partition(".")[0] != "1":
        raise UnreadablePageError(f"its page is of version {version[:20]!r} of the Simple API")


def _charset(kind: str) -> str:
    match = re.search(r"charset=\"?([\w-]+)", kind)
    return match[1] if match else "utf-8"
