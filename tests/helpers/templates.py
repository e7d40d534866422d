"""Templates that are compiled once, however many applications are made."""

from __future__ import annotations

from jinja2 import BytecodeCache
from jinja2.bccache import Bucket


class RememberedTemplates(BytecodeCache):
    """The code of templates, kept in memory; Jinja itself notices that a template changed."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._known:
            bucket.bytecode_from_string(self._known[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key] = bucket.bytecode_to_string()
