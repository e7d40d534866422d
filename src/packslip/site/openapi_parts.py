"""The parts of which the description of the API is made (OpenAPI 3.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Schema = dict[str, Any]

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


def operation(
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
    """An operation: what it takes, what it gives when it is `found`, and what may go wrong."""
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
        content = {"application/problem+json": {"schema": ref("Problem")}}
        responses[str(problem)] = {"description": _PROBLEMS[problem], "content": content}
    operation: Schema = {"operationId": name, "summary": summary, "responses": responses}
    if arguments:
        operation["parameters"] = list(arguments)
    if body is not None:
        sent = {"application/json": {"schema": ref(body)}}
        operation["requestBody"] = {"required": True, "content": sent}
    return operation


def ref(name: str) -> Schema:
    """A reference to a shape that the document describes."""
    return {"$ref": f"#/components/schemas/{name}"}


def number(name: str) -> Schema:
    """A number in the path."""
    schema = {"type": "integer", "minimum": 0}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def header(name: str, description: str) -> Schema:
    """A header of the request."""
    schema = {"type": "string"}
    return {"name": name, "in": "header", "description": description, "schema": schema}


def query(name: str, schema: Schema, description: str = "") -> Schema:
    """An argument behind the question mark."""
    told = {"description": description} if description else {}
    return {"name": name, "in": "query", "schema": schema, **told}


def limit(most: int) -> Schema:
    """How many are wanted, up to so many."""
    return {"type": "integer", "minimum": 1, "maximum": most}


def object_of(**members: Schema | str | list[str]) -> Schema:
    """An object with all of these members, each a schema or a type."""
    properties = {
        name: schema if isinstance(schema, dict) else {"type": schema}
        for name, schema in members.items()
    }
    return {"type": "object", "required": list(members), "properties": properties}
