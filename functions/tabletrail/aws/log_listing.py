"""`LogListing` over the bucket of segments.

Called by the use cases through the port; wired by the handlers and the command line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tabletrail.aws.troubles import translated
from tabletrail.core.staged_names import PREFIX
from tabletrail.ports import Logged

_UNVERSIONED = "null"


class BucketListing:
    """`client` as for `BucketSegmentStore`. `keys` needs s3:ListBucket, `objects` s3:ListBucketVersions."""

    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def keys(self, after: str, limit: int) -> list[str]:
        with translated("ListObjectsV2"):
            reply = self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=PREFIX, StartAfter=after, MaxKeys=min(limit, 1_000)
            )
        return [str(one["Key"]) for one in reply.get("Contents", ())]

    def written(self, after: str) -> Iterator[Logged]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=PREFIX, StartAfter=after
        )
        with translated("ListObjectsV2"):
            for page in pages:
                for one in page.get("Contents", ()):
                    yield Logged(str(one["Key"]), "", int(one["LastModified"].timestamp()))

    def objects(self) -> Iterator[Logged]:
        """A key's versions come one after the other, the newest first; they may lie on two pages."""
        last: Logged | None = None
        for version in self._versions():
            found = Logged(
                str(version["Key"]),
                str(version.get("VersionId", _UNVERSIONED)),
                int(version["LastModified"].timestamp()),
            )
            if last is not None and last.key != found.key:
                yield last
            last = found
        if last is not None:
            yield last

    def _versions(self) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("list_object_versions").paginate(Bucket=self._bucket, Prefix=PREFIX)
        with translated("ListObjectVersions"):
            for page in pages:
                yield from page.get("Versions", ())
