"""Where an item lives: its partition key's hash over virtual partitions.

Rules
- All changes of one partition key have one virtual partition for ever; a shard covers a range of them.
- The hash is of the value as text, so that it is the same in every process and release.

Called by `streams`, which finds the open shard that covers a partition.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
PARTITIONS = 65_536
"""Virtual partitions of a stream: more than any number of shards open at once."""


def key_text(keys: Any) -> str:
    """One text for one item's whole key, the same whatever the order of its attributes."""
    return _ENCODER.encode(keys)


def partition_of(value: Any) -> int:
    """The virtual partition of a partition key's value in typed JSON, 0 to PARTITIONS - 1."""
    digest = hashlib.blake2b(key_text(value).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % PARTITIONS
