"""Routes: those that people visit, and how they are compiled but once."""

from __future__ import annotations

from typing import Any

from werkzeug.routing import Map, Rule

#: Addresses that answer a GET and are no pages: what machines read.
_FOR_MACHINES = (
    "/.well-known/",
    "/_/",
    "/api/",
    "/files/",
    "/healthz",
    "/integrity/",
    "/metrics",
    "/osv/",
    "/pypi/",
    "/readyz",
    "/robots.txt",
    "/rss/",
    "/simple/",
    "/sitemap",
    "/static/",
    "/v1/",
)
_FORMATS = (".csv", ".json", ".jsonl", ".xml", "/raw")

#: What compiling gives a rule, and that equal rules may share: its parts, the converters in them,
#: which know nothing of their rule, and the functions that build its address.
_COMPILED = ("_parts", "_trace", "_converters", "arguments")
_BUILDERS = ("_build", "_build_unknown")


def remember_compiled_rules() -> None:
    """Let equal rules of several applications share what compiling them gives.

    Werkzeug compiles each rule of each application, which is most of what making one costs.
    """
    known: dict[tuple[Any, ...], dict[str, Any]] = {}
    compile_rule = Rule.compile

    def remembered(self: Rule) -> None:
        assert self.map is not None
        if self.defaults or self.map.host_matching:
            compile_rule(self)
            return
        key = (self.rule, self.is_leaf, self.merge_slashes, self.subdomain)
        if key not in known:
            compile_rule(self)
            known[key] = {name: getattr(self, name) for name in _COMPILED} | {
                name: getattr(self, name).__func__ for name in _BUILDERS
            }
            return
        compiled = known[key]
        for name in _COMPILED:
            setattr(self, name, compiled[name])
        for name in _BUILDERS:
            setattr(self, name, compiled[name].__get__(self, None))

    Rule.compile = remembered  # type: ignore[method-assign]


def rules_for_people(addresses: Map) -> list[Rule]:
    """The rules of pages, of those that always lead elsewhere too."""
    return [
        rule
        for rule in addresses.iter_rules()
        if "GET" in (rule.methods or ())
        and not rule.rule.startswith(_FOR_MACHINES)
        and not rule.rule.endswith(_FORMATS)
    ]
