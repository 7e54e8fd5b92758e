"""Is a call that took effect, but whose reply was lost, told from one that did not?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from tabletrail.aws.checkpoints import TableCheckpoints
from tabletrail.aws.clients import dynamodb_client
from tabletrail.aws.commit import TableNames
from tabletrail.aws.segments import TableSegments
from tabletrail.aws.tries import Tries
from tabletrail.core.checkpoint import Commit, Committed, Lost, ShardRow, StreamMove
from tabletrail.errors import CommitUnknownError, TabletrailError, ThrottledError, TransientError
from tabletrail_local.info import StackInfo
from tests.fakes.clock import FakeClock
from tests.ports.checkpoint_rows import ARN, NOW, OTHER_ARN, commit, moved, segment, shard, stream
from tests.ports.local_tables import drop_tables, make_checkpoint_tables, unique

TIMEOUT = ReadTimeoutError(endpoint_url="https://dynamodb")
UNSENT = ConnectTimeoutError(endpoint_url="https://dynamodb")
BEFORE, AFTER = "before", "after"


def reply_error(code: str, status: int = 400, *reasons: str) -> ClientError:
    response: dict[str, Any] = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}
    if reasons:
        response["CancellationReasons"] = [{"Code": reason} for reason in reasons]
    return ClientError(response, "Call")


@dataclass
class LossyClient:
    """The SDK's client, with faults to come: (way, error), one for each call of `method`. Notes what was sent."""

    client: Any
    method: str
    faults: list[tuple[str, Exception]]
    sent: list[dict[str, Any]] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.client, name)
        if name != self.method:
            return call

        def lossy(**request: Any) -> Any:
            self.sent.append(request)
            way, error = self.faults.pop(0) if self.faults else ("", None)
            if way == BEFORE and error:
                raise error
            reply = call(**request)
            if error:
                raise error
            return reply

        return lossy


class StingyClient(LossyClient):
    """Queries give one item a page; a batch gives one item and leaves the other keys."""

    def __getattr__(self, name: str) -> Any:
        if name == "query":
            return lambda **request: self.client.query(**{**request, "Limit": 1})
        return self.one_of_a_batch if name == "batch_get_item" else super().__getattr__(name)

    def one_of_a_batch(self, RequestItems: dict[str, Any]) -> Any:  # noqa: N803 - the SDK's own name
        ((table, request),) = RequestItems.items()
        first, *left = request["Keys"]
        reply = self.client.batch_get_item(RequestItems={table: {**request, "Keys": [first]}})
        return {**reply, "UnprocessedKeys": {table: {**request, "Keys": left}} if left else {}}


class Unreachable:
    """A client that only fails: for what happens when no try gets through."""

    def __getattr__(self, name: str) -> Any:
        def unexpected(**_: Any) -> Any:
            raise AssertionError(f"{name} was not expected to get through")

        return unexpected


NAMES = TableNames("streams", "shards", "segments")


def checkpoints(client: LossyClient, tables: TableNames = NAMES) -> TableCheckpoints:
    return TableCheckpoints(client, tables, Tries(FakeClock(), jitter=lambda: 1.0))


