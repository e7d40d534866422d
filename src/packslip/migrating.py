"""Flask-Migrate and Alembic, loaded late: it takes as long as a third of all else does.

Nobody needs them while the schema is the newest one.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from flask import Flask

if TYPE_CHECKING:
    from flask_sqlalchemy import SQLAlchemy

#: Where the migrations of this version are.
FOLDER = Path(__file__).parent / "migrations"

#: The name of the commands about the schema.
COMMANDS = "db"


def attach(app: Flask, db: SQLAlchemy, migrations: Path) -> None:
    """Give the application what `flask db` and `upgrade` need."""
    app.extensions["migrate"] = _LateMigrate(app, db, migrations)
    app.cli.add_command(schema_commands)


def newest_revision(folder: Path = FOLDER) -> str:
    """The newest revision that there is."""
    # They are numbered, and their files are named by it.
    newest = max(path.name for path in (folder / "versions").glob("[0-9]*.py"))
    return newest.partition("_")[0]


def upgrade() -> None:
    """Bring the schema of the current application to the newest revision."""
    import flask_migrate  # noqa: PLC0415 - see above

    flask_migrate.upgrade()


class _LateMigrate:
    """Stands for what Flask-Migrate keeps of an application, until somebody looks at it."""

    def __init__(self, app: Flask, db: SQLAlchemy, migrations: Path) -> None:
        self._app = app
        self._db = db
        self._migrations = migrations

    def __getattr__(self, name: str) -> Any:
        from flask_migrate import Migrate  # noqa: PLC0415 - see above

        # It takes this one's place, and that of the commands.
        Migrate(self._app, self._db, directory=str(self._migrations))
        return getattr(self._app.extensions["migrate"], name)


class _LateCommands(click.Group):
    """The commands of Flask-Migrate."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """What they are called in, which is their own: they have options together."""
        return _loaded().make_context(info_name, args, parent, **extra)

    def list_commands(self, context: click.Context) -> list[str]:
        """Their names."""
        return _loaded().list_commands(context)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """The one of that name."""
        return _loaded().get_command(context, name)


def _loaded() -> click.Group:
    from flask_migrate import cli  # noqa: PLC0415 - see above

    return cast("click.Group", cli.db)


schema_commands = _LateCommands(COMMANDS, help="Perform database migrations.")
