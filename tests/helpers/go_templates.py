"""As much of Go's templates with Helm's functions as the chart uses; all else is an error."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

_ACTION = re.compile(
    r"(?P<before>\s*\{\{- |\{\{ ?)(?P<code>(?:\"[^\"]*\"|[^}\"])*?)(?P<after> -\}\}\s*| ?\}\})"
)
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|[()|]|:=|,|[^\s()|,"]+')


class TemplateError(Exception):
    """The template is refused, by itself or by what renders it."""


@dataclass
class _Node:
    """A piece of text, an action, or a block with its branches."""

    kind: str
    code: str = ""
    children: list[_Node] = field(default_factory=list)
    otherwise: list[_Node] = field(default_factory=list)


def _quote(value: Any) -> str:
    return json.dumps("" if value is None else _text(value), ensure_ascii=False)


def _fail(message: str) -> str:
    raise TemplateError(message)


def _required(message: str, value: Any) -> Any:
    return _fail(message) if value in (None, "") else value


def _to_yaml(value: Any) -> str:
    return yaml.safe_dump(value, default_flow_style=False, sort_keys=True).removesuffix("\n")


def _indent(width: int, text: str) -> str:
    return "\n".join(" " * width + line for line in text.split("\n"))


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "and": lambda *values: next((one for one in values if not one), values[-1]),
    "contains": lambda part, text: part in text,
    "default": lambda otherwise, value=None: value or otherwise,
    "fail": _fail,
    "gt": lambda a, b: a > b,
    "hasPrefix": lambda start, text: text.startswith(start),
    "indent": _indent,
    "int": int,
    "nindent": lambda width, text: "\n" + _indent(width, text),
    "not": lambda value: not value,
    "quote": _quote,
    "required": _required,
    "sha256sum": lambda text: hashlib.sha256(text.encode()).hexdigest(),
    "toYaml": _to_yaml,
}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if value is None:
        return "<no value>"
    if isinstance(value, str | int):
        return str(value)
    raise TemplateError(f"{value!r} is no text")


class Templates:
    """Templates that may include each other."""

    def __init__(self) -> None:
        self._named: dict[str, list[_Node]] = {}

    def add(self, source: str) -> list[_Node]:
        """Parse a file, keep what it defines, and return the rest of it."""
        pieces = _pieces(source)
        nodes, end = self._block(pieces)
        if end:
            raise TemplateError(f"{end} without a beginning")
        return nodes

    def render(self, nodes: list[_Node], root: Mapping[str, Any]) -> str:
        """What becomes of a file with these values."""
        return "".join(self._write(nodes, root, {"$": root}))

    def _block(self, pieces: Iterator[_Node]) -> tuple[list[_Node], str]:
        nodes: list[_Node] = []
        for node in pieces:
            word, _, rest = node.code.partition(" ")
            if node.kind == "text" or word not in {"if", "with", "range", "define", "else", "end"}:
                nodes.append(node)
            elif word in {"else", "end"}:
                return nodes, node.code
            else:
                node.kind, node.code = word, rest
                node.children, end = self._block(pieces)
                if end == "else":
                    node.otherwise, end = self._block(pieces)
                if end != "end":
                    raise TemplateError(f"{word} {rest} ends with {end or 'the file'}")
                if word == "define":
                    self._named[json.loads(rest)] = node.children
                else:
                    nodes.append(node)
        return nodes, ""

    def _write(self, nodes: list[_Node], dot: Any, names: dict[str, Any]) -> Iterator[str]:
        for node in nodes:
            if node.kind == "text":
                yield node.code
            elif node.kind == "action":
                yield _text(self._value(node.code, dot, names))
            elif node.kind == "range":
                yield from self._repeat(node, dot, names)
            else:
                value = self._value(node.code, dot, names)
                inner = value if node.kind == "with" and value else dot
                yield from self._write(node.children if value else node.otherwise, inner, names)

    def _repeat(self, node: _Node, dot: Any, names: dict[str, Any]) -> Iterator[str]:
        variables, _, code = node.code.partition(" := ")
        key, value = variables.split(", ")
        for each in sorted((self._value(code, dot, names) or {}).items()):
            yield from self._write(node.children, each[1], {**names, key: each[0], value: each[1]})

    def _value(self, code: str, dot: Any, names: dict[str, Any]) -> Any:
        tokens = _TOKEN.findall(code)
        value = self._pipeline(tokens, dot, names)
        if tokens:
            raise TemplateError(f"{code!r} has more than a pipeline")
        return value

    def _pipeline(self, tokens: list[str], dot: Any, names: dict[str, Any]) -> Any:
        passed: list[Any] = []
        while True:
            words: list[Any] = []
            while tokens and tokens[0] not in {")", "|"}:
                token = tokens.pop(0)
                if token == "(":
                    words.append(self._pipeline(tokens, dot, names))
                    if not tokens or tokens.pop(0) != ")":
                        raise TemplateError("a bracket is not closed")
                else:
                    words.append(self._word(token, dot, names))
            called = callable(words[0])
            value = words[0](*words[1:], *passed) if called else words[0]
            if not called and (len(words) > 1 or passed):
                raise TemplateError(f"{words[0]!r} is no function")
            if not tokens or tokens[0] != "|":
                return value
            tokens.pop(0)
            passed = [value]

    def _word(self, token: str, dot: Any, names: dict[str, Any]) -> Any:
        if token.startswith('"'):
            return json.loads(token)
        if token.isdecimal():
            return int(token)
        if token == "include":
            return lambda name, inner: "".join(self._write(self._named[name], inner, {"$": inner}))
        if token in FUNCTIONS:
            return FUNCTIONS[token]
        start, *path = token.split(".")
        value = names[start] if start else dot
        for name in filter(None, path):
            if value is None:
                raise TemplateError(f"{token}: nothing has no {name}")
            value = value.get(name)
        return value


def _pieces(source: str) -> Iterator[_Node]:
    position = 0
    for match in _ACTION.finditer(source):
        yield _Node("text", source[position : match.start()])
        # What stands before "{{-" and after "-}}" is trimmed, but kept otherwise.
        yield _Node("action", match["code"].strip())
        position = match.end()
    rest = source[position:]
    if "{{" in rest:
        raise TemplateError(f"an action that is not understood: {rest[rest.index('{{') :][:60]}")
    yield _Node("text", rest)