class TestWhatACommitSays:
    """When no try gets through to the end."""

    @pytest.mark.parametrize(
        ("faults", "error"),
        [
            ([TIMEOUT] * 6, CommitUnknownError),
            ([reply_error("InternalServerError", 500)] * 6, CommitUnknownError),
            ([reply_error("TransactionInProgressException")] * 6, CommitUnknownError),
            ([TIMEOUT] + [reply_error("ThrottlingException")] * 5, CommitUnknownError),
            ([TIMEOUT] + [UNSENT] * 5, CommitUnknownError),
            ([reply_error("ThrottlingException")] * 6, ThrottledError),
            ([reply_error("TransactionCanceledException", 400, "None", "TransactionConflict")] * 6, ThrottledError),
            ([UNSENT] * 6, TransientError),
        ],
    )
    def test_an_error_says_whether_it_may_have_happened(
        self, faults: list[Exception], error: type[TransientError]
    ) -> None:
        client = LossyClient(Unreachable(), "transact_write_items", [(BEFORE, fault) for fault in faults])
        with pytest.raises(TransientError) as raised:
            checkpoints(client).commit(commit("t1", "s1", moved(shard())))
        assert type(raised.value) is error
        assert len(client.sent) == 6
        assert all(request == client.sent[0] for request in client.sent), "each try is the same request, token included"

    @pytest.mark.parametrize(
        ("reasons", "lost"),
        [
            (("ConditionalCheckFailed", "None", "None"), Lost(segment_exists=True)),
            (("None", "TransactionConflict", "ConditionalCheckFailed"), Lost(shards=frozenset({shard("b").key}))),
        ],
    )
    def test_a_failed_condition_decides_even_beside_contention(self, reasons: tuple[str, ...], lost: Lost) -> None:
        fault = reply_error("TransactionCanceledException", 400, *reasons)
        client = LossyClient(Unreachable(), "transact_write_items", [(BEFORE, fault)])
        assert checkpoints(client).commit(commit("t1", "s1", moved(shard("a")), moved(shard("b")))) == lost
        assert len(client.sent) == 1

    @pytest.mark.parametrize(
        "fault",
        [
            reply_error("AccessDeniedException"),
            reply_error("TransactionCanceledException", 400, "ValidationError"),
            reply_error("TransactionCanceledException"),
        ],
    )
    def test_what_no_repeat_can_mend_is_not_repeated(self, fault: ClientError) -> None:
        client = LossyClient(Unreachable(), "transact_write_items", [(BEFORE, fault)])
        with pytest.raises(TabletrailError) as raised:
            checkpoints(client).commit(commit("t1", "s1", moved(shard())))
        assert not isinstance(raised.value, TransientError)
        assert len(client.sent) == 1

    def test_a_deadline_bounds_the_tries(self) -> None:
        clock = FakeClock()
        client = LossyClient(Unreachable(), "transact_write_items", [(BEFORE, reply_error("ThrottlingException"))] * 99)
        slow = Tries(clock, most=99, seconds=6.0, first=1.0, cap=2.0, jitter=lambda: 1.0)
        with pytest.raises(ThrottledError):
            TableCheckpoints(client, NAMES, slow).commit(commit("t1", "s1", moved(shard())))
        assert sum(clock.sleeps) < 6.0


