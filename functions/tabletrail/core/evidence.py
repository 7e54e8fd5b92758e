"""Which row of the outbox tells of which record: from records, rows and claims alone.

Rules
- The write of a mark and its row are one transaction, so both are there or neither. Of the records that bring the mark
  to its item the first one is that write: it claims the mark, and whoever comes later is a copy that was put back.
- It claims it even where nobody can be named by it: the mark has no row, its clock was wrong, or another write overtook
  it. Else a copy could come, pass for the write and be believed.
- So the name is certain if no record before it can have been missed: the mark was made after the stream began, and the
  shard has no gap. Else it is likely.
- A row whose author is not the mark's: one of the two is wrong. Nobody knows which, so both are candidates.
- A marked delete is two records. Its row is written with the removal, which claims it apart.
- A plain delete is joined by time: the rows of this item that were made from `BEFORE_SECONDS` before the record's
  second until `AFTER_SECONDS` behind it, that are not of the delete which the item's own mark announces, and that no
  earlier removal has. One is likely the remover's, of several any may be.
- A claim of a later record of the same stream is one of a run that died: it does not count, so that this record gets
  the same rows as it did then.

Called by `tabletrail.outbox`, for tables whose policy says that writers use it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.change import ACTIONS, seconds_of, sequence_of
from tabletrail.core.marks import ATTRIBUTE, DELETE, Deed, Mark, id_in, made_ms, marks_of
from tabletrail.core.outbox import (
    DELETED,
    MOST_CANDIDATES,
    NO_EVIDENCE,
    PUT,
    UPDATE,
    Evidence,
    OutboxRow,
    RowClaim,
    RowKey,
    Span,
    Way,
    author_of,
    claim_key,
    id_span,
    item_digest,
)

BEFORE_SECONDS, AFTER_SECONDS = 60, 5
"""Between a plain delete's row and its record: a transaction that was tried again, and clocks that are wrong."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What is known of the stream that records come from.

    `sure_from_ms`: a mark that was made then or later, in milliseconds since the epoch, came to be while all records
    were read; None if that can be said of none. `are_deletes_marked`: the table refuses other deletes.
    """

    stream_arn: str
    table: str
    sure_from_ms: int | None = None
    are_deletes_marked: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """What one record asks. `mark` is its own; `span` is where rows of plain deletes are looked for, if nothing lies at
    its key; rows with `other_id` are none of them. `seconds` is the record's time.

    `is_foreign`: the mark came with the change and is of this item, but does not pass for its own. It tells nothing,
    and no copy of it shall.
    """

    claimant: str
    item: str
    seconds: int
    mark: Mark | None = None
    is_removal: bool = False
    is_foreign: bool = False
    is_sure: bool = False
    span: Span | None = None
    other_id: str = ""

    @property
    def key(self) -> RowKey | None:
        """Where the row of its mark lies."""
        return RowKey(self.item, self.mark.id) if self.mark else None

    @property
    def way(self) -> Way:
        """How it is joined with that row."""
        return Way.REMOVED if self.is_removal else Way.WRITTEN


@dataclass(frozen=True, slots=True)
class Choice:
    """What a record is told, if its claim is granted or none is made, and if it is refused."""

    granted: Evidence
    claim: RowClaim | None = None
    refused: Evidence = NO_EVIDENCE


NO_CHOICE = Choice(NO_EVIDENCE)
_COPY = Evidence(is_copy=True)


def ask_of(record: dict[str, Any], reading: Reading) -> Ask | None:
    """None for a record of which no row can tell anything. Never raises: what is wrong with a record, its conversion
    will say."""
    try:
        return _ask(record, reading)
    except Exception:  # as in `entry.convert`: whatever a record holds
        return None


def _ask(record: dict[str, Any], reading: Reading) -> Ask | None:
    data, action = record["dynamodb"], ACTIONS[record["eventName"]]
    old, new = data.get("OldImage"), data.get("NewImage")
    is_removal = action == "remove"
    if record.get("userIdentity") or not (is_removal or ATTRIBUTE in new):
        return None
    seconds, keys = seconds_of(data), data["Keys"]
    marks = marks_of(Deed(action, reading.table, keys, seconds), old, new)
    mark = marks.last if marks.is_foreign else marks.own
    item = item_digest(reading.table, keys)
    if not item or not (mark or is_removal):
        return None
    span = None
    if is_removal and not (mark and reading.are_deletes_marked):
        span = Span(item, *id_span((seconds - BEFORE_SECONDS) * 1000, (seconds + AFTER_SECONDS) * 1000 + 999))
    is_sure = mark is not None and reading.sure_from_ms is not None and made_ms(mark.id) >= reading.sure_from_ms
    claimant = claimant_of(reading.stream_arn, sequence_of(data))
    other_id = id_in(old) if is_removal else ""
    return Ask(claimant, item, seconds, mark, is_removal, marks.is_foreign, is_sure, span, other_id)


def claimant_of(stream_arn: str, sequence_no: str) -> str:
    """The name under which a record claims."""
    return f"{stream_arn}#{sequence_no}"


@dataclass(slots=True)
class Joining:
    """Rows and claims as they were read, for records that are asked about in their order.

    `claimants` has those of the rows in `deletes`, by `keys_of`. `claims` are those that the records asked about so far
    will make: the first of a cycle's records alone tries.
    """

    rows: Mapping[RowKey, OutboxRow]
    deletes: Mapping[Span, Sequence[OutboxRow]] = field(default_factory=dict)
    claimants: Mapping[str, str] = field(default_factory=dict)
    claims: dict[str, str] = field(default_factory=dict)

    def choose(self, ask: Ask) -> Choice:
        """What the record is told; its claim is noted."""
        if ask.mark is not None:
            if ask.is_foreign:
                return self._claiming(ask, ask.mark.id, ask.way, NO_EVIDENCE, NO_EVIDENCE)
            row = joined(ask, self.rows)
            if row is not None:
                return self._claiming(ask, ask.mark.id, ask.way, _told_by(row, ask.mark, is_sure=ask.is_sure))
            if not ask.is_removal:
                return self._claiming(ask, ask.mark.id, ask.way, NO_EVIDENCE)
        return self._by_time(ask) if ask.span else NO_CHOICE

    def choose_unread(self, ask: Ask) -> Choice:
        """The same where the outbox could not be read: no name comes from it, and no copy gets one later."""
        unread, copy = Evidence(is_unread=True), Evidence(is_copy=True, is_unread=True)
        if ask.mark is None:
            return Choice(unread)
        if ask.is_foreign:
            return self._claiming(ask, ask.mark.id, ask.way, NO_EVIDENCE, NO_EVIDENCE)
        return self._claiming(ask, ask.mark.id, ask.way, unread, copy)

    def _by_time(self, ask: Ask) -> Choice:
        rows = self._free(ask, deletes_for(ask, self.deletes))
        authors = [*dict.fromkeys([*([author_of(ask.mark)] if ask.mark else []), *(row.author for row in rows)])]
        if ask.mark is not None:
            return Choice(Evidence(candidates=tuple(authors[:MOST_CANDIDATES]))) if len(authors) > 1 else NO_CHOICE
        if len(rows) == 1:
            return self._claiming(ask, rows[0].id, Way.NEAR, Evidence(rows[0], "likely"), NO_EVIDENCE)
        return Choice(Evidence(candidates=tuple(authors[:MOST_CANDIDATES]))) if rows else NO_CHOICE

    def _free(self, ask: Ask, rows: Iterable[OutboxRow]) -> list[OutboxRow]:
        """Those that no other removal has; the one alone that this record has already."""
        free: list[OutboxRow] = []
        for row in rows:
            of_its_mark, of_near = keys_of(row)
            if self._claimant(of_near) == ask.claimant:
                return [row]
            if not (self._is_taken(of_its_mark, ask) or self._is_taken(of_near, ask)):
                free.append(row)
        return free

    def _claimant(self, key: str) -> str | None:
        return self.claims.get(key) or self.claimants.get(key)

    def _is_taken(self, key: str, ask: Ask) -> bool:
        claimant = self._claimant(key)
        return claimant is not None and (key in self.claims or not _is_later(claimant, ask.claimant))

    def _claiming(self, ask: Ask, row_id: str, way: Way, granted: Evidence, refused: Evidence = _COPY) -> Choice:
        key = claim_key(RowKey(ask.item, row_id), way)
        if self.claims.setdefault(key, ask.claimant) != ask.claimant:
            return Choice(refused)
        return Choice(granted, RowClaim(key, ask.claimant), refused)


def keys_of(row: OutboxRow) -> tuple[str, str]:
    """The claims by which a removal has this row: by its mark, and by its time."""
    key = RowKey(row.item, row.id)
    return claim_key(key, Way.REMOVED), claim_key(key, Way.NEAR)


def joined(ask: Ask, rows: Mapping[RowKey, OutboxRow]) -> OutboxRow | None:
    """The row that was written with the record's own mark: of this id, this item and this kind of write."""
    row = rows.get(ask.key) if ask.key else None
    is_delete = ask.is_removal or (ask.mark is not None and ask.mark.intent == DELETE)
    return row if row is not None and row.action in ({DELETED} if is_delete else {PUT, UPDATE}) else None


def deletes_for(ask: Ask, deletes: Mapping[Span, Sequence[OutboxRow]]) -> list[OutboxRow]:
    """The rows that may be of the plain delete which the record is, claimed or not."""
    span = ask.span
    if span is None:
        return []
    return [
        row
        for row in deletes.get(span, ())
        if row.action == DELETED
        and row.item == span.item
        and span.first_id <= row.id <= span.last_id
        and row.id != ask.other_id
    ]


def settled(choice: Choice, refused: frozenset[str]) -> Evidence:
    """What the record is told, when it is known which claims were refused."""
    return choice.refused if choice.claim is not None and choice.claim.key in refused else choice.granted


def _told_by(row: OutboxRow, mark: Mark, *, is_sure: bool) -> Evidence:
    if row.author != author_of(mark):
        return Evidence(candidates=(author_of(mark), row.author))
    return Evidence(row, "certain" if is_sure else "likely")


def _is_later(claimant: str, than: str) -> bool:
    """True if it is a record of the same stream that comes behind."""
    stream, _, number = claimant.rpartition("#")
    own_stream, _, own_number = than.rpartition("#")
    return stream == own_stream and number.isdigit() and int(number) > int(own_number)
