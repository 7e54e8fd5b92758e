"""A story told in memory from its seed, captured as it goes on, and answered.

The records are those of a stream; entries are made of them as CaptureShards makes them, page by page, some seconds
after the writes; CloudTrail's files are read when all is over.

Called by the tests and by `page`.
"""

from __future__ import annotations

import gzip
import json
import random
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tabletrail.conversions import Conversions
from tabletrail.core.cloudtrail import Scope, read_log
from tabletrail.core.judgement import TableWindow, judge
from tabletrail.core.seen_changes import Seen, is_attributable, seen
from tests.attribution.acts import ACTS, WEIGHTS
from tests.attribution.answers import Tally
from tests.attribution.model_capture import ModelCapture
from tests.attribution.odd_acts import ODD_ACTS, ODD_WEIGHTS
from tests.attribution.stage_memory import MemoryStage, simulated
from tests.attribution.story import Story
from tests.attribution.world import TABLES, Told, new_ledger
from tests.core.strategies import SOURCE
from tests.core.trail import ACCOUNT

LAG_SECONDS = 60
"""Between two runs of the capture."""


@dataclass
class Telling:
    """`run` gives the answers."""

    seed: int
    changes: int = 5_000
    items: int = 220
    weights: Mapping[str, float] = field(default_factory=lambda: {**WEIGHTS, **ODD_WEIGHTS})
    lost: float = 0.003
    story: Story = field(init=False)
    capture: ModelCapture = field(init=False)
    documents: list[dict[str, Any]] = field(default_factory=list)
    _due: float = 0.0

    def run(self) -> Tally:
        chance = random.Random(self.seed)
        stage = MemoryStage(new_ledger(chance, lost=self.lost), chance)
        self.story = Story(stage, TABLES, self.seed, self.changes, self.items)
        self.capture = ModelCapture(TABLES, stage.time)
        stage.ledger.put_row = self.capture.outbox.put
        with simulated(stage):
            self.story.tell({**ACTS, **ODD_ACTS}, self.weights, self._pause)
        self._capture()
        return self._judged()

    def _pause(self) -> None:
        if self.story.stage.now() >= self._due:
            self._due = self.story.stage.now() + LAG_SECONDS
            self._capture()

    def _capture(self) -> None:
        first = len(self.documents)
        told = self.story.ledger.told[first:]
        self.documents += self.capture.entries(told, first)

    def _judged(self) -> Tally:
        ledger = self.story.ledger
        found = attributed(self.documents, ledger.told, ledger.trail.files(), self.capture.conversions)
        tally = Tally()
        for told, document in zip(ledger.told, self.documents, strict=True):
            tally.add(told, document, found.get(document["event"]["id"]))
        return tally


def attributed(
    documents: Sequence[dict[str, Any]], told: Sequence[Told], files: Iterable[bytes], conversions: Conversions
) -> dict[str, dict[str, Any]]:
    """The entries of kind attribution, by the id of the change that they are about. Of each table its whole time."""
    scope = Scope(ACCOUNT, "eu-central-1", frozenset(one.changed.table for one in told))
    calls = [call for data in files for call in read_log(gzip.decompress(data), scope).calls]
    by_table: defaultdict[str, list[Seen]] = defaultdict(list)
    for document, one in zip(documents, told, strict=True):
        if is_attributable(document):
            images = {"form": "plain", "old": one.changed.old, "new": one.changed.new}
            by_table[one.changed.table].append(seen(document, images))
    found: dict[str, dict[str, Any]] = {}
    for table, changes in by_table.items():
        version = changes[0].rules_version
        window = TableWindow(
            {changes[0].stream_arn: (0, 1 << 40)},
            replace(SOURCE, stream_arn=changes[0].stream_arn, table_name=table),
            conversions.of(version),
            {version: conversions.of(version)},
        )
        judged = judge(window, changes, calls, is_trail_whole=True, is_log_whole=False)
        for entry in judged.entries[changes[0].stream_arn]:
            made = json.loads(entry.document)
            found[made["tabletrail"]["about"]] = made
    return found
