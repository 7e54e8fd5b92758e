"""Starts ministack with its persistence completed. Runs in ministack's own environment, so it imports nothing of ours
but the journal beside it.

ministack keeps its state in memory and writes it down when it ends. What an audit log lives on is missing from what it
writes, or is gone when it is killed, and is added here:

- Stream records of DynamoDB. Without them, changes that nobody had read before a restart would be gone, and iterators
  would point past the end of an empty stream and skip what comes next.
- Retention and legal hold of S3 objects. Without them, locked objects could be deleted after a restart.
- A journal of DynamoDB (`ministack_journal`): what was acknowledged survives a kill, as it does in DynamoDB.
- `SaveState`, one more action of DynamoDB's: writes the state of all services down now, as after a deployment.

Objects of S3 are on disk before their request is answered; that is ministack's own doing.
"""

from __future__ import annotations

import copy
import os
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import persistence
from ministack.services import dynamodb, s3
from ministack_journal import Journal  # type: ignore[import-not-found]  # found beside this script when it runs

_STREAM_STORES = ("_stream_records", "_stream_trimmed", "_closed_streams")
_COUNTER = "_stream_seq_counter"

_get_state = dynamodb.get_state
_load_state = dynamodb.load_persisted_state
_load_all = app._load_persisted_state


def complete_persistence() -> None:
    journal = Journal(Path(os.environ["STATE_DIR"]) / "dynamodb.journal", dynamodb, persistence)

    def load_all() -> None:
        _load_all()
        journal.replay()
        _save(journal)

    def save_all(_: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        _save(journal)
        return 200, {"Content-Type": "application/x-amz-json-1.0"}, b"{}"

    dynamodb.get_state = _state_with_streams
    dynamodb.load_persisted_state = _load_state_with_streams
    app._load_persisted_state = load_all
    journal.watch({"SaveState": save_all})
    for name in ("_object_retention", "_object_legal_hold"):
        s3._PERSISTED_BUCKET_DICTS[name] = getattr(s3, name)


def _save(journal: Any) -> None:
    """All services at this moment; between two requests, so that the journal has nothing that is not in it."""
    persistence.save_all(app._build_persistence_save_dict())
    journal.clear()


def _state_with_streams() -> dict[str, Any]:
    streams = {name: copy.deepcopy(getattr(dynamodb, name)) for name in _STREAM_STORES}
    return {**_get_state(), **streams, _COUNTER: getattr(dynamodb, _COUNTER)}


def _load_state_with_streams(data: dict[str, Any]) -> None:
    _load_state(data)
    for name in _STREAM_STORES:
        if name in data:
            getattr(dynamodb, name).update(data[name])
    setattr(dynamodb, _COUNTER, data.get(_COUNTER, 0))


if __name__ == "__main__":
    complete_persistence()
    app.main()
