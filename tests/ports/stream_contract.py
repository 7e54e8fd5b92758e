"""What every `StreamReader` promises, DynamoDB's streams and the fake alike.

A class of tests takes it as its parent and gives `lab`: an open stream of one open shard, empty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tabletrail.errors import ShardGoneError
from tabletrail.ports import Page, Shard, StreamReader


@dataclass(frozen=True)
class Lab:
    reader: StreamReader
    arn: str
    shard_id: str
    write: Callable[[int], object]
    """Makes so many changes in the shard."""
    end: Callable[[], object]
    """Switches the stream off, which closes the shard."""

    def read_on(self, iterator: str | None, pages: int = 100) -> tuple[list[dict[str, Any]], str | None]:
        """Records of the next pages, up to an empty one or the shard's end, and the iterator behind them."""
        records: list[dict[str, Any]] = []
        for _ in range(pages):
            assert iterator is not None
            page = self.reader.read(iterator)
            records, iterator = records + page.records, page.next_iterator
            if iterator is None or not page.records:
                break
        return records, iterator


class StreamContract:
    def test_records_come_from_the_horizon_on_in_order_and_once(self, lab: Lab) -> None:
        lab.write(3)
        records, iterator = lab.read_on(lab.reader.iterator_after(lab.arn, lab.shard_id, None))
        lab.write(2)
        more, _ = lab.read_on(iterator)
        numbers = [int(record["dynamodb"]["SequenceNumber"]) for record in records + more]
        assert len(numbers) == 5
        assert numbers == sorted(set(numbers))

    def test_a_record_is_typed_json_as_the_service_sends_it(self, lab: Lab) -> None:
        lab.write(1)
        ((record,), _) = lab.read_on(lab.reader.iterator_after(lab.arn, lab.shard_id, None))
        assert record["eventName"] in ("INSERT", "MODIFY", "REMOVE")
        assert isinstance(record["eventID"], str)
        assert isinstance(record["dynamodb"]["SequenceNumber"], str)
        assert isinstance(record["dynamodb"]["ApproximateCreationDateTime"], int | float)
        assert all(isinstance(value, dict) for value in record["dynamodb"]["Keys"].values())

    def test_an_open_shard_has_no_end(self, lab: Lab) -> None:
        iterator: str | None = lab.reader.iterator_after(lab.arn, lab.shard_id, None)
        for _ in range(5):
            assert iterator is not None
            page = lab.reader.read(iterator)
            assert isinstance(page, Page)
            assert page.records == []
            iterator = page.next_iterator
        assert iterator is not None

    def test_an_iterator_gives_the_same_page_again(self, lab: Lab) -> None:
        lab.write(2)
        iterator = lab.reader.iterator_after(lab.arn, lab.shard_id, None)
        assert lab.reader.read(iterator).records == lab.reader.read(iterator).records

    def test_reading_goes_on_behind_a_sequence_number(self, lab: Lab) -> None:
        lab.write(4)
        records, _ = lab.read_on(lab.reader.iterator_after(lab.arn, lab.shard_id, None))
        second = records[1]["dynamodb"]["SequenceNumber"]
        rest, _ = lab.read_on(lab.reader.iterator_after(lab.arn, lab.shard_id, second))
        assert rest == records[2:]

    def test_a_stream_is_described_with_its_open_shard(self, lab: Lab) -> None:
        view = lab.reader.describe(lab.arn)
        assert (view.status, view.view_type) == ("ENABLED", "NEW_AND_OLD_IMAGES")
        assert view.shards == (Shard(lab.shard_id, None, None),)
        assert lab.reader.children(lab.arn, lab.shard_id) == ()

    def test_a_stream_that_was_switched_off_is_read_to_its_end(self, lab: Lab) -> None:
        lab.write(3)
        lab.end()
        view = lab.reader.describe(lab.arn)
        assert view.status == "DISABLED"
        assert view.shards[0].ending_sequence_no is not None
        records, iterator = lab.read_on(lab.reader.iterator_after(lab.arn, lab.shard_id, None))
        assert len(records) == 3
        assert iterator is None

    def test_what_the_service_does_not_know_is_gone(self, lab: Lab) -> None:
        gone = lab.arn[:-3] + "999"
        for call in (
            lambda: lab.reader.describe(gone),
            lambda: lab.reader.children(gone, lab.shard_id),
            lambda: lab.reader.iterator_after(gone, lab.shard_id, None),
            lambda: lab.reader.iterator_after(lab.arn, lab.shard_id[:-1] + "9", None),
        ):
            with pytest.raises(ShardGoneError):
                call()
