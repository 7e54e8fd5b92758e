"""The lock file: every artifact of the OpenSearch home, its SHA-256 and where it lies. Pure; no network, no resolving.

One line each: `group:artifact:version[:extension] sha256 destination`. An artifact may stand in several destinations.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tabletrail_local.errors import LockFileError

LOCK_FILE = Path(__file__).with_name("opensearch-2.19.4.lock")

# Both become part of file paths below the cache and the home: nothing that climbs out of them may pass.
_COORDINATE = re.compile(r"[A-Za-z0-9_.-]+(:[A-Za-z0-9_.-]+){2,3}")
_DESTINATION = re.compile(r"(lib|(modules|plugins)/[a-z0-9-]+)")


@dataclass(frozen=True, order=True)
class LockedArtifact:
    coordinate: str
    sha256: str
    destination: str

    @property
    def extension(self) -> str:
        parts = self.coordinate.split(":")
        return parts[3] if len(parts) == 4 else "jar"

    @property
    def filename(self) -> str:
        _, artifact, version = self.coordinate.split(":")[:3]
        return f"{artifact}-{version}.{self.extension}"

    @property
    def repository_path(self) -> str:
        """The artifact's place in any Maven repository, relative to the repository's base address."""
        group, artifact, version = self.coordinate.split(":")[:3]
        return f"{group.replace('.', '/')}/{artifact}/{version}/{self.filename}"


def parse_lock(text: str, path: Path = LOCK_FILE) -> list[LockedArtifact]:
    """The artifacts in file order. LockFileError names the first line that is not as described above."""
    artifacts = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        fields = line.split()
        if len(fields) != 3:
            raise LockFileError(path, number, f"expected 3 fields, found {len(fields)}")
        artifacts.append(_checked(LockedArtifact(*fields), path, number))
    if not artifacts:
        raise LockFileError(path, 1, "no artifacts")
    return artifacts


def _checked(artifact: LockedArtifact, path: Path, number: int) -> LockedArtifact:
    if not _COORDINATE.fullmatch(artifact.coordinate) or ".." in artifact.coordinate:
        raise LockFileError(path, number, f"{artifact.coordinate!r} is no group:artifact:version[:extension]")
    if not re.fullmatch(r"[0-9a-f]{64}", artifact.sha256):
        raise LockFileError(path, number, f"{artifact.sha256!r} is no SHA-256")
    if not _DESTINATION.fullmatch(artifact.destination):
        raise LockFileError(path, number, f"{artifact.destination!r} is no destination")
    return artifact


def format_lock(artifacts: list[LockedArtifact], title: str) -> str:
    lines = [f"{item.coordinate} {item.sha256} {item.destination}" for item in artifacts]
    return "\n".join([*(f"# {line}" for line in title.splitlines()), *lines]) + "\n"
