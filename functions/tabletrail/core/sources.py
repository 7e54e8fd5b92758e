"""What an entry says of where it comes from, out of the row of its stream.

Pure. Called by the use cases that make entries.
"""

from __future__ import annotations

from tabletrail.core.checkpoint import StreamRow
from tabletrail.core.document import Source


def source_of(stream: StreamRow, shard_id: str) -> Source:
    """`shard_id` is empty for what is of the stream as a whole."""
    return Source(
        stream_arn=stream.stream_arn,
        shard_id=shard_id,
        table_name=stream.table_name,
        table_arn=stream.table_arn,
        table_id=stream.table_id,
        account=stream.account,
        region=stream.region,
        service=stream.service,
        partition_key=stream.partition_key,
        ttl_attribute=stream.ttl_attribute,
    )
