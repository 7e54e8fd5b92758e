"""Does AttributeChanges say how far it is behind only when it knows, so that silence sets off the alarm?"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from tabletrail.attribution_result import AttributionResult
from tabletrail.errors import SettingsError

ENVIRONMENT = {
    "STREAMS_TABLE": "s",
    "SHARDS_TABLE": "h",
    "SEGMENTS_TABLE": "g",
    "RUNS_TABLE": "r",
    "SEGMENTS_BUCKET": "b",
    "OPENSEARCH_ENDPOINT": "https://search.example",
    "TRAIL_BUCKET": "evidence",
    "TRAIL_ACCOUNTS": "123456789012",
}


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(f"TABLETRAIL_{name}", value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    return importlib.reload(importlib.import_module("handlers.attribute_changes"))


@dataclass
class StandIn:
    """The wiring, with a call that ends as it is told."""

    result: AttributionResult
    emitted: list[Mapping[str, float]] = field(default_factory=list)
    settings: Any = field(default_factory=lambda: SimpleNamespace(trail_settled_seconds=3600))

    @property
    def metrics(self) -> Any:
        return SimpleNamespace(emit=self.emitted.append)

    def attribution(self) -> Any:
        return SimpleNamespace(run=lambda _: self.result)


def called(module: ModuleType, result: AttributionResult) -> tuple[dict[str, Any], list[Mapping[str, float]]]:
    stand_in = StandIn(result)
    module.WIRING = stand_in  # type: ignore[attr-defined]
    answer: dict[str, Any] = module.handler({"run_id": "r", "so_far": {"windows": 2, "failures": []}}, None)
    return answer, stand_in.emitted


@pytest.mark.parametrize(("behind", "lag"), [(0, 0), (3600, 0), (4500, 900), (90_000, 86_400)])
def test_a_call_that_worked_says_how_much_longer_changes_wait(module: ModuleType, behind: int, lag: int) -> None:
    answer, emitted = called(module, AttributionResult(acquired=True, windows=1, behind_seconds=behind))
    assert emitted == [{"AttributionLagSeconds": lag}]
    assert answer["windows"] == 3
    json.dumps(answer)


@pytest.mark.parametrize(
    "result",
    [
        AttributionResult(acquired=True, failures=["TrailError: may not read"]),
        AttributionResult(acquired=False),
    ],
)
def test_one_in_trouble_or_without_the_lease_says_nothing(module: ModuleType, result: AttributionResult) -> None:
    _, emitted = called(module, result)
    assert emitted == []


def test_the_parts_fit_together(module: ModuleType) -> None:
    """Everything but AWS itself is made: no port is missing, and the trail's place is what the settings say."""
    module.WIRING.attribution()
    place = module.WIRING.trail._place
    assert place.folder("123456789012") == "AWSLogs/123456789012/CloudTrail/eu-central-1/"


@pytest.mark.parametrize("missing", ["TRAIL_BUCKET", "TRAIL_ACCOUNTS"])
def test_without_a_trail_it_says_so(module: ModuleType, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.setenv(f"TABLETRAIL_{missing}", "")
    with pytest.raises(SettingsError, match="TABLETRAIL_TRAIL_BUCKET and TABLETRAIL_TRAIL_ACCOUNTS"):
        importlib.reload(module).WIRING.attribution()
