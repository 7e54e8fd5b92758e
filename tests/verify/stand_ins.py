"""boto3's clients and an OpenSearch in memory, over what a `World` holds: for the checker, which asks nothing else.

Rules
- Rows go through the adapters' own encoding, objects and documents are those that the product wrote.
- A scan is paged and is no snapshot: `between_pages` may move the world on in the middle of it.
- A search shows only what `refresh` has shown it; a get by id shows everything.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from botocore.exceptions import ClientError

from tabletrail.aws.holds import RESERVED as HOLDS
from tabletrail.aws.rows import encode_segment, encode_shard, encode_stream
from tabletrail.aws.stamps import RESERVED
from tabletrail.core.checkpoint import ShardKey, ShardRow
from tabletrail.errors import IteratorExpiredError, ShardGoneError, TrimmedError
from tests.faults.world import SETTINGS, World

Item = dict[str, dict[str, Any]]
_ERRORS = {
    IteratorExpiredError: "ExpiredIteratorException",
    ShardGoneError: "ResourceNotFoundException",
    TrimmedError: "TrimmedDataAccessException",
}


def refused(code: str, status: int = 400) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "Call")


@dataclass
class Tables:
    """DynamoDB. `page` rows come at once; `changes` replaces single segments' items (None: the row is gone)."""

    world: World
    page: int = 7
    between_pages: Callable[[str, int], None] = lambda _table, _page: None
    changes: dict[str, Item | None] = field(default_factory=dict)
    scans: list[str] = field(default_factory=list)
    missed: set[str] = field(default_factory=set)
    """Segments that the scan under way does not show: they were committed behind its back."""

    def scan(self, TableName: str, ConsistentRead: bool, ExclusiveStartKey: Item | None = None) -> dict[str, Any]:  # noqa: N803
        assert ConsistentRead, "what is read eventually may be old"
        start = ExclusiveStartKey["at"]["S"] if ExclusiveStartKey else ""
        self.scans.append(TableName)
        if not start:
            self.missed = set()
        self.between_pages(TableName, self.scans.count(TableName) - 1)
        shown = [(key, item) for key, item in self._items(TableName) if key not in self.missed]
        rows = sorted((one for one in shown if one[0] > start), key=lambda one: one[0])
        found = {"Items": [item for _, item in rows[: self.page]]}
        return found if len(rows) <= self.page else {**found, "LastEvaluatedKey": {"at": {"S": rows[self.page - 1][0]}}}

    def get_item(self, TableName: str, Key: Item, ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803
        assert ConsistentRead, "what is read eventually may be old"
        found = dict(self._items(TableName)).get(Key["segment_id"]["S"])
        return {"Item": found} if found else {}

    def segment(self, segment_id: str) -> Item:
        """A segment's item, to be changed and put into `changes`."""
        return copy.deepcopy(dict(self._items(SETTINGS.segments_table))[segment_id])

    def _items(self, table: str) -> Iterable[tuple[str, Item]]:
        holds: Item = {"segment_id": {"S": HOLDS}, "number": {"N": "1"}, "every": {"L": []}}
        held = [(HOLDS, holds)] if table == SETTINGS.segments_table else []
        return [*held, (RESERVED, self._reserved(table)), *self._rows(table)]

    def _reserved(self, table: str) -> Item:
        """As the runs leave it in each table, whose keys it has (see tabletrail.aws.stamps)."""
        names = {SETTINGS.shards_table: ("stream_arn", "shard_id"), SETTINGS.segments_table: ("segment_id",)}
        keys = names.get(table, ("fleet_partition", "stream_arn"))
        return {**{name: {"S": RESERVED} for name in keys}, "stamp": {"N": "7"}}

    def _rows(self, table: str) -> Iterable[tuple[str, Item]]:
        rows = self.world.rows
        if table == SETTINGS.shards_table:
            return [(f"{key.stream_arn} {key.shard_id}", encode_shard(row)) for key, row in rows.shards.items()]
        if table == SETTINGS.streams_table:
            return [(arn, encode_stream(row)) for arn, row in rows.streams.items()]
        assert table == SETTINGS.segments_table
        found = {id_: encode_segment(row) for id_, row in rows.segments.items()} | self.changes
        return [(id_, item) for id_, item in found.items() if item is not None]


@dataclass
class Objects:
    """S3. `replaced` holds other bytes for a key, `gone` keys whose object or version went: (key -> error code)."""

    world: World
    replaced: dict[str, bytes] = field(default_factory=dict)
    gone: dict[str, str] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)

    def get_object(self, Bucket: str, Key: str, VersionId: str = "") -> dict[str, Any]:  # noqa: N803
        self.reads.append(Key)
        if Key in self.gone:
            raise refused(self.gone[Key], 404)
        if Key.startswith("rules/"):
            return {"Body": io.BytesIO(self._rules(Key))}
        version, body = self.world.store.objects[Key]
        if version != VersionId:
            raise refused("NoSuchVersion", 404)
        return {"Body": io.BytesIO(self.replaced.get(Key, body))}

    def _rules(self, key: str) -> bytes:
        version = key.removeprefix("rules/v1/").removesuffix(".json")
        if version not in self.world.rules.texts:
            raise refused("NoSuchKey", 404)
        return self.replaced.get(key, self.world.rules.texts[version])

    def list_objects_v2(self, Bucket: str, Prefix: str) -> dict[str, Any]:  # noqa: N803
        return {"Contents": [{"Key": key} for key in self.world.store.objects], "IsTruncated": False}


