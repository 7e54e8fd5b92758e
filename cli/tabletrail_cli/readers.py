"""Who else reads a table's stream, as far as AWS can tell.

DynamoDB lets two readers share a shard, and only one where the table is global: more are throttled, all of them.
Programs that poll a stream on their own (the Kinesis adapter, Flink, Data Prepper) are in no list.

Called by `onboard` and `status`.
"""

from __future__ import annotations

from typing import Any

from tabletrail.aws.troubles import translated

READERS_A_SHARD = 2
READERS_A_SHARD_OF_A_GLOBAL_TABLE = 1


def lambda_readers(client: Any, stream_arn: str) -> list[str]:
    """Names of the functions that a Lambda trigger feeds from this stream, switched off ones marked."""
    with translated("ListEventSourceMappings"):
        pages = client.get_paginator("list_event_source_mappings").paginate(EventSourceArn=stream_arn)
        mappings = [mapping for page in pages for mapping in page["EventSourceMappings"]]
    # Some servers do not filter: only this stream's are counted.
    return [_name(mapping) for mapping in mappings if mapping.get("EventSourceArn") == stream_arn]


def replicas(client: Any, table_name: str) -> list[str]:
    """Regions of a global table's other replicas; empty for a table of one region."""
    with translated("DescribeTable"):
        table = client.describe_table(TableName=table_name)["Table"]
    return [str(replica["RegionName"]) for replica in table.get("Replicas", ())]


def limit(is_global: bool) -> int:
    return READERS_A_SHARD_OF_A_GLOBAL_TABLE if is_global else READERS_A_SHARD


def _name(mapping: dict[str, Any]) -> str:
    name = str(mapping.get("FunctionArn", "")).rpartition(":function:")[2] or "?"
    state = str(mapping.get("State", ""))
    return name if state in ("Enabled", "Enabling", "Updating", "Creating", "") else f"{name} ({state.lower()})"
