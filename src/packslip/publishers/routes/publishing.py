"""Pages on which trusted publishers are added: those of a package, and those of one to come."""

from __future__ import annotations

from typing import TypeVar

from flask import Blueprint, flash, redirect, render_template, url_for
from packaging.utils import canonicalize_name
from sqlalchemy.orm import Session
from werkzeug import Response
from wtforms import IntegerField, SelectField, StringField
from wtforms.validators import InputRequired

from packslip import db
from packslip.accounts.current import confirm_login, current_actor, guard_users, require_user
from packslip.errors import ConflictError, InvalidError
from packslip.packages import queries as package_queries
from packslip.packages.access import require_manager
from packslip.packages.heads import read_head
from packslip.packages.queries import UnknownPackageError
from packslip.publishers import operations
from packslip.publishers.current import current_issuers
from packslip.publishers.kinds import (
    ConditionError,
    Conditions,
    Kind,
    conditions_for_workflow,
    conditions_on_claims,
    subject,
)
from packslip.publishers.models import Publisher
from packslip.publishers.queries import (
    UnknownPublisherError,
    get_publisher,
    list_pending,
    list_publishers,
)
from packslip.web.errors import status_of
from packslip.web.forms import Form, read_form
from packslip.web.redirects import moved_permanently

blueprint = Blueprint(
    "publishing",
    __name__,
    template_folder="../templates",
    url_prefix="/project/<name>/settings/publishing",
)
account_blueprint = Blueprint(
    "account_publishing",
    __name__,
    template_folder="../templates",
    url_prefix="/account/publishing",
)
guard_users(blueprint)
guard_users(account_blueprint)

Answer = Response | tuple[str, int]


class PublisherForm(Form):
    """Who may publish."""

    kind = SelectField(
        "Runs on",
        choices={
            Kind.GITHUB.value: "GitHub Actions",
            Kind.GITLAB.value: "GitLab CI",
            Kind.FORGEJO.value: "Forgejo or Gitea Actions",
            Kind.OTHER.value: "another OpenID Connect provider",
        },
    )
    issuer = SelectField("Issued by", validate_choice=False)
    repository = StringField("Repository", description="As owner/name.")
    workflow = StringField("Workflow file", description="Such as release.yml, or .gitlab-ci.yml.")
    environment = StringField("Environment", description="Only from there. It may stay empty.")
    subject = StringField(
        "Subject (sub)",
        description="For another provider, in place of the repository.",
    )

    def conditions(self) -> Conditions:
        """What identities must say.

        Raises:
            InvalidError: a field cannot be what it should be.
        """
        if self.kind.data == Kind.OTHER:
            who = (self.subject.data or "").strip()
            if not who:
                raise ConditionError("Say which sub the identity must have.", "subject")
            return conditions_on_claims({"sub": who})
        return conditions_for_workflow(
            (self.repository.data or "").strip(),
            (self.workflow.data or "").strip(),
            (self.environment.data or "").strip(),
        )


F = TypeVar("F", bound=PublisherForm)


class PendingForm(PublisherForm):
    """The same, and what."""

    package = StringField("Package", [InputRequired("Name the package.")])


class NumberForm(Form):
    """The publisher beside which the button stands."""

    publisher = IntegerField("Publisher", [InputRequired("Say which publisher.")])


@blueprint.get("/")
def index(name: str) -> str | Response:
    """Show the package's publishers."""
    normalized = canonicalize_name(name)
    if normalized != name:
        return moved_permanently(url_for(".index", name=normalized))
    return _page(name, _filled(PublisherForm()))


@blueprint.post("/add")
def add(name: str) -> Answer:
    """Add a publisher, which uses the rights of whoever adds it."""
    form = _filled(read_form(PublisherForm))
    if not form.validate():
        return _page(name, form), 400
    try:
        with db.write_transaction(db.session()) as session:
            package = package_queries.get_package(session, name, lock=True)
            confirm_login(session)
            require_manager(session, require_user(), package)
            publisher = _add(session, form, package.id)
            told = _told(publisher)
    except (InvalidError, ConflictError) as error:
        form.fail(error)
        return _page(name, form), status_of(error)
    flash(f"{told} may publish {name} now.")
    return redirect(url_for(".index", name=name), code=303)


