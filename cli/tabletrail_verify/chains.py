"""Each shard's chain, from its first link to its checkpoint, by the rows alone; and the counts once the lines are read.

Rules
- A commit moves a shard's chain and its checkpoint together. So a checkpoint read before the segments names a link that
  was seen, and one read after them lies at or behind every link that was seen.
- A finished shard's row expires. A chain without a row is whole if its last link is older than rows ever live.

Called by `verification`.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tabletrail_verify.canonical_form import GENESIS, chain_of
from tabletrail_verify.findings import Finding
from tabletrail_verify.rows import ShardRow
from tabletrail_verify.state import State

ROWS_LIVE_SECONDS = 47 * 3600
"""A finished shard's row lives 48 hours at least; an hour less, for clocks that differ."""


@dataclass(frozen=True, slots=True)
class Step:
    """A link, and the segment that it is of."""

    segment: str
    committed_at: int
    is_late: bool
    first: str
    last: str
    count: int
    sequences: str
    previous: str
    chain: str


@dataclass(slots=True)
class Chain:
    """One shard. `before` and `after` are its checkpoint before and after the segments were read."""

    stream_arn: str
    shard_id: str
    before: ShardRow | None
    after: ShardRow | None
    begun_at: int
    steps: list[Step]
    by_chain: dict[str, Step] = field(default_factory=dict)
    followers: dict[str, list[Step]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for step in self.steps:
            self.by_chain[step.chain] = step
            self.followers[step.previous].append(step)

    def findings(self) -> Iterator[Finding]:
        for step in self.steps:
            yield from self._of_step(step)
        for previous, steps in self.followers.items():
            if len(steps) > 1:
                names = ", ".join(step.segment for step in steps[1:])
                yield self._finding(
                    "chain-fork", f"{len(steps)} links follow {_short(previous)}: also {names}", steps[0]
                )
        yield from self._of_checkpoint()

    def _of_step(self, step: Step) -> Iterator[Finding]:
        ends = (step.first, step.last, step.count)
        if chain_of(step.previous, self.stream_arn, self.shard_id, ends, step.sequences) != step.chain:
            yield self._finding("chain-altered", "the chain is not the hash over what the link says", step)
        earlier = self.by_chain.get(step.previous)
        if earlier is None and step.previous != GENESIS:
            detail = f"no segment has the link {_short(step.previous)} that comes before the record {step.first}"
            yield self._finding("chain-hole", detail, step)
        if not _rises(step, earlier):
            yield self._finding("chain-order", f"{step.first} to {step.last} does not lie behind the link before", step)

    def _of_checkpoint(self) -> Iterator[Finding]:
        before, after = self.before, self.after
        if before is not None and before.chain != GENESIS:
            head = self.by_chain.get(before.chain)
            if head is None:
                yield self._finding(
                    "checkpoint-ahead", f"no segment has the link of its last record {before.sequence_no}"
                )
            elif head.last != before.sequence_no:
                yield self._finding("checkpoint-position", f"it says {before.sequence_no}, the chain {head.last}", head)
        elif before is not None and before.sequence_no:
            yield self._finding("checkpoint-position", f"it says {before.sequence_no}, and has no chain")
        if after is not None:
            unknown = [step for step in self.followers.get(after.chain, ()) if not step.is_late]
            if unknown:
                yield self._finding("checkpoint-behind", f"it says {after.sequence_no or 'nothing'}", unknown[0])
        if before is None and after is None and self._is_young():
            yield self._finding("checkpoint-missing", "no row, and its last segment is younger than rows live")

    def _is_young(self) -> bool:
        # The row of a late link's shard may be younger than both readings.
        return any(step.committed_at > self.begun_at - ROWS_LIVE_SECONDS for step in self.steps if not step.is_late)

    @property
    def ends(self) -> tuple[str, str]:
        """(the lowest, the highest sequence number); empty for a shard without records."""
        if not self.steps:
            return "", ""
        return min((s.first for s in self.steps), key=number), max((s.last for s in self.steps), key=number)

    def _finding(self, code: str, detail: str, step: Step | None = None) -> Finding:
        segment = step.segment if step else ""
        return Finding(code, detail, segment, stream=self.stream_arn, shard=self.shard_id)


def check_chains(state: State) -> None:
    """All shards, once."""
    if state.fact("chains"):
        return
    with state.step():
        ends: dict[tuple[str, str], tuple[str, str]] = {}
        parents: dict[tuple[str, str], str] = {}
        for chain in chains_of(state):
            state.find(*chain.findings())
            key = chain.stream_arn, chain.shard_id
            ends[key] = chain.ends
            row = chain.before or chain.after
            if row is not None and row.parent:
                parents[key] = row.parent
        state.find(*_child_findings(ends, parents))
        state.set_fact("chains", "checked")


def chains_of(state: State) -> Iterator[Chain]:
    """Each shard with its links, one after the other."""
    last = 0
    while found := state.db.execute(_SHARD + " WHERE number > ? ORDER BY number LIMIT 1", (last,)).fetchone():
        last = found[0]
        yield _chain(state, *found)


def chain_of_shard(state: State, stream_arn: str, shard_id: str) -> Chain | None:
    """None if neither a row nor a link of the shard was seen."""
    query = _SHARD + " WHERE stream_arn = ? AND shard_id = ?"
    found = state.db.execute(query, (stream_arn, shard_id)).fetchone()
    return _chain(state, *found) if found else None


_SHARD = "SELECT number, stream_arn, shard_id, before, after FROM shards"


def _chain(state: State, shard: int, stream_arn: str, shard_id: str, before: str | None, after: str | None) -> Chain:
    """The links in the order in which they were committed."""
    rows = state.db.execute(
        "SELECT segment_id, committed_at, is_late, first, last, count, sequences, previous, chain"
        " FROM links JOIN segments ON ordinal = segment WHERE shard = ? ORDER BY committed_at, ordinal",
        (shard,),
    )
    steps = [Step(*row[:6], *(part.hex() for part in row[6:])) for row in rows]
    return Chain(stream_arn, shard_id, _row(before), _row(after), int(state.fact("begun_at")), steps)


def check_counts(state: State) -> None:
    """What can be counted only when each line was read: records of a shard, entries about coverage."""
    if state.fact("counts"):
        return
    with state.step():
        if not state.one("SELECT count(*) FROM segments WHERE is_asked AND NOT is_whole"):
            state.find(*_record_findings(state))
        state.find(*_coverage_findings(state))
        state.set_fact("counts", "checked")


def number(sequence_no: str) -> int:
    """For comparing; what is no number comes before all."""
    return int(sequence_no) if sequence_no.isascii() and sequence_no.isdigit() else -1


_COUNTS = """
SELECT stream_arn, shard_id, before, after,
  (SELECT sum(count) FROM records WHERE shard = number),
  (SELECT sum(count) FROM links JOIN segments ON ordinal = segment WHERE shard = number AND NOT is_late)
FROM shards WHERE before IS NOT NULL
"""
"""Each checkpoint, its records in the log, and those of them that its links count."""


def _record_findings(state: State) -> Iterator[Finding]:
    for stream_arn, shard_id, before, after, found, numbered in state.db.execute(_COUNTS):
        least, most = _row(before), _row(after)
        if least is None:
            continue
        known = found or 0
        # A row that recovery made again has counted those with a number only.
        if known < least.records or (most is not None and (numbered or 0) > most.records):
            detail = f"it counts {least.records} records, the log has {known}"
            yield Finding("checkpoint-records", detail, stream=stream_arn, shard=shard_id)


def _coverage_findings(state: State) -> Iterator[Finding]:
    streams = state.db.execute("SELECT stream_arn, before FROM streams WHERE before IS NOT NULL").fetchall()
    for stream_arn, count in streams:
        found = {
            number for (number,) in state.db.execute("SELECT number FROM coverage WHERE stream_arn = ?", (stream_arn,))
        }
        for missing in [number for number in range(1, count + 1) if number not in found][:1000]:
            yield Finding("coverage-hole", f"no entry has the number {missing} of {count}", stream=stream_arn)


def _child_findings(
    ends: Mapping[tuple[str, str], tuple[str, str]], parents: Mapping[tuple[str, str], str]
) -> Iterator[Finding]:
    for (stream, shard), parent in parents.items():
        first, last = ends[stream, shard][0], ends.get((stream, parent), ("", ""))[1]
        if first and last and number(first) <= number(last):
            detail = f"its first record is {first}, the last of its parent {parent} is {last}"
            yield Finding("child-order", detail, stream=stream, shard=shard)


def _rises(step: Step, earlier: Step | None) -> bool:
    is_ordered = number(step.first) <= number(step.last)
    return is_ordered and (earlier is None or number(earlier.last) < number(step.first))


def _row(facts: str | None) -> ShardRow | None:
    return ShardRow(**json.loads(facts)) if facts else None


def _short(chain: str) -> str:
    return "the shard's beginning" if chain == GENESIS else chain[:16]
