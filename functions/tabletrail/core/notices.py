"""Entries of which no record was the cause: what was lost, and what is audited.

Rules
- Their time is the observer's, passed in; their id is not: see `identity`.
- `certain` is said only of what the stream itself proves to be gone. DynamoDB's API proves no such thing today, so
  every gap is `possible`: TrimmedDataAccessException says that a position is too old, not that a record lay behind it;
  a shard's EndingSequenceNumber is a bound that an empty shard has too; and a shard or a stream that is not found does
  not tell what was in it.

Called by `entry`, which shows them to the use cases, and by `unreadable` for the form that they share.
"""

from __future__ import annotations

from typing import Any

from tabletrail.core.document import (
    SCHEMA,
    SEVERITY_CRITICAL,
    SEVERITY_HIGH,
    SEVERITY_LOW,
    SEVERITY_MEDIUM,
    Conversion,
    Entry,
    Source,
    fixed_fields,
    moment_of,
    seal,
    sequence_key,
)
from tabletrail.core.identity import coverage_id, gap_id
from tabletrail.core.message import short
from tabletrail.core.paths import cut_text

NO_IMAGES = b'{"form":"none"}'

COVERAGE = {
    "joined": ("is audited from now on", "start", SEVERITY_LOW),
    "left": ("is no longer audited", "end", SEVERITY_HIGH),
    "stream_replaced": ("has a new stream; the old one is read to its end", "change", SEVERITY_MEDIUM),
    "stream_ended": ("had an old stream, which was read to its end", "end", SEVERITY_LOW),
    "stream_disabled": ("has its stream switched off: changes are no longer seen", "end", SEVERITY_HIGH),
    "stream_gone": ("has lost its stream: changes are no longer seen", "end", SEVERITY_HIGH),
    "table_deleted": ("was deleted; its stream is read to its end", "end", SEVERITY_MEDIUM),
    "shard_late": (
        "had shards listed after their children were begun; their changes come late",
        "change",
        SEVERITY_MEDIUM,
    ),
    "unwatched": ("was not watched for as long as its stream keeps records", "change", SEVERITY_HIGH),
    "view_type": ("has a stream without both images: what changed is not seen", "change", SEVERITY_HIGH),
    "recovered": ("is read on where the log ends; its checkpoints had been lost", "change", SEVERITY_HIGH),
    "hold_set": ("is under a legal hold from now on", "change", SEVERITY_LOW),
    "hold_released": ("is under a legal hold no longer", "change", SEVERITY_MEDIUM),
    "attribution_begun": ("has CloudTrail asked who changed it from now on", "start", SEVERITY_LOW),
    "attribution_ended": ("does not have CloudTrail asked who changed it any longer", "end", SEVERITY_MEDIUM),
    "attribution_skipped": ("has changes of which CloudTrail was not asked in time", "change", SEVERITY_MEDIUM),
    "rules_changed": ("is audited under other rules from the next read on", "change", SEVERITY_LOW),
}
"""For each known `what` of a coverage entry: the words for it, its event.type, its severity. Others are legal."""

GAP = {
    "trimmed": "shard {shard} was trimmed {after} before it was read",
    "vanished": "shard {shard} was forgotten by its stream {after} before its end was read",
    "unread": "the stream was not read to where the table left before it forgot what lay there",
    "unwatched": "no run listed the stream's shards for as long as it keeps records: shards may have come and gone",
    "stream_replaced": "no stream saw the time between the old stream's end and this one's beginning",
}
"""Why records may be missing."""


def gap_entry(
    source: Source,
    conversion: Conversion,
    last_position: str | None,
    certainty: str,
    observed_at: int,
    reason: str = "trimmed",
    number: int = 0,
) -> Entry:
    """Records behind `last_position` (None: from the beginning) are lost. `certainty`: certain | possible.

    `reason` is one of GAP or a few words without item data. `source.shard_id` is empty where no shard held them.
    `number` tells gaps at one position apart (the row's version); 0 says that there is only one.
    """
    entry_id = gap_id(source.stream_arn, source.shard_id, last_position, certainty, number)
    after = f"after {last_position}" if last_position else "from its beginning"
    are = "are" if certainty == "certain" else "may be"
    why = GAP.get(reason, reason).format(shard=source.shard_id, after=after)
    message = f"changes of {source.table_name} {are} missing: {why}"
    document = notice(source, conversion, "gap", entry_id, observed_at, message)
    document["event"] |= {
        "sequence_key": sequence_key(last_position or "0"),
        "severity": SEVERITY_CRITICAL if certainty == "certain" else SEVERITY_HIGH,
        "type": ["error"],
    }
    document["tabletrail"]["gap"] = {"certainty": certainty, "reason": reason}
    if number:
        document["tabletrail"]["gap"]["number"] = number
    if last_position:
        document["tabletrail"]["gap"]["last_position"] = last_position
        document["stream"]["sequence"] = last_position
    return sealed(document, conversion, observed_at, None, NO_IMAGES)


def coverage_entry(
    source: Source, conversion: Conversion, what: str, number: int, observed_at: int, detail: str = ""
) -> Entry:
    """What is audited has changed. `what` is one of COVERAGE or a word like it, `number` the stream's count of these.

    `source.shard_id` may be empty. `detail` is a few words for a person, without item data.
    """
    entry_id = coverage_id(source.table_arn, source.stream_arn, what, number)
    other = (f"is audited otherwise from now on: {what}", "change", SEVERITY_MEDIUM)
    words, event_type, severity = COVERAGE.get(what, other)
    message = f"{source.table_name} {words}"
    document = notice(source, conversion, "coverage", entry_id, observed_at, message)
    document["event"] |= {
        "action": what,
        "category": ["configuration"],
        "kind": "event",
        "sequence_key": sequence_key(str(number)),
        "severity": severity,
        "type": [event_type],
    }
    document["tabletrail"]["coverage"] = {"number": number, "what": what}
    if detail:
        document["tabletrail"]["coverage"]["detail"] = cut_text(detail)
        document["message"] += f" ({short(detail)})"
    return sealed(document, conversion, observed_at, None, NO_IMAGES)


def notice(
    source: Source, conversion: Conversion, kind: str, entry_id: str, seconds: int, message: str
) -> dict[str, Any]:
    """The document of an entry without a record's fields. `seconds` is its time."""
    stream = {"arn": source.stream_arn, "shard": source.shard_id}
    return {
        "@timestamp": moment_of(seconds, conversion.index_period)[0],
        "event": {
            "action": kind,
            "category": ["database"],
            "dataset": f"tabletrail.{kind}",
            "id": entry_id,
            "kind": "pipeline_error",
        },
        "message": message,
        "stream": {name: value for name, value in stream.items() if value},
        "tabletrail": {"kind": kind, "rules_version": conversion.rules_version, "schema": SCHEMA},
        **fixed_fields(source),
    }


def sealed(
    document: dict[str, Any], conversion: Conversion, seconds: int, sequence_no: str | None, images: bytes
) -> Entry:
    """The entry of a finished notice."""
    index = moment_of(seconds, conversion.index_period)[1]
    event, kind = document["event"], document["tabletrail"]["kind"]
    return Entry(event["id"], kind, index, sequence_no, seal(document), images, event["severity"])
