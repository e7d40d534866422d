"""Routes that are compiled once, however many applications are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.routing import Rule

_Builder = Callable[..., tuple[str, str]]


def remember_compiled_rules() -> None:
    """Let equal rules of several applications share the code that builds their addresses.

    Werkzeug compiles it for each rule of each application, which is most of what making one costs.
    The code depends on nothing but what the key has; it finds converters through its rule.
    """
    known: dict[tuple[Any, ...], _Builder] = {}
    compile_builder = Rule._compile_builder

    def remembered(self: Rule, append_unknown: bool = True) -> _Builder:
        if self.defaults:
            return compile_builder(self, append_unknown)
        key = (*self._trace, append_unknown)
        if key not in known:
            known[key] = compile_builder(self, append_unknown)
        return known[key]

    Rule._compile_builder = remembered  # type: ignore[method-assign]
