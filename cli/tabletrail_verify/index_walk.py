"""The whole index against the log's entries, both in the order of ids, a bounded number at a time.

Rules
- What a marked segment holds must be there; what another holds may be. An absence counts only when a get by id, which
  does not wait for a refresh, confirms it.
- A document of a segment that was committed after the cut is none of this verification's matter; its row says so.
- Entries of closed indices are not compared and that is said; an index that is gone is one finding, not one an entry.

Called by `verification`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from tabletrail_verify import canonical_form as form
from tabletrail_verify.findings import Finding
from tabletrail_verify.index_document import Hit, Place, judge, judge_retried
from tabletrail_verify.index_pages import IndexPages
from tabletrail_verify.log_walk import Progress
from tabletrail_verify.state import State

CHUNK_ENTRIES = 1_000
CHUNK_BYTES = 8 << 20
"""Of the lines in the log: what a search answers with is not more."""
_GET_AT_ONCE = 200


@dataclass(slots=True)
class IndexWalk:
    """`is_committed` asks the table for one segment's row, now."""

    pages: IndexPages
    state: State
    is_committed: Callable[[str], bool]
    progress: Progress
    open: frozenset[str] = frozenset()
    _strangers: dict[str, bool] = field(default_factory=dict)
    """Segments that the cut does not have: committed meanwhile?"""

    def run(self) -> None:
        """Goes on behind the last chunk that was done."""
        self._look_at_indices()
        total = self.state.one("SELECT count(*) FROM entries")
        done = int(self.state.fact("index_entries") or 0)
        while not self.state.fact("index"):
            with self.state.step():
                done += self._chunk(self.state.fact("index_reached"))
                self.state.set_fact("index_entries", str(done))
            self.progress("documents", done, total, done)

    def _look_at_indices(self) -> None:
        self.open = self.pages.names("open")
        closed = self.pages.names("closed")
        used = [name for (name,) in self.state.db.execute("SELECT name FROM indices ORDER BY name")]
        with self.state.step():
            for name in sorted(closed):
                self.state.note(f"the index {name} is closed: its documents were not compared")
            for name in used:
                due = self.state.one(_DUE_IN_INDEX, name)
                if name not in self.open and name not in closed and due:
                    self.state.find(Finding("index-missing", f"{due} entries of the log should be there", index=name))

    def _chunk(self, low: str) -> int:
        """Entries compared; the last chunk has no upper bound, so that it sees what sorts behind all entries."""
        high = self._end_of_chunk(low)
        places = self._places(low, high)
        seen: set[tuple[str, str]] = set()
        for hit in self.pages.between(low, high):
            self._hit(hit, places, seen)
        self._missing([place for one in places.values() for place in one if (place.id, place.index) not in seen])
        if high:
            self.state.set_fact("index_reached", high)
        else:
            for hit in self.pages.without_id():
                self._unknown(hit, "it has no event.id")
            self.state.set_fact("index", "walked")
        return sum(map(len, places.values()))

    def _end_of_chunk(self, low: str) -> str:
        rows = self.state.db.execute(
            "SELECT id, size FROM entries WHERE id > ? ORDER BY id LIMIT ?", (bytes.fromhex(low), CHUNK_ENTRIES)
        ).fetchall()
        size = 0
        for id_, line in rows:
            size += line
            if size >= CHUNK_BYTES:
                return str(id_.hex())
        return str(rows[-1][0].hex()) if len(rows) == CHUNK_ENTRIES else ""

    def _places(self, low: str, high: str) -> dict[str, list[Place]]:
        bounds = bytes.fromhex(low), bytes.fromhex(high or "ff" * 33)
        return self._grouped(self.state.db.execute(_PLACES + " WHERE id > ? AND id <= ?", bounds))

    def _grouped(self, rows: Iterator[tuple[bytes, bytes, str, int, str, int]]) -> dict[str, list[Place]]:
        found: dict[str, list[Place]] = defaultdict(list)
        for id_, hash_, segment, line, index, due in rows:
            place = Place(id_.hex(), hash_.hex(), segment, line, index, bool(due))
            found[place.id].append(place)
        return found

    def _hit(self, hit: Hit, places: dict[str, list[Place]], seen: set[tuple[str, str]]) -> None:
        id_ = form.field(hit.source, "event.id")
        original = form.field(hit.source, "tabletrail.supersedes")
        if isinstance(id_, str) and id_ in places:
            code, detail = judge(hit, places[id_])
            if hit.id == id_:
                if (id_, hit.index) in seen:
                    code, detail = "document-doubled", "two indices that stand for the same name have it"
                seen.add((id_, hit.index))
            self._find(code, detail, hit, id_)
        elif isinstance(original, str) and self._of(original):
            self._find(*judge_retried(hit, original, self._of(original)), hit, hit.id)
        else:
            self._unknown(hit, "the log has no entry with its event.id")

    def _of(self, id_: str) -> list[Place]:
        try:
            key = bytes.fromhex(id_)
        except ValueError:
            return []
        return self._grouped(self.state.db.execute(_PLACES + " WHERE id = ?", (key,))).get(id_, [])

    def _unknown(self, hit: Hit, detail: str) -> None:
        """Foreign, unless its segment is one that this verification does not know or could not read."""
        segment = str(form.field(hit.source, "log.segment"))
        row = self.state.db.execute(
            "SELECT is_asked AND is_whole, is_asked FROM segments WHERE segment_id = ?", (segment,)
        ).fetchone()
        if row is not None and not row[0]:
            return  # not asked for, committed after the cut, or damaged: that is a finding of its own
        if row is None:
            if self._is_newer(segment):
                return
            detail = "its segment has no row in the table `segments`"
        self._find("document-foreign", detail, hit, str(form.field(hit.source, "event.id") or hit.id))

    def _is_newer(self, segment: str) -> bool:
        if segment not in self._strangers:
            if len(self._strangers) >= 10_000:
                self._strangers.clear()
            self._strangers[segment] = self.is_committed(segment)
        return self._strangers[segment]

    def _missing(self, places: list[Place]) -> None:
        waiting = iter([place for place in places if place.is_due and place.index in self.open])
        while batch := list(islice(waiting, _GET_AT_ONCE)):
            present = self.pages.present([(place.index, place.id) for place in batch])
            for place in batch:
                if (place.index, place.id) not in present:
                    where = {"segment": place.segment, "line": place.line, "index": place.index}
                    self.state.find(Finding("document-missing", "no document has its id", entry=place.id, **where))  # type: ignore[arg-type]

    def _find(self, code: str, detail: str, hit: Hit, entry: str) -> None:
        if code:
            segment, line = form.field(hit.source, "log.segment"), form.field(hit.source, "log.line")
            self.state.find(
                Finding(
                    code,
                    detail,
                    segment=segment[:200] if isinstance(segment, str) else "",
                    line=line if isinstance(line, int) else 0,
                    entry=entry[:64],
                    index=hit.index,
                )
            )


_PLACES = """
SELECT id, hash, segment_id, line, name, is_marked FROM entries
JOIN segments ON ordinal = entries.segment JOIN indices ON indices.number = idx
"""
_DUE_IN_INDEX = """
SELECT count(*) FROM entries JOIN segments ON ordinal = entries.segment JOIN indices ON indices.number = idx
WHERE name = ? AND is_marked
"""
