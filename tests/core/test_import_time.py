"""How long a cold function imports, and what it must not import.

Each handler module is imported by an interpreter of its own. Times are a ratio within that one import: everything that
is ours, and what we chose to use, against boto3, which no function can do without. So a busy machine, which slows both,
does not fail the test.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

FUNCTIONS = Path(__file__).parents[2] / "functions"
HANDLERS = sorted(path.stem for path in (FUNCTIONS / "handlers").glob("*.py") if path.stem != "__init__")
QUIET = ("plan_run", "capture_shards", "index_segments", "report_run")
"""Functions of each minute: OpenSearch is imported when something is to be indexed."""
COSTLY = ("opensearchpy", "requests", "jsonschema")

BUDGET = 1.0
"""Of boto3's own time; 0.65 was measured, and opensearch-py alone would add 0.85. InstallMappings runs once a
deployment and has no budget."""
TRIES = 5
"""The best of these counts: one that was interrupted says nothing."""

ENVIRONMENT = {
    "TABLETRAIL_STREAMS_TABLE": "streams",
    "TABLETRAIL_SHARDS_TABLE": "streams_shards",
    "TABLETRAIL_SEGMENTS_TABLE": "segments",
    "TABLETRAIL_RUNS_TABLE": "runs",
    "TABLETRAIL_SEGMENTS_BUCKET": "bucket",
    "TABLETRAIL_OPENSEARCH_ENDPOINT": "https://localhost:9200",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_CUMULATIVE = re.compile(r"import time:\s+\d+ \|\s+(\d+) \| *(\S+)$", re.MULTILINE)


def _import(handler: str, *options: str) -> subprocess.CompletedProcess[str]:
    code = f"import sys, json, handlers.{handler}; print(json.dumps(sorted(sys.modules)))"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(FUNCTIONS), **ENVIRONMENT}
    return subprocess.run(
        [sys.executable, *options, "-c", code], env=environment, capture_output=True, text=True, check=True
    )


@cache
def _modules(handler: str) -> frozenset[str]:
    return frozenset(json.loads(_import(handler).stdout))


def _share(handler: str) -> float:
    """The import's time without boto3, as a part of boto3's."""
    log = _import(handler, "-X", "importtime").stderr
    times = {name: int(microseconds) for microseconds, name in _CUMULATIVE.findall(log)}
    return (times[f"handlers.{handler}"] - times["boto3"]) / times["boto3"]


def test_every_handler_is_measured() -> None:
    assert set(QUIET) < set(HANDLERS)


@pytest.mark.parametrize("handler", QUIET)
@pytest.mark.parametrize("package", COSTLY)
def test_a_quiet_function_does_not_import(handler: str, package: str) -> None:
    assert package not in _modules(handler)


@pytest.mark.parametrize("handler", HANDLERS)
def test_no_function_imports_the_validation(handler: str) -> None:
    assert "jsonschema" not in _modules(handler)


@pytest.mark.parametrize("handler", QUIET)
def test_our_own_imports_stay_within_the_budget(handler: str) -> None:
    shares = []
    for _ in range(TRIES):
        shares.append(_share(handler))
        if shares[-1] <= BUDGET:
            return
    pytest.fail(f"importing {handler} takes {min(shares):.2f} of boto3's own time; {BUDGET} are allowed")
