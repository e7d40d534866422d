"""Kinds of options that several commands have."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import click

FOLDER = click.Path(exists=True, file_okay=False, resolve_path=True, path_type=Path)


class Names(click.ParamType[list[str]]):
    """Some of the names, separated by commas."""

    name = "names"

    def __init__(self, known: Collection[str]) -> None:
        self.known = known

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> list[str]:
        names = [name for name in str(value).split(",") if name]
        for name in names:
            if name not in self.known:
                self.fail(f"{name} is not one of {', '.join(self.known)}", param, ctx)
        return names
