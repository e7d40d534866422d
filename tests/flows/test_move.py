"""An index is carried from SQLite and a folder to PostgreSQL and a bucket, and back again."""

from __future__ import annotations

from pathlib import Path

import httpx
from tests.helpers.application import INSTALLED, build_application
from tests.helpers.clients import Machine, installed
from tests.helpers.databases import PostgresDatabases
from tests.helpers.objects import CREDENTIALS, new_bucket
from tests.helpers.prepared import ADMIN
from tests.helpers.server import Server, serving


def install(server: Server, folder: Path) -> None:
    machine = Machine(folder)
    venv = machine.venv()
    done = machine.uv_pip_install(server, venv, "--no-cache", "slip-app")
    assert done.code == 0, done
    assert installed(venv) == INSTALLED


def test_everything_works_after_a_move_and_after_the_way_back(
    tmp_path: Path, postgres_databases: PostgresDatabases
) -> None:
    database, bucket = postgres_databases.create(empty=True), new_bucket()
    with serving(tmp_path / "server", PACKSLIP_UPSTREAM_URL="", **CREDENTIALS) as server:
        token = server.create_token(ADMIN)
        for file in build_application(tmp_path / "app"):
            assert server.upload(token, file).status_code == 200
        server.command(
            "note", "add", "--user", ADMIN, "--title", "Quokka reasons", "--visibility", "team"
        )
        install(server, tmp_path / "first")
        # Bytes while it serves, then the rest.
        told = server.command("move", "--to-storage", bucket)
        assert "are in both storages, 0 of them since before" in told
        server.stop()
        before = server.command("search", "slip", "--json")
        told = server.command("move", "--to-storage", bucket, "--to-database", database)
        assert "are the same in both databases" in told
        assert "PACKSLIP_DATABASE_URL and PACKSLIP_STORAGE_URL" in told

        old = dict(server.settings)
        server.settings |= {"PACKSLIP_DATABASE_URL": database, "PACKSLIP_STORAGE_URL": bucket}
        assert server.command("search", "slip", "--json") == before
        server.start()
        install(server, tmp_path / "second")
        assert httpx.get(f"{server.url}/project/slip-core/").status_code == 200
        assert "Quokka reasons" in server.command("search", "quokka", "--json")
        server.stop()
        assert server.command("fsck") == "Rows and bytes agree."

        home = tmp_path / "home"
        (home / "files").mkdir(parents=True)
        back = {
            "PACKSLIP_DATABASE_URL": f"sqlite:///{home}/packslip.db",
            "PACKSLIP_STORAGE_URL": (home / "files").as_uri(),
        }
        server.command(
            "move",
            "--to-database",
            back["PACKSLIP_DATABASE_URL"],
            "--to-storage",
            back["PACKSLIP_STORAGE_URL"],
        )
        server.settings = old | back
        server.start()
        install(server, tmp_path / "third")
        assert httpx.post(
            f"{server.url}/api/v1/notes",
            json={"title": "after", "body": ""},
            auth=("__token__", server.create_token(ADMIN, "--scope", "notes")),
        ).is_success
    postgres_databases.drop(database)
