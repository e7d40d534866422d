"""The folders in which the processes of a server count together."""

from __future__ import annotations

import os
import signal
import tempfile
from pathlib import Path

import pytest

from packslip.web.metrics import shared_folder


def test_the_next_server_removes_what_a_killed_one_left_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    just_made = tmp_path / "packslip-metrics-without-lock"
    just_made.mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "lock").touch()
    (tmp_path / "packslip-metrics-link").symlink_to(elsewhere)
    kept = {"packslip-metrics-without-lock", "elsewhere", "packslip-metrics-link"}

    is_ready, ready = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with shared_folder():
                # A worker, which lives on when the others are killed.
                worker = os.fork()
                if worker == 0:
                    signal.pause()
                os.write(ready, worker.to_bytes(8, "big"))
                signal.pause()
        finally:
            os._exit(0)
    worker = int.from_bytes(os.read(is_ready, 8), "big")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)

    def others() -> set[str]:
        return {path.name for path in tmp_path.iterdir()} - kept

    [left] = others()
    with shared_folder():
        assert left in others()
        assert len(others()) == 2
    assert others() == {left}
    os.kill(worker, signal.SIGKILL)
    # It is nobody's child here, so what tells that it ended is the pipe that it held.
    os.close(ready)
    assert os.read(is_ready, 1) == b""
    os.close(is_ready)
    with shared_folder():
        assert left not in others()
    assert others() == set()
    assert {path.name for path in tmp_path.iterdir()} == kept
