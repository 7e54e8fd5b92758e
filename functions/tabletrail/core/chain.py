"""The chain of one shard: each committed segment's part of it is a link that names the link before.

Rules
- A link covers every sequence number, in order, so that no record can be taken out or put in between commits unseen.
- The first link's `previous_chain` is GENESIS_CHAIN.

Called by the capture, which makes links, and by whoever verifies them.
"""

from __future__ import annotations

from collections.abc import Iterable

from tabletrail.core.checkpoint import GENESIS_CHAIN, ShardLink
from tabletrail.core.digest import hash_of

DOMAIN = "tabletrail/v1/chain"

__all__ = ["DOMAIN", "GENESIS_CHAIN", "link_of", "next_chain", "sequences_sha256"]


def sequences_sha256(sequence_nos: Iterable[str]) -> str:
    """Over each sequence number's decimal text as the stream gave it, length-prefixed, in order."""
    return hash_of(sequence_nos)


def next_chain(
    previous_chain: str, stream_arn: str, shard_id: str, first: str, last: str, count: int, sequences: str
) -> str:
    """The hash (hex) of one link; `sequences` is `sequences_sha256` of its numbers, `count` is written in decimal."""
    return hash_of((DOMAIN, previous_chain, stream_arn, shard_id, first, last, str(count), sequences))


def link_of(previous_chain: str, stream_arn: str, shard_id: str, sequence_nos: list[str]) -> ShardLink:
    """The link over `sequence_nos`, of which there is at least one, in the order of the shard."""
    first, last, count = sequence_nos[0], sequence_nos[-1], len(sequence_nos)
    sequences = sequences_sha256(sequence_nos)
    chain = next_chain(previous_chain, stream_arn, shard_id, first, last, count, sequences)
    return ShardLink(stream_arn, shard_id, first, last, count, sequences, previous_chain, chain)
