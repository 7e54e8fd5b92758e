"""Lays out the OpenSearch home from locked artifacts: jars, modules with descriptor and policy, unpacked plugins.

The home holds no data and no settings, so a changed lock file simply replaces it. It is built beside its place and
renamed when complete: a home that exists under its name is whole.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from pathlib import Path

from tabletrail_local.console import progress_bar
from tabletrail_local.download import cached_file, fetch_all
from tabletrail_local.lockfile import LOCK_FILE, LockedArtifact, parse_lock
from tabletrail_local.opensearch_parts import MODULES, VERSION, module_descriptor

_STAMP = "layout-of"  # names the lock file and the module table that the home was made from


def ensure_home(home: Path, cache: Path) -> bool:
    """Makes the home unless it is there already, downloading what is missing. True when it was made anew."""
    stamp = _expected_stamp()
    if _read_stamp(home) == stamp:
        return False
    artifacts = parse_lock(LOCK_FILE.read_text())
    with progress_bar(f"collecting OpenSearch {VERSION}", len({item.coordinate for item in artifacts})) as bar:
        fetch_all(artifacts, cache, bar.advance)
    scratch = Path(tempfile.mkdtemp(dir=home.parent, prefix=".home-"))
    try:
        scratch.chmod(0o755)
        _lay_out(scratch, artifacts, cache)
        (scratch / _STAMP).write_text(stamp)
        shutil.rmtree(home, ignore_errors=True)
        os.replace(scratch, home)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return True


def _expected_stamp() -> str:
    table = "".join(module_descriptor(name) + MODULES[name].policy for name in sorted(MODULES))
    return hashlib.sha256(LOCK_FILE.read_bytes() + table.encode()).hexdigest()


def _read_stamp(home: Path) -> str | None:
    try:
        return (home / _STAMP).read_text()
    except OSError:
        return None


def _lay_out(home: Path, artifacts: list[LockedArtifact], cache: Path) -> None:
    # OpenSearch looks into bin/ and extensions/ when it starts, and fails when they are missing.
    for name in ("bin", "extensions"):
        _make_directory(home / name)
    for artifact in artifacts:
        target = home / artifact.destination
        _make_directory(target)
        if artifact.extension == "zip":
            _unpack(cached_file(cache, artifact), target)
        else:
            # Copied, not linked: what happens to the cache must not reach into a running server.
            shutil.copyfile(cached_file(cache, artifact), target / artifact.filename)
            (target / artifact.filename).chmod(0o644)
    for name, module in MODULES.items():
        _write_text(home / "modules" / name / "plugin-descriptor.properties", module_descriptor(name))
        if module.policy:
            _write_text(home / "modules" / name / "plugin-security.policy", module.policy)


def _make_directory(path: Path) -> None:
    # Modes are set one by one because the caller's umask may shut out the user that OpenSearch runs as.
    for directory in (path.parent, path):
        directory.mkdir(parents=True, exist_ok=True)
        directory.chmod(0o755)


def _unpack(archive: Path, target: Path) -> None:
    with zipfile.ZipFile(archive) as content:
        content.extractall(target)
    for entry in target.rglob("*"):
        entry.chmod(0o755 if entry.is_dir() else 0o644)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o644)
