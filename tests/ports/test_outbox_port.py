"""Do the tables of the outbox and of its claims keep the promises that the fakes keep?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tabletrail.aws.claims import TableClaims
from tabletrail.aws.clients import dynamodb_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.direct_calls import DirectCalls
from tabletrail.aws.outbox import TableOutbox
from tabletrail.aws.tries import Tries
from tabletrail_local.info import StackInfo
from tests.ports.local_tables import drop_tables, make_table, unique
from tests.ports.outbox_contract import ClaimsContract, OutboxContract, Put

pytestmark = pytest.mark.stack

CLOCK = SystemClock()


class TestTables(OutboxContract, ClaimsContract):
    @pytest.fixture
    def sdk(self, stack: StackInfo) -> Any:
        return dynamodb_client(stack.session())

    @pytest.fixture
    def direct(self, stack: StackInfo, sdk: Any) -> DirectCalls:
        return DirectCalls(stack.session(), sdk)

    @pytest.fixture
    def table(self, sdk: Any) -> Iterator[str]:
        name = unique("outbox")
        make_table(sdk, name, "item", "id")
        yield name
        drop_tables(sdk, name)

    @pytest.fixture
    def outbox(self, direct: DirectCalls, table: str) -> TableOutbox:
        return TableOutbox(direct, table, Tries(CLOCK), CLOCK)

    @pytest.fixture
    def put(self, sdk: Any, table: str) -> Put:
        return lambda item: sdk.put_item(TableName=table, Item=item)

    @pytest.fixture
    def claims(self, direct: DirectCalls, sdk: Any) -> Iterator[TableClaims]:
        name = unique("claims")
        make_table(sdk, name, "id")
        # Six who claim the same keys at once: more tries than a function has.
        yield TableClaims(direct, name, Tries(CLOCK, most=60, seconds=60.0), CLOCK)
        drop_tables(sdk, name)
