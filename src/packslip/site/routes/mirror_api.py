"""The rules of the mirror for programs: `/api/v1/mirror/rules`."""

from __future__ import annotations

from flask import Blueprint, Response, request

from packslip.accounts.callers import (
    confirm_caller,
    guard_callers,
    require_caller,
    require_packages,
)
from packslip.accounts.identity import Identity
from packslip.accounts.models import Scope
from packslip.db import session, write_transaction
from packslip.mirror.rule_documents import NewRule, RuleList, rule_document
from packslip.mirror.rule_operations import add_rule, change_rule, remove_rule
from packslip.mirror.rule_queries import get_rule_row, list_rule_rows
from packslip.notes.routes.api_answers import answer
from packslip.notes.routes.api_requests import read_body
from packslip.web.urls import base_url

blueprint = Blueprint("mirror_api", __name__, url_prefix="/api/v1/mirror/rules")
guard_callers(blueprint)


@blueprint.get("")
def index() -> Response:
    """List the rules, exceptions included."""
    return answer(RuleList([rule_document(row) for row in list_rule_rows(session())]))


@blueprint.post("")
def create() -> Response:
    """Make a rule."""
    caller, new = _caller(), read_body(NewRule)
    with write_transaction(session()) as transaction:
        confirm_caller(transaction, caller)
        actor = caller.actor(request.remote_addr)
        rule_id = add_rule(transaction, actor, caller.user, new.rule()).id
    response = answer(rule_document(get_rule_row(session(), rule_id)), 201)
    response.headers["Location"] = f"{base_url()}/api/v1/mirror/rules/{rule_id}"
    return response


@blueprint.get("/<int:rule_id>")
def read(rule_id: int) -> Response:
    """Give a rule."""
    return answer(rule_document(get_rule_row(session(), rule_id)))


@blueprint.put("/<int:rule_id>")
def replace(rule_id: int) -> Response:
    """Let a rule say something else."""
    caller, new = _caller(), read_body(NewRule)
    with write_transaction(session()) as transaction:
        confirm_caller(transaction, caller)
        actor = caller.actor(request.remote_addr)
        change_rule(transaction, actor, caller.user, rule_id, new.rule())
    return answer(rule_document(get_rule_row(session(), rule_id)))


@blueprint.delete("/<int:rule_id>")
def remove(rule_id: int) -> Response:
    """Remove a rule."""
    caller = _caller()
    with write_transaction(session()) as transaction:
        confirm_caller(transaction, caller)
        remove_rule(transaction, caller.actor(request.remote_addr), caller.user, rule_id)
    return Response(status=204)


def _caller() -> Identity:
    """Who changes rules: they are about all packages, so a token for some is not enough."""
    caller = require_caller(Scope.MIRROR)
    require_packages(caller, None)
    return caller
