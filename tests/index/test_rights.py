"""Who may do what, with which credentials: every combination, over the real addresses.

The table below is the rule. For each combination the first line that fits holds; `*` fits
everything. docs/accounts.md says the same in words.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from tests.helpers.accounts import ACTOR, basic, make_token, make_user
from tests.helpers.app import make_app
from tests.helpers.distributions import build_wheel
from tests.helpers.forms import FORM_TYPE, upload_body
from tests.helpers.publishing import put

from packslip.accounts.models import Role, Scope, Throttle, User
from packslip.accounts.passwords import hash_password
from packslip.db import db, write_transaction
from packslip.downloads.recorder import current_recorder
from packslip.packages.models import File, MaintainerRole, Package
from packslip.packages.operations import set_maintainer
from packslip.simple_api.addresses import file_path
from packslip.web.context import current_storage

# index:       who may read it (PACKSLIP_READ).
# user:        member, curator, admin; or disabled.
# on demo:     what the user is on the package "demo".
# credentials: the user's password; a token for reading or uploading, limited to nothing (all), to
#              "demo", or to another package (other), which is the one that "new name" uploads;
#              a token that was revoked or has expired.
# list:        GET /simple/           page: GET /simple/demo/        file: GET /files/…
# release:     POST /legacy/, a new release of "demo"
# new name:    POST /legacy/, a package that is not there yet
RULES = """
index    user      on demo     credentials   | list  page  file  release  new name

public   disabled  *           *             | 200   200   200   403      403
public   *         *           revoked       | 200   200   200   403      403
public   *         *           expired       | 200   200   200   403      403
public   *         *           read-all      | 200   200   200   403      403
public   *         *           read-demo     | 200   200   200   403      403
public   *         *           read-other    | 200   200   200   403      403
public   *         *           upload-other  | 200   200   200   403      200
public   *         none        upload-demo   | 200   200   200   403      403
public   *         *           upload-demo   | 200   200   200   200      403
public   *         none        *             | 200   200   200   403      200
public   *         *           *             | 200   200   200   200      200

