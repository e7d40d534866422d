"""PyPI's own JSON: `/pypi/<name>/json` and `/pypi/<name>/<version>/json`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from flask import Blueprint, url_for
from packaging.utils import NormalizedName
from werkzeug import Response

from packslip.accounts.readers import current_reading_user, guard_reading
from packslip.db import session
from packslip.index import queries
from packslip.mirror.given import files_given, files_undated
from packslip.mirror.refreshing import make_current
from packslip.notes.about import notes_about
from packslip.notes.expiry import read_current
from packslip.packages.models import File, Origin, Package, Release
from packslip.packages.queries import get_release, precedence
from packslip.simple_api.addresses import address_of
from packslip.simple_api.page import PackageStatus
from packslip.simple_api.render import notes_json
from packslip.web.conditional import revalidated, vary_by_reader
from packslip.web.redirects import moved_permanently
from packslip.web.urls import base_url

blueprint = Blueprint("pypi_json", __name__)
guard_reading(blueprint)


@blueprint.get("/pypi/<name>/json/")
@blueprint.get("/pypi/<name>/json")
def package(name: str) -> Response:
    """Describe the latest release of a package, and list the files of all releases."""
    normalized = queries.sought_name(name)
    if name != normalized:
        return moved_permanently(url_for(".package", name=normalized))
    found = _found(normalized)
    releases = found.package.releases
    files = {release.id: _files(found, release) for release in releases}
    # Of what is mirrored, the latest that installers can have: what they choose themselves.
    given = [one for one in releases if found.given is not None and files[one.id]]
    document = _document(found, max(given or releases, key=precedence))
    document["releases"] = {release.version: files[release.id] for release in reversed(releases)}
    return _answer(found, document)


@blueprint.get("/pypi/<name>/<version>/json/")
@blueprint.get("/pypi/<name>/<version>/json")
def release(name: str, version: str) -> Response:
    """Describe one release."""
    found = _found(queries.sought_name(name))
    sought = get_release(session(), found.package, version)
    if (name, version) != (found.package.id, sought.version):
        return moved_permanently(url_for(".release", name=found.package.id, version=sought.version))
    return _answer(found, _document(found, sought))


@blueprint.after_request
def _let_scripts_read(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "X-PyPI-Last-Serial"
    return response


@dataclass(frozen=True)
class _Found:
    package: Package
    #: The files that installers find on the page of a mirrored package; None of a hosted one.
    given: Collection[str] | None
    #: Those of which nobody says when they came.
    undated: Collection[str] = ()


def _found(name: NormalizedName) -> _Found:
    db_session = session()
    make_current(db_session, name)
    package = read_current(db_session, lambda: queries.package_with_files(db_session, name))
    if package.origin != Origin.MIRRORED:
        return _Found(package, None)
    given = files_given(db_session, package.id, datetime.now(UTC))
    return _Found(package, given, files_undated(db_session, package.id))


def _answer(found: _Found, document: dict[str, Any]) -> Response:
    package = found.package
    notes = notes_about(session(), [package.id], current_reading_user())
    if notes:
        entries = [queries.note_entry(note, base_url()) for note in notes]
        document["_notes"] = notes_json(entries)
    response = revalidated(msgspec.json.encode(document), "application/json")
    vary_by_reader(response, any(not note.is_public for note in notes))
    response.headers["X-PyPI-Last-Serial"] = str(package.serial)
    return response


def _document(found: _Found, release: Release) -> dict[str, Any]:
    package = found.package
    return {
        "info": _info(package, release),
        "last_serial": package.serial,
        "_origin": package.origin,
        "ownership": {
            "organization": None,
            "roles": [
                {"role": maintainer.role.capitalize(), "user": maintainer.user.username}
                for maintainer in package.maintainers
            ],
        },
        "urls": _files(found, release),
        "vulnerabilities": [],
    }


def _info(package: Package, release: Release) -> dict[str, Any]:
    page = f"{base_url()}/project/{package.id}/"
    return {
        **_metadata(release.core_metadata),
        "bugtrack_url": None,
        "docs_url": package.docs_url,
        # The format has kept this key since it no longer counts anything.
        "downloads": {"last_day": -1, "last_month": -1, "last_week": -1},
        "name": package.name,
        "package_url": page,
        "project_url": page,
        "release_url": f"{page}{release.version}/",
        "version": release.version,
        "yanked": release.yanked,
        "yanked_reason": release.yanked_reason,
    }


def _metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return the keys of `info` that repeat core metadata; a few have other names there."""
    one = (
        "author",
        "author_email",
        "description_content_type",
        "download_url",
        "home_page",
        "license",
        "license_expression",
        "maintainer",
        "maintainer_email",
        "requires_python",
        "summary",
    )
    many = ("dynamic", "provides_extra", "requires_dist")
    return {
        **{key: metadata.get(key) for key in one},
        **{key: metadata.get(key) or None for key in many},
        "classifiers": metadata.get("classifier") or [],
        "description": metadata.get("description") or "",
        "keywords": ",".join(metadata.get("keywords") or []) or None,
        "license_files": metadata.get("license_file") or None,
        "platform": ",".join(metadata.get("platform") or []) or None,
        "project_urls": _project_urls(metadata.get("project_url") or []),
    }


def _project_urls(labelled: list[str]) -> dict[str, str] | None:
    pairs = (text.partition(",") for text in labelled)
    return {label.strip(): url.strip() for label, _, url in pairs} or None


def _files(found: _Found, release: Release) -> list[dict[str, Any]]:
    """Return the files of a release that can be had, here or where they are known to be."""
    if found.package.status == PackageStatus.QUARANTINED:
        return []
    addresses = ((file, _address(found, file)) for file in release.files)
    return [
        _file(release, file, address, is_dated=file.filename not in found.undated)
        for file, address in addresses
        if address
    ]


def _address(found: _Found, file: File) -> str | None:
    if found.given is not None and file.filename not in found.given:
        return None
    if found.given is None and file.storage_key is None:
        return file.url
    return f"{base_url()}/{address_of(file.id, file.sha256, file.filename)}"


def _file(release: Release, file: File, address: str, *, is_dated: bool) -> dict[str, Any]:
    digests = {"blake2b_256": file.blake2_256, "md5": file.md5, "sha256": file.sha256}
    return {
        "comment_text": "",
        "digests": {name: digest for name, digest in digests.items() if digest},
        "downloads": -1,
        "filename": file.filename,
        "has_sig": False,
        "md5_digest": file.md5,
        "packagetype": file.packagetype,
        "python_version": file.tags.partition("-")[0],
        "requires_python": file.requires_python,
        "size": file.size,
        "upload_time": file.uploaded_at.strftime("%Y-%m-%dT%H:%M:%S") if is_dated else None,
        "upload_time_iso_8601": file.uploaded_at if is_dated else None,
        "url": address,
        "yanked": release.yanked,
        "yanked_reason": release.yanked_reason,
    }
