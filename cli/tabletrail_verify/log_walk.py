"""Reads each segment's object and checks it; a few are fetched ahead, never more than some bytes.

Called by `verification`.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from tabletrail_verify.cut import Question
from tabletrail_verify.entry_rules import SchemaCheck
from tabletrail_verify.findings import Finding
from tabletrail_verify.rows import SegmentRow
from tabletrail_verify.segment_check import SegmentCheck, SegmentReport
from tabletrail_verify.shown_values import ShownValues
from tabletrail_verify.state import State

FETCHERS = 8
AHEAD_BYTES = 32 << 20
LARGEST_OBJECT = 256 << 20
"""A segment is some 10 MB at most; what is larger was not written by tabletrail and is not read to its end."""
STEP_SECONDS = 2.0
"""How much work a kill may cost."""
_PAGE = 500

Progress = Callable[[str, int, int, int], None]
"""(what, done, total, entries)"""


ARCHIVED = "archived"
_GONE = {
    "NoSuchKey": "object-missing",
    "404": "object-missing",
    "NoSuchVersion": "version-missing",
    "InvalidArgument": "version-missing",  # the row names a version such as S3 does not make
    "MethodNotAllowed": "version-missing",  # the version named is a delete marker
    "405": "version-missing",
    "InvalidObjectState": ARCHIVED,
}


@dataclass(frozen=True, slots=True)
class Missing:
    """`code` of the finding, or ARCHIVED: then it is there and cannot be read."""

    code: str


@dataclass(frozen=True, slots=True)
class LogWalk:
    """`client` is boto3's for S3."""

    client: Any
    bucket: str
    state: State
    question: Question
    schema: SchemaCheck
    values: ShownValues
    all_schemas: bool
    progress: Progress

    def run(self) -> None:
        """Goes on behind the last segment that was done."""
        total = self.state.one("SELECT count(*) FROM segments WHERE is_asked")
        done = self.state.one("SELECT count(*) FROM segments WHERE is_asked AND is_done")
        entries = self.state.one("SELECT count(*) FROM entries")
        waiting = self._fetched()
        while True:
            with self.state.step():
                until = time.monotonic() + STEP_SECONDS
                for ordinal, row, body in waiting:
                    entries += self._settle(ordinal, row, body)
                    done += 1
                    if time.monotonic() >= until:
                        break
                else:
                    break
            self.progress("segments", done, total, entries)
        self.progress("segments", done, total, entries)
        if self.values.uncompared:
            self.state.note("tokens were not compared with the values that they stand for: that needs their key")

    def _settle(self, ordinal: int, row: SegmentRow, body: bytes | Missing) -> int:
        """How many entries are noted."""
        report = self._report(row, body)
        entries = [entry for entry in report.entries if self._is_asked(entry.table, entry.index)]
        self.state.find(*report.findings)
        self.state.add_entries(ordinal, entries)
        records = [(ordinal, self.state.shard(*shard), count) for shard, count in report.records.items()]
        self.state.db.executemany("INSERT INTO records VALUES (?, ?, ?)", records)
        self.state.db.executemany("INSERT INTO coverage VALUES (?, ?)", report.coverage)
        abouts = [(ordinal, line, bytes.fromhex(about)) for line, about in report.abouts]
        self.state.db.executemany("INSERT INTO abouts VALUES (?, ?, ?)", abouts)
        done = (report.is_whole, ordinal)
        self.state.db.execute("UPDATE segments SET is_done = 1, is_whole = ? WHERE ordinal = ?", done)
        return len(entries)

    def _report(self, row: SegmentRow, body: bytes | Missing) -> SegmentReport:
        if isinstance(body, Missing) and body.code == ARCHIVED:
            self.state.note("objects that S3 has archived were not read: restore them first")
            return SegmentReport()
        if isinstance(body, Missing):
            detail = f"{row.key}, version {row.version_id}, with {row.entries} entries"
            return SegmentReport([Finding(body.code, detail, row.segment_id)])
        return SegmentCheck(row, self.schema, self.values, self.all_schemas).run(body)

    def _is_asked(self, table: str, index: str) -> bool:
        asked = self.question
        return (not asked.table or table == asked.table) and (not asked.index or index == asked.index)

    def _fetched(self) -> Iterator[tuple[int, SegmentRow, bytes | Missing]]:
        """In order, with the next ones under way."""
        with ThreadPoolExecutor(FETCHERS) as pool:
            under_way: deque[tuple[int, SegmentRow, Future[bytes | Missing]]] = deque()
            size = 0
            for ordinal, row in self._rows():
                while under_way and (size + row.size > AHEAD_BYTES or len(under_way) >= 2 * FETCHERS):
                    first, oldest, reply = under_way.popleft()
                    size -= oldest.size
                    yield first, oldest, reply.result()
                under_way.append((ordinal, row, pool.submit(self._get, row)))
                size += row.size
            for first, oldest, reply in under_way:
                yield first, oldest, reply.result()

    def _rows(self) -> Iterator[tuple[int, SegmentRow]]:
        """Pages of their own: the table changes while it is read."""
        last = 0
        while True:
            page = self.state.db.execute(
                "SELECT ordinal, row FROM segments WHERE ordinal > ? AND is_asked AND NOT is_done"
                " ORDER BY ordinal LIMIT ?",
                (last, _PAGE),
            ).fetchall()
            for ordinal, row in page:
                yield ordinal, SegmentRow.from_facts(json.loads(row))
                last = ordinal
            if not page:
                return

    def _get(self, row: SegmentRow) -> bytes | Missing:
        return get_object(self.client, self.bucket, row)


def get_object(client: Any, bucket: str, row: SegmentRow) -> bytes | Missing:
    """The bytes of the very version that the row names."""
    try:
        reply = client.get_object(Bucket=bucket, Key=row.key, VersionId=row.version_id)
    except ClientError as error:
        code = str(error.response.get("Error", {}).get("Code", ""))
        if code in _GONE:
            return Missing(_GONE[code])
        raise
    except ParamValidationError:
        return Missing("version-missing")
    body: bytes = reply["Body"].read(LARGEST_OBJECT)
    return body
