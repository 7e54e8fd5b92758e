"""`Tables`: the tables of the account and their tags.

Rules
- `tagged` gives each table's tags for nothing; `view` uses them for the service's name and asks the table itself only
  if the tagging API has not listed it: ListTagsOfResource is limited to 10 calls/s in the account.
- `is_tagged` always asks the table itself.
- A stream is only ever switched on, and only as new and old images; never off, never changed.

Called by the use cases through the port; wired by the handlers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from tabletrail.aws.pacer import Pacer
from tabletrail.aws.troubles import RefusedError, translated
from tabletrail.errors import TabletrailError, TransientError
from tabletrail.ports import Clock, TableView

VIEW_TYPE = "NEW_AND_OLD_IMAGES"
TAG_READS_PER_SECOND = 5
_STREAM_WAIT_SECONDS = 5.0
_STREAM_POLL_SECONDS = 0.25


class AccountTables:
    """Clients: `clients.control_client` of `dynamodb` and of `resourcegroupstaggingapi`."""

    def __init__(self, dynamodb: Any, tagging: Any, clock: Clock, *, tag: tuple[str, str], service_tag: str) -> None:
        self._dynamodb, self._tagging, self._clock = dynamodb, tagging, clock
        self._tag_key, self._tag_value = tag
        self._service_tag = service_tag
        self._pacer = Pacer(clock, TAG_READS_PER_SECOND)
        self._listed: dict[str, dict[str, str]] = {}

    def tagged(self) -> frozenset[str]:
        listed = {}
        for resource in self._tagged_resources():
            arn = str(resource["ResourceARN"])
            kind, _, name = arn.rpartition(":")[2].partition("/")
            if kind == "table" and "/" not in name:
                listed[arn] = _tags(resource["Tags"])
        self._listed = listed
        return frozenset(listed)

    def named(self, names: Sequence[str]) -> frozenset[str]:
        tables = [self._describe(name) for name in names]
        return frozenset(str(table["TableArn"]) for table in tables if table is not None)

    def view(self, table_arn: str) -> TableView | None:
        table = self._describe(_name_of(table_arn))
        if table is None or table["TableArn"] != table_arn:
            return None
        tags = self._listed.get(table_arn) or self._tags_of(table_arn)
        return _view(table, tags.get(self._service_tag, ""))

    def is_tagged(self, table_arn: str) -> bool:
        return self._tags_of(table_arn).get(self._tag_key) == self._tag_value

    def ttl_attribute(self, table_name: str) -> str:
        with translated("DescribeTimeToLive"):
            reply = self._dynamodb.describe_time_to_live(TableName=table_name)
        # Named while TTL is on, and on its way to being so or not.
        return str(reply.get("TimeToLiveDescription", {}).get("AttributeName", ""))

    def enable_stream(self, table_name: str) -> str:
        """Also succeeds if the stream is on as wanted already: an earlier try's reply may have been lost."""
        wanted = {"StreamEnabled": True, "StreamViewType": VIEW_TYPE}
        if not self._has_stream(table_name, wanted):
            try:
                with translated("UpdateTable"):
                    self._dynamodb.update_table(TableName=table_name, StreamSpecification=wanted)
            except RefusedError as error:
                if error.code == "ResourceInUseException":
                    raise TransientError(f"table {table_name} is being changed") from error
                # Refused because it is on: by another process, or by our own try before.
                if error.code != "ValidationException" or not self._has_stream(table_name, wanted):
                    raise
        return self._await_stream(table_name)

    def _has_stream(self, table_name: str, wanted: dict[str, Any]) -> bool:
        """True if the stream is on as wanted. Another view is never changed, whatever the service would let us do."""
        specification = (self._describe(table_name) or {}).get("StreamSpecification", {})
        if specification.get("StreamEnabled") and specification != wanted:
            raise TabletrailError(f"table {table_name} has a stream of another view: see `tabletrail onboard`")
        return bool(specification == wanted)

    def _await_stream(self, table_name: str) -> str:
        until = self._clock.monotonic() + _STREAM_WAIT_SECONDS
        while True:
            table = self._describe(table_name) or {}
            if table.get("LatestStreamArn") and table.get("StreamSpecification", {}).get("StreamEnabled"):
                return str(table["LatestStreamArn"])
            if self._clock.monotonic() >= until:
                raise TransientError(f"table {table_name} shows no stream yet; the next run looks again")
            self._clock.sleep(_STREAM_POLL_SECONDS)

    def _describe(self, table_name: str) -> dict[str, Any] | None:
        try:
            with translated("DescribeTable"):
                table: dict[str, Any] = self._dynamodb.describe_table(TableName=table_name)["Table"]
        except RefusedError as error:
            if error.code == "ResourceNotFoundException":
                return None
            raise
        return table

    def _tagged_resources(self) -> Iterator[dict[str, Any]]:
        with translated("GetResources"):
            pages = self._tagging.get_paginator("get_resources").paginate(
                TagFilters=[{"Key": self._tag_key, "Values": [self._tag_value]}],
                ResourceTypeFilters=["dynamodb:table"],
            )
            for page in pages:
                yield from page["ResourceTagMappingList"]

    def _tags_of(self, table_arn: str) -> dict[str, str]:
        """Empty too if the table does not exist."""
        self._pacer.wait()
        try:
            with translated("ListTagsOfResource"):
                pages = self._dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=table_arn)
                return _tags([tag for page in pages for tag in page.get("Tags", [])])
        except RefusedError as error:
            # The service may call the tags of a table that is not there forbidden; the table itself tells.
            is_unclear = error.code in ("ResourceNotFoundException", "AccessDeniedException")
            if is_unclear and self._describe(_name_of(table_arn)) is None:
                return {}
            raise


def _tags(tags: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _name_of(table_arn: str) -> str:
    return table_arn.partition(":table/")[2]


def _view(table: Mapping[str, Any], service: str) -> TableView:
    arn = str(table["TableArn"])
    _, _, _, region, account, _ = arn.split(":", 5)
    specification = table.get("StreamSpecification", {})
    return TableView(
        name=str(table["TableName"]),
        arn=arn,
        id=str(table.get("TableId", "")),
        account=account,
        region=region,
        stream_arn=table.get("LatestStreamArn"),
        stream_enabled=bool(specification.get("StreamEnabled", False)),
        view_type=str(specification.get("StreamViewType", "")),
        service=service,
        partition_key=next((str(key["AttributeName"]) for key in table["KeySchema"] if key["KeyType"] == "HASH"), ""),
        made_at=int(made.timestamp()) if isinstance(made := table.get("CreationDateTime"), datetime) else 0,
    )
