"""Changes of one item within one second, over a roll and a split: are they told in the order in which they happened?

The sequence numbers grow from 20 to 21 digits on the way, so that as texts they would be in another order; there are
more of them than one page of a search holds; and they are indexed in no order at all.
"""

from __future__ import annotations

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from tabletrail.core.document import with_log
from tabletrail.core.entry import convert
from tabletrail_local.info import StackInfo
from tests.end_to_end.cli_story import CONVERSION, indexed, number, record, source, tabletrail
from tests.ports.opensearch_server import Server

pytestmark = pytest.mark.stack

SECOND = datetime(2034, 7, 1, 12, 0, tzinfo=UTC)
SHARDS = ("first", "rolled", "left", "right")
CHANGES = 600
"""Of each shard."""


@dataclass
class Item:
    table: str
    numbers: list[str]


@pytest.fixture(scope="module")
def item(stack: StackInfo) -> Iterator[Item]:
    server = Server(stack)
    server.install()
    found = Item(f"rolling-{uuid.uuid4().hex[:8]}", [])
    documents = []
    # A split item's changes all go on in one of the two children.
    for version in range(3 * CHANGES):
        shard = SHARDS[version // CHANGES]
        sequence = str(10**20 - 3 * CHANGES // 2 + version)
        change = record(version, SECOND, "the item", {"v": number(str(version))}, {"v": number(str(version + 1))})
        change["dynamodb"]["SequenceNumber"] = sequence
        entry = convert(change, replace(source(found.table), shard_id=shard), CONVERSION)
        found.numbers.append(sequence)
        documents.append(json.loads(with_log(entry.document, entry.index, "planted", version + 1)))
    assert {len(sequence) for sequence in found.numbers} == {20, 21}
    random.Random(20).shuffle(documents)
    with indexed(server, documents):
        yield found


def sequences(*words: str) -> list[str]:
    result = tabletrail(*words, "--json", "--local")
    assert result.code == 0, result.err
    return [entry["stream"]["sequence"] for entry in result.entries]


def test_is_the_history_of_the_item_in_order(item: Item) -> None:
    assert sequences("history", item.table, "the item") == item.numbers


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_is_a_search_for_the_item_in_order(item: Item, order: str) -> None:
    expected = item.numbers if order == "asc" else item.numbers[::-1]
    assert sequences("search", "--table", item.table, "--item", "the item", "--all", "--order", order) == expected
