"""What a result was measured on, as far as it matters to the numbers."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path


def describe(data: Path) -> dict[str, str]:
    """Describe the machine, the moment, and the file system that holds `data`."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "cpu": f"{len(os.sched_getaffinity(0))} x {_cpu_model()}",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 10**9:.0f} GB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "file system": file_system(data, Path("/proc/mounts").read_text()),
        "load at the start": f"{os.getloadavg()[0]:.1f}",
    }


def file_system(path: Path, mounts: str) -> str:
    """The type of the file system that holds the path, given what /proc/mounts says."""
    resolved = path.resolve()
    best, kind = -1, "unknown"
    for line in mounts.splitlines():
        point, found = line.split()[1:3]
        if resolved.is_relative_to(point) and len(point) >= best:
            best, kind = len(point), found
    return kind


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    """The commit that was measured, with a mark when the tree differed from it."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--exclude=*"],
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            timeout=10,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()
