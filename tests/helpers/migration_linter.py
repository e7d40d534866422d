"""What a migration must not do: lock a big table for long, or break the version before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator

#: Operations that look through, rewrite or take away what the version before uses.
_NEVER = {
    "drop_column": "takes a column away that the version before may read",
    "drop_constraint": "may be what the version before relies on",
    "drop_table": "takes a table away that the version before may read",
    "rename_table": "renames what the version before reads",
    "execute": "runs SQL that nothing is known of",
    "get_bind": "may run SQL that nothing is known of",
    "bulk_insert": "writes rows while others wait",
}

#: Constraints that look at every row of a table under a lock.
_CHECKING = {"create_check_constraint", "create_exclude_constraint", "create_foreign_key"}


def faults_of(source: str) -> list[str]:
    """What is wrong with a migration, each with its line; what it does to undo itself is free."""
    module = ast.parse(source)
    changes = [node for node in module.body if not _is_downgrade(node)]
    calls = [node for change in changes for node in ast.walk(change) if isinstance(node, ast.Call)]
    made = {_text(call.args[0]) for call in calls if _name(call) == "op.create_table"}
    faults = [
        f"line {call.lineno}: {fault}" for call in calls for fault in _faults_of_call(call, made)
    ]
    names = {
        target.id
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    if "works_with" not in names:
        faults.append("it does not say which version `works_with` it")
    return faults


def _is_downgrade(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef) and node.name == "downgrade"


def _faults_of_call(call: ast.Call, made: set[str | None]) -> Iterator[str]:
    """What is wrong with one operation, unless it is about a table that is new itself."""
    owner, _, name = _name(call).rpartition(".")
    if owner not in {"op", "batch"}:
        return
    if name in _NEVER and not (name == "drop_table" and _table(call, 0) in made):
        yield f"{name} {_NEVER[name]}"
    if name in {"create_index", "drop_index"} and _table(call, 1) not in made:
        yield f"{name} locks the table: use packslip.schema_changes"
    if name == "add_column" and _table(call, 0) not in made:
        yield from _faults_of_column(call)
    if name == "alter_column" and _table(call, 0) not in made:
        yield from _faults_of_change(call)
    if name == "batch_alter_table":
        yield "batch_alter_table copies the table on SQLite"
    if name == "create_unique_constraint" and _table(call, 1) not in made:
        yield "create_unique_constraint locks the table: make a unique index"
    if name in _CHECKING and _table(call, 1) not in made and not _is_not_valid(call):
        yield f"{name} looks at every row: give it postgresql_not_valid, and validate it later"


def _faults_of_column(call: ast.Call) -> Iterator[str]:
    columns = [
        node
        for argument in call.args[1:]
        for node in ast.walk(argument)
        if isinstance(node, ast.Call) and _name(node).endswith("Column")
    ]
    if not columns:
        yield "add_column of what is not written here"
    for column in columns:
        words = {word.arg: word.value for word in column.keywords}
        nullable = words.get("nullable")
        is_nullable = isinstance(nullable, ast.Constant) and nullable.value is True
        if not is_nullable and "server_default" not in words:
            yield "a new column is neither nullable nor has a server_default"


def _faults_of_change(call: ast.Call) -> Iterator[str]:
    words = {word.arg: word.value for word in call.keywords}
    if "type_" in words:
        yield "alter_column changes a type, which rewrites the table"
    if "new_column_name" in words:
        yield "alter_column renames what the version before reads"
    nullable = words.get("nullable")
    if nullable is not None and not (isinstance(nullable, ast.Constant) and nullable.value is True):
        yield "alter_column looks at every row, and refuses what the version before writes"


def _is_not_valid(call: ast.Call) -> bool:
    return any(word.arg == "postgresql_not_valid" for word in call.keywords)


def _table(call: ast.Call, position: int) -> str | None:
    named = next((word.value for word in call.keywords if word.arg == "table_name"), None)
    if named is None and position < len(call.args):
        named = call.args[position]
    return _text(named)


def _text(node: ast.expr | None) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    # Whatever it may be, it is no table that is made here.
    return None if node is None else f"?{node.lineno}.{node.col_offset}"


def _name(call: ast.Call) -> str:
    return ast.unparse(call.func)
