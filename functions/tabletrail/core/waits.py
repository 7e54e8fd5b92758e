"""Why entries wait to be indexed: the words in which the index and its backlog say it, and what they mean to a person.

Rules
- A reason is made from statuses, error types and an adapter's own sentences: it never holds item data.
- It begins with one of the words below, with an HTTP status, or with the class of an error of the tables or the store.

Called by `tabletrail.index`, `tabletrail.backlog` and the command line.
"""

from __future__ import annotations

NO_REPLY = "no reply"
NO_TIME = "no time left"
REFUSED = "every document refused"
PARKING_FAILED = "parking failed"

_OF_AN_INDEX = {
    "cluster_block_exception": "is read-only; if that is so since its period was closed, the next run opens it",
    "index_closed_exception": "is closed",
    "index_not_found_exception": "is missing; the next run makes it, if OpenSearch lets it",
    "unavailable_shards_exception": "lacks a primary shard",
}
_DISK_FULL = "429 cluster_block_exception"
"""What the flood stage of the disk's watermarks answers. The same block set by hand answers so too."""

_OF_THE_CLUSTER = {
    "401": "OpenSearch does not know the function's user or password: correct the secret",
    "403": "OpenSearch forbids the function to create entries: is the cluster read-only, or its role not mapped?",
    "429": "OpenSearch is too busy and turns requests away",
}


def is_refusal(why: str) -> bool:
    """True if an index refused documents that may be good: a wrong mapping would look like this."""
    return why.startswith(REFUSED)


def words(why: str, index: str = "") -> str:
    """A clause for a person, of a reason; `index` is the one that it is about, if it is about one."""
    kind, _, rest = why.partition(": ")
    if kind == NO_REPLY and rest:
        return rest
    return _words_of_index(why, index, rest) if index else _words_of_cluster(why, kind, rest)


def _words_of_cluster(why: str, kind: str, rest: str) -> str:
    status = why.partition(" ")[0]
    if status in _OF_THE_CLUSTER:
        return f"{_OF_THE_CLUSTER[status]} ({why})"
    if status.isdigit():
        return f"OpenSearch is in trouble ({why})"
    if kind == PARKING_FAILED:
        return f"OpenSearch takes neither an entry nor the one in its place ({rest})"
    return "the last call had no time left" if kind == NO_TIME else f"the backlog met {why}"


def _words_of_index(why: str, index: str, rest: str) -> str:
    if is_refusal(why):
        return f"{index} refuses what it is offered ({rest})"
    if why == _DISK_FULL:
        return f"{index} is read-only: is the disk of OpenSearch full? ({why})"
    status, _, kind = why.partition(" ")
    if kind in _OF_AN_INDEX:
        return f"{index} {_OF_AN_INDEX[kind]} ({why})"
    return f"{index} does not take entries ({why})" if status.isdigit() else f"{index}: {why}"
