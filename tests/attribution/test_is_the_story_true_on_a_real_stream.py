"""The same story with nothing simulated: boto3's clients with the writers' package, streams of the local AWS,
CaptureShards' use case with its adapters. Is each of 5,000 changes answered by the truth or by nothing?
"""

from __future__ import annotations

import gzip
import random
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tabletrail.core.attribution_windows import LEAST_SECONDS
from tabletrail.core.witness import SETTLED_SECONDS
from tabletrail_local.info import StackInfo
from tests.attribution.acts import ACTS, WEIGHTS
from tests.attribution.answers import Tally
from tests.attribution.live_world import LiveWorld
from tests.attribution.odd_acts import ODD_ACTS, ODD_WEIGHTS
from tests.attribution.stage_live import LiveStage
from tests.attribution.story import Story
from tests.attribution.table_model import Place, place_of
from tests.attribution.world import Told, new_ledger

pytestmark = pytest.mark.stack

CHANGES, STORIES = 5_000, 4
SEED = 1
MOST_WRONG = 0.01


@pytest.fixture(scope="module")
def world(stack: StackInfo) -> Iterator[LiveWorld]:
    made = LiveWorld(stack.session())
    yield made
    made.close()


def story_of(world: LiveWorld, number: int) -> Story:
    """One of several that are told at once, on items of their own."""
    chance = random.Random(SEED * 1000 + number)
    ledger = new_ledger(chance, world.tables, outbox=world.outbox)
    ledger.trail.trail, ledger.trail.account = f"{number:04x}", world.account
    ledger.trail.region = str(world.session.region_name)
    stage = LiveStage(world.session, ledger)
    return Story(stage, world.tables, SEED * 1000 + number, CHANGES // STORIES, items=150, prefix=f"s{number}-")


def tell(story: Story) -> None:
    # The local AWS makes no record of what TTL removes, nor of PartiQL. Where a story of hours is told within a minute
    # every copy comes back at once, as only hard cases do elsewhere.
    weights = {**WEIGHTS, **ODD_WEIGHTS, "expire": 0.0, "statement": 0.0}
    weights |= {"save a copy": 0.5, "restore": 0.5, "replay": 1.0}
    story.tell({**ACTS, **ODD_ACTS}, weights, lambda: None)


def test_each_change_is_answered_by_the_truth_or_not_at_all(world: LiveWorld) -> None:
    stories = [story_of(world, number) for number in range(STORIES)]
    assert world.run() == []
    assert world.attribute() == [], "streams begin to be attributed"
    over = threading.Event()
    with ThreadPoolExecutor(STORIES + 1) as pool:
        capture = pool.submit(world.run_until, over)
        try:
            for told in [pool.submit(tell, story) for story in stories]:
                told.result()
        finally:
            over.set()
        assert capture.result() == []
    assert world.run() == []
    ask_cloudtrail(world, stories)
    tally = answered(world, stories)
    assert len(tally.answers) >= CHANGES
    assert tally.wrong("certain") == []
    assert len(tally.wrong("likely")) < MOST_WRONG * tally.count("likely")
    assert tally.seen("likely", wrong=True) < MOST_WRONG * tally.seen("likely")


def ask_cloudtrail(world: LiveWorld, stories: list[Story]) -> None:
    """An hour later: all files are there, and the streams were read since."""
    for story in stories:
        for data in story.ledger.trail.files():
            world.trail.deliver(gzip.decompress(data))
    world.clock.ahead = SETTLED_SECONDS + LEAST_SECONDS + 100.0
    assert world.run() == []
    assert world.attribute() == []


def answered(world: LiveWorld, stories: list[Story]) -> Tally:
    """Each item's entries in the order of the stream, beside its changes in the order of their calls: the same ones,
    to the last attribute."""
    entries: defaultdict[Place, list[dict[str, Any]]] = defaultdict(list)
    for line in sorted(world.lines(), key=lambda line: str(line["entry"]["event"]["sequence_key"])):
        entry, images = line["entry"], line["images"]
        table = next(one for one in world.tables if one.name == entry["table"]["name"])
        item = images["new"] or images["old"]
        entries[place_of(table.name, {name: item[name] for name in table.keys})].append(line)
    pairs: list[tuple[Told, dict[str, Any]]] = []
    for story in stories:
        for place, told in story.ledger.by_item.items():
            for one, line in zip(told, entries.pop(place), strict=True):
                assert [one.changed.old, one.changed.new] == [line["images"][name] for name in ("old", "new")], one
                pairs.append((one, line["entry"]))
    assert not entries
    entries_about = (line["entry"] for line in world.lines("attribution"))
    seen = {one["tabletrail"]["about"]: one for one in entries_about if "about" in one["tabletrail"]}
    assert len(seen) == len(pairs), "each change has one answer of CloudTrail's"
    tally = Tally()
    for one, document in pairs:
        tally.add(one, document, seen.get(document["event"]["id"]))
    return tally
