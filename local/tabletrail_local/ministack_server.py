"""Starts ministack with its persistence completed. Runs in ministack's own environment, so it imports nothing of ours.

ministack keeps its state in memory and writes it down when it ends. Two things that an audit log lives on are missing
from what it writes, and are added here:

- Stream records of DynamoDB. Without them, changes that nobody had read before a restart would be gone, and iterators
  would point past the end of an empty stream and skip what comes next.
- Retention and legal hold of S3 objects. Without them, locked objects could be deleted after a restart.
"""

from __future__ import annotations

import copy
from typing import Any

from ministack.app import main
from ministack.services import dynamodb, s3

_STREAM_STORES = ("_stream_records", "_stream_trimmed", "_closed_streams")
_COUNTER = "_stream_seq_counter"

_get_state = dynamodb.get_state
_load_state = dynamodb.load_persisted_state


def complete_persistence() -> None:
    dynamodb.get_state = _state_with_streams
    dynamodb.load_persisted_state = _load_state_with_streams
    for name in ("_object_retention", "_object_legal_hold"):
        s3._PERSISTED_BUCKET_DICTS[name] = getattr(s3, name)


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
    main()
