"""Runs several commands as one, with `--` between them: `python -m bench.together A … -- B …`.

All of them end when one does, or on SIGTERM.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from itertools import groupby


def main(words: list[str]) -> int:
    """Run the commands until one of them ends."""
    commands = [list(group) for is_gap, group in groupby(words, lambda w: w == "--") if not is_gap]
    running = [subprocess.Popen(command) for command in commands]

    def end(*_: object) -> None:
        for process in running:
            process.terminate()

    signal.signal(signal.SIGTERM, end)
    os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOWAIT)
    end()
    return max(process.wait() for process in running)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
