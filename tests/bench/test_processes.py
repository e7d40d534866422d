from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench import processes

MB = 10**6


@contextmanager
def python(code: str) -> Iterator[subprocess.Popen[str]]:
    """A Python in a session of its own that does as told; it ends when its input does."""
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def tell(process: subprocess.Popen[str], text: str = "") -> str:
    """Send a line, if there is one, and wait for a line back."""
    assert process.stdin is not None
    assert process.stdout is not None
    if text:
        process.stdin.write(text + "\n")
        process.stdin.flush()
    return process.stdout.readline().strip()


def test_a_command_with_spaces_and_parentheses_does_not_shift_the_fields() -> None:
    line = "42 (a) b (c) S 7 42 40 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 1 0 99 0 0"

    stat = processes.parse_stat(line)
    ticks = os.sysconf("SC_CLK_TCK")
    assert (stat.pid, stat.parent, stat.session) == (42, 7, 40)
    assert stat.cpu == 250 / ticks


def test_this_process_is_found_with_its_parent_and_session() -> None:
    stat = processes.read_stats()[os.getpid()]

    assert (stat.parent, stat.session) == (os.getppid(), os.getsid(0))
    assert stat.cpu >= 0


def test_a_tree_holds_children_and_grandchildren_and_nothing_else() -> None:
    nested = (
        "import subprocess, sys\n"
        "inner = 'import os; print(os.getppid(), os.getpid(), flush=True); input()'\n"
        "subprocess.run([sys.executable, '-c', inner])"
    )
    with python(nested) as process:
        parent, child = map(int, tell(process).split())
        assert parent == process.pid
        assert {stat.pid for stat in processes.tree(process.pid)} == {process.pid, child}


def test_the_memory_of_this_process_is_plausible() -> None:
    memory = processes.read_memory(os.getpid())

    assert memory is not None
    assert MB < memory.pss <= memory.rss
    assert memory.high_water > MB


def test_a_process_that_ended_has_no_memory() -> None:
    with python("") as process:
        process.wait()

    assert processes.read_memory(process.pid) is None
    assert processes.tree(process.pid) == []


def test_a_watch_sees_memory_that_was_given_back_before_it_ended() -> None:
    code = (
        "print('ready', flush=True)\n"
        "input(); block = bytearray(b'x') * 80_000_000; del block; print('done', flush=True)\n"
        "input()"
    )
    with python(code) as process:
        tell(process)
        with processes.MemoryWatch(process.pid) as watch:
            tell(process, "go")

    assert 75 * MB < watch.added < 120 * MB
    assert watch.after - watch.before < 40 * MB


def test_cpu_time_counts_children_that_ended() -> None:
    code = (
        "import subprocess, sys\n"
        "burn = 'import time\\nwhile time.process_time() < 0.2: pass'\n"
        "subprocess.run([sys.executable, '-c', burn]); print('done', flush=True); input()"
    )
    with python(code) as process:
        tell(process)
        assert processes.cpu_seconds(process.pid) >= 0.19
