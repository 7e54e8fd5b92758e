"""Fetches locked artifacts into the user's cache, eight at a time.

Promise: a file under its final name has the SHA-256 that the lock file states, checked on every call and not only
after the download, so a truncated or altered file in the cache is fetched again. A download goes to a temporary name
first; two stacks that fetch at the same time disturb each other in nothing but speed. Called by `opensearch_home`.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tabletrail_local.errors import DownloadError, UntrustedDownloadError
from tabletrail_local.lockfile import LockedArtifact
from tabletrail_local.maven_repositories import base_addresses

_CONNECTIONS = 8
_ATTEMPTS = 3
_TIMEOUTS = (20.0, 60.0)  # seconds to connect, and between two pieces of an answer
_PIECE = 1 << 18  # bytes

Advance = Callable[[], None]


def cached_file(cache: Path, artifact: LockedArtifact) -> Path:
    return cache / "maven" / artifact.repository_path


def fetch_all(
    artifacts: Iterable[LockedArtifact], cache: Path, advance: Advance, repositories: list[str] | None = None
) -> None:
    """Brings every artifact into the cache or raises; `advance` is called once for each one that is there."""
    wanted = {artifact.coordinate: artifact for artifact in artifacts}
    missing = []
    for artifact in wanted.values():
        if is_intact(cached_file(cache, artifact), artifact.sha256):
            advance()
        else:
            missing.append(artifact)
    if not missing:
        return
    addresses = repositories or base_addresses()
    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        try:
            for _ in pool.map(lambda item: _fetch(item, cache, addresses), missing):
                advance()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def is_intact(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb") as handle:
            return hashlib.file_digest(handle, "sha256").hexdigest() == sha256
    except OSError:
        return False


def _fetch(artifact: LockedArtifact, cache: Path, addresses: list[str]) -> LockedArtifact:
    target = cached_file(cache, artifact)
    target.parent.mkdir(parents=True, exist_ok=True)
    reasons: list[str] = []
    for _ in range(_ATTEMPTS):
        for address in addresses:
            reason = _fetch_from(f"{address}/{artifact.repository_path}", artifact, target)
            if reason is None:
                return artifact
            if reason not in reasons:
                reasons.append(reason)
    raise DownloadError(artifact.coordinate, reasons)


def _fetch_from(url: str, artifact: LockedArtifact, target: Path) -> str | None:
    """None when the file is in place, else the reason why not; content that fails its hash raises at once."""
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as handle, requests.get(url, stream=True, timeout=_TIMEOUTS) as answer:
            if answer.status_code != 200:
                return f"{url}: HTTP {answer.status_code}"
            digest = hashlib.sha256()
            for piece in answer.iter_content(_PIECE):
                digest.update(piece)
                handle.write(piece)
            length = answer.headers.get("Content-Length")
            if length is not None and handle.tell() != int(length):
                return f"{url}: the connection broke off after {handle.tell()} of {length} bytes"
        if digest.hexdigest() != artifact.sha256:
            raise UntrustedDownloadError(artifact.coordinate, artifact.sha256, digest.hexdigest())
        os.chmod(temporary, 0o644)  # mkstemp gave 0600
        os.replace(temporary, target)
        return None
    except requests.RequestException as error:
        return f"{url}: {error}"
    finally:
        Path(temporary).unlink(missing_ok=True)
