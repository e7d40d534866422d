"""The description of the API, against the API."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.helpers.accounts import ACTOR, make_token, make_user
from tests.helpers.app import make_app
from tests.helpers.databases import SQLiteDatabases
from tests.helpers.notes import make_note
from tests.helpers.packages import add_releases

from packslip.accounts.models import Role, Scope
from packslip.db import db, write_transaction
from packslip.mirror.rule_operations import add_rule
from packslip.mirror.rules import Kind, Rule
from packslip.notes.comments import add_comment
from packslip.notes.models import Visibility
from packslip.packages.models import Act
from packslip.site.openapi import openapi_document

BASE = "http://packages.example.com"


def test_it_is_a_document_of_openapi() -> None:
    validate(openapi_document(BASE), cls=OpenAPIV31SpecValidator)


def test_every_address_and_method_is_described(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    app = make_app(tmp_path, sqlite_databases.create(tmp_path))
    there = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1/")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    methods = {"get", "put", "post", "patch", "delete"}
    described = {
        (path, method)
        for path, operations in openapi_document(BASE)["paths"].items()
        for method in methods & operations.keys()
    }
    assert described == there


def test_no_request_breaks_it_and_each_answer_is_described(
    tmp_path: Path, sqlite_databases: SQLiteDatabases
) -> None:
    app = make_app(tmp_path, sqlite_databases.create(tmp_path), PROPAGATE_EXCEPTIONS=False)
    secrets = _fill(app)
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app)
    checks = (
        not_a_server_error,
        status_code_conformance,
        content_type_conformance,
        response_schema_conformance,
    )
    operations = [one.ok() for one in schema.get_all_operations()]
    assert len(operations) > 15
    for operation in operations:
        _fuzz(operation, secrets, checks)


def _fuzz(operation: Any, secrets: dict[Scope, str], checks: Any) -> None:
    # Mostly somebody who may, about something that is there.
    secret = secrets[Scope.MIRROR if "/mirror/" in operation.path else Scope.NOTES]
    tokens = st.sampled_from([secret, secret, secret, None])
    numbers = st.sampled_from([1, 1, 2, None])

    @settings(
        max_examples=9,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(), tokens, numbers)
    def run(case: Any, token: str | None, number: int | None) -> None:
        for name in case.path_parameters if number is not None else ():
            case.path_parameters[name] = number
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        if number == 1 and case.method != "GET":
            headers["If-Match"] = "*"
        answer = case.call(headers=headers)
        case.validate_response(answer, checks=checks)

    run()


def _fill(app: Flask) -> dict[Scope, str]:
    with app.app_context():
        session = db.session()
        ada = make_user(session, role=Role.ADMIN)
        add_releases(session, "demo", {"1.0": []}, owner=ada)
        note = make_note(session, ada, "Why", act=Act.WARN)
        with write_transaction(session):
            add_comment(session, ACTOR, ada, note, "Because.")
        make_note(session, ada, "Private", visibility=Visibility.PRIVATE)
        with write_transaction(session):
            add_rule(session, ACTOR, None, Rule(kind=Kind.DENY, packages=("evil-*",)))
        secrets = {scope: make_token(session, ada, scope=scope)[1] for scope in Scope}
        session.rollback()
    return secrets
