"""Every record that the stream still has, against the log: the one check that shows a record skipped inside a commit.

Rules
- A closed shard whose checkpoint says that it is finished must be in the log to its end; any other one up to its
  checkpoint, as it was before the segments were read.
- Each record's id is derived anew from its eventID and position, and must be an entry's.
- Each link that the stream still covers must be over exactly the stream's numbers: so an entry of no record shows too.

Called by `verification`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tabletrail_verify.canonical_form import FormError, hash_of, parse
from tabletrail_verify.canonical_form import field as value_at
from tabletrail_verify.chains import Chain, Step, chain_of_shard, number
from tabletrail_verify.cut import table_of
from tabletrail_verify.entry_rules import change_id, sequence_of, unreadable_id
from tabletrail_verify.findings import Finding
from tabletrail_verify.log_walk import Missing, Progress
from tabletrail_verify.rows import SegmentRow
from tabletrail_verify.segment_object import lines_of
from tabletrail_verify.state import State
from tabletrail_verify.stream_pages import GoneError, ListedShard, Record, StreamPages

RETENTION_SECONDS = 24 * 3600


@dataclass(slots=True)
class Covered:
    """A shard's links, filled with the stream's numbers as they come, in order."""

    steps: list[Step]
    at: int = 0
    numbers: list[str] = field(default_factory=list)
    first: int = -1

    def take(self, sequence_no: str) -> Iterator[tuple[Step, list[str]]]:
        """Links that end before this number and differ from the stream, with the stream's numbers for them."""
        if self.first < 0:
            self.first = number(sequence_no)
        while self.at < len(self.steps) and number(self.steps[self.at].last) < number(sequence_no):
            yield from self.end()
        if self.at < len(self.steps) and number(self.steps[self.at].first) <= number(sequence_no):
            self.numbers.append(sequence_no)

    def end(self) -> Iterator[tuple[Step, list[str]]]:
        """The present link is complete. One that began before the horizon cannot be compared."""
        if self.at < len(self.steps):
            step, numbers = self.steps[self.at], self.numbers
            self.at, self.numbers = self.at + 1, []
            if self.first <= number(step.first) and (len(numbers), hash_of(numbers)) != (step.count, step.sequences):
                yield step, numbers


