"""The configuration files of `deploy/` are those that the cluster is tried with."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from cluster.network import Machine
from cluster.programs import DEPLOY, HAProxy, MissingProgramError, Patroni, require_programs

from cluster import programs

SERVERS = {
    "database.cfg": {"db1": "10.213.7.11", "db2": "10.213.7.12"},
    "nodes.cfg": {f"node{number}": f"10.213.7.2{number}" for number in (1, 2, 3)},
}


@pytest.mark.parametrize("name", SERVERS)
def test_haproxy_takes_its_configuration_where_it_is_installed(name: str, tmp_path: Path) -> None:
    proxy = HAProxy(Machine("door", 30), tmp_path)
    proxy.configure(name, SERVERS[name])

    text = (tmp_path / "haproxy.cfg").read_text()
    for server, address in SERVERS[name].items():
        assert f"server {server} {address}:" in text
    assert "10.0.0." not in text
    found = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if found:
        command = [found, "-c", "-f", tmp_path / "haproxy.cfg"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_a_server_that_the_configuration_does_not_have_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="node9"):
        HAProxy(Machine("door", 30), tmp_path).configure("nodes.cfg", {"node9": "10.213.7.29"})


def test_patroni_gets_the_addresses_of_its_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs.shutil, "chown", lambda *_: None)
    monkeypatch.setattr(programs, "_programs_of_postgresql", lambda: Path("/opt/pg/bin"))
    Patroni(Machine("db2", 12), tmp_path).configure(Machine("etcd", 10))

    told = yaml.safe_load((tmp_path / "patroni.yml").read_text())
    assert told["name"] == "db2"
    assert told["restapi"]["connect_address"] == "10.213.7.12:8008"
    assert told["postgresql"]["connect_address"] == "10.213.7.12:5432"
    assert told["postgresql"]["bin_dir"] == "/opt/pg/bin"
    assert told["etcd3"]["hosts"] == "10.213.7.10:2379"
    # What is acknowledged is on two machines.
    assert told["bootstrap"]["dcs"]["synchronous_mode"] is True
    assert "change-me" not in (tmp_path / "patroni.yml").read_text()
    assert "change-me" in (DEPLOY / "patroni" / "patroni.yml").read_text()


def test_missing_programs_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(programs.shutil, "which", lambda *_, **__: None)
    with pytest.raises(MissingProgramError, match="apt-get install etcd-server patroni haproxy"):
        require_programs()
