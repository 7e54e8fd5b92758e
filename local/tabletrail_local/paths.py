"""Where the stack keeps its things. Pure path arithmetic, apart from reading the environment in `stack_paths`.

One directory holds everything that `reset` removes; downloads live in the user's cache, so that `reset` stays cheap.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

DIRECTORY_VARIABLE = "TABLETRAIL_LOCAL_DIR"
TEST_STACKS_VARIABLE = "TABLETRAIL_TEST_STACKS"
"""Directories of stacks, separated as in PATH: each process of a parallel test run takes the one of its number."""
MARKER = "This directory belongs to tabletrail's local stack: `tabletrail local reset` removes it with all it holds.\n"


@dataclass(frozen=True)
class StackPaths:
    root: Path

    @property
    def marker(self) -> Path:
        return self.root / "tabletrail-stack"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def state(self) -> Path:
        return self.root / "state.json"

    @property
    def stack(self) -> Path:
        return self.root / "stack.json"

    @property
    def passwords(self) -> Path:
        return self.root / "passwords.json"

    @property
    def ca(self) -> Path:
        return self.root / "certificates" / "root-ca.pem"

    @property
    def certificates(self) -> Path:
        return self.root / "certificates"

    @property
    def aws(self) -> Path:
        return self.root / "aws"

    @property
    def sam(self) -> Path:
        return self.root / "sam"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    def pid_file(self, name: str) -> Path:
        return self.root / f"{name}.pid"


def repository_root() -> Path:
    return Path(__file__).resolve().parents[2]


def stack_paths() -> StackPaths:
    """The stack's directory: $TABLETRAIL_LOCAL_DIR, else .local in the repository."""
    chosen = os.environ.get(DIRECTORY_VARIABLE)
    return StackPaths(Path(chosen).expanduser().resolve() if chosen else repository_root() / ".local")


def download_cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "tabletrail"
