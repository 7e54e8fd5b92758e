"""As whom OpenSearch runs, and where it may lie so that this user reaches it.

OpenSearch refuses to run as root. Started by root, as in most containers, it runs under a user id of its own; then
every directory above its files must let others pass. A home directory of mode 700 does not, so it lies in /var/tmp.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from pathlib import Path

from tabletrail_local.errors import UnreachableDirectoryError
from tabletrail_local.paths import StackPaths

# Above what distributions give to users and services, below the two reserved ids at the end of the 16-bit range.
_UID = 65530
_TEMPORARY_PLACES = (Path("/var/tmp"), Path("/tmp"))  # noqa: S108 -- taken only as a directory that is verifiably ours


def service_uid() -> int | None:
    """The user id to run OpenSearch under; None when the caller is not root and it can run as the caller."""
    return _UID if os.geteuid() == 0 else None


def blocking_directory(path: Path) -> Path | None:
    """The first directory above `path` that the service user may not pass, if any."""
    if service_uid() is None:
        return None
    for parent in reversed(path.absolute().parents):
        if parent.exists() and not parent.stat().st_mode & stat.S_IXOTH:
            return parent
    return None


def opensearch_directory(paths: StackPaths) -> Path:
    """Where OpenSearch's files lie: inside the stack's directory when its user can get there."""
    wanted = paths.root / "opensearch"
    blocking = blocking_directory(wanted)
    if blocking is None:
        return wanted
    name = f"tabletrail-{hashlib.sha256(str(paths.root).encode()).hexdigest()[:12]}"
    for place in _TEMPORARY_PLACES:
        if place.is_dir() and os.access(place, os.W_OK) and blocking_directory(place / name) is None:
            return place / name
    raise UnreachableDirectoryError(wanted, blocking, _UID)


def claim_directory(directory: Path) -> None:
    """Makes the directory, or makes sure that it is really ours: in /var/tmp anyone could have made it before us."""
    directory.mkdir(mode=0o755, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise UnreachableDirectoryError(directory, directory, _UID)
    directory.chmod(0o755)


def give_to_service(directory: Path) -> None:
    """Makes everything below `directory` the service user's own, closed to all others."""
    uid = service_uid()
    for entry in [directory, *directory.rglob("*")]:
        entry.chmod(0o700 if entry.is_dir() else 0o600, follow_symlinks=False) if not entry.is_symlink() else None
        if uid is not None:
            shutil.chown(entry, uid, uid)
