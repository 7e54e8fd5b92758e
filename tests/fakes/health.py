"""The health index in memory: the first document of an id stays."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class FakeHealthIndex:
    """`HealthIndex`. `documents` by index and id."""

    documents: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)

    def record(self, index: str, document_id: str, document: Mapping[str, Any]) -> None:
        self.documents.setdefault((index, document_id), json.loads(json.dumps(dict(document))))
