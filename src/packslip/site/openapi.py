"""The description of the API: `/api/v1/openapi.json`, an OpenAPI 3.1 document.

The shapes of notes come from the classes that read and write them; the rest stands here.
"""

from __future__ import annotations

from collections.abc import Sequence

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
from packslip.site.openapi_parts import (
    Schema,
    header,
    limit,
    number,
    object_of,
    operation,
    query,
    ref,
)

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
    note_id, match = number("note_id"), header("If-Match", 'The ETag, or `"EDITION"`.')
    return {
        "/api/v1/openapi.json": {
            "get": operation("openapi", "Describe the API.", {"type": "object"}, _ALWAYS)
        },
        "/api/v1/search": {"get": _search()},
        "/api/v1/check": {"post": _check()},
        "/api/v1/packages/{name}/impact": {
            "parameters": [{**number("name"), "schema": {"type": "string"}}],
            "get": _impact(),
        },
        **_rules(),
        "/api/v1/notes": {
            "get": operation(
                "list_notes", "List notes, the newest first.", ref("NoteList"), (*_READING, 400),
                arguments=_listing(), headers={"Link": "The next page, with rel=next."},
            ),
            "post": operation(
                "create_note", "Write a note.", ref("NoteDocument"), _SENDING,
                body="NewNote", status=201, headers={"Location": "The note.", "ETag": "As of it."},
            ),
        },
        note: {
            "parameters": [note_id],
            "get": operation(
                "read_note", "Give a note.", ref("NoteDocument"), _READING,
                arguments=[header("If-None-Match", "An ETag.")],
                headers={"ETag": "Changes with the note."}, unchanged=True,
            ),
            "patch": operation(
                "change_note", "Change what is named.", ref("NoteDocument"),
                (*_SENDING, 412, 428), body="NoteChanges", arguments=[match],
                headers={"ETag": "Changes with the note."},
            ),
            "delete": operation(
                "delete_note", "Put a note into its author's bin, for 30 days.", None,
                (*_WRITING, 412), arguments=[match], status=204,
            ),
        },
        f"{note}/restore": _act(note_id, "restore_note", "Take a note out of one's own bin.", ()),
        f"{note}/lift": _act(note_id, "lift_note", "End what a note does.", (match,)),
        f"{note}/resume": _act(note_id, "resume_note", "Let a lifted note act again.", (match,)),
        f"{note}/revisions": {
            "parameters": [note_id],
            "get": operation(
                "list_revisions", "List what was saved.", ref("RevisionList"), _READING
            ),
        },
        f"{note}/revisions/{{number}}": {
            "parameters": [note_id, number("number")],
            "get": operation(
                "read_revision", "Give one of them.", ref("RevisionDocument"), _READING
            ),
        },
        f"{note}/comments": {
            "parameters": [note_id],
            "get": operation(
                "list_comments", "List the comments.", ref("CommentList"), _READING
            ),
            "post": operation(
                "create_comment", "Comment on a note.", ref("CommentDocument"), _SENDING,
                body="NewComment", status=201, headers={"Location": "The comment."},
            ),
        },
        comment: {
            "parameters": [note_id, number("comment_id")],
            "get": operation(
                "read_comment", "Give a comment.", ref("CommentDocument"), _READING
            ),
            "patch": operation(
                "change_comment", "Write another text.", ref("CommentDocument"), _SENDING,
                body="NewComment",
            ),
            "delete": operation(
                "delete_comment", "Take a comment away.", None, _WRITING, status=204
            ),
        },
    }  # fmt: skip


def _rules() -> Schema:
    return {
        "/api/v1/mirror/rules": {
            "get": operation(
                "list_rules", "List the rules of the mirror.", ref("RuleList"), _READING
            ),
            "post": operation(
                "create_rule", "Make a rule.", ref("RuleDocument"), _SENDING,
                body="NewRule", status=201, headers={"Location": "The rule."},
            ),
        },
        "/api/v1/mirror/rules/{rule_id}": {
            "parameters": [number("rule_id")],
            "get": operation("read_rule", "Give a rule.", ref("RuleDocument"), _READING),
            "put": operation(
                "replace_rule", "Let a rule say something else.", ref("RuleDocument"), _SENDING,
                body="NewRule",
            ),
            "delete": operation("delete_rule", "Remove a rule.", None, _WRITING, status=204),
        },
    }  # fmt: skip


def _act(note_id: Schema, name: str, summary: str, arguments: Sequence[Schema]) -> Schema:
    problems = (*_WRITING, 412) if arguments else _WRITING
    post = operation(
        name, summary, ref("NoteDocument"), problems, arguments=arguments,
        headers={"ETag": "Changes with the note."},
    )  # fmt: skip
    return {"parameters": [note_id], "post": post}


