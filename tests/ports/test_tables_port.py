"""Do the account's tables and the fake keep the same promises?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tabletrail.aws.clients import control_client
from tabletrail.aws.clock import SystemClock
from tabletrail.aws.tables import AccountTables
from tabletrail.errors import TabletrailError
from tabletrail_local.info import StackInfo
from tests.fakes.clock import FakeClock
from tests.fakes.tables import FakeTables, make_table
from tests.ports.local_tables import drop_tables, unique
from tests.ports.tables_contract import TablesContract, TablesLab

TAG = ("tabletrail", "on")
STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


class TestFakeTables(TablesContract):
    @pytest.fixture
    def lab(self) -> TablesLab:
        fake = FakeTables()
        tagged = fake.add(replace(make_table("tagged", stream="1"), service="shop"))
        plain = fake.add(make_table("plain"), tagged=False)
        return TablesLab(fake, tagged.arn, plain.arn)


@pytest.fixture(scope="module")
def clients(stack: StackInfo) -> tuple[Any, Any]:
    session = stack.session()
    return control_client(session, "dynamodb"), control_client(session, "resourcegroupstaggingapi")


@pytest.mark.stack
class TestAccountTables(TablesContract):
    @pytest.fixture
    def names(self, clients: tuple[Any, Any]) -> Iterator[tuple[str, str]]:
        names = (unique("tagged"), unique("plain"))
        yield names
        drop_tables(clients[0], *names)

    @pytest.fixture
    def lab(self, clients: tuple[Any, Any], names: tuple[str, str]) -> TablesLab:
        tags = [{"Key": "tabletrail", "Value": "on"}, {"Key": "service", "Value": "shop"}]
        tagged = create(clients[0], names[0], Tags=tags, StreamSpecification=STREAM)
        plain = create(clients[0], names[1], Tags=[{"Key": "tabletrail", "Value": "off"}])
        tables = AccountTables(*clients, SystemClock(), tag=TAG, service_tag="service")
        return TablesLab(tables, tagged, plain)

    def test_a_stream_of_another_view_is_left_alone(
        self, lab: TablesLab, names: tuple[str, str], clients: tuple[Any, Any]
    ) -> None:
        keys_only = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
        clients[0].update_table(TableName=names[1], StreamSpecification=keys_only)
        with pytest.raises(TabletrailError):
            lab.tables.enable_stream(names[1])
        view = lab.tables.view(lab.plain)
        assert view is not None
        assert view.view_type == "KEYS_ONLY"

    def test_the_attribute_by_which_items_expire_is_read(
        self, lab: TablesLab, names: tuple[str, str], clients: tuple[Any, Any]
    ) -> None:
        clients[0].update_time_to_live(
            TableName=names[0], TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
        )
        assert lab.tables.ttl_attribute(names[0]) == "expires"

    def test_tags_from_the_listing_save_calls_that_are_limited(self, lab: TablesLab, clients: tuple[Any, Any]) -> None:
        clock = FakeClock()
        tables = AccountTables(*clients, clock, tag=TAG, service_tag="service")
        tables.tagged()
        for _ in range(5):
            tables.view(lab.tagged)
        assert clock.sleeps == []
        for _ in range(5):
            tables.is_tagged(lab.tagged)
        assert sum(clock.sleeps) == pytest.approx(0.8)


def create(client: Any, name: str, **more: Any) -> str:
    arn: str = client.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        **more,
    )["TableDescription"]["TableArn"]
    client.get_waiter("table_exists").wait(TableName=name)
    return arn