@dataclass
class Streams:
    """DynamoDB Streams, over the world's; `troubles` are raised by the next calls, one each."""

    world: World
    troubles: list[str] = field(default_factory=list)

    def describe_stream(self, StreamArn: str, ExclusiveStartShardId: str = "") -> dict[str, Any]:  # noqa: N803
        view = self._asked(lambda: self.world.stream.describe(StreamArn))
        names = [shard.shard_id for shard in view.shards]
        start = names.index(ExclusiveStartShardId) + 1 if ExclusiveStartShardId else 0
        shards = [
            {
                "ShardId": shard.shard_id,
                "SequenceNumberRange": _range_of(shard.ending_sequence_no),
                **({"ParentShardId": shard.parent_shard_id} if shard.parent_shard_id else {}),
            }
            for shard in view.shards[start : start + 2]
        ]
        last = {"LastEvaluatedShardId": names[start + 1]} if start + 2 < len(names) else {}
        return {"StreamDescription": {"Shards": shards, **last}}

    def get_shard_iterator(
        self,
        StreamArn: str,  # noqa: N803
        ShardId: str,  # noqa: N803
        ShardIteratorType: str,  # noqa: N803
        SequenceNumber: str | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        assert (ShardIteratorType == "TRIM_HORIZON") == (SequenceNumber is None)
        return {
            "ShardIterator": self._asked(lambda: self.world.stream.iterator_after(StreamArn, ShardId, SequenceNumber))
        }

    def get_records(self, ShardIterator: str, Limit: int) -> dict[str, Any]:  # noqa: N803
        page = self._asked(lambda: self.world.stream.read(ShardIterator))
        return {"Records": page.records, **({"NextShardIterator": page.next_iterator} if page.next_iterator else {})}

    def _asked(self, call: Callable[[], Any]) -> Any:
        if self.troubles:
            raise refused(self.troubles.pop(0))
        try:
            return call()
        except tuple(_ERRORS) as error:
            raise refused(_ERRORS[type(error)]) from error


@dataclass
class Search:
    """OpenSearch, over the world's index. Called as the checker's `Ask`. `hidden` are ids not refreshed yet."""

    world: World
    closed: set[str] = field(default_factory=set)
    hidden: set[str] = field(default_factory=set)
    aliases: dict[str, tuple[str, ...]] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)

    def __call__(
        self, method: str, path: str, body: dict[str, Any] | None, params: dict[str, str] | None
    ) -> tuple[int, Any]:
        self.requests.append(path)
        if path.endswith("/_alias"):
            assert params
            is_closed = params["expand_wildcards"] == "closed"
            names = [name for name in self.world.index.indices if (name in self.closed) == is_closed]
            return 200, {name: {"aliases": {alias: {} for alias in self.aliases.get(name, ())}} for name in names}
        assert body
        if path == "/_mget":
            return 200, {"docs": [self._get(one["_index"], one["_id"]) for one in body["docs"]]}
        return 200, self._search(path.split("/")[1], body)

    def _get(self, index: str, id_: str) -> dict[str, Any]:
        concrete = next((name for name, aliases in self.aliases.items() if index in aliases), index)
        found = id_ in self.world.index.indices.get(concrete, {})
        return {"_index": concrete, "_id": id_, "found": found}

    def _search(self, pattern: str, body: dict[str, Any]) -> dict[str, Any]:
        hits: list[dict[str, Any]] = [
            {"_index": name, "_id": id_, "_source": copy.deepcopy(source), "sort": [_event_id(source)]}
            for name, documents in self.world.index.indices.items()
            if name not in self.closed and (pattern.endswith("*") or name == pattern)
            for id_, source in documents.items()
            if id_ not in self.hidden and all(_matches(one, source) for one in body["query"]["bool"]["filter"])
        ]
        hits.sort(key=lambda hit: hit["sort"][0] or "~")
        return {"hits": {"hits": hits[: body["size"]]}, "_shards": {"failed": 0}, "timed_out": False}


def shard_row(world: World, stream_arn: str, shard_id: str) -> ShardRow:
    return world.rows.shards[ShardKey(stream_arn, shard_id)]


def _range_of(ending: str | None) -> dict[str, str]:
    return {"EndingSequenceNumber": ending} if ending else {}


def _event_id(source: dict[str, Any]) -> Any:
    return source.get("event", {}).get("id")


def _matches(clause: dict[str, Any], source: dict[str, Any]) -> bool:
    ((kind, what),) = clause.items()
    if kind == "bool":
        return not any(_matches(one, source) for one in what["must_not"])
    if kind == "exists":
        return _event_id(source) is not None
    if kind == "term":
        return bool(source.get("table", {}).get("name") == what["table.name"])
    if "@timestamp" in what:
        at = datetime.fromisoformat(source.get("@timestamp", "1970-01-01T00:00:00Z")).timestamp()
        assert what["@timestamp"]["format"] == "epoch_second"
        return bool(what["@timestamp"].get("gte", 0) <= at < what["@timestamp"].get("lt", 1e12))
    bounds, id_ = what["event.id"], _event_id(source)
    return id_ is not None and bounds.get("gt", "") < id_ and ("lte" not in bounds or id_ <= bounds["lte"])