@pytest.mark.stack
class TestAgainstTheTables:
    @pytest.fixture
    def client(self, stack: StackInfo) -> Any:
        return dynamodb_client(stack.session())

    @pytest.fixture
    def tables(self, client: Any) -> Iterator[TableNames]:
        tables = make_checkpoint_tables(client)
        yield tables
        drop_tables(client, tables.streams, tables.shards, tables.segments)

    @pytest.fixture
    def row(self, client: Any, tables: TableNames) -> ShardRow:
        checkpoints(LossyClient(client, "", []), tables).add_shards([shard()])
        return shard()

    def test_a_commit_whose_reply_was_lost_happens_once(self, client: Any, tables: TableNames, row: ShardRow) -> None:
        lossy = LossyClient(client, "transact_write_items", [(AFTER, TIMEOUT), (AFTER, TIMEOUT)])
        port = checkpoints(lossy, tables)
        assert port.commit(commit(unique("t"), "s1", moved(row))) == Committed()
        assert len(lossy.sent) == 3
        assert port.shards_of(ARN) == [moved(row).after]

    def test_a_commit_whose_reply_was_lost_for_good_is_unknown_and_found_by_its_repeat(
        self, client: Any, tables: TableNames, row: ShardRow
    ) -> None:
        port = checkpoints(LossyClient(client, "transact_write_items", [(AFTER, TIMEOUT)] * 6), tables)
        whole = commit(unique("t"), "s1", moved(row))
        with pytest.raises(CommitUnknownError):
            port.commit(whole)
        assert port.commit(whole) == Committed()
        assert port.commit(replace(whole, token=unique("t"))) == Lost(frozenset({row.key}), segment_exists=True)

    def test_a_swap_that_won_without_a_reply_is_recognised(
        self, client: Any, tables: TableNames, row: ShardRow
    ) -> None:
        port = checkpoints(LossyClient(client, "update_item", [(AFTER, TIMEOUT)]), tables)
        assert port.move_shard(moved(row, iterator="mine"))

    def test_a_swap_that_lost_while_its_reply_was_lost_is_not_taken_for_ours(
        self, client: Any, tables: TableNames, row: ShardRow
    ) -> None:
        assert checkpoints(LossyClient(client, "", []), tables).move_shard(moved(row, iterator="theirs"))
        port = checkpoints(LossyClient(client, "update_item", [(BEFORE, TIMEOUT)]), tables)
        assert not port.move_shard(moved(row, iterator="mine"))

    def test_a_swap_is_recognised_though_its_parents_end_or_its_expiry_came_between(
        self, client: Any, tables: TableNames
    ) -> None:
        row = shard("b", parent_processed=False)
        plain = checkpoints(LossyClient(client, "", []), tables)
        plain.add_shards([row, shard("p")])

        class Meddling(LossyClient):
            def __getattr__(self, name: str) -> Any:
                if name == "update_item" and self.sent:
                    plain.commit(commit(unique("t"), "s9", moved(shard("p")), children=(row,)))
                    plain.extend_expiry([row.key], NOW)
                return super().__getattr__(name)

        port = checkpoints(Meddling(client, "update_item", [(AFTER, TIMEOUT)]), tables)
        assert port.move_shard(moved(row, group_id="g2"))

    def test_a_stream_that_was_made_without_a_reply_is_recognised(self, client: Any, tables: TableNames) -> None:
        port = checkpoints(LossyClient(client, "put_item", [(AFTER, TIMEOUT)]), tables)
        assert port.move_stream(StreamMove(None, stream()))
        theirs = checkpoints(LossyClient(client, "put_item", [(BEFORE, TIMEOUT)]), tables)
        assert not theirs.move_stream(StreamMove(None, stream(service="other")))

    def test_rows_that_were_made_without_a_reply_are_not_made_twice(self, client: Any, tables: TableNames) -> None:
        port = checkpoints(LossyClient(client, "put_item", [(AFTER, TIMEOUT), (BEFORE, TIMEOUT)]), tables)
        port.add_shards([shard("a")])
        port.add_shards([shard("b")])
        assert sorted(port.shards_of(ARN), key=lambda row: row.shard_id) == [shard("a"), shard("b")]

    def test_what_comes_in_many_pages_and_parts_is_found_whole(
        self, client: Any, tables: TableNames, row: ShardRow
    ) -> None:
        port = checkpoints(StingyClient(client, "", []), tables)
        port.add_shards([shard("b"), shard("c")])
        for arn in (ARN, OTHER_ARN):
            port.move_stream(StreamMove(None, stream(arn)))
        for number in range(6):
            port.commit(Commit(unique("t"), segment(f"s{number}", committed_at=NOW + number)))
        segments = TableSegments(StingyClient(client, "", []), tables.segments, Tries(FakeClock()))
        names = ["shardId-a", "shardId-b", "shardId-c"]
        assert [found.shard_id for found in port.group("g1")] == names
        assert [found.shard_id for found in port.shards_of(ARN)] == names
        assert len(port.streams()) == 2
        assert segments.count_waiting() == (6, NOW)
        assert [found.segment_id for found in segments.waiting(NOW + 9, 5)] == ["s0", "s1", "s2", "s3", "s4"]
