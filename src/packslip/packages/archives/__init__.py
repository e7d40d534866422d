"""Reads what distributions hold, without unpacking them and without trusting them.

`members` says what a member of an archive is and which are refused (`links`: where links lead),
`zips` (with `zip_records`) and `tars` walk the two kinds of archive, `wheels` knows what a wheel
must hold (`record`, `entry_points`), and `reading` what a source distribution must.
"""

from packslip.packages.archives.members import InvalidArchiveError
from packslip.packages.archives.reading import read_metadata

__all__ = ["InvalidArchiveError", "read_metadata"]
