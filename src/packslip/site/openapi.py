"""The description of the API: `/api/v1/openapi.json`, an OpenAPI 3.1 document.

The shapes of notes come from the classes that read and write them; the rest stands here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from packslip.downloads.rollups import RECENT_DAYS
from packslip.mirror.rule_documents import NewRule, RuleDocument, RuleList
from packslip.notes.documents import (
    CommentDocument,
    CommentList,
    NewComment,
    NewNote,
    NoteChanges,
    NoteDocument,
    NoteList,
    RevisionDocument,
    RevisionList,
)
from packslip.notes.finding import Whose
from packslip.notes.routes.api_requests import MOST_PER_PAGE, PER_PAGE
from packslip.packages.models import Act, Origin
from packslip.search.request import MOST_PER_PAGE as MOST_FOUND
from packslip.search.request import PER_PAGE as FOUND
from packslip.search.request import Sort

Schema = dict[str, Any]

_SHAPES = (
    CommentDocument,
    CommentList,
    NewComment,
    NewNote,
    NewRule,
    NoteChanges,
    NoteDocument,
    NoteList,
    RevisionDocument,
    RevisionList,
    RuleDocument,
    RuleList,
)

_PROBLEMS = {
    400: "Something in the request will not do; `field` names what.",
    401: "Credentials are needed.",
    403: "The credentials are wrong, or do not allow this.",
    404: "There is no such thing, or not for whoever asks.",
    409: "Somebody else changed it at the same moment.",
    412: "It was changed meanwhile; `edition` says what the note is at.",
    413: "The body is too large.",
    415: "The body is no JSON.",
    428: "If-Match is missing.",
    429: "There were too many wrong passwords lately; see Retry-After.",
    503: "It cannot be done now.",
}

#: What may be answered everywhere.
_ALWAYS = (401, 403, 429, 503)
_READING = (*_ALWAYS, 404)
_WRITING = (*_ALWAYS, 400, 404, 409)
_SENDING = (*_WRITING, 413, 415)


def openapi_document(base: str) -> Schema:
    """The document; `base` is the address of the index."""
    _, shapes = msgspec.json.schema_components(_SHAPES, ref_template="#/components/schemas/{name}")
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Packslip",
            "version": "1",
            "description": "Packages and notes of this index.",
        },
        "servers": [{"url": base}],
        # A public index is read without any of them.
        "security": [{}, {"token": []}, {"basic": []}, {"session": []}],
        "paths": _paths(),
        "components": {
            "schemas": {**shapes, "Problem": _PROBLEM},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "basic": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "`__token__` and a token, or username and password.",
                },
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": "packslip_session",
                    "description": "A browser's session; to change something it sends the CSRF"
                    " token of a page in the header X-CSRFToken too.",
                },
            },
        },
    }


_PROBLEM: Schema = {
    "type": "object",
    "description": "Problem details (RFC 9457).",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "field": {"type": "string"},
        "edition": {"type": "integer"},
    },
}


def _paths() -> Schema:
    note, comment = "/api/v1/notes/{note_id}", "/api/v1/notes/{note_id}/comments/{comment_id}"
    note_id, match = _number("note_id"), _header("If-Match", 'The ETag, or `"EDITION"`.')
    return {
        "/api/v1/openapi.json": {
            "get": _operation("openapi", "Describe the API.", {"type": "object"}, _ALWAYS)
        },
        "/api/v1/search": {"get": _search()},
        "/api/v1/check": {"post": _check()},
        **_rules(),
        "/api/v1/notes": {
            "get": _operation(
                "list_notes", "List notes, the newest first.", _ref("NoteList"), (*_READING, 400),
                arguments=_listing(), headers={"Link": "The next page, with rel=next."},
            ),
            "post": _operation(
                "create_note", "Write a note.", _ref("NoteDocument"), _SENDING,
                body="NewNote", status=201, headers={"Location": "The note.", "ETag": "As of it."},
            ),
        },
        note: {
            "parameters": [note_id],
            "get": _operation(
                "read_note", "Give a note.", _ref("NoteDocument"), _READING,
                arguments=[_header("If-None-Match", "An ETag.")],
                headers={"ETag": "Changes with the note."}, unchanged=True,
            ),
            "patch": _operation(
                "change_note", "Change what is named.", _ref("NoteDocument"),
                (*_SENDING, 412, 428), body="NoteChanges", arguments=[match],
                headers={"ETag": "Changes with the note."},
            ),
            "delete": _operation(
                "delete_note", "Put a note into its author's bin, for 30 days.", None,
                (*_WRITING, 412), arguments=[match], status=204,
            ),
        },
        f"{note}/restore": _act(note_id, "restore_note", "Take a note out of one's own bin.", ()),
        f"{note}/lift": _act(note_id, "lift_note", "End what a note does.", (match,)),
        f"{note}/resume": _act(note_id, "resume_note", "Let a lifted note act again.", (match,)),
        f"{note}/revisions": {
            "parameters": [note_id],
            "get": _operation(
                "list_revisions", "List what was saved.", _ref("RevisionList"), _READING
            ),
        },
        f"{note}/revisions/{{number}}": {
            "parameters": [note_id, _number("number")],
            "get": _operation(
                "read_revision", "Give one of them.", _ref("RevisionDocument"), _READING
            ),
        },
        f"{note}/comments": {
            "parameters": [note_id],
            "get": _operation(
                "list_comments", "List the comments.", _ref("CommentList"), _READING
            ),
            "post": _operation(
                "create_comment", "Comment on a note.", _ref("CommentDocument"), _SENDING,
                body="NewComment", status=201, headers={"Location": "The comment."},
            ),
        },
        comment: {
            "parameters": [note_id, _number("comment_id")],
            "get": _operation(
                "read_comment", "Give a comment.", _ref("CommentDocument"), _READING
            ),
            "patch": _operation(
                "change_comment", "Write another text.", _ref("CommentDocument"), _SENDING,
                body="NewComment",
            ),
            "delete": _operation(
                "delete_comment", "Take a comment away.", None, _WRITING, status=204
            ),
        },
    }  # fmt: skip


def _rules() -> Schema:
    return {
        "/api/v1/mirror/rules": {
            "get": _operation(
                "list_rules", "List the rules of the mirror.", _ref("RuleList"), _READING
            ),
            "post": _operation(
                "create_rule", "Make a rule.", _ref("RuleDocument"), _SENDING,
                body="NewRule", status=201, headers={"Location": "The rule."},
            ),
        },
        "/api/v1/mirror/rules/{rule_id}": {
            "parameters": [_number("rule_id")],
            "get": _operation("read_rule", "Give a rule.", _ref("RuleDocument"), _READING),
            "put": _operation(
                "replace_rule", "Let a rule say something else.", _ref("RuleDocument"), _SENDING,
                body="NewRule",
            ),
            "delete": _operation("delete_rule", "Remove a rule.", None, _WRITING, status=204),
        },
    }  # fmt: skip


def _act(note_id: Schema, name: str, summary: str, arguments: Sequence[Schema]) -> Schema:
    problems = (*_WRITING, 412) if arguments else _WRITING
    operation = _operation(
        name, summary, _ref("NoteDocument"), problems, arguments=arguments,
        headers={"ETag": "Changes with the note."},
    )  # fmt: skip
    return {"parameters": [note_id], "post": operation}


def _search() -> Schema:
    texts = ("q", "license", "language", "owner")
    arguments = [_query(name, {"type": "string"}) for name in texts]
    arguments += [
        _query("python", {"type": "string", "pattern": r"^3\.[0-9]{1,2}$"}),
        _query("origin", {"enum": list(Origin)}),
        _query("yanked", {"enum": ["yes", "no"]}),
        _query("sort", {"enum": list(Sort), "default": Sort.RELEVANCE.value}),
        _query("page", {"type": "integer", "minimum": 1, "maximum": 1_000_000}),
        _query("per_page", {**_limit(MOST_FOUND), "default": FOUND}),
    ]
    found = _object(
        total="integer", total_is_exact="boolean", page="integer", pages="integer",
        per_page="integer", did_you_mean=["string", "null"],
        results={"type": "array", "items": _FOUND_PACKAGE},
        notes=_object(total="integer", results={"type": "array", "items": _FOUND_NOTE}),
        facets=_object(
            license=_FACET, language=_FACET, python=_FACET, origin=_FACET, yanked=_FACET
        ),
    )  # fmt: skip
    return _operation(
        "search", "Find packages and notes.", found, (*_ALWAYS, 400),
        arguments=arguments, unchanged=True,
    )  # fmt: skip


def _check() -> Schema:
    finding = _object(
        kind="string", severity="string", text="string", note=["integer", "null"], url="string"
    )
    pin = _object(
        name="string", version=["string", "null"], line=["integer", "null"],
        marker=["string", "null"], findings={"type": "array", "items": finding},
    )  # fmt: skip
    skipped = _object(line=["integer", "null"], what="string", why="string")
    file = _object(
        file="string", kind="string",
        pins={"type": "array", "items": pin}, skipped={"type": "array", "items": skipped},
    )  # fmt: skip
    checked = _object(
        files={"type": "array", "items": file},
        errors="integer", warnings="integer", notes="integer",
    )  # fmt: skip
    operation = _operation(
        "check", "Tell what there is to know about the pins of lock files.", checked,
        (*_ALWAYS, 400, 413),
        arguments=[_query("filename", {"type": "string"}, "The file's name, if it is the body.")],
    )  # fmt: skip
    octets = {"type": "string", "contentMediaType": "application/octet-stream"}
    form = {"type": "object", "properties": {"file": {"type": "array", "items": octets}}}
    operation["requestBody"] = {
        "required": True,
        "content": {"multipart/form-data": {"schema": form}, "application/octet-stream": {}},
    }
    return operation


def _listing() -> list[Schema]:
    yes_or_no = {"enum": ["yes", "no"]}
    return [
        _query("whose", {"enum": list(Whose)}),
        _query("package", {"type": "string"}, "On that package."),
        _query("version", {"type": "string"}, "About that version of the package."),
        _query("act", {"enum": list(Act)}),
        _query("acting", yes_or_no, "Whether it does something now."),
        _query("tag", {"type": "string"}, "Without `#`."),
        _query("author", {"type": "string"}, "A username."),
        _query("archived", yes_or_no),
        _query("q", {"type": "string"}, "Words in title, tags and text."),
        _query("limit", {**_limit(MOST_PER_PAGE), "default": PER_PAGE}),
        _query("before", {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, "A number."),
    ]


def _operation(
    name: str,
    summary: str,
    found: Schema | None,
    problems: Sequence[int],
    *,
    status: int = 200,
    body: str | None = None,
    arguments: Sequence[Schema] = (),
    headers: dict[str, str] | None = None,
    unchanged: bool = False,
) -> Schema:
    done: Schema = {"description": "Done."}
    if found is not None:
        done["content"] = {"application/json": {"schema": found}}
    if headers:
        told = {"schema": {"type": "string"}}
        done["headers"] = {name: {"description": text, **told} for name, text in headers.items()}
    responses: Schema = {str(status): done}
    if unchanged:
        responses["304"] = {"description": "It is as the ETag in If-None-Match says."}
    for problem in sorted(set(problems)):
        content = {"application/problem+json": {"schema": _ref("Problem")}}
        responses[str(problem)] = {"description": _PROBLEMS[problem], "content": content}
    operation: Schema = {"operationId": name, "summary": summary, "responses": responses}
    if arguments:
        operation["parameters"] = list(arguments)
    if body is not None:
        sent = {"application/json": {"schema": _ref(body)}}
        operation["requestBody"] = {"required": True, "content": sent}
    return operation


def _ref(name: str) -> Schema:
    return {"$ref": f"#/components/schemas/{name}"}


def _number(name: str) -> Schema:
    schema = {"type": "integer", "minimum": 0}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _header(name: str, description: str) -> Schema:
    schema = {"type": "string"}
    return {"name": name, "in": "header", "description": description, "schema": schema}


def _query(name: str, schema: Schema, description: str = "") -> Schema:
    told = {"description": description} if description else {}
    return {"name": name, "in": "query", "schema": schema, **told}


def _limit(most: int) -> Schema:
    return {"type": "integer", "minimum": 1, "maximum": most}


def _object(**members: Schema | str | list[str]) -> Schema:
    """An object with all of these members, each a schema or a type."""
    properties = {
        name: schema if isinstance(schema, dict) else {"type": schema}
        for name, schema in members.items()
    }
    return {"type": "object", "required": list(members), "properties": properties}


_FACET: Schema = {
    "type": "array",
    "items": _object(value="string", packages=["integer", "null"]),
}

_FOUND_PACKAGE = _object(
    name="string", version=["string", "null"], released_at=["string", "null"],
    requires_python=["string", "null"], summary="string", license=["string", "null"],
    origin="string", status="string", yanked="boolean",
    downloads=_object(
        last_30_days="integer",
        by_day={
            "type": "array", "items": {"type": "integer"},
            "minItems": RECENT_DAYS, "maxItems": RECENT_DAYS,
        },
    ),
    url="string",
)  # fmt: skip

_FOUND_NOTE = _object(
    id="integer", title="string", excerpt="string", author="string", visibility="string",
    package=["string", "null"], version_range=["string", "null"], act="string",
    is_acting="boolean", updated_at="string", url="string",
)  # fmt: skip
