"""Flask-Migrate and Alembic, loaded late: it takes as long as a third of all else does.

Nobody needs them while the schema is the newest one.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click
from flask import Flask, current_app
from flask.cli import with_appcontext

if TYPE_CHECKING:
    from flask_sqlalchemy import SQLAlchemy

#: Where the migrations of this version are.
FOLDER = Path(__file__).parent / "migrations"

_KEEP_COPY = "packslip_keep_copy"

#: The name of the commands about the schema.
COMMANDS = "db"


def attach(
    app: Flask, db: SQLAlchemy, migrations: Path, keep_copy: Callable[[], Path | None]
) -> None:
    """Give the application what `flask db` and `upgrade` need.

    `keep_copy` copies the database, if there is something in it that an upgrade would change.
    """
    app.extensions[_KEEP_COPY] = keep_copy
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

    group = cast("click.Group", cli.db)
    upgrading = group.commands["upgrade"]
    if not isinstance(upgrading, _CopyingFirst):
        group.commands["upgrade"] = _CopyingFirst(upgrading)
    return group


class _CopyingFirst(click.Command):
    """`db upgrade`, which keeps the database as it was."""

    def __init__(self, upgrade: click.Command) -> None:
        option = click.Option(
            ["--no-backup"], is_flag=True, help="Keep no copy of the database as it was."
        )
        super().__init__(
            upgrade.name, params=[*upgrade.params, option], callback=self._run, help=upgrade.help
        )
        self._upgrade = upgrade

    @with_appcontext
    def _run(self, *, no_backup: bool, sql: bool = False, **arguments: Any) -> Any:
        # What only prints statements changes nothing.
        path = None if no_backup or sql else current_app.extensions[_KEEP_COPY]()
        if path is not None:
            click.echo(f"The database as it was is kept as {path}", err=True)
        assert self._upgrade.callback is not None
        return self._upgrade.callback(sql=sql, **arguments)


schema_commands = _LateCommands(COMMANDS, help="Perform database migrations.")
