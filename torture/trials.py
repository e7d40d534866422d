"""All trials there are. Another one joins by an entry in `TRIALS`."""

from __future__ import annotations

import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torture.connections import withstand_slow_clients
from torture.database import refuse_a_damaged_database, survive_a_held_database
from torture.disk import CannotMountError, survive_a_full_disk, survive_a_read_only_disk
from torture.endings import end_when_asked, lose_nothing_in_restarts
from torture.kill import survive_kills
from torture.load import withstand_load
from torture.memory import carry_a_large_file
from torture.tally import Arena, Options, Tally, Trial

#: By name, in the order in which they are run.
TRIALS: dict[str, Trial] = {
    "kill": survive_kills,
    "load": withstand_load,
    "slow clients": withstand_slow_clients,
    "restarts": lose_nothing_in_restarts,
    "ends": end_when_asked,
    "large file": carry_a_large_file,
    "full disk": survive_a_full_disk,
    "read-only disk": survive_a_read_only_disk,
    "held database": survive_a_held_database,
    "damaged database": refuse_a_damaged_database,
}


@dataclass(frozen=True)
class Result:
    """A trial, and what came of it."""

    name: str
    seconds: float
    tally: Tally

    @property
    def is_passed(self) -> bool:
        return not self.tally.faults and not self.tally.skipped

    @property
    def verdict(self) -> str:
        if self.tally.skipped:
            return "not run"
        return "passed" if self.is_passed else "FAILED"

    def data(self) -> dict[str, Any]:
        return {
            "trial": self.name,
            "verdict": self.verdict,
            "seconds": round(self.seconds, 1),
            **self.tally.data(),
        }


def run(name: str, options: Options, place: Path | None, say: Callable[[str], None]) -> Result:
    """Run the trial, to its end whatever happens."""
    tally, begun = Tally(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="packslip-torture-", dir=place) as folder:
        try:
            TRIALS[name](Arena(Path(folder), options, say), tally)
        except CannotMountError as error:
            tally.skipped = f"no disk can be mounted here: {error}"
        except Exception:
            tally.fault(traceback.format_exc())
            for log in Path(folder).rglob("server.log"):
                say(log.read_text(errors="replace")[-4000:])
    return Result(name, time.monotonic() - begun, tally)
