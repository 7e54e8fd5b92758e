"""Claims over a real table: made again, lost, refused, at once; has each row one record, and does each know?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pytest

from tabletrail.aws import claims as claims_module
from tabletrail.aws.claims import TableClaims
from tabletrail.aws.clients import dynamodb_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.direct_calls import DirectCalls
from tabletrail.aws.tries import Tries
from tabletrail.aws.troubles import RefusedError
from tabletrail.core.outbox import RowClaim
from tabletrail.deadline import Deadline
from tabletrail.errors import TabletrailError, ThrottledError
from tabletrail_local.info import StackInfo
from tests.fakes.clock import FakeClock
from tests.ports.local_tables import drop_tables, make_table, unique
from tests.ports.test_is_each_row_of_the_outbox_read import Failing
from tests.ports.test_lost_replies import AFTER, BEFORE, TIMEOUT, LossyClient, reply_error

pytestmark = pytest.mark.stack


@dataclass
class Tables:
    """A table of claims; `direct` stands in its adapter for the SDK's client."""

    sdk: Any
    direct: DirectCalls
    claims: str

    def claimer(self, client: Any = None, clock: Any = None) -> TableClaims:
        clock = clock or FakeClock()
        return TableClaims(client or self.direct, self.claims, Tries(clock), clock)

    def claimed(self) -> dict[str, str]:
        pages = self.sdk.get_paginator("scan").paginate(TableName=self.claims, ConsistentRead=True)
        return {item["id"]["S"]: item["claimed_by"]["S"] for page in pages for item in page["Items"]}


@pytest.fixture
def tables(stack: StackInfo) -> Iterator[Tables]:
    session = stack.session()
    sdk = dynamodb_client(session)
    tables = Tables(sdk, DirectCalls(session, sdk), unique("claims"))
    make_table(sdk, tables.claims, "id")
    yield tables
    drop_tables(sdk, tables.claims)


def wanted(count: int, who: str = "arn#1", first: int = 0) -> list[RowClaim]:
    return [RowClaim(f"id-{number}", f"{who}{number}") for number in range(first, first + count)]


@pytest.mark.parametrize("count", [0, 1, 100, 101, 250])
def test_claims_are_made_and_made_again(tables: Tables, count: int) -> None:
    asked = wanted(count)
    for _ in range(2):
        assert tables.claimer().claim(asked) == frozenset()
    expected = {claim.key: claim.claimant for claim in asked}
    assert tables.claimed() == tables.claimer().claimants([*expected, "nobody's"]) == expected


def test_whoever_comes_second_is_refused_and_takes_nothing_from_the_others(tables: Tables) -> None:
    tables.claimer().claim(wanted(60, "first", first=70))
    refused = tables.claimer().claim(wanted(250, "second"))
    assert refused == {f"id-{number}" for number in range(70, 130)}
    owners = Counter(claimant.rstrip("0123456789") for claimant in tables.claimed().values())
    assert owners == {"first": 60, "second": 190}


def test_a_key_that_is_claimed_twice_at_once_is_a_bug(tables: Tables) -> None:
    with pytest.raises(TabletrailError, match="twice"):
        tables.claimer().claim([RowClaim("a", "one"), RowClaim("a", "two")])


def test_claimants_are_read_consistently(tables: Tables) -> None:
    client = LossyClient(tables.direct, "batch_get_item", [])
    tables.claimer(client).claimants([claim.key for claim in wanted(101)])
    assert [sent["RequestItems"][tables.claims]["ConsistentRead"] for sent in client.sent] == [True, True]


def test_a_claim_outlives_its_record(tables: Tables) -> None:
    clock = FakeClock()
    tables.claimer(clock=clock).claim(wanted(1))
    [item] = tables.sdk.scan(TableName=tables.claims)["Items"]
    assert int(item["expires_at"]["N"]) == int(clock.now()) + 3 * 86_400


@pytest.mark.parametrize("way", [BEFORE, AFTER])
@pytest.mark.parametrize(
    "error", [TIMEOUT, reply_error("InternalServerError", 500), reply_error("ThrottlingException")], ids=str
)
def test_a_claim_whose_reply_was_lost_is_ones_own(tables: Tables, way: str, error: Exception) -> None:
    tables.claimer().claim([RowClaim("id-1", "other")])
    lossy = LossyClient(tables.direct, "transact_write_items", [(way, error)] * 3)
    assert tables.claimer(lossy).claim([*wanted(1), *wanted(2, first=2)]) == frozenset()
    lossy = LossyClient(tables.direct, "transact_write_items", [("", error), (way, error)])
    assert tables.claimer(lossy).claim(wanted(3)) == {"id-1"}
    assert tables.claimed() == {"id-0": "arn#10", "id-1": "other", "id-2": "arn#12", "id-3": "arn#13"}


def test_a_conflict_is_waited_out_and_a_refusal_beside_it_decides(tables: Tables) -> None:
    busy = reply_error("TransactionCanceledException", 400, "None", "TransactionConflict")
    mixed = reply_error("TransactionCanceledException", 400, "ConditionalCheckFailed", "TransactionConflict")
    lossy = LossyClient(tables.direct, "transact_write_items", [(BEFORE, busy), (BEFORE, mixed)])
    assert tables.claimer(lossy).claim(wanted(2)) == {"id-0"}
    assert tables.claimed() == {"id-1": "arn#11"}


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_claims_that_may_not_be_made_are_an_error(tables: Tables, code: str) -> None:
    lossy = LossyClient(tables.direct, "transact_write_items", [(BEFORE, reply_error(code))])
    with pytest.raises(RefusedError, match=code):
        tables.claimer(lossy).claim(wanted(2))


def test_claims_that_stay_throttled_are_an_error(tables: Tables) -> None:
    fault = reply_error("TransactionCanceledException", 400, "ThrottlingError", "None")
    lossy = LossyClient(tables.direct, "transact_write_items", [(BEFORE, fault)] * 6)
    with pytest.raises(ThrottledError):
        tables.claimer(lossy).claim(wanted(2))
    assert tables.claimed() == {}


def test_no_try_is_begun_after_the_deadline() -> None:
    clock = FakeClock()
    for method, asked in (("claim", wanted(1)), ("claimants", ["id-1"])):
        client = Failing(reply_error("ThrottlingException"), clock, 1.0)
        with pytest.raises(ThrottledError):
            getattr(TableClaims(client, "claims", Tries(clock), clock), method)(asked, Deadline.after(clock, 2.5))
        assert client.asked <= 3


def test_of_several_at_once_one_has_each(tables: Tables) -> None:
    """Four records claim the same two hundred rows, each in an order of its own; nobody is told what is not so."""
    clock = SystemClock()

    def claim(number: int) -> frozenset[str]:
        claims = wanted(200, f"record-{number}-")
        adapter = TableClaims(tables.direct, tables.claims, Tries(clock, most=40, seconds=60.0), clock)
        with patch.object(claims_module, "SECONDS", 60.0):
            return adapter.claim(claims[number * 50 :] + claims[: number * 50])

    with ThreadPoolExecutor(4) as pool:
        refused = list(pool.map(claim, range(4)))
    owners = tables.claimed()
    assert len(owners) == 200
    for number, keys in enumerate(refused):
        own = {key for key, owner in owners.items() if owner.startswith(f"record-{number}-")}
        assert keys == set(owners) - own
