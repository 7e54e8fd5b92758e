"""Files that only their owner may read, replaced in one step so that a reader never sees half of one."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any


def write_private(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # mkstemp creates with mode 0600, so there is no moment in which another user could open it.
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_private_json(path: Path, value: object) -> None:
    write_private(path, json.dumps(value, indent=2).encode() + b"\n")


def remember(path: Path, **facts: object) -> None:
    """Puts facts into the object in the file. Writes nothing where nothing is new: two starts at once do not meet."""
    known = read_json(path)
    if any(name not in known or known[name] != value for name, value in facts.items()):
        write_private_json(path, {**known, **facts})


def read_json(path: Path) -> dict[str, Any]:
    """The object in the file; empty when the file is absent or broken, which every caller takes as "not yet made"."""
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
