"""The pages for uploads: choose files, see what is right and wrong with each, then confirm."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from werkzeug import Response as BaseResponse

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, guard_users, require_user
from packslip.errors import InvalidError, NotAllowedError
from packslip.index import staged_uploads
from packslip.index.page_uploads import NoFilesError, arriving, check_length
from packslip.index.review import review
from packslip.index.staged_publishing import publish_staged
from packslip.packages.descriptions import render_description
from packslip.packages.examination import examine
from packslip.packages.publishing import Published
from packslip.web.bodies import answerable_body
from packslip.web.context import current_settings, current_storage
from packslip.web.errors import status_of
from packslip.web.forgery import require_token, takes_uploads

blueprint = Blueprint(
    "upload_pages", __name__, template_folder="../templates", url_prefix="/upload"
)
guard_users(blueprint)


@blueprint.get("")
def index() -> Response:
    """Show the form, and what waits."""
    return _page()


@blueprint.post("")
@takes_uploads
def take() -> BaseResponse:
    """Take files, and let them wait with what was found."""
    body, settings, storage = answerable_body(), current_settings(), current_storage()
    session, user = db.session(), require_user()
    user_id, most = user.id, staged_uploads.most_bytes(settings.max_upload)
    check_length(body.length, most)
    staged_uploads.require_room(session, user, 0, 1, settings.max_upload)
    # An upload may take minutes; the connection to the database goes back until it is here.
    session.rollback()
    content_type = request.headers.get("Content-Type", "")
    try:
        with arriving(
            body.blocks(),
            content_type,
            storage,
            check_token=require_token,
            max_size=settings.max_upload,
            most=most,
        ) as files:
            examined = [
                examine(file.staged, file.filename, file.digester.digests()) for file in files
            ]
            staged_uploads.keep(
                session,
                storage,
                user_id,
                examined,
                max_upload=settings.max_upload,
                confirm=confirm_login,
            )
    except NoFilesError as error:
        return _page(error)
    return redirect(url_for(".index", _anchor="waiting"), code=303)


@blueprint.get("/<upload_id>")
def preview(upload_id: str) -> str:
    """Show how the release of an upload will look."""
    session, user = db.session(), require_user()
    upload = staged_uploads.get_staged(session, user, upload_id)
    said = upload.core_metadata
    text, kind = said.get("description") or "", said.get("description_content_type")
    return render_template(
        "index/upload_preview.html",
        found=review(session, user, upload),
        said=said,
        description=render_description(text, kind),
    )


@blueprint.post("/confirm")
def confirm() -> BaseResponse:
    """Publish what was shown."""
    ids = request.form.getlist("upload")
    if not ids:
        return _page(InvalidError("Nothing was chosen that could be published."))
    user, actor = require_user(), current_actor()
    try:
        published = publish_staged(
            db.session(), current_storage(), user, actor, ids, confirm=confirm_login
        )
    except (InvalidError, NotAllowedError) as error:
        return _page(error)
    except staged_uploads.UnknownStagedUploadError:
        # Whoever clicks twice is led where the first click led.
        db.session().rollback()
        digests = request.form.getlist("digest")
        files = staged_uploads.published_before(db.session(), user, ids, digests)
        if not files:
            raise
        return _after([Published(file, created=False) for file in files])
    return _after(published)


@blueprint.post("/discard")
def discard() -> BaseResponse:
    """Drop uploads."""
    session, user = db.session(), require_user()
    ids = [
        staged_uploads.get_staged(session, user, one).id for one in request.form.getlist("upload")
    ]
    staged_uploads.discard(session, current_storage(), ids)
    flash(f"{_files(len(ids))} discarded.")
    return redirect(url_for(".index"), code=303)


def _page(error: InvalidError | NotAllowedError | None = None) -> Response:
    session, user = db.session(), require_user()
    found = [review(session, user, one) for one in staged_uploads.list_staged(session, user)]
    page = render_template(
        "index/upload.html",
        error=error,
        found=found,
        good=[one for one in found if one.can_be_published],
        max_upload=current_settings().max_upload,
    )
    return make_response(page, 200 if error is None else status_of(error))


def _after(published: list[Published]) -> BaseResponse:
    """To what was published: to its page if it is of one release."""
    releases = {(one.file.release.package_id, one.file.release.version) for one in published}
    created = sum(one.created for one in published)
    there = len(published) - created
    flash(
        " ".join(
            [
                *([f"{_files(created)} published."] if created else []),
                *([f"{_files(there)} here already."] if there else []),
            ]
        )
    )
    if len(releases) > 1:
        return redirect(url_for(".index"), code=303)
    ((name, version),) = releases
    return redirect(url_for("site.release", name=name, version=version), code=303)


def _files(count: int) -> str:
    return "1 file was" if count == 1 else f"{count} files were"
