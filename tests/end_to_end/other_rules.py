"""The product with other rules than the repository's: a copy of what is deployed, with files of the test's own.

What users do is the same: they put a file beside those of the release, and deploy.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DEPLOYED = ("functions", "mappings", "requirements", "statemachines")
NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


def checkout_with(folder: Path, rules: Mapping[str, Any]) -> Path:
    """Fills `folder` and returns its template. `rules` are files of mappings/rules by name: JSON, or a text."""
    for name in DEPLOYED:
        shutil.copytree(ROOT / name, folder / name, ignore=NOT_COPIED, dirs_exist_ok=True)
    shutil.copy2(ROOT / "template.yaml", folder)
    (folder / "build").mkdir(exist_ok=True)
    if not (folder / "build" / "packages").exists():
        # The installed dependencies, which depend on the requirements alone.
        (ROOT / "build" / "packages").mkdir(parents=True, exist_ok=True)
        (folder / "build" / "packages").symlink_to(ROOT / "build" / "packages")
    for name, content in rules.items():
        text = content if isinstance(content, str) else json.dumps(content, indent=2)
        (folder / "mappings" / "rules" / name).write_text(text)
    return folder / "template.yaml"
