"""Writes the golden cases that are not there yet, and their lines in the manifest. It never touches one that is.

    PYTHONPATH=functions:. python tests/golden/add_cases.py

A case holds the record (as ASCII JSON text, so that half surrogate pairs survive), what it became, and the hashes.
The manifest has each case's SHA-256: a case that was edited no longer matches.

Called by developers who add to tests/golden/inputs.py.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

from tabletrail.core.entry import Conversion, Source, convert
from tabletrail.core.outbox import Evidence, OutboxRow
from tabletrail.core.policy import compile_policy
from tabletrail.core.tokens import Tokens
from tests.golden.inputs import CASES, EVIDENCE, POLICIES

DIRECTORY = Path(__file__).parent / "cases"
MANIFEST = Path(__file__).parent / "MANIFEST.sha256"

TABLE = "arn:aws:dynamodb:eu-central-1:123456789012:table/orders"
SOURCE = Source(
    stream_arn=f"{TABLE}/stream/2026-11-24T06:00:00.000",
    shard_id="shardId-00000001795500000000-4f1c2d3e",
    table_name="orders",
    table_arn=TABLE,
    table_id="5e1ac0c6-6f7e-4b7c-9a55-1f0c4b1f3b2a",
    account="123456789012",
    region="eu-central-1",
    service="shop",
    partition_key="pk",
)
CONVERSION = Conversion("month", "updatedBy")
TOKEN_KEY = bytes(range(32))
FALLBACK_TIME = 1_795_500_000


def conversion_of(settings: dict[str, Any]) -> Conversion:
    """The conversion that a case's file describes."""
    period, attribute = settings["index_period"], settings["actor_attribute"]
    if "policy" not in settings:
        return Conversion(period, attribute)
    return Conversion(
        period, attribute, compile_policy(settings["policy"]), Tokens(bytes.fromhex(settings["token_key"]))
    )


def evidence_of(case: dict[str, Any]) -> Evidence:
    """What the outbox told in a case; older ones were made without it."""
    told = dict(case.get("evidence", {}))
    if "row" in told:
        told["row"] = OutboxRow(**told["row"])
    return Evidence(**told | {"candidates": tuple(tuple(one) for one in told.get("candidates", ()))})


def case_of(record: Any, name: str = "") -> dict[str, Any]:
    """What a record becomes, in the form of the files. `name` is of POLICIES and of EVIDENCE, or there is none."""
    settings: dict[str, Any] = {"actor_attribute": "updatedBy", "index_period": "month"}
    if name in POLICIES:
        settings |= {"policy": POLICIES[name], "token_key": TOKEN_KEY.hex()}
    conversion = conversion_of(settings)
    asked = {"evidence": EVIDENCE[name]} if name in EVIDENCE else {}
    entry = convert(record, SOURCE, conversion, FALLBACK_TIME, evidence_of(asked))
    settings["rules_version"] = conversion.rules_version
    document = json.loads(entry.document)
    return {
        "record": record,
        **asked,
        "source": asdict(SOURCE),
        "conversion": settings,
        "fallback_time": FALLBACK_TIME,
        "id": entry.id,
        "index": entry.index,
        "event_hash": document["event"]["hash"],
        "document_sha256": sha256(entry.document).hexdigest(),
        "images_sha256": sha256(entry.images).hexdigest(),
        "document": document,
    }


def add_missing() -> list[str]:
    """The names of the cases that were added."""
    DIRECTORY.mkdir(exist_ok=True)
    added = []
    for name, record in CASES.items():
        path = DIRECTORY / f"{name}.json"
        if not path.exists():
            path.write_text(json.dumps(case_of(record, name), indent=1, sort_keys=True) + "\n", "ascii")
            with MANIFEST.open("a", encoding="ascii") as manifest:
                manifest.write(f"{sha256(path.read_bytes()).hexdigest()}  cases/{name}.json\n")
            added.append(name)
    return added


if __name__ == "__main__":
    add_missing()
