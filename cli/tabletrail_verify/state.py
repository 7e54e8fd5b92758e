"""What a verification has found out so far, on disk: so that memory stays small and a killed run goes on.

Rules
- One SQLite file in the work directory. Each step's findings and its progress are one transaction.
- A run that ended leaves nothing: the next one takes a new cut.
- Ids and hashes are stored as bytes: 10 million entries take about 1.5 GB with their index.

Called by every step.
"""

from __future__ import annotations

import fcntl
import json
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tabletrail_verify.findings import Finding
from tabletrail_verify.rows import Link, SegmentRow, ShardRow
from tabletrail_verify.segment_check import Noted

LAYOUT = "2"
CACHE_KIB = 32 << 10
"""Of SQLite's pages in memory; sorting takes as much again, and files for the rest."""

_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS segments (
  ordinal INTEGER PRIMARY KEY, segment_id TEXT NOT NULL UNIQUE, row TEXT NOT NULL, committed_at INTEGER NOT NULL,
  size INTEGER NOT NULL, is_marked INTEGER NOT NULL, is_asked INTEGER NOT NULL, is_late INTEGER NOT NULL,
  is_done INTEGER NOT NULL DEFAULT 0, is_whole INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS shards (
  number INTEGER PRIMARY KEY, stream_arn TEXT NOT NULL, shard_id TEXT NOT NULL, before TEXT, after TEXT,
  is_compared INTEGER NOT NULL DEFAULT 0, UNIQUE (stream_arn, shard_id));
CREATE TABLE IF NOT EXISTS links (
  segment INTEGER NOT NULL, shard INTEGER NOT NULL, first TEXT NOT NULL, last TEXT NOT NULL, count INTEGER NOT NULL,
  sequences BLOB NOT NULL, previous BLOB NOT NULL, chain BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS links_by_shard ON links (shard, chain);
CREATE TABLE IF NOT EXISTS records (segment INTEGER NOT NULL, shard INTEGER NOT NULL, count INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS records_by_shard ON records (shard);
CREATE TABLE IF NOT EXISTS streams (stream_arn TEXT PRIMARY KEY, before INTEGER, after INTEGER);
CREATE TABLE IF NOT EXISTS coverage (stream_arn TEXT NOT NULL, number INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS abouts (segment INTEGER NOT NULL, line INTEGER NOT NULL, about BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS indices (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS entries (
  id BLOB NOT NULL, hash BLOB NOT NULL, segment INTEGER NOT NULL, line INTEGER NOT NULL, idx INTEGER NOT NULL,
  size INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS notes (number INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE IF NOT EXISTS findings (
  number INTEGER PRIMARY KEY, code TEXT NOT NULL, facts TEXT NOT NULL UNIQUE);
"""


class BusyError(RuntimeError):
    """Another verification works in this directory."""


STALE_SECONDS = 24 * 3600
"""What was left alone for so long is begun anew: its answer would be about a log of yesterday."""


class State:
    """One verification's file. `is_resumed`: it was begun by an earlier run, which ended less than a day ago."""

    def __init__(self, directory: Path, *, restart: bool = False) -> None:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = os.open(directory / "lock", os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise BusyError(f"another verification is at work in {directory}") from None
        self._path = directory / "state.sqlite"
        if restart or self._is_stale():
            self._remove()
        self._open()
        if self.fact("layout") not in ("", LAYOUT):
            self.db.close()
            self._remove()
            self._open()
        self.is_resumed = bool(self.fact("cut"))
        self.set_fact("layout", LAYOUT)
        self.db.commit()
        self._shards: dict[tuple[str, str], int] = {}
        self._indices: dict[str, int] = {}

    def _open(self) -> None:
        self.db = sqlite3.connect(self._path, isolation_level="DEFERRED")
        self.db.execute("PRAGMA journal_mode = WAL")
        # A kill loses nothing committed; the fall of a whole machine may lose the last step, never consistency.
        self.db.execute("PRAGMA synchronous = NORMAL")
        self.db.execute("PRAGMA temp_store = FILE")
        self.db.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        self.db.executescript(_TABLES)

    def _is_stale(self) -> bool:
        files = [path for end in ("", "-wal") if (path := Path(f"{self._path}{end}")).exists()]
        return bool(files) and max(path.stat().st_mtime for path in files) < time.time() - STALE_SECONDS

    def _remove(self) -> None:
        for end in ("", "-wal", "-shm", "-journal"):
            Path(f"{self._path}{end}").unlink(missing_ok=True)

    def close(self, *, finished: bool) -> None:
        """A finished verification leaves nothing behind."""
        self.db.close()
        if finished:
            self._remove()
        os.close(self._lock)

    @contextmanager
    def step(self) -> Iterator[None]:
        """All or nothing of what is done within."""
        try:
            yield
        except BaseException:
            self.db.rollback()
            raise
        self.db.commit()

    def fact(self, name: str) -> str:
        """Empty if it was never set."""
        found = self.db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return str(found[0]) if found else ""

    def set_fact(self, name: str, value: str) -> None:
        self.db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def one(self, query: str, *values: Any) -> int:
        """A single whole number."""
        return int(self.db.execute(query, values).fetchone()[0] or 0)

    def find(self, *findings: Finding) -> None:
        rows = [(one.code, json.dumps(asdict(one), sort_keys=True)) for one in findings]
        self.db.executemany("INSERT OR IGNORE INTO findings (code, facts) VALUES (?, ?)", rows)

    def note(self, text: str) -> None:
        """Something that was not checked, in words; once."""
        self.db.execute("INSERT OR IGNORE INTO notes (text) VALUES (?)", (text,))

    def notes(self) -> list[str]:
        return [text for (text,) in self.db.execute("SELECT text FROM notes ORDER BY number")]

    def findings(self, limit: int) -> Iterator[Finding]:
        rows = self.db.execute("SELECT facts FROM findings ORDER BY number LIMIT ?", (limit,))
        return (Finding(**json.loads(facts)) for (facts,) in rows)

    def counts(self) -> dict[str, int]:
        """Findings by code."""
        return dict(self.db.execute("SELECT code, count(*) FROM findings GROUP BY code ORDER BY code"))

    def add_segment(self, row: SegmentRow, *, asked: bool, late: bool) -> bool:
        """False if it was there."""
        facts = json.dumps(asdict(row))
        done = self.db.execute(
            "INSERT OR IGNORE INTO segments (segment_id, row, committed_at, size, is_marked, is_asked, is_late)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (row.segment_id, facts, row.committed_at, row.size, row.is_marked, asked, late),
        )
        if not done.rowcount:
            return False
        links = [self._link(done.lastrowid or 0, link) for link in row.links]
        self.db.executemany("INSERT INTO links VALUES (?, ?, ?, ?, ?, ?, ?, ?)", links)
        return True

    def _link(self, ordinal: int, link: Link) -> tuple[Any, ...]:
        shard = self.shard(link.stream_arn, link.shard_id)
        hashes = (bytes.fromhex(text) for text in (link.sequences_sha256, link.previous_chain, link.chain))
        return ordinal, shard, link.first, link.last, link.count, *hashes

    def shard(self, stream_arn: str, shard_id: str) -> int:
        """Its number, made on first sight."""
        key = stream_arn, shard_id
        if key not in self._shards:
            self.db.execute("INSERT OR IGNORE INTO shards (stream_arn, shard_id) VALUES (?, ?)", key)
            if len(self._shards) >= 50_000:
                self._shards.clear()
            self._shards[key] = self.one("SELECT number FROM shards WHERE stream_arn = ? AND shard_id = ?", *key)
        return self._shards[key]

    def index(self, name: str) -> int:
        """Its number, made on first sight."""
        if name not in self._indices:
            self.db.execute("INSERT OR IGNORE INTO indices (name) VALUES (?)", (name,))
            self._indices[name] = self.one("SELECT number FROM indices WHERE name = ?", name)
        return self._indices[name]

    def put_checkpoint(self, row: ShardRow, column: str) -> None:
        """`column`: before | after the segments were read."""
        number = self.shard(row.stream_arn, row.shard_id)
        self.db.execute(f"UPDATE shards SET {column} = ? WHERE number = ?", (json.dumps(asdict(row)), number))  # noqa: S608

    def add_entries(self, ordinal: int, entries: Iterable[Noted]) -> None:
        rows = [
            (bytes.fromhex(one.id), bytes.fromhex(one.hash), ordinal, one.line, self.index(one.index), one.size)
            for one in entries
        ]
        self.db.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?, ?)", rows)
