"""One table's window of time, judged: what is said of each change in it, and of calls that the log has no entry of.

Pure: the same changes, calls and policies give the same entries, byte by byte, in whatever order they come.

Rules
- A table is judged by itself: a call's write of another table is no candidate here.
- Its streams are judged together, as one may follow the other: each stream's changes within its own span, with all
  changes and calls around as context (`CONTEXT_SECONDS`, `CALLS_SECONDS`).
- Calls without an entry go to the log of the stream that leads: the present one.
- The claim is judged under the rules that made the change's entry, if it is one of this write (`Seen.is_claim`).

Called by `tabletrail.attribute`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tabletrail.core.attribution import attribution_entry, lowered, unrecorded_entry
from tabletrail.core.attribution_policy import may_claim
from tabletrail.core.cloudtrail import Call, unique
from tabletrail.core.document import Conversion, Entry, Source
from tabletrail.core.seen_changes import Seen, kinds_of
from tabletrail.core.sightings import WINDOW_SECONDS
from tabletrail.core.unrecorded import unrecorded
from tabletrail.core.witness import Verdict, match

CONTEXT_SECONDS = WINDOW_SECONDS
"""Changes so far outside of a window are looked at too: one of them may have made use of a call that fits inside."""
CALLS_SECONDS = 2 * WINDOW_SECONDS
"""And calls so far outside: each change that is looked at needs all calls that fit it, or it would seem to need one
that is another's."""

Span = tuple[int, int]
"""Seconds since the epoch, from the first to before the second."""


@dataclass(frozen=True, slots=True)
class TableWindow:
    """What is to be judged. `spans` by stream ARN; `lead` is the stream of `source`; `conversions` by the version of
    the rules: of each change that may be there, and of `source`'s stream as `conversion`. `audited_since`: calls before
    that second were of a table that was not audited, so that no entry is owed for them."""

    spans: Mapping[str, Span]
    source: Source
    conversion: Conversion
    conversions: Mapping[str, Conversion]
    audited_since: int = 0


@dataclass(slots=True)
class Judged:
    """Both by stream ARN. `counts`: attributed, possible (a part of these), unattributed, contradictions, unrecorded,
    and of writes that are in no entry: outnumbered, unseen, undecided, unlisted."""

    entries: dict[str, list[Entry]] = field(default_factory=lambda: defaultdict(list))
    counts: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def add(self, other: Judged) -> None:
        """Adds another table's: its streams are others."""
        self.entries.update(other.entries)
        self.counts.update(other.counts)


def judge(
    window: TableWindow, changes: Sequence[Seen], calls: Iterable[Call], *, is_trail_whole: bool, is_log_whole: bool
) -> Judged:
    """ValueError above the bounds of `sightings`: take a shorter window.

    `changes`: the table's within CONTEXT_SECONDS of the spans; `calls`: those that write to it, within CALLS_SECONDS.
    What cannot be read of the log or of the trail is said by the two flags.
    """
    judged = Judged()
    ours = [_on_table(call, window.source.table_name) for call in unique(calls)]
    ours = [call for call in ours if call.writes]
    by_id = {one.change.entry_id: one for one in changes}
    for verdict in match((one.change for one in by_id.values()), ours):
        _tell(by_id[verdict.entry_id], verdict, window, judged, is_whole=is_trail_whole)
    if is_log_whole:
        _tell_unrecorded(window, list(by_id.values()), ours, judged)
    return judged


def _on_table(call: Call, table: str) -> Call:
    return replace(call, writes=tuple(one for one in call.writes if one.table == table))


def _tell(one: Seen, verdict: Verdict, window: TableWindow, judged: Judged, *, is_whole: bool) -> None:
    begin, end = window.spans.get(one.stream_arn, (0, 0))
    if not begin <= one.change.seconds < end:
        return
    verdict = verdict if is_whole else lowered(verdict)
    contradiction = _is_contradiction(one, verdict, window.conversions[one.rules_version])
    judged.entries[one.stream_arn].append(
        attribution_entry(one.document, verdict, contradiction=contradiction, is_whole=is_whole)
    )
    counts = judged.counts[one.stream_arn]
    counts["attributed" if verdict.confidence else "unattributed"] += 1
    counts["possible"] += verdict.confidence == "possible"
    counts["contradictions"] += contradiction


def _is_contradiction(one: Seen, verdict: Verdict, conversion: Conversion) -> bool:
    if verdict.principal is None or not one.is_claim:
        return False
    table = conversion.policy.of(one.change.table)
    return not may_claim(table.attribution, verdict.principal, verdict.claimed, may_be_hidden=table.hides)


def _tell_unrecorded(window: TableWindow, changes: list[Seen], calls: list[Call], judged: Judged) -> None:
    arn = window.source.stream_arn
    begin, end = window.spans.get(arn, (0, 0))
    inside = [call for call in calls if max(begin, window.audited_since) <= call.seconds < end]
    found = unrecorded((one.change for one in changes), inside, end + WINDOW_SECONDS + 1)
    kinds = kinds_of(changes)
    judged.entries[arn] += [
        unrecorded_entry(missing, window.source, window.conversion, kinds) for missing in found.missing
    ]
    judged.counts[arn].update(
        unrecorded=len(found.missing),
        unlisted=found.more,
        outnumbered=found.outnumbered,
        unseen=found.unseen,
        undecided=found.undecided,
    )
