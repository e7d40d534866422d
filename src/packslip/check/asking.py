"""Asking upstream for packages that lock files name and nobody here has asked for yet."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping

from packaging.utils import NormalizedName
from sqlalchemy.orm import Session

from packslip.errors import NotFoundError, PackslipError
from packslip.mirror.current import current_mirror
from packslip.mirror.refreshing import make_current
from packslip.packages.queries import known_packages

#: Seconds for all packages together; what is left then is asked for by the next check.
PATIENCE = 20.0


def ask_upstream(session: Session, names: Iterable[str]) -> Mapping[str, str]:
    """Ask upstream for those of the normalised names that are not known here, if it is mirrored.

    What is reserved is not asked for.

    Returns:
        Why it could not be asked, by the names of which nobody knows whether upstream has them.
    """
    if not current_mirror():
        return {}
    wanted = sorted(set(names))
    unknown = set(wanted) - known_packages(session, wanted)
    unasked, end = {}, time.monotonic() + PATIENCE
    for name in sorted(unknown):
        if time.monotonic() > end:
            unasked[name] = (
                "Upstream was not asked yet whether there is such a package: check again."
            )
            continue
        try:
            make_current(session, NormalizedName(name))
        except NotFoundError:
            continue
        except PackslipError as error:
            unasked[name] = error.reason
    session.rollback()
    return unasked
