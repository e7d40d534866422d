"""Letting go of old snapshots in a folder or bucket."""

from __future__ import annotations

from packslip.backups.manifests import MANIFEST, path_in, path_of
from packslip.backups.places import read_snapshot, snapshots
from packslip.backups.stored import StoredPlace


def prune(place: StoredPlace, keep: int) -> list[str]:
    """Remove all but the newest snapshots, then the files that none of those names.

    Returns the snapshots that were removed. Nothing may be added to the folder meanwhile.

    Raises:
        InvalidBackupError: a manifest that stays cannot be read; nothing was removed then.
    """
    names = snapshots(place)
    kept, old = names[-keep:], names[:-keep]
    needed: set[str] = set()
    for name in kept:
        manifest = read_snapshot(place, name)[1]
        needed.update(path_of(part.key) for part in manifest.files)
    for name in old:
        # Without its manifest it is no snapshot any more, wherever this is cut off.
        place.remove(path_in(name, MANIFEST))
    for path in list(place.snapshot_paths()):
        if path.split("/")[1] not in kept:
            place.remove(path)
    for path in list(place.file_paths()):
        if path not in needed:
            place.remove(path)
    return old
