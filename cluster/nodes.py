"""Nodes of Packslip, and all that they need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import TracebackType

from cluster.network import Machine, Network
from cluster.programs import (
    BUCKET,
    CREDENTIALS,
    PASSWORD,
    Etcd,
    HAProxy,
    ObjectStore,
    Patroni,
    Program,
    answers,
    wait_until,
)

BIN = Path(sys.executable).parent
SOURCE = Path(__file__).parent.parent / "src"


class Node(Program):
    """`packslip serve` with a data folder of its own."""

    def __init__(self, machine: Machine, folder: Path, settings: dict[str, str]) -> None:
        super().__init__(machine, folder)
        self.environment = {
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "PYTHONPATH": str(SOURCE),
            "PACKSLIP_DATA": str(folder / "data"),
            **settings,
        }

    @property
    def url(self) -> str:
        return f"http://{self.machine.address}:8080"

    def start(self) -> None:
        command: list[str | Path] = [
            BIN / "packslip",
            "serve",
            "--host",
            "0.0.0.0",
            "--port",
            "8080",
        ]
        self.process = self.machine.start(command, self.log, environment=self.environment)

    def is_ready(self) -> bool:
        return answers(f"{self.url}/readyz")

    def command(self, *words: str, given: str = "") -> str:
        """What a command of Packslip prints there."""
        done = subprocess.run(
            [BIN / "packslip", *words],
            env=self.environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"packslip {' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout


class Cluster:
    """Three nodes behind a proxy, two PostgreSQLs behind another one, and an object store."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.etcd_machine = Machine("etcd", 10)
        self.database_door = Machine("database", 31)
        self.store_machine = Machine("store", 40)
        db_machines = [Machine("db1", 11), Machine("db2", 12)]
        node_machines = [Machine(f"node{number}", 20 + number) for number in (1, 2, 3)]
        door = Machine("door", 30)
        self._network = Network(
            [
                *(self.etcd_machine, self.database_door, self.store_machine, door),
                *(*db_machines, *node_machines),
            ]
        )
        self.url = f"http://{door.address}:8080"
        self.etcd = Etcd(self.etcd_machine, folder / "etcd")
        self.databases = [Patroni(machine, folder / machine.name) for machine in db_machines]
        self.database_proxy = HAProxy(self.database_door, folder / "database")
        self.proxy = HAProxy(door, folder / "door")
        self.store = ObjectStore(self.store_machine, folder / "store")
        self.nodes = [
            Node(machine, folder / machine.name, self._settings()) for machine in node_machines
        ]

    def _settings(self) -> dict[str, str]:
        door = self.database_door.address
        database = f"postgresql+psycopg://postgres:{PASSWORD}@{door}"
        return {
            **CREDENTIALS,
            "PACKSLIP_DATABASE_URL": f"{database}:5432/packslip",
            "PACKSLIP_DATABASE_REPLICA_URL": f"{database}:5433/packslip",
            "PACKSLIP_STORAGE_URL": f"s3://{BUCKET}/files?endpoint={self.store.endpoint}",
            "PACKSLIP_SECRET_KEY": PASSWORD * 4,
            "PACKSLIP_BASE_URL": self.url,
            "PACKSLIP_TRUSTED_PROXIES": "1",
            "PACKSLIP_UPSTREAM_URL": "",
        }

    def __enter__(self) -> Cluster:
        self._network.__enter__()
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop()

    def primary(self) -> Patroni | None:
        """The database server that takes changes, if there is one."""
        return next((one for one in self.databases if one.has_role("primary")), None)

    def is_safe(self) -> bool:
        """Whether there is a primary, and a replica that has all that it has acknowledged."""
        return self.primary() is not None and any(one.has_role("sync") for one in self.databases)

    def _start(self) -> None:
        # PostgreSQL's own user has to get to its folders.
        self.folder.chmod(0o755)
        self.etcd.start()
        self.store.start()
        for database in self.databases:
            database.configure(self.etcd_machine)
            database.start()
            wait_until(lambda: self.primary() is not None, "a primary")
        wait_until(self.is_safe, "a replica")
        addresses = {one.machine.name: one.machine.address for one in self.databases}
        self.database_proxy.configure("database.cfg", addresses)
        self.database_proxy.start()
        self._create_database()
        self.proxy.configure(
            "nodes.cfg", {one.machine.name: one.machine.address for one in self.nodes}
        )
        self.proxy.start()
        # All at once: one of them makes the schema, the others wait.
        for node in self.nodes:
            node.start()
        for node in self.nodes:
            wait_until(node.is_ready, node.machine.name)
        wait_until(lambda: answers(f"{self.url}/readyz"), "the proxy")

    def _create_database(self) -> None:
        import psycopg  # noqa: PLC0415 - the locks for PostgreSQL are an extra

        address = f"host={self.database_door.address} user=postgres password={PASSWORD}"

        def create() -> bool:
            try:
                with psycopg.connect(f"{address} dbname=postgres", autocommit=True) as connection:
                    connection.execute("CREATE DATABASE packslip")
            except psycopg.OperationalError:
                return False
            return True

        wait_until(create, "the door to the primary")

    def _stop(self) -> None:
        for program in (
            *(*self.nodes, self.proxy, self.database_proxy, *self.databases),
            *(self.store, self.etcd),
        ):
            program.kill()
        self._network.__exit__()
