"""What CloudTrail tells of a slice of time: its files, read once for all tables, as calls.

Rules
- Nothing of a file is silent: what cannot be read, whole or in part, is counted and named. A call may be missing then,
  so whoever judges by the rest must not be sure (`CallsOfSlice.is_complete`).
- A file that came late, after its calls' changes were judged, is counted by its late calls, once.
- One file is in memory at a time; of it the calls that are wanted stay.

Called by `tabletrail.attribute`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from tabletrail.core.cloudtrail import Call, Scope, read_log
from tabletrail.deadline import Deadline
from tabletrail.logged_changes import TooMuchError

MOST_CALLS = 80_000
"""Held at once, as often as they came: about 100 MB."""
MOST_NAMED = 5
"""Files in trouble that are named; all are counted."""


@dataclass(frozen=True, slots=True)
class TrailFile:
    """A file of CloudTrail events. `body` is unzipped; `trouble` says why there is none: it is not gzip, say, or too
    large. `name` is for a person: the object's key. `delivered_at`: seconds since the epoch."""

    name: str
    delivered_at: int
    body: bytes = b""
    trouble: str = ""


class Trail(Protocol):
    """The files in which CloudTrail tells of calls. Reads only; consistent; may be repeated.

    TransientError; TrailError if files cannot be listed or may not be read as things are, with what to do.
    """

    def files(self, since: int, until: int) -> Iterator[TrailFile]:
        """Each file that was delivered from `since` to `until` (seconds, both included), once, in any order, one at a
        time in memory. A file holds events of the minutes, seldom the hours, before its delivery."""


@dataclass(slots=True)
class CallsOfSlice:
    """`calls` are those of the slice that was asked for, as often as they came. The rest are counts."""

    calls: list[Call] = field(default_factory=list)
    files: int = 0
    records: int = 0
    bad: Counter[str] = field(default_factory=Counter)
    """Records, and whole files, that should tell of calls and cannot be read, by reason."""
    bad_files: list[str] = field(default_factory=list)
    """Names of some files with such."""
    late: int = 0
    """Calls that were delivered after the changes of their time were judged."""
    in_time: int = 0
    """Files that were delivered no later than the slice's calls are waited for."""

    @property
    def is_complete(self) -> bool:
        """False where a call of the slice may be missing, as far as the files themselves tell."""
        return not self.bad

    @property
    def is_told(self) -> bool:
        """False where it seems that no trail was on, or that it is looked for in the wrong place."""
        return bool(self.in_time or self.calls)

    def by_table(self) -> dict[str, list[Call]]:
        """The calls by the tables that they write to."""
        found: dict[str, list[Call]] = defaultdict(list)
        for call in self.calls:
            for table in {write.table for write in call.writes}:
                found[table].append(call)
        return found


@dataclass(frozen=True, slots=True)
class Slice:
    """Calls made from `begin` to before `end`, in files delivered up to `until`; all in seconds since the epoch.

    `judged_until`: changes before it were judged earlier, with files delivered up to `read_at`; a call of that time is
    late if it came after that, and later than `settled` seconds after it was made.
    """

    begin: int
    end: int
    until: int
    judged_until: int
    read_at: int
    settled: int

    @property
    def waited_until(self) -> int:
        """Files that are delivered later are late for some of its calls."""
        return self.end + self.settled


def tells_after(trail: Trail, wanted: Slice, now: int) -> bool:
    """True if a file came after the slice was waited for, so long ago that those before it should be here too."""
    return any(True for _ in trail.files(wanted.waited_until + 1, now - wanted.settled))


def calls_of(trail: Trail, scope: Scope, wanted: Slice, known: set[str], deadline: Deadline) -> CallsOfSlice:
    """Reads all files that may hold calls of the slice. `known`: names of files whose late calls were counted; it
    grows. TooMuchError above MOST_CALLS, or if there is no time for all files; TransientError, TrailError."""
    found = CallsOfSlice()
    for file in trail.files(wanted.begin, wanted.until):
        if deadline.passed():
            raise TooMuchError("there was no time to read all files of the trail")
        log = read_log(file.body, scope) if not file.trouble else None
        bad = dict(log.bad) if log is not None else {file.trouble: 1}
        found.files += 1
        found.in_time += file.delivered_at <= wanted.waited_until
        if bad:
            found.bad.update(bad)
            found.bad_files = [*found.bad_files, file.name][:MOST_NAMED]
        if log is None:
            continue
        found.records += log.records
        found.calls += [call for call in log.calls if wanted.begin <= call.seconds < wanted.end]
        if len(found.calls) > MOST_CALLS:
            raise TooMuchError("there are too many calls in the slice")
        if file.delivered_at > wanted.read_at and file.name not in known:
            late = min(wanted.judged_until, file.delivered_at - wanted.settled)
            found.late += sum(call.seconds < late for call in log.calls)
            known.add(file.name)
    return found
