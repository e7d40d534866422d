"""The command as a whole, run as people run it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "packslip", *arguments],
        cwd=folder,
        env={**os.environ, "PACKSLIP_DATA": str(folder / "data"), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_help_needs_neither_settings_nor_data(tmp_path: Path) -> None:
    done = run(tmp_path, "--help", PACKSLIP_READ="nobody")
    assert done.returncode == 0
    assert "serve" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_wrong_settings_are_named_line_by_line(tmp_path: Path) -> None:
    done = run(tmp_path, "serve", PACKSLIP_READ="nobody", PACKSLIP_MAX_UPLOAD="much")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 2
    assert "PACKSLIP_READ must be public or members" in done.stderr
    assert "PACKSLIP_MAX_UPLOAD" in done.stderr


def test_a_misspelt_setting_is_pointed_out(tmp_path: Path) -> None:
    done = run(tmp_path, "db", "upgrade", PACKSLIP_RAED="members")
    assert done.returncode == 0
    assert "PACKSLIP_RAED is not a setting" in done.stderr


def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run(tmp_path, "serve", "--port", str(port))
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert str(port) in done.stderr
    assert "--port" in done.stderr


def test_wrong_usage_exits_with_2(tmp_path: Path) -> None:
    assert run(tmp_path, "serve", "--port", "none").returncode == 2