members  disabled  *           *             | 403   403   403   403      403
members  *         *           revoked       | 403   403   403   403      403
members  *         *           expired       | 403   403   403   403      403
members  *         *           read-all      | 200   200   200   403      403
members  *         *           read-demo     | 200   200   200   403      403
members  *         *           read-other    | 200   403   403   403      403
members  *         *           upload-other  | 200   403   403   403      200
members  *         none        upload-demo   | 200   200   200   403      403
members  *         *           upload-demo   | 200   200   200   200      403
members  *         none        *             | 200   200   200   403      200
members  *         *           *             | 200   200   200   200      200
"""

USERS = ("member", "curator", "admin", "disabled")
ROLES = ("none", "maintainer", "owner")
CREDENTIALS = (
    "password",
    "read-all",
    "read-demo",
    "read-other",
    "upload-all",
    "upload-demo",
    "upload-other",
    "revoked",
    "expired",
)
ACTIONS = ("list", "page", "file", "release", "new name")

PASSWORD = "correct horse battery"


class Cell(NamedTuple):
    """One combination."""

    index: str
    user: str
    on_demo: str
    credentials: str

    @property
    def new_name(self) -> str:
        """The package that it uploads as a new one."""
        return f"new-{self.user}-{self.on_demo}-{self.credentials}"


@dataclass(frozen=True)
class Rule:
    """A line of the table."""

    pattern: Cell
    statuses: tuple[int, ...]

    def fits(self, cell: Cell) -> bool:
        return all(want in ("*", have) for want, have in zip(self.pattern, cell, strict=True))


def read_rules() -> list[Rule]:
    lines = [line for line in RULES.splitlines()[2:] if line.strip()]
    halves = [line.split("|") for line in lines]
    return [Rule(Cell(*left.split()), tuple(map(int, right.split()))) for left, right in halves]


def all_cells(index: str) -> list[Cell]:
    return [Cell(index, *rest) for rest in itertools.product(USERS, ROLES, CREDENTIALS)]


def test_the_table_has_no_line_without_a_use() -> None:
    rules = read_rules()
    cells = all_cells("public") + all_cells("members")
    used = {next(i for i, rule in enumerate(rules) if rule.fits(cell)) for cell in cells}
    assert used == set(range(len(rules)))


class Site:
    """An index with "demo" on it, and a user for each combination of roles."""

    def __init__(self, app: Flask, folder: Path, index: str) -> None:
        self.client: FlaskClient = app.test_client()
        self.folder = folder
        self.index = index
        session = db.session()
        put(session, current_storage(), build_wheel(folder, "demo", "1.0"))
        hashed = hash_password(PASSWORD)
        self.users = {
            (user, role): self._make_user(session, user, role, hashed)
            for user, role in itertools.product(USERS, ROLES)
        }
        self.headers = {cell: self._header(session, cell) for cell in all_cells(index)}
        self._disable(session)
        file = session.scalars(select(File).where(File.release.has(version="1.0"))).one()
        assert file.sha256 is not None
        self.file = "/" + file_path(file.sha256, file.filename)
        session.rollback()
        self._versions = itertools.count(2)

    def do(self, cell: Cell, action: str) -> int:
        headers = {"Authorization": self.headers[cell]}
        reads = {"list": "/simple/", "page": "/simple/demo/", "file": self.file}
        if action in reads:
            answer = self.client.get(reads[action], headers=headers)
        else:
            name = "demo" if action == "release" else cell.new_name
            wheel = build_wheel(self.folder, name, f"{next(self._versions)}.0")
            body = upload_body(wheel, name=name)
            answer = self.client.post(
                "/legacy/", data=body, headers=headers, content_type=FORM_TYPE
            )
        answer.close()
        # As at the end of a request: what it read is forgotten.
        db.session.remove()
        if answer.status_code == 403 and cell.credentials == "password":
            # Whoever fails often has to wait, which another test asks for.
            with write_transaction(db.session()) as session:
                session.execute(delete(Throttle))
        return answer.status_code

    def _make_user(self, session: Session, user: str, role: str, hashed: str) -> int:
        site_role = Role.MEMBER if user == "disabled" else Role(user)
        made = make_user(session, f"{user}-{role}", hashed_password=hashed, role=site_role)
        if role != "none":
            with write_transaction(session):
                demo = session.get_one(Package, "demo")
                set_maintainer(session, ACTOR, demo, made, MaintainerRole(role))
        return made.id

    def _header(self, session: Session, cell: Cell) -> str:
        user = session.get_one(User, self.users[cell.user, cell.on_demo])
        if cell.credentials == "password":
            return basic(user.username, PASSWORD)
        kind, _, reach = cell.credentials.partition("-")
        packages = {"demo": ["demo"], "other": [cell.new_name]}.get(reach)
        scope = Scope.READ if kind == "read" else Scope.UPLOAD
        token, secret = make_token(session, user, scope=scope, packages=packages)
        now = datetime.now(UTC)
        with write_transaction(session):
            if kind == "revoked":
                token.revoked_at = now
            if kind == "expired":
                token.expires_at = now - timedelta(seconds=1)
        return basic("__token__", secret)

    def _disable(self, session: Session) -> None:
        with write_transaction(session):
            for role in ROLES:
                user = session.get_one(User, self.users["disabled", role])
                user.disabled_at = datetime.now(UTC)


#: Who may read the index makes no difference to what the database is asked.
INDEXES = [("public", "sqlite"), ("members", "sqlite"), ("members", "postgresql")]

on_each_index = pytest.mark.parametrize(
    ("index", "database_url"), INDEXES, indirect=["database_url"]
)


@pytest.fixture
def site(index: str, database_url: str, tmp_path: Path) -> Iterator[Site]:
    app = make_app(tmp_path / "data", database_url, PACKSLIP_READ=index)
    with app.app_context():
        yield Site(app, tmp_path, index)
        current_recorder().close()


@on_each_index
def test_rights_are_those_of_the_table(site: Site) -> None:
    rules = read_rules()
    wrong = []
    for cell in all_cells(site.index):
        expected = next(rule for rule in rules if rule.fits(cell)).statuses
        for action, status in zip(ACTIONS, expected, strict=True):
            found = site.do(cell, action)
            if found != status:
                wrong.append(f"{' '.join(cell)}, {action}: {found} instead of {status}")
    assert not wrong, "\n".join(wrong)


@on_each_index
def test_nobody_in_particular(site: Site) -> None:
    reading = {
        site.client.get(path).status_code for path in ("/simple/", "/simple/demo/", site.file)
    }
    assert reading == ({200} if site.index == "public" else {401})
    wheel = build_wheel(site.folder, "demo", "9.0")
    answer = site.client.post("/legacy/", data=upload_body(wheel), content_type=FORM_TYPE)
    assert answer.status_code == 401
