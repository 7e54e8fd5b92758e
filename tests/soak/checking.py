"""Is a soak's log what the laboratory wrote? Each difference is a sentence that names the record.

Rules
- Each record that the stream did not forget is one line of one committed segment, and one document (whole, or parked
  and pointing at that line). What it forgot unread is covered by a gap at that place.
- Each gap has a cause that the story made: the outage before the day, or a stream that was switched.
- Numbers rise in each shard; a parent's records stand before its child's; an item's changes stand in their order, in
  the log and in a search sorted by @timestamp and sequence_key. Where a shard was listed late the log says so.
- Chains have no hole and end where the shards' rows stand; rows count their records; no segment waits.
- `tabletrail verify`'s own checker finds nothing in rows, segments and chains.

Called by `__main__` and by the test.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from tabletrail.core.checkpoint import ShardKey
from tabletrail_verify.verification import Wish
from tests.soak.log_reading import Gap, Log, read_log
from tests.soak.soak_world import SoakWorld
from tests.soak.story import Soak
from tests.verify.checked_world import Checked

NAMED = 20
"""Differences of one kind that are named; all are counted."""
NOTICED_SECONDS = 3600
"""A run that dies keeps the lease for minutes, and a walk comes each quarter of an hour."""
OUTAGE_REASONS = ("trimmed", "unwatched", "vanished")


@dataclass
class Verdict:
    log: Log
    written: int = 0
    not_promised: int = 0
    """Written after their table left, and not captured."""
    lost: int = 0
    """Forgotten by the stream, not captured, and said."""
    places_lost: set[tuple[str, str]] = field(default_factory=set)
    """Shards of which something was lost."""
    expected_gaps: int = 0
    items: int = 0
    shards: int = 0
    verified: str = ""
    differences: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def differ(self, kind: str, text: str) -> None:
        self.differences[kind].append(text)


def check(soak: Soak) -> Verdict:
    world, log = soak.world, read_log(soak.world)
    verdict = Verdict(log)
    for text in log.doubles:
        verdict.differ("doubled", text)
    for text in log.damage:
        verdict.differ("damaged", text)
    known: set[tuple[str, int]] = set()
    for stream in soak.client.streams():
        _check_stream(soak, verdict, stream["stream_arn"], known)
    for arn, sequence in log.places.keys() - known:
        verdict.differ("foreign", f"record {sequence} of {arn} was never written")
    _check_gaps(soak, verdict)
    _check_rows(world, verdict)
    _check_index(world, verdict)
    _verify(world, verdict)
    return verdict


def _check_stream(soak: Soak, verdict: Verdict, arn: str, known: set[tuple[str, int]]) -> None:
    """The stream's truth: its records in the order of writing."""
    log, items, parents = verdict.log, defaultdict(list), {}
    truth = soak.client.truth(arn)
    known_shards = {one["shard_id"] for one in soak.client.shards(arn) if one["opened_at"] < soak.outage_from}
    ends = soak.left_at.get(arn, float("inf"))
    for record in truth:
        sequence, shard = int(record["sequence"]), record["shard_id"]
        known.add((arn, sequence))
        parents[shard] = record["parent_shard_id"]
        if (arn, sequence) in log.places:
            items[record["key"]].append(sequence)
        elif record["written_at"] > ends:
            verdict.not_promised += 1
        else:
            _check_told(verdict, arn, record, is_known=shard in known_shards)
    verdict.written += len(truth)
    verdict.items += len(items)
    verdict.shards += len(parents)
    for shard, parent in parents.items():
        _check_shard(verdict, arn, shard, parent)
    for key, sequences in items.items():
        _check_item(verdict, arn, key, sequences)


def _check_told(verdict: Verdict, arn: str, record: dict[str, Any], *, is_known: bool) -> None:
    """A record that is not in the log."""
    sequence, shard = int(record["sequence"]), record["shard_id"]
    told = any(gap.covers(arn, shard, sequence, is_known=is_known) for gap in verdict.log.gaps)
    if told and (record["trimmed"] or record["vanished"]):
        verdict.lost += 1
        verdict.places_lost.add((arn, shard))
        return
    why = "no gap says so" if record["trimmed"] or record["vanished"] else "the stream still has it"
    written = f"written at {record['written_at']}, item {record['key']}"
    verdict.differ("missing", f"record {sequence} of {arn} {shard} is not in the log, {why}; {written}")


