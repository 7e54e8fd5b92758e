"""The demo's four tables. One has no stream: switching it on is the service's own work.

Called by the demo and its tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from tabletrail_local.demo_errors import DemoError

AUDITED = {"Key": "tabletrail", "Value": "on"}
_STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


@dataclass(frozen=True)
class DemoTables:
    """Their names; `prefix` keeps the tables of a test apart from all others."""

    prefix: str = ""

    @property
    def orders(self) -> str:
        return f"{self.prefix}orders"

    @property
    def customers(self) -> str:
        return f"{self.prefix}customers"

    @property
    def payments(self) -> str:
        return f"{self.prefix}payments"

    @property
    def staff(self) -> str:
        return f"{self.prefix}staff"

    def keys(self) -> dict[str, tuple[str, ...]]:
        """Table name to its key attributes, the partition key first."""
        return {
            self.orders: ("order",),
            self.customers: ("customer",),
            self.payments: ("order", "payment"),
            self.staff: ("person",),
        }

    def services(self) -> dict[str, str]:
        return {self.orders: "shop", self.customers: "crm", self.payments: "billing", self.staff: "personnel"}


def ensure_tables(client: Any, tables: DemoTables) -> None:
    """Makes those that are missing and tags all. DemoError if one is there with other keys."""
    for name, keys in tables.keys().items():
        try:
            table = client.describe_table(TableName=name)["Table"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            table = _create(client, name, keys, with_stream=name != tables.payments)
        if [key["AttributeName"] for key in table["KeySchema"]] != list(keys):
            raise DemoError(
                f"the local AWS has a table {name} that is not the demo's: delete it, or start anew with "
                "`tabletrail local reset`"
            )
        tags = [AUDITED, {"Key": "service", "Value": tables.services()[name]}]
        client.tag_resource(ResourceArn=table["TableArn"], Tags=tags)


def current_streams(client: Any, tables: DemoTables) -> dict[str, str]:
    """Table name to the ARN of the stream that it has now; tables without one are left out."""
    streams = {}
    for name in tables.keys():  # noqa: SIM118 -- a method, not a mapping's
        table = client.describe_table(TableName=name)["Table"]
        if table.get("StreamSpecification", {}).get("StreamEnabled"):
            streams[name] = str(table["LatestStreamArn"])
    return streams


def _create(client: Any, name: str, keys: tuple[str, ...], with_stream: bool) -> dict[str, Any]:
    request: dict[str, Any] = {
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in keys],
        "KeySchema": [
            {"AttributeName": key, "KeyType": kind} for key, kind in zip(keys, ("HASH", "RANGE"), strict=False)
        ],
    }
    if with_stream:
        request["StreamSpecification"] = _STREAM
    client.create_table(**request)
    client.get_waiter("table_exists").wait(TableName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 120})
    table: dict[str, Any] = client.describe_table(TableName=name)["Table"]
    return table
