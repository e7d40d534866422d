"""Links in source distributions: where they lead, over other links too.

A link may lead anywhere inside of the folder at the top, as PEP 721 lets installers unpack it.
"""

from __future__ import annotations

import posixpath
import re

#: Characters that the target of a link may have.
LONGEST_TARGET = 4096

#: Links on the way to where one leads; systems give up after as many (Linux: ELOOP).
_MOST_ON_THE_WAY = 40

#: Steps that following all links of an archive may take; honest archives need some hundreds.
MOST_STEPS = 1_000_000

_ABSOLUTE = re.compile(r"/|[A-Za-z]:")


class LinkMap:
    """The symbolic links of one archive by their places. All must be known before one is judged."""

    def __init__(self) -> None:
        self._targets: dict[str, list[str]] = {}
        self._roundabout: set[str] = set()
        self._left = MOST_STEPS

    def __contains__(self, place: str) -> bool:
        return place in self._targets

    def add(self, place: str, target: str) -> bool:
        """Note a link, and return whether it could lead to a place in the archive."""
        # Windows takes a backslash for a slash.
        path = target.replace("\\", "/")
        if not path or len(path) > LONGEST_TARGET or _ABSOLUTE.match(path):
            return False
        steps = path.split("/")[::-1]
        if not {"", ".", ".."}.isdisjoint(steps):
            self._roundabout.add(place)
        self._targets[place] = [step for step in steps if step not in {"", "."}]
        return True

    def leaving(self) -> str | None:
        """Return the place of a link that leaves the folder at the top, or None."""
        for place in self._targets:
            if not self._stays(place):
                return place
        return None

    def _stays(self, place: str) -> bool:
        top = place.partition("/")[0]
        path = [step for step in posixpath.dirname(place).split("/") if step]
        steps = list(self._targets[place])
        on_the_way = [place]
        while steps:
            self._left -= 1
            if self._left < 0:
                return False
            step = steps.pop()
            if step == "..":
                if not path:
                    return False
                path.pop()
                continue
            path.append(step)
            link = "/".join(path)
            onward = self._targets.get(link)
            if onward is None:
                continue
            on_the_way.append(link)
            if len(on_the_way) > _MOST_ON_THE_WAY:
                # It goes in circles: no system follows it, but some readers guess where it leads.
                return self._roundabout.isdisjoint(on_the_way)
            path.pop()
            steps += onward
        return path[:1] == [top]