def _check_shard(verdict: Verdict, arn: str, shard: str, parent: str | None) -> None:
    log = verdict.log
    numbers = log.records.get((arn, shard), [])
    for before, after in pairwise(numbers):
        if after <= before:
            verdict.differ("order", f"record {after} of {arn} {shard} stands behind {before}")
    parents = log.records.get((arn, parent or ""), [])
    if not numbers or not parents or arn in log.late:
        return
    if log.places[arn, numbers[0]] < log.places[arn, parents[-1]]:
        verdict.differ(
            "lineage", f"record {numbers[0]} of {arn} {shard} stands before {parents[-1]} of its parent {parent}"
        )


def _check_item(verdict: Verdict, arn: str, key: str, sequences: list[int]) -> None:
    """`sequences` in the order of writing: so they must stand in the log, and so a search must show them."""
    log = verdict.log
    for before, after in pairwise(sequences):
        is_late = arn in log.late
        if not is_late and log.places[arn, after] < log.places[arn, before]:
            verdict.differ("order", f"record {after} of item {key} of {arn} stands before its record {before}")
        if log.timestamps[arn, after] <= log.timestamps[arn, before]:
            verdict.differ("search order", f"record {after} of item {key} of {arn} sorts before its record {before}")


def _check_gaps(soak: Soak, verdict: Verdict) -> None:
    gaps = verdict.log.gaps
    verdict.expected_gaps = len(verdict.places_lost) + len(soak.switched)
    for arn in soak.switched:
        if sum(gap.stream == arn and gap.reason == "stream_replaced" for gap in gaps) != 1:
            verdict.differ("gap", f"stream {arn} replaced another one, and not one gap says so")
    for gap in gaps:
        if not _is_justified(soak, gap):
            verdict.differ("gap", f"nothing was lost of {gap.stream} {gap.shard}, but a gap says {gap.reason}")


def _is_justified(soak: Soak, gap: Gap) -> bool:
    """The story had just made it: the stream was not read for longer than it remembers, or it replaced another one."""
    if gap.stream in soak.switched:
        return gap.reason == "stream_replaced" and 0 <= gap.at - soak.switched_at <= NOTICED_SECONDS
    is_soon = 0 <= gap.at - soak.outage_until <= NOTICED_SECONDS
    return gap.stream == soak.outage and gap.reason in OUTAGE_REASONS and is_soon


def _check_rows(world: SoakWorld, verdict: Verdict) -> None:
    try:
        world._assert_chains()
    except (AssertionError, KeyError) as error:
        verdict.differ("chain", repr(error))
    for (arn, shard), numbers in verdict.log.records.items():
        row = world.rows.shards.get(ShardKey(arn, shard))
        if row is None or row.sequence_no != str(numbers[-1]) or row.records != len(numbers):
            said = row and (row.sequence_no, row.records)
            verdict.differ("checkpoint", f"{arn} {shard}: {said}, the log has {len(numbers)} up to {numbers[-1]}")
    waiting = len(world.rows.segments.waiting)  # type: ignore[attr-defined]
    if waiting:
        verdict.differ("waiting", f"{waiting} segments still wait for the index")


def _check_index(world: SoakWorld, verdict: Verdict) -> None:
    kept, ids = world.soak_index.kept, verdict.log.ids
    for id_ in world.soak_index.twice:
        verdict.differ("doubled", f"document {id_} lies in two indices")
    for id_ in ids.keys() - kept.keys():
        verdict.differ("index", f"entry {id_} ({ids[id_].item}) is no document")
    for id_ in kept.keys() - ids.keys():
        verdict.differ("index", f"document {id_} ({kept[id_].item}) is in no committed segment")
    for id_ in kept.keys() & ids.keys():
        document, line = kept[id_], ids[id_]
        is_same = document.place == line.place if document.kind == "parked" else document == line
        if not is_same:
            verdict.differ("index", f"document {id_} ({document.item}) is not what its line says")


def _verify(world: SoakWorld, verdict: Verdict) -> None:
    """The checker that operators use, without the index: that is compared above, document by document."""
    with tempfile.TemporaryDirectory() as directory:
        checked = Checked(world, Path(directory), Wish(index=False))
        checked.tables.page = 1_000_000
        result, findings = checked.run()
    verdict.verified = f"{result.segments:,} segments, {result.entries:,} entries, {len(findings)} findings"
    for finding in findings:
        verdict.differ("verify", f"{finding.code} {finding.detail}")


def named(verdict: Verdict) -> Iterator[str]:
    for kind, texts in verdict.differences.items():
        for text in texts[:NAMED]:
            yield f"{kind}: {text}"
        if len(texts) > NAMED:
            yield f"{kind}: {len(texts) - NAMED} more"
