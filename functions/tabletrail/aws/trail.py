"""`Trail` over the bucket to which CloudTrail, or Firehose on behalf of an EventBridge rule, writes events.

Rules
- Files lie by day: `[prefix/]AWSLogs/[o-id/]ACCOUNT/CloudTrail/REGION/YYYY/MM/DD/`. Digests (`CloudTrail-Digest/`) lie
  beside them and are not read. Our own Firehose uses the same folders.
- A trail's file says in its name in which minute it was delivered, and it counts for that time: a copy of it in
  another bucket, which is younger, holds the same calls. Any other file counts for the time at which S3 got it.
- `delivered_at` is when S3 got the file: before that nobody could have read it here.
- A file is unzipped up to `FILE_BYTES`, whatever it says of its size. What is no gzip, breaks off, is too large, was
  archived or is gone is no error but a file in trouble: the others count.
- What no next try mends (no such bucket, no right to list or read) is a TrailError. A role without s3:ListBucket gets
  such an error for the list at once.

Sources: AWS CloudTrail User Guide, "Finding your CloudTrail log files" and "CloudTrail log file name format"; Amazon
Data Firehose Developer Guide, "Configure Amazon S3 object name format" (the folder is that of the oldest record).

Called by the use case through the port; wired by the handler.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tabletrail.aws.troubles import RefusedError, translated
from tabletrail.core.cloudtrail import FILE_BYTES
from tabletrail.errors import TrailError
from tabletrail.trail import TrailFile

TOO_LARGE = "file too large"
NOT_WHOLE = "file is no whole gzip"
GONE = "file is gone"
ARCHIVED = "file is archived"

EARLY_SECONDS = 3600
"""Firehose's folder is that of the oldest record, which arrived up to 15 minutes before the file, more in trouble."""

_NAME = re.compile(r"\d{12}_CloudTrail_[a-z0-9-]+_(\d{8}T\d{4})Z_[^/]+\.json\.gz", re.ASCII)
_MINUTE = "%Y%m%dT%H%M"
_GZIP = 16 + zlib.MAX_WBITS
_LOST = {"NoSuchKey": GONE, "404": GONE, "InvalidObjectState": ARCHIVED}


@dataclass(frozen=True, slots=True)
class TrailPlace:
    """Where the files lie. `accounts`: under whose folders; `organization`: "o-..." or empty."""

    bucket: str
    prefix: str
    organization: str
    accounts: Sequence[str]
    region: str

    def folder(self, account: str) -> str:
        """What the names of one account's files begin with, before the day."""
        parts = (self.prefix, "AWSLogs", self.organization, account, "CloudTrail", self.region)
        return "".join(f"{part}/" for part in parts if part)


class BucketTrail:
    def __init__(self, client: Any, place: TrailPlace) -> None:
        self._client, self._place = client, place

    def files(self, since: int, until: int) -> Iterator[TrailFile]:
        for account in self._place.accounts:
            for day in _days(since - EARLY_SECONDS, until):
                folder = f"{self._place.folder(account)}{day:%Y/%m/%d}/"
                first = _text(since - 60, _MINUTE)
                # Names of a trail's files begin with digits; those of our Firehose with a letter, behind all of them.
                after = f"{folder}{account}_CloudTrail_{self._place.region}_{first}"
                for one in self._listed(folder, after):
                    if _is_wanted(one, since, until):
                        yield self._file(one)

    def _listed(self, folder: str, after: str) -> Iterator[dict[str, Any]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._place.bucket, Prefix=folder, StartAfter=after
        )
        try:
            with translated("ListObjectsV2"):
                for page in pages:
                    yield from page.get("Contents", ())
        except RefusedError as error:
            raise self._refused(error, "list", "s3:ListBucket") from error

    def _file(self, listed: dict[str, Any]) -> TrailFile:
        name, delivered_at = str(listed["Key"]), int(listed["LastModified"].timestamp())
        if listed["Size"] > FILE_BYTES:
            return TrailFile(name, delivered_at, trouble=TOO_LARGE)
        try:
            with translated("GetObject"):
                zipped = self._client.get_object(Bucket=self._place.bucket, Key=name)["Body"].read()
        except RefusedError as error:
            if error.code in _LOST:
                return TrailFile(name, delivered_at, trouble=_LOST[error.code])
            raise self._refused(error, "read", "s3:GetObject, and kms:Decrypt where a key encrypts them") from error
        body, trouble = unzipped(zipped)
        return TrailFile(name, delivered_at, body, trouble)

    def _refused(self, error: RefusedError, what: str, right: str) -> TrailError:
        if error.code == "NoSuchBucket":
            return TrailError(f"the trail's bucket {self._place.bucket} does not exist: correct TrailBucketName")
        return TrailError(
            f"may not {what} the trail's files in {self._place.bucket} ({error.code}): the role of AttributeChanges "
            f"needs {right}, and the bucket's own policy must not refuse it. Are TrailBucketName and TrailPrefix right?"
        )


def unzipped(data: bytes) -> tuple[bytes, str]:
    """(what is zipped in it, all members of it; why there is nothing, empty if there is)."""
    body = b""
    try:
        while True:
            member = zlib.decompressobj(_GZIP)
            body += member.decompress(data, FILE_BYTES - len(body) + 1)
            if len(body) > FILE_BYTES:
                return b"", TOO_LARGE
            if not member.eof:
                return b"", NOT_WHOLE
            data = member.unused_data
            if not data:
                return body, ""
    except zlib.error:
        return b"", NOT_WHOLE


def _is_wanted(listed: dict[str, Any], since: int, until: int) -> bool:
    key = str(listed["Key"])
    if not key.endswith(".gz"):
        return False
    minute = _minute(key.rpartition("/")[2])
    if minute is None:
        return since <= int(listed["LastModified"].timestamp()) <= until
    return since < minute + 60 and minute <= until


def _minute(name: str) -> int | None:
    """In which CloudTrail delivered the file of that name: its first second. None if the name does not say."""
    match = _NAME.fullmatch(name)
    try:
        return int(datetime.strptime(match.group(1), _MINUTE).replace(tzinfo=UTC).timestamp()) if match else None
    except ValueError:
        return None


def _days(since: int, until: int) -> Iterator[datetime]:
    day = datetime.fromtimestamp(since, UTC).replace(hour=0, minute=0, second=0)
    while day.timestamp() <= until:
        yield day
        day += timedelta(days=1)


def _text(seconds: int, form: str) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime(form)
