"""Which tables are audited: tagged or named ones join, others leave, streams are replaced.

Rules
- A missing stream is switched on only where the settings allow it. A wrong view type is reported and never changed.
- The tagging API lags: a table leaves only when its own tags say so.
- A stream that was switched off and on has a new ARN: both are read to their end, and the time between is a possible
  gap, because no stream saw it.
- A table that left is read on for a while: changes made before it left are still in its stream.

Called by `tabletrail.plan`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from tabletrail.core.checkpoint import NO_RULES, StreamRow, StreamState
from tabletrail.coverage import Coverage
from tabletrail.deadline import Deadline
from tabletrail.errors import TabletrailError, TransientError
from tabletrail.ports import Checkpoints, Clock, RunNotes, Tables, TableView
from tabletrail.settings import Settings

VIEW_TYPE = "NEW_AND_OLD_IMAGES"
TTL_SECONDS = 6 * 3600
"""A table's TTL attribute is read so often at most: it changes hardly ever, and never twice in an hour."""
TTL_READS = 10
"""In one run at most: thirty a minute, of the whole account, were reported to be too many already."""


@dataclass(slots=True)
class Membership:
    """Brings the streams' rows in line with the account's tables. `problems` are sentences for the report."""

    tables: Tables
    checkpoints: Checkpoints
    coverage: Coverage
    notes: RunNotes
    clock: Clock
    settings: Settings
    problems: list[str] = field(default_factory=list)
    rules_version: str = NO_RULES
    holds_told: int = 0
    """What a stream that joins need not be told any more."""
    """Under which a stream joins."""
    gaps: int = 0
    """Gap entries that were committed with a coverage entry."""
    ttl_reads: int = 0

    def update(self, rows: Iterable[StreamRow], deadline: Deadline) -> list[StreamRow]:
        """The rows as they are afterwards. What the deadline cuts off is done by the next run."""
        current = {row.stream_arn: row for row in rows}
        wanted = self.tables.tagged() | self.tables.named(self.settings.names)
        active = {row.table_arn: row for row in current.values() if row.state is StreamState.ACTIVE}
        for table_arn in sorted(wanted - active.keys()):
            if deadline.passed():
                break
            current |= self._each(table_arn, self._joined)
        for table_arn in sorted(active.keys() - wanted):
            if deadline.passed():
                break
            current |= self._each(table_arn, lambda arn: self._left(active[arn]))
        return list(current.values())

    def _each(self, table_arn: str, work: Callable[[str], dict[str, StreamRow]]) -> dict[str, StreamRow]:
        """One table in trouble is a problem in the report, and nothing to the others."""
        try:
            return work(table_arn)
        except TabletrailError as error:
            self.problems.append(f"{table_arn}: {error}")
            return {}

    def check(self, row: StreamRow) -> dict[str, StreamRow]:
        """The stream's row with its table's present facts; more rows if the table has another stream, or none, now."""
        view = self.tables.view(row.table_arn)
        if view is None:
            return self._ending(row, "table_deleted")
        if view.stream_enabled and view.stream_arn == row.stream_arn:
            present = replace(row, service=view.service, partition_key=view.partition_key)
            return {row.stream_arn: self._with_ttl(present)}
        if not view.stream_enabled and not self._may_enable(view):
            return self._ending(row, "stream_disabled")
        if view.stream_enabled and view.view_type != VIEW_TYPE:
            self._tell_view_type(view)
            return self._ending(row, "view_type")
        # The new one first, with its gap: if this run ends in between, the next finds the old one still to be ended.
        joined = self._join(view, gap="stream_replaced")
        return {**joined, **self._ending(row, "stream_replaced")} if joined else {}

    def _joined(self, table_arn: str) -> dict[str, StreamRow]:
        view = self.tables.view(table_arn)
        if view is None or not (view.stream_enabled or self._may_enable(view)):
            return {}
        return self._join(view)

    def _may_enable(self, view: TableView) -> bool:
        if self.settings.missing_streams == "enable":
            return True
        self.problems.append(f"{view.name}: has no stream; switch it on, or deploy with MissingStreams=enable")
        return False

    def _join(self, view: TableView, gap: str = "") -> dict[str, StreamRow]:
        if view.stream_enabled and view.view_type != VIEW_TYPE:
            self._tell_view_type(view)
            return {}
        stream_arn = view.stream_arn if view.stream_enabled else None
        stream_arn = stream_arn or self.tables.enable_stream(view.name)
        before = self.checkpoints.stream(stream_arn)
        if before is not None and before.state is StreamState.ACTIVE:
            return {before.stream_arn: before}
        if before is None:
            gap = gap or self._replaced_by_hand(view.arn, stream_arn)
        row = self.coverage.move(before, self._active(view, stream_arn, before), "joined", gap=gap)
        if row is None:
            return {}
        self.gaps += bool(gap)
        return {stream_arn: row}

    def _tell_view_type(self, view: TableView) -> None:
        advice = f"see `tabletrail onboard {view.name}`"
        self.problems.append(f"{view.name}: its stream carries {view.view_type}, not both images; {advice}")

    def _replaced_by_hand(self, table_arn: str, stream_arn: str) -> str:
        """`tabletrail onboard --replace-stream` leaves a note where it made this stream of another one."""
        note = self.notes.read(f"onboard#{table_arn}")
        return "stream_replaced" if note.get("new_stream_arn") == stream_arn else ""

    def _active(self, view: TableView, stream_arn: str, before: StreamRow | None) -> StreamRow:
        row = StreamRow(
            stream_arn=stream_arn,
            table_name=view.name,
            table_arn=view.arn,
            table_id=view.id,
            account=view.account,
            region=view.region,
            service=view.service,
            partition_key=view.partition_key,
            table_made_at=view.made_at,
            joined_at=int(self.clock.now()),
            coverage_no=before.coverage_no if before else 0,
            gaps=before.gaps if before else 0,
            rules_version=self.rules_version,
            holds_told=self.holds_told,
            attributed_until=before.attributed_until if before else 0,
            version=before.version if before else 0,
        )
        return self._with_ttl(row)

    def _with_ttl(self, row: StreamRow) -> StreamRow:
        """The row with the table's TTL attribute, if it is time to look. What cannot be had now is had by a later run:
        nothing but a name in entries of removals depends on it."""
        now = int(self.clock.now())
        if self.ttl_reads >= TTL_READS or now - row.ttl_read_at < TTL_SECONDS:
            return row
        self.ttl_reads += 1
        try:
            found = self.tables.ttl_attribute(row.table_name)
        except TransientError:
            self.ttl_reads = TTL_READS
            return row
        except TabletrailError as error:
            self.problems.append(f"{row.table_name}: its TTL attribute cannot be read: {error}")
            return row
        return replace(row, ttl_attribute=found or row.ttl_attribute, ttl_read_at=now)

    def _left(self, row: StreamRow) -> dict[str, StreamRow]:
        if row.table_name in self.settings.names or self.tables.is_tagged(row.table_arn):
            return {}
        exists = self.tables.view(row.table_arn) is not None
        return self._ending(row, "left" if exists else "table_deleted")

    def _ending(self, row: StreamRow, what: str) -> dict[str, StreamRow]:
        ending = replace(row, state=StreamState.ENDING, is_enabled=False, ending_at=int(self.clock.now()))
        moved = self.coverage.move(row, ending, what)
        return {row.stream_arn: moved} if moved else {}
