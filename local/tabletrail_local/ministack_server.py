"""Starts ministack with its persistence completed. Runs in ministack's own environment, so it imports nothing of ours.

ministack keeps its state in memory and writes it down when it ends. Its state of DynamoDB lacks the stream records:
after a restart, changes that nobody had read yet would be gone, and iterators would point past the end of an empty
stream and skip what comes next. An audit log's laptop must not lose changes, so they are added here.
"""

from __future__ import annotations

import copy
from typing import Any

from ministack.app import main
from ministack.services import dynamodb

_STREAM_STORES = ("_stream_records", "_stream_trimmed", "_closed_streams")
_COUNTER = "_stream_seq_counter"

_get_state = dynamodb.get_state
_load_state = dynamodb.load_persisted_state


def get_state() -> dict[str, Any]:
    streams = {name: copy.deepcopy(getattr(dynamodb, name)) for name in _STREAM_STORES}
    return {**_get_state(), **streams, _COUNTER: getattr(dynamodb, _COUNTER)}


def load_persisted_state(data: dict[str, Any]) -> None:
    _load_state(data)
    for name in _STREAM_STORES:
        if name in data:
            getattr(dynamodb, name).update(data[name])
    setattr(dynamodb, _COUNTER, data.get(_COUNTER, 0))


if __name__ == "__main__":
    dynamodb.get_state = get_state
    dynamodb.load_persisted_state = load_persisted_state
    main()