@blueprint.post("/remove")
def remove(name: str) -> Answer:
    """Trust a publisher no more."""
    form = read_form(NumberForm)
    with db.write_transaction(db.session()) as session:
        package = package_queries.get_package(session, name, lock=True)
        confirm_login(session)
        require_manager(session, require_user(), package)
        publisher = get_publisher(session, form.publisher.data or 0, package.id)
        told = _told(publisher)
        operations.remove_publisher(session, current_actor(), publisher)
    flash(f"{told} may not publish {name} any more.")
    return redirect(url_for(".index", name=name), code=303)


@account_blueprint.get("/")
def pending() -> str:
    """Show one's publishers of packages that are not there yet."""
    return _pending_page(_filled(PendingForm()))


@account_blueprint.post("/add")
def add_pending() -> Answer:
    """Add a publisher of a package that is not there yet; its first upload makes it one's own."""
    form = _filled(read_form(PendingForm))
    if not form.validate():
        return _pending_page(form), 400
    try:
        package_id = operations.package_id_of((form.package.data or "").strip())
        with db.write_transaction(db.session()) as session:
            confirm_login(session)
            if _exists(session, package_id):
                raise PackageThereError(package_id)
            publisher = _add(session, form, package_id)
            told = _told(publisher)
    except (InvalidError, ConflictError) as error:
        form.fail(error)
        return _pending_page(form), status_of(error)
    flash(f"{told} may publish {package_id} now.")
    return redirect(url_for(".pending"), code=303)


@account_blueprint.post("/remove")
def remove_pending() -> Answer:
    """Trust a publisher of a package that is not there yet no more."""
    form = read_form(NumberForm)
    with db.write_transaction(db.session()) as session:
        confirm_login(session)
        publisher = session.get(Publisher, form.publisher.data or 0)
        if publisher is None or publisher.user_id != require_user().id:
            raise UnknownPublisherError
        told = _told(publisher)
        operations.remove_publisher(session, current_actor(), publisher)
    flash(f"{told} is not trusted any more.")
    return redirect(url_for(".pending"), code=303)


class PackageThereError(InvalidError):
    """Publishers of a package that is there are added to its settings."""

    field = "package"

    def __init__(self, package_id: str) -> None:
        super().__init__(f"{package_id} is there: its owners add publishers to its settings.")


def _add(session: Session, form: PublisherForm, package: str) -> Publisher:
    return operations.add_publisher(
        session,
        current_actor(),
        require_user(),
        package,
        kind=Kind(form.kind.data),
        issuer=form.issuer.data or "",
        conditions=form.conditions(),
        trusted=current_issuers().trusted,
    )


def _exists(session: Session, package_id: str) -> bool:
    try:
        package_queries.get_package(session, package_id)
    except UnknownPackageError:
        return False
    return True


def _told(publisher: Publisher) -> str:
    return subject(Kind(publisher.kind), publisher.conditions)


def _filled(form: F) -> F:
    form.issuer.choices = {issuer: issuer for issuer in current_issuers().trusted}
    return form


def _page(name: str, form: PublisherForm) -> str:
    session, user = db.session(), require_user()
    package = package_queries.get_package(session, name)
    require_manager(session, user, package)
    return render_template(
        "publishers/package.html",
        head=read_head(session, user, package.id),
        publishers=list_publishers(session, package.id),
        told=_told,
        form=form,
    )


def _pending_page(form: PublisherForm) -> str:
    return render_template(
        "publishers/pending.html",
        publishers=list_pending(db.session(), require_user()),
        told=_told,
        form=form,
    )
