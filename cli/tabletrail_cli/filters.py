"""The filters and facets by name: which fields each one asks, and what may stand there.

Pure data. Rules
- A filter of several fields finds what any of them holds; excluded, none of them may.
- Who claims to have done it (`actor...`) and whom IAM verified (`principal...`) are never one filter: they stand in two
  entries, the change's and one of kind attribution, which repeats the claim (`claimed`).
- Candidates are found by `candidate` alone: what somebody may have done is not what he did.

Called by `queries`, `search` and `hidden`.
"""

from __future__ import annotations

from dataclasses import dataclass

TRUE = "true"
"""What a flag asks for."""


@dataclass(frozen=True, slots=True)
class Filter:
    """`fields`: keywords, any of them. `help` is for the command line.

    `last_parts`: ARNs of which the value may be the last part. `phrases`: texts in which the value may stand somewhere.
    `tokens`: fields that hold tokens where the values were declared sensitive. `facet`: the field to count by.
    """

    fields: tuple[str, ...]
    help: str
    last_parts: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    tokens: tuple[str, ...] = ()
    facet: str = ""
    is_flag: bool = False


FILTERS = {
    "table": Filter(("table.name",), "name of the table"),
    "service": Filter(("service.name",), "service of the table, from its tag"),
    "action": Filter(
        ("event.action",),
        "insert, modify, remove, expire (by TTL); for other kinds what happened (joined, gap, attributed, ...)",
    ),
    "actor": Filter(("actor.id",), "who did it, where that is known", tokens=("actor.id",)),
    "actor-source": Filter(("actor.source",), "how that is known: ttl, stream, outbox, mark, attribute"),
    "actor-confidence": Filter(("actor.confidence",), "how sure it is: certain, likely, possible"),
    "actor-last-known": Filter(
        ("actor.last_known",),
        "whom the item names from an earlier change, where nobody knows who made this one",
        tokens=("actor.last_known",),
    ),
    "candidate": Filter(
        (
            "actor.candidates.id",
            "principal.candidates.arn",
            "principal.candidates.name",
            "principal.candidates.session",
        ),
        "one of several who may have done it: an actor, or a caller's name, session or ARN",
        tokens=("actor.candidates.id",),
    ),
    "principal": Filter(
        ("principal.arn", "principal.id", "principal.name", "principal.session", "principal.source_identity"),
        "whom IAM verified, by CloudTrail: a name, a session's name, a role or an ARN",
        last_parts=("principal.role",),
        facet="principal.name",
    ),
    "principal-confidence": Filter(
        ("principal.confidence",), "how sure it is that the change is that call's: likely, possible"
    ),
    "claimed": Filter(
        ("principal.claimed",),
        "of an entry about a caller: the actor that the change names",
        tokens=("principal.claimed",),
    ),
    "item": Filter(("item.id",), "readable key of the item", tokens=("item.key",)),
    "kind": Filter(("tabletrail.kind",), "change, gap, coverage, unreadable, parked, attribution"),
    "tag": Filter(("tags",), "a tag that a rule gave"),
    "rule": Filter(("rule.name",), "name of a rule that matched"),
    "request": Filter(
        ("request.id", "principal.request_id"),
        "id of the request that made the change: the writer's own, or DynamoDB's as CloudTrail has it",
        tokens=("request.id",),
    ),
    "reason": Filter(
        ("reason.keyword",),
        "why, in the writer's words: all of them, or some that follow each other",
        phrases=("reason",),
        tokens=("reason.keyword",),
    ),
    "mark": Filter(
        ("tabletrail.mark",),
        "id of the mark that the change came with; a marked delete's two records have the same",
        tokens=("tabletrail.mark",),
    ),
    "contradiction": Filter(
        ("tabletrail.contradiction",), "where the caller that IAM verified may not claim to be that actor", is_flag=True
    ),
}
"""By name, in the order of the command line."""

FACETS = {
    **{name: one.facet or one.fields[0] for name, one in FILTERS.items()},
    "actor-type": "actor.type",
    "principal-arn": "principal.arn",
    "changed": "changed_path",
    "severity": "event.severity",
    "account": "cloud.account.id",
    "region": "cloud.region",
}
"""The field that each facet counts by."""