def _search() -> Schema:
    texts = ("q", "license", "language", "owner")
    arguments = [query(name, {"type": "string"}) for name in texts]
    arguments += [
        query("python", {"type": "string", "pattern": r"^3\.[0-9]{1,2}$"}),
        query("origin", {"enum": list(Origin)}),
        query("yanked", {"enum": ["yes", "no"]}),
        query("sort", {"enum": list(Sort), "default": Sort.RELEVANCE.value}),
        query("page", {"type": "integer", "minimum": 1, "maximum": 1_000_000}),
        query("per_page", {**limit(MOST_FOUND), "default": FOUND}),
    ]
    found = object_of(
        total="integer", total_is_exact="boolean", page="integer", pages="integer",
        per_page="integer", did_you_mean=["string", "null"],
        results={"type": "array", "items": _FOUND_PACKAGE},
        notes=object_of(total="integer", results={"type": "array", "items": _FOUND_NOTE}),
        facets=object_of(
            license=_FACET, language=_FACET, python=_FACET, origin=_FACET, yanked=_FACET
        ),
    )  # fmt: skip
    return operation(
        "search", "Find packages and notes.", found, (*_ALWAYS, 400),
        arguments=arguments, unchanged=True,
    )  # fmt: skip


def _impact() -> Schema:
    feeling = object_of(
        username=["string", "null"], token=["string", "null"], address=["string", "null"],
        tools={"type": "array", "items": {"type": "string"}}, downloads="integer", last_at="string",
    )  # fmt: skip
    feelings = {"type": "array", "items": feeling}
    needing = object_of(package="string", requires="string", only="boolean")
    found = object_of(
        package="string", days="integer", downloads="integer", is_all="boolean", users="integer",
        versions={"type": "array", "items": {"type": "string"}}, unknown="integer",
        people=feelings, others=feelings, required_by={"type": "array", "items": needing},
    )  # fmt: skip
    return operation(
        "impact", "Tell who will feel it: who downloaded it of late, and what requires it.", found,
        (*_READING, 400), arguments=[query("versions", {"type": "string"}, "Such as `>=1.1,<2`.")],
    )  # fmt: skip


def _check() -> Schema:
    finding = object_of(
        kind="string", severity="string", text="string", note=["integer", "null"], url="string"
    )
    pin = object_of(
        name="string", version=["string", "null"], line=["integer", "null"],
        marker=["string", "null"], findings={"type": "array", "items": finding},
    )  # fmt: skip
    skipped = object_of(line=["integer", "null"], what="string", why="string")
    file = object_of(
        file="string", kind="string",
        pins={"type": "array", "items": pin}, skipped={"type": "array", "items": skipped},
    )  # fmt: skip
    checked = object_of(
        files={"type": "array", "items": file},
        errors="integer", warnings="integer", notes="integer",
    )  # fmt: skip
    post = operation(
        "check", "Tell what there is to know about the pins of lock files.", checked,
        (*_ALWAYS, 400, 413),
        arguments=[query("filename", {"type": "string"}, "The file's name, if it is the body.")],
    )  # fmt: skip
    octets = {"type": "string", "contentMediaType": "application/octet-stream"}
    form = {"type": "object", "properties": {"file": {"type": "array", "items": octets}}}
    post["requestBody"] = {
        "required": True,
        "content": {"multipart/form-data": {"schema": form}, "application/octet-stream": {}},
    }
    return post


def _listing() -> list[Schema]:
    yes_or_no = {"enum": ["yes", "no"]}
    return [
        query("whose", {"enum": list(Whose)}),
        query("package", {"type": "string"}, "On that package."),
        query("version", {"type": "string"}, "About that version of the package."),
        query("act", {"enum": list(Act)}),
        query("acting", yes_or_no, "Whether it does something now."),
        query("tag", {"type": "string"}, "Without `#`."),
        query("author", {"type": "string"}, "A username."),
        query("archived", yes_or_no),
        query("q", {"type": "string"}, "Words in title, tags and text."),
        query("limit", {**limit(MOST_PER_PAGE), "default": PER_PAGE}),
        query("before", {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}, "A number."),
    ]


_FACET: Schema = {
    "type": "array",
    "items": object_of(value="string", packages=["integer", "null"]),
}

_FOUND_PACKAGE = object_of(
    name="string", version=["string", "null"], released_at=["string", "null"],
    requires_python=["string", "null"], summary="string", license=["string", "null"],
    origin="string", status="string", yanked="boolean",
    downloads=object_of(
        last_30_days="integer",
        by_day={
            "type": "array", "items": {"type": "integer"},
            "minItems": RECENT_DAYS, "maxItems": RECENT_DAYS,
        },
    ),
    url="string",
)  # fmt: skip

_FOUND_NOTE = object_of(
    id="integer", title="string", excerpt="string", author="string", visibility="string",
    package=["string", "null"], version_range=["string", "null"], act="string",
    is_acting="boolean", updated_at="string", url="string",
)  # fmt: skip
