"""The pages of a package: description, releases, files, dependencies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from flask import Response, make_response, render_template, request, url_for
from packaging.utils import canonicalize_name
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response as BaseResponse

from packslip import db
from packslip.accounts.current import current_user
from packslip.attestations.queries import shown_of
from packslip.downloads.queries import total_downloads
from packslip.downloads.rollups import RECENT_DAYS
from packslip.downloads.statistics import Period, daily_downloads, release_downloads
from packslip.mirror.alarm_models import MirrorAlarm
from packslip.mirror.alarms import open_alarms
from packslip.mirror.current import current_mirror
from packslip.mirror.explanations import WithheldRelease, withheld_releases
from packslip.mirror.given import files_undated
from packslip.mirror.keeper import current_keeper
from packslip.mirror.refreshing import make_current
from packslip.packages import listings, requirements
from packslip.packages.descriptions import Description, render_description
from packslip.packages.facts import facts_of, mail_address
from packslip.packages.heads import Head, read_head
from packslip.packages.models import File, Origin, Package
from packslip.packages.queries import UnknownPackageError, known_packages, list_maintainers
from packslip.packages.requirements import Required
from packslip.packages.roles import list_team_parts
from packslip.packages.tag_words import describe_tags
from packslip.simple_api.addresses import address_of, provenance_path
from packslip.simple_api.page import InvalidPackageNameError, PackageStatus, normalize_name
from packslip.site.alarm_notes import may_look_into
from packslip.site.install_box import InstallBox, install_box
from packslip.site.mirrored import FileState, Source, file_states, source_of
from packslip.site.routes.pages import blueprint
from packslip.web.headers import content_policy
from packslip.web.redirects import moved_permanently
from packslip.web.urls import base_url

__all__ = ["blueprint"]

#: Packages that require this one, on one page.
DEPENDANTS = 50

_RECENT = Period(RECENT_DAYS)


@blueprint.get("/project/<name>/")
def package(name: str) -> BaseResponse:
    """A package, by its latest release."""
    return _moved(name) or _description(name)


@blueprint.get("/project/<name>/<version>/")
def release(name: str, version: str) -> BaseResponse:
    """One release of a package."""
    return _moved(name) or _description(name, version)


@blueprint.get("/project/<name>/releases/")
def releases(name: str) -> BaseResponse:
    """Every version of a package."""
    if moved := _moved(name):
        return moved
    session = db.session()
    head = _head(name)
    pages = max(1, -(-head.releases // listings.PER_PAGE))
    page = min(max(request.args.get("page", 1, type=int), 1), pages)
    return _page(
        "site/releases.html",
        head=head,
        listed=listings.list_releases(session, head.package.id, page),
        downloads=release_downloads(session, head.package.id, _RECENT),
        are_undated=head.package.origin == Origin.MIRRORED
        and bool(files_undated(session, head.package.id)),
        page=page,
        pages=pages,
    )


@blueprint.get("/project/<name>/files/")
@blueprint.get("/project/<name>/<version>/files/")
def files(name: str, version: str | None = None) -> BaseResponse:
    """The files of a release."""
    if moved := _moved(name):
        return moved
    head = _head(name, version)
    found = listings.list_files(db.session(), head.release) if head.release else []
    groups = (
        ("Source", [file for file in found if file.packagetype == "sdist"]),
        ("Wheels", [file for file in found if file.packagetype == "bdist_wheel"]),
        ("Others", [f for f in found if f.packagetype not in ("sdist", "bdist_wheel")]),
    )
    return _page(
        "site/files.html",
        head=head,
        groups=groups,
        describe_tags=describe_tags,
        address_of=address_of,
        provenance_path=provenance_path,
        attested=shown_of(db.session(), [file.id for file in found]),
        states=_states(head, found),
    )


@blueprint.get("/project/<name>/dependencies/")
@blueprint.get("/project/<name>/<version>/dependencies/")
def dependencies(name: str, version: str | None = None) -> BaseResponse:
    """What a release requires, and which packages here require it."""
    if moved := _moved(name):
        return moved
    session = db.session()
    head = _head(name, version, with_texts=True)
    said = head.release.core_metadata if head.release else {}
    requires = said.get("requires_dist", ())
    groups = requirements.group_by_extra(requires, said.get("provides_extra", ()))
    after = request.args.get("after", "").replace("\0", "")
    dependants = requirements.list_dependants(session, head.package.id, DEPENDANTS + 1, after)
    return _page(
        "site/dependencies.html",
        head=head,
        is_described=bool(said),
        groups=groups,
        left_out=max(0, len(requires) - requirements.MOST),
        here=_here(session, groups),
        dependants=dependants[:DEPENDANTS],
        dependant_count=requirements.count_dependants(session, head.package.id),
        after=after,
        more=dependants[DEPENDANTS - 1].package_id if len(dependants) > DEPENDANTS else None,
    )


def _description(name: str, version: str | None = None) -> BaseResponse:
    session = db.session()
    head = _head(name, version, with_texts=True)
    _describe_later(head)
    with_images = request.args.get("images") == "1"
    withheld = _withheld(head)
    is_refused = head.is_kept_back or _is_withheld(head, withheld)
    response = _page(
        "site/description.html",
        head=head,
        withheld=withheld,
        is_refused=is_refused,
        facts=facts_of(head.package, head.release),
        description=_rendered(head, with_images=with_images),
        with_images=with_images,
        install=None if is_refused else _install(session, head),
        maintainers=list_maintainers(session, head.package),
        teams=list_team_parts(session, head.package),
        mail_address=mail_address,
        own_pages=f"{base_url()}/project/{head.package.id}/",
        daily=daily_downloads(session, head.package.id, _RECENT),
        total=total_downloads(session, head.package.id),
    )
    if with_images:
        response.headers["Content-Security-Policy"] = content_policy(images="https: http:")
    return response


def _moved(name: str) -> BaseResponse | None:
    normalized = canonicalize_name(name)
    if normalized == name or request.endpoint is None:
        return None
    values = {**(request.view_args or {}), "name": normalized}
    return moved_permanently(url_for(request.endpoint, **values))


def _head(name: str, version: str | None = None, *, with_texts: bool = False) -> Head:
    session = db.session()
    try:
        return read_head(session, current_user(), name, version, with_texts=with_texts)
    except UnknownPackageError:
        if not _is_upstream(name):
            raise
    return read_head(session, current_user(), name, version, with_texts=with_texts)


def _is_upstream(name: str) -> bool:
    """Whether upstream has the package, which is known from then on."""
    try:
        return make_current(db.session(), normalize_name(name)) is not None
    except (InvalidPackageNameError, UnknownPackageError):
        return False


def _is_mirrored(head: Head) -> bool:
    """Whether files of the package that are not held here come from upstream."""
    return head.package.origin == Origin.MIRRORED and bool(current_mirror())


def _states(head: Head, found: Sequence[File]) -> Mapping[int, FileState]:
    if head.package.origin != Origin.MIRRORED:
        return {}
    return file_states(db.session(), current_mirror(), found, datetime.now(UTC))


def _describe_later(head: Head) -> None:
    """See to it that a mirrored release has its texts when somebody looks again."""
    release = head.release
    if _is_mirrored(head) and release is not None and not release.core_metadata:
        current_keeper().describe_release_soon(head.package.id, release.version)


@blueprint.app_template_global("source_of")
def source(package: Package) -> Source | None:
    """What the head of a mirrored package's pages says of its upstream."""
    return source_of(db.session(), package, datetime.now(UTC))


