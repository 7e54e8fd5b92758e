"""One verification from beginning to end.

    1 cut         which segments and checkpoints it is about          cut
    2 chains      by the rows alone                                   chains
    3 segments    each object, line by line                           log_walk
    4 counts      records, coverage, entries that stand twice         chains, here
    5 index       every document                                      index_walk
    6 stream      every record of the last 24 hours                   stream_walk

Rules
- Each step goes on where a killed run left it, about the same cut.
- Memory does not grow with the log: what is known of each entry lies in the state's file, and a shard's links, or a
  thousand entries, are in memory at a time.

Called by the command `tabletrail verify` and by benchmarks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tabletrail_verify.chains import check_chains, check_counts
from tabletrail_verify.cut import Cutter, Question, Tables
from tabletrail_verify.entry_rules import SchemaCheck
from tabletrail_verify.findings import Finding
from tabletrail_verify.index_pages import Ask, IndexPages
from tabletrail_verify.index_walk import IndexWalk
from tabletrail_verify.log_walk import LogWalk, Progress, get_object
from tabletrail_verify.published_rules import PublishedRules
from tabletrail_verify.rows import has_segment
from tabletrail_verify.shown_values import Key, ShownValues, no_key
from tabletrail_verify.state import State
from tabletrail_verify.stream_pages import StreamPages
from tabletrail_verify.stream_walk import StreamWalk

KEY_PREFIX = "segments/"
NOTHING_ASKED = (
    "any entry, as the log has none that these options leave: are the table's name, the period and the times right?"
)
"""A note: a name that is misspelt must not pass for a whole log."""


@dataclass(frozen=True, slots=True)
class Clients:
    """boto3's clients, and one way to ask OpenSearch."""

    dynamodb: Any
    s3: Any
    streams: Any
    search: Ask


@dataclass(frozen=True, slots=True)
class Wish:
    """What is checked beside rows, chains and segments."""

    question: Question = field(default_factory=Question)
    index: bool = True
    stream: bool = False
    all_schemas: bool = False
    orphans: bool = False


@dataclass(slots=True)
class Result:
    """`counts` are findings by code; `notes` say what was not checked; `records` were compared with the stream."""

    begun_at: int
    segments: int
    entries: int
    waiting: int
    """Entries that are not marked as indexed yet."""
    records: int
    requests: int
    """GetRecords calls of this run."""
    orphans: int
    counts: dict[str, int]
    notes: list[str]

    @property
    def is_clean(self) -> bool:
        return not self.counts


@dataclass(slots=True)
class Verification:
    clients: Clients
    tables: Tables
    bucket: str
    state: State
    wish: Wish
    schema: SchemaCheck
    progress: Progress
    now: Callable[[], float]
    pause: Callable[[float], None]
    notes: list[str] = field(default_factory=list)
    """What will not be checked, as the caller knows."""
    key: Key = no_key

    def run(self) -> Result:
        """Whatever a client raises ends it; said again, it goes on."""
        question = self.wish.question
        Cutter(self.clients.dynamodb, self.tables, self.state, question, self.now, self.pause).take()
        check_chains(self.state)
        self._log_walk().run()
        self._sort()
        if question.is_whole:
            check_counts(self.state)
            self._find_astray()
        self._find_doubles()
        if self.wish.index:
            self._index_walk()
        stream = self._stream_walk() if self.wish.stream else None
        orphans = sum(1 for _ in self._orphans()) if self.wish.orphans else 0
        return self._result(stream, orphans)

    def findings(self, limit: int) -> Iterator[Finding]:
        return self.state.findings(limit)

    def _log_walk(self) -> LogWalk:
        wish = self.wish
        values = ShownValues(PublishedRules(self.clients.s3, self.bucket, self.state.find), self.key)
        return LogWalk(
            self.clients.s3,
            self.bucket,
            self.state,
            wish.question,
            self.schema,
            values,
            wish.all_schemas,
            self.progress,
        )

    def _sort(self) -> None:
        """SQLite sorts in files where there is much."""
        with self.state.step():
            self.state.db.execute("CREATE INDEX IF NOT EXISTS entries_by_id ON entries (id)")

    def _find_doubles(self) -> None:
        with self.state.step():
            doubles = self.state.db.execute("SELECT id, count(*) FROM entries GROUP BY id HAVING count(*) > 1")
            for id_, count in doubles:
                places = self.state.db.execute(
                    "SELECT segment_id, line FROM entries JOIN segments ON ordinal = segment WHERE id = ?"
                    " ORDER BY ordinal, line LIMIT 3",
                    (id_,),
                ).fetchall()
                (segment, line), *others = places
                also = ", ".join(f"line {line} of {segment}" for segment, line in others)
                self.state.find(Finding("entry-doubled", f"{count} times, also at {also}", segment, line, id_.hex()))

    def _find_astray(self) -> None:
        """What CloudTrail says of changes that are not there. With a segment that cannot be read any may be in it."""
        if self.state.one("SELECT count(*) FROM segments WHERE is_asked AND NOT is_whole"):
            return
        with self.state.step():
            astray = self.state.db.execute(
                "SELECT segment_id, line, about FROM abouts JOIN segments ON ordinal = segment"
                " WHERE about NOT IN (SELECT id FROM entries) ORDER BY ordinal, line"
            )
            for segment, line, about in astray.fetchall():
                self.state.find(Finding("about-missing", f"no entry has the id {about.hex()}", segment, line))

    def _index_walk(self) -> None:
        question = self.wish.question
        pages = IndexPages(self.clients.search, question.table, question.index, question.since, question.until)
        walk = IndexWalk(pages, self.state, self._is_committed, self.progress)
        walk.run()

    def _is_committed(self, segment_id: str) -> bool:
        return bool(segment_id) and has_segment(self.clients.dynamodb, self.tables.segments, segment_id)

    def _stream_walk(self) -> StreamWalk:
        walk = StreamWalk(
            StreamPages(self.clients.streams, self.pause),
            self.state,
            lambda row: get_object(self.clients.s3, self.bucket, row),
            self.now,
            self.progress,
            self.wish.question.table,
        )
        walk.run()
        return walk

    def _orphans(self) -> Iterator[str]:
        """Keys of objects without a row. They never happened, and are no damage."""
        start: dict[str, str] = {}
        while True:
            reply = self.clients.s3.list_objects_v2(Bucket=self.bucket, Prefix=KEY_PREFIX, **start)
            for one in reply.get("Contents", ()):
                segment = str(one["Key"]).rsplit("/", 1)[-1].removesuffix(".ndjson.gz")
                known = self.state.one("SELECT count(*) FROM segments WHERE segment_id = ?", segment)
                if not known and not self._is_committed(segment):
                    yield str(one["Key"])
            if not reply.get("IsTruncated"):
                return
            start = {"ContinuationToken": reply["NextContinuationToken"]}

    def _result(self, stream: StreamWalk | None, orphans: int) -> Result:
        one = self.state.one
        entries = one("SELECT count(*) FROM entries")
        is_misspelt = not entries and not self.wish.question.is_whole
        return Result(
            begun_at=int(self.state.fact("begun_at")),
            segments=one("SELECT count(*) FROM segments WHERE is_asked"),
            entries=entries,
            waiting=one("SELECT count(*) FROM entries JOIN segments ON ordinal = segment WHERE NOT is_marked"),
            records=stream.records if stream else 0,
            requests=stream.pages.requests if stream else 0,
            orphans=orphans,
            counts=self.state.counts(),
            notes=[*self.notes, *self.state.notes(), *([NOTHING_ASKED] if is_misspelt else [])],
        )