@dataclass(slots=True)
class StreamWalk:
    """`get` gives a segment's bytes. `records` counts what was compared."""

    pages: StreamPages
    state: State
    get: Callable[[SegmentRow], bytes | Missing]
    now: Callable[[], float]
    progress: Progress
    table: str = ""
    records: int = 0

    def run(self) -> None:
        """Goes on behind the last shard that was done."""
        self.records = int(self.state.fact("records") or 0)
        found = self.state.db.execute("SELECT DISTINCT stream_arn FROM shards ORDER BY stream_arn").fetchall()
        for stream_arn in [arn for (arn,) in found if not self.table or table_of(arn) == self.table]:
            try:
                listed = self.pages.shards(stream_arn)
            except GoneError:
                with self.state.step():
                    self.state.note(f"the stream {stream_arn} is gone: it was not compared")
                continue
            self._stream(stream_arn, listed)

    def _stream(self, stream_arn: str, listed: list[ListedShard]) -> None:
        settled = self._settled(stream_arn, listed)
        for done, shard in enumerate(listed, 1):
            chain = chain_of_shard(self.state, stream_arn, shard.shard_id)
            if chain is None and shard.shard_id in settled:
                chain = Chain(stream_arn, shard.shard_id, None, None, 0, [])
            if chain is not None and not self._is_done(chain):
                self._shard(chain, shard)
            self.progress(f"shards of {table_of(stream_arn)}", done, len(listed), self.records)

    def _settled(self, stream_arn: str, listed: list[ListedShard]) -> set[str]:
        """Listed shards without a row of which a descendant may be read. Such a one counts as finished and gets no row
        any more: whatever it holds must be in the log."""
        parents = {shard.shard_id: shard.parent for shard in listed}
        found = self.state.db.execute("SELECT shard_id, before FROM shards WHERE stream_arn = ?", (stream_arn,))
        rows = {shard_id: json.loads(before) for shard_id, before in found if before}
        settled: set[str] = set()
        for row in rows.values():
            ancestor = row["parent"] if row["parent_processed"] else ""
            while ancestor in parents and ancestor not in rows and ancestor not in settled:
                settled.add(ancestor)
                ancestor = parents[ancestor]
        return settled

    def _shard(self, chain: Chain, shard: ListedShard) -> None:
        limit = self._limit(chain)
        with self.state.step():
            try:
                if limit is not None:
                    self._compare(chain, limit, is_open=not shard.is_closed)
            except GoneError as error:
                self.state.note(f"shard {shard.shard_id} of {chain.stream_arn} was not compared to its end: {error}")
            self.state.shard(chain.stream_arn, chain.shard_id)
            self.state.db.execute(
                "UPDATE shards SET is_compared = 1 WHERE stream_arn = ? AND shard_id = ?",
                (chain.stream_arn, chain.shard_id),
            )
            self.state.set_fact("records", str(self.records))

    def _limit(self, chain: Chain) -> str | None:
        """Up to which number the log must have all: empty is to the end, None is nowhere."""
        row = chain.before
        if row is None:
            # The row has expired, unless it is younger than the first look at the rows.
            is_young = chain.after is not None or any(step.is_late for step in chain.steps)
            return None if is_young else ""
        if row.is_finished:
            return ""
        is_kept = row.last_record_at > self.now() - RETENTION_SECONDS
        return row.sequence_no if row.sequence_no and is_kept else None

    def _compare(self, chain: Chain, limit: str, *, is_open: bool) -> None:
        steps = sorted((step for step in chain.steps if not step.is_late), key=lambda step: number(step.first))
        covered = Covered([step for step in steps if not limit or number(step.last) <= number(limit)])
        for record in self.pages.records(chain.stream_arn, chain.shard_id):
            if limit and number(record.sequence_no) > number(limit):
                break
            if number(record.sequence_no) < 0:
                self.state.note(f"records of shard {chain.shard_id} have no sequence number: they were not compared")
                continue
            self.records += 1
            if not self._is_logged(chain, record):
                detail = f"the record {record.sequence_no} (eventID {record.event_id}) has no entry"
                self.state.find(Finding("record-missing", detail, stream=chain.stream_arn, shard=chain.shard_id))
            self._report(chain, covered.take(record.sequence_no))
            if is_open and limit and number(record.sequence_no) == number(limit):
                break
        while covered.at < len(covered.steps):
            if covered.first < 0:
                return  # the stream has none of it any more
            self._report(chain, covered.end())

    def _is_logged(self, chain: Chain, record: Record) -> bool:
        sequence = record.sequence_no
        ids = (
            change_id(chain.stream_arn, record.event_id, sequence),
            unreadable_id(chain.stream_arn, chain.shard_id, sequence),
        )
        return any(self.state.one("SELECT count(*) FROM entries WHERE id = ?", bytes.fromhex(one)) for one in ids)

    def _report(self, chain: Chain, differing: Iterable[tuple[Step, list[str]]]) -> None:
        """Entries of the link that the stream has no record for. What the link lacks is found record by record."""
        for step, numbers in differing:
            known = set(numbers)
            for line, entry, sequence in self._entries(chain, step.segment):
                if sequence not in known:
                    detail = f"the stream has no record {sequence}"
                    where = {"stream": chain.stream_arn, "shard": chain.shard_id}
                    self.state.find(Finding("record-foreign", detail, step.segment, line, entry, **where))

    def _entries(self, chain: Chain, segment: str) -> Iterator[tuple[int, str, str]]:
        """(line, id, sequence number) of the shard's entries in one segment, as far as it can be read."""
        row = self.state.db.execute("SELECT row FROM segments WHERE segment_id = ?", (segment,)).fetchone()
        body = self.get(SegmentRow.from_facts(json.loads(row[0])))
        if isinstance(body, Missing):
            return
        try:
            for line, data in enumerate(lines_of(body)):
                entry = value_at(parse(data), "entry")
                sequence = sequence_of(entry)
                is_ours = value_at(entry, "stream.shard") == chain.shard_id
                if is_ours and sequence and value_at(entry, "stream.arn") == chain.stream_arn:
                    yield line, str(value_at(entry, "event.id")), sequence
        except FormError:
            return

    def _is_done(self, chain: Chain) -> bool:
        query = "SELECT count(*) FROM shards WHERE is_compared AND stream_arn = ? AND shard_id = ?"
        return bool(self.state.one(query, chain.stream_arn, chain.shard_id))
