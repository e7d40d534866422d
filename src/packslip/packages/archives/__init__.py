"""Reads what distributions hold, without unpacking them and without trusting them.

`members` says what a member of an archive is and which are refused, `zips` and `tars` walk the
two kinds of archive, and `reading` knows what a wheel and a source distribution must hold.
"""

from packslip.packages.archives.members import InvalidArchiveError
from packslip.packages.archives.reading import read_metadata

__all__ = ["InvalidArchiveError", "read_metadata"]