@blueprint.app_template_global("alarms_on")
def alarms_on(package: Package) -> Sequence[MirrorAlarm]:
    """What upstream changed in a mirrored package, for a reader who decides about it."""
    if package.origin != Origin.MIRRORED or not may_look_into(current_user()):
        return ()
    return open_alarms(db.session(), package.id)


def _page(template: str, *, head: Head, **context: object) -> Response:
    if "withheld" not in context:
        context["withheld"] = _withheld(head)
    return make_response(render_template(template, head=head, **context))


def _withheld(head: Head) -> list[WithheldRelease]:
    """What rules keep out of a mirrored package, or of the release that the page is about."""
    if head.package.origin != Origin.MIRRORED:
        return []
    now = datetime.now(UTC)
    return withheld_releases(db.session(), head.package.id, now, version=head.version)


def _is_withheld(head: Head, withheld: Sequence[WithheldRelease]) -> bool:
    """Whether rules keep all files of the release that the page is about out."""
    return head.release is not None and any(
        one.version == head.release.version and one.withheld == one.files for one in withheld
    )


def _rendered(head: Head, *, with_images: bool) -> Description:
    said = head.release.core_metadata if head.release else {}
    if said:
        text, kind = said.get("description") or "", said.get("description_content_type")
    else:
        text, kind = head.package.description, head.package.description_content_type
    return render_description(text, kind, images=with_images)


def _install(session: Session, head: Head) -> InstallBox | None:
    """How to install the release; None when nothing of it can be had here."""
    if head.release is None or head.package.status == PackageStatus.QUARANTINED:
        return None
    if head.release.held_reason is not None:
        return None
    can_get = listings.has_files_to_get(session, head.release, with_unkept=_is_mirrored(head))
    return install_box(head) if can_get else None


def _here(session: Session, groups: dict[str, list[Required]]) -> set[str]:
    wanted = {one.package_id for group in groups.values() for one in group if one.package_id}
    return known_packages(session, wanted)
