"""`SegmentStore` over one S3 bucket with versions.

Rules
- `If-None-Match: *` on every put: a key is written once. What lies there is never adopted, not even our own try whose
  reply was lost, for its bytes cannot be trusted without reading them; the caller stages under a new attempt's key.
- The body's SHA-256 goes along, so that S3 refuses what arrived broken, and keeps it for auditors.
- Stored as application/gzip without Content-Encoding: no tool inflates it on the way, and the hash in the segment's row
  is of the bytes that a download gives.
- Reads name the version: a later version under the same key, however it came there, is not the log.
- The role needs s3:ListBucket, or S3 calls a missing object a forbidden one.

Called by the use cases through the port; wired by the handlers.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from tabletrail.aws.troubles import RefusedError, translated
from tabletrail.errors import ObjectExistsError, ObjectMissingError

_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_MISSING = ("NoSuchKey", "NoSuchVersion", "404")
_UNVERSIONED = "null"
"""S3's own name for the version of an object in a bucket without versions."""


class BucketSegmentStore:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def put(self, key: str, body: bytes) -> str:
        digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
        try:
            with translated("PutObject"):
                reply = self._client.put_object(
                    Bucket=self._bucket,
                    Key=key,
                    Body=body,
                    IfNoneMatch="*",
                    ChecksumSHA256=digest,
                    ContentType="application/gzip",
                )
        except RefusedError as error:
            if error.code in _TAKEN:
                raise ObjectExistsError(f"{key} is taken: stage under a new attempt") from error
            raise
        return str(reply.get("VersionId", _UNVERSIONED))

    def get(self, key: str, version_id: str) -> bytes:
        try:
            with translated("GetObject"):
                reply = self._client.get_object(Bucket=self._bucket, Key=key, VersionId=version_id)
                body: bytes = reply["Body"].read()
        except RefusedError as error:
            if error.code in _MISSING:
                raise ObjectMissingError(
                    f"no object at {key}, version {version_id}: the log is damaged, restore that version"
                ) from error
            raise
        return body
