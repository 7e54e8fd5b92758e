"""A bucket with files as CloudTrail and Firehose write them, for tests: S3's own, or one in memory that can refuse."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from tabletrail.aws.trail import TrailPlace


def at(text: str) -> int:
    """2026-11-24T12:05:30 in seconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def trail_key(place: TrailPlace, account: str, delivered: int, unique: str = "Kx3Zb1QqT2wVh7Ls") -> str:
    """As CloudTrail names a file."""
    when = datetime.fromtimestamp(delivered, UTC)
    name = f"{account}_CloudTrail_{place.region}_{when:%Y%m%dT%H%MZ}_{unique}.json.gz"
    return f"{place.folder(account)}{when:%Y/%m/%d}/{name}"


def firehose_key(place: TrailPlace, account: str, oldest: int, unique: str = "8c1d2f6a") -> str:
    """As our Firehose names one: by its oldest record."""
    when = datetime.fromtimestamp(oldest, UTC)
    return f"{place.folder(account)}{when:%Y/%m/%d}/tabletrail-TrailDelivery-1-{when:%Y-%m-%d-%H-%M-%S}-{unique}.gz"


def trail_file(*records: Any) -> bytes:
    return gzip.compress(json.dumps({"Records": list(records)}).encode())


def firehose_file(*records: Any) -> bytes:
    return gzip.compress("".join(map(json.dumps, records)).encode())


@dataclass
class MemoryBucket:
    """As much of an S3 client as reads a bucket, two names a page. `refused`: operation or key to error code."""

    objects: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    listed: list[tuple[str, str]] = field(default_factory=list)
    read: list[str] = field(default_factory=list)
    size_of: dict[str, int] = field(default_factory=dict)

    def put(self, key: str, body: bytes, modified: int) -> None:
        self.objects[key] = (body, modified)

    def get_paginator(self, operation: str) -> MemoryBucket:
        assert operation == "list_objects_v2"
        return self

    def paginate(self, Bucket: str, Prefix: str, StartAfter: str) -> Iterator[dict[str, Any]]:  # noqa: N803
        self.listed.append((Prefix, StartAfter))
        self._refuse("ListObjectsV2", "ListObjectsV2")
        keys = sorted(key for key in self.objects if key.startswith(Prefix) and key > StartAfter)
        for start in range(0, max(1, len(keys)), 2):
            yield {"Contents": [self._listed(key) for key in keys[start : start + 2]]} if keys else {}

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        self.read.append(Key)
        self._refuse("GetObject", "GetObject")
        self._refuse(Key, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key][0])}

    def _listed(self, key: str) -> dict[str, Any]:
        body, modified = self.objects[key]
        return {
            "Key": key,
            "Size": self.size_of.get(key, len(body)),
            "LastModified": datetime.fromtimestamp(modified, UTC),
        }

    def _refuse(self, what: str, operation: str) -> None:
        if what in self.refused:
            code = self.refused[what]
            status = 503 if code == "SlowDown" else 403
            raise ClientError(
                {"Error": {"Code": code, "Message": "no"}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation
            )
