"""How many primary shards a new index gets: as many as hold 30 to 50 GB each, if it fills as those before it did.

The number cannot be changed later. Too few make shards that take hours to move and recover; each one too many costs
memory for as long as the index is kept.

Rules
- What is expected is what the fuller of the two periods before holds, for a period of the same length: an index is made
  a whole period ahead, when the present one has just begun and says nothing yet.
- A rebuilt index expects at least what the one holds that it replaces.
- Nothing to go by means one shard.

Pure. Called by the adapter that makes indices.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil

from tabletrail.core.periods import span_of
from tabletrail.core.rebuilds import period_of

SHARD_BYTES = 40_000_000_000
"""What one primary is meant to hold. OpenSearch advises 30 to 50 GB for logs; the middle leaves room for growth."""
SHARDS_A_NODE = 4
"""Primaries of one index on a data node, at most: it is written by the threads of one node, and more are no faster. A
period that is too large for that wants to be a week or a day (docs/operating.md)."""
PERIODS_BEFORE = 2


def primaries_for(index: str, sizes: Mapping[str, int], data_nodes: int, shard_bytes: int = SHARD_BYTES) -> int:
    """At least 1. `sizes`: bytes of the primary shards, by concrete index; others' and later ones do not count."""
    wanted = ceil(expected_bytes(index, sizes) / shard_bytes)
    return max(1, min(wanted, data_nodes * SHARDS_A_NODE))


def expected_bytes(index: str, sizes: Mapping[str, int]) -> int:
    """What the index will hold at its period's end, as far as can be told; 0 for a name that is no period's."""
    own = span_of(period_of(index))
    if own is None:
        return 0
    by_period: dict[tuple[int, int], int] = {}
    for name, size in sizes.items():
        span = span_of(period_of(name))
        if span is not None:
            # While one is rebuilt there are two of a period: they hold the same.
            by_period[span] = max(by_period.get(span, 0), size)
    before = sorted(span for span in by_period if span[0] < own[0])[-PERIODS_BEFORE:]
    length = own[1] - own[0]
    like_before = [by_period[start, end] * length // (end - start) for start, end in before]
    return max([by_period.get(own, 0), *like_before])
