"""`RulesStore` over the log's bucket: `rules/v1/<version>.json`, beside the segments.

Rules
- `If-None-Match: *` as for segments, by the bucket's own policy. Other than there a key that is taken is no trouble:
  its name says what must lie there, and each reader compares.
- A policy is no secret of an item: it names tables and attributes, and what counts as sensitive.
- The role needs s3:ListBucket, or S3 calls a missing object a forbidden one.

Called by the use cases through the port; wired by the handlers and the command line.
"""

from __future__ import annotations

import base64
from typing import Any

from tabletrail.aws.troubles import RefusedError, translated
from tabletrail.errors import RulesError

PREFIX = "rules/v1/"
_TAKEN = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_MISSING = ("NoSuchKey", "404")


def key_of(version: str) -> str:
    return f"{PREFIX}{version}.json"


class BucketRules:
    def __init__(self, client: Any, bucket: str) -> None:
        self._client, self._bucket = client, bucket

    def put(self, version: str, text: bytes) -> None:
        try:
            with translated("PutObject"):
                self._client.put_object(
                    Bucket=self._bucket,
                    Key=key_of(version),
                    Body=text,
                    IfNoneMatch="*",
                    # The version is the text's SHA-256: S3 itself refuses what arrived broken.
                    ChecksumSHA256=base64.b64encode(bytes.fromhex(version)).decode(),
                    ContentType="application/json",
                )
        except RefusedError as error:
            if error.code not in _TAKEN:
                raise

    def get(self, version: str) -> bytes:
        try:
            with translated("GetObject"):
                reply = self._client.get_object(Bucket=self._bucket, Key=key_of(version))
                text: bytes = reply["Body"].read()
        except RefusedError as error:
            if error.code in _MISSING:
                raise RulesError(f"no rules lie at {key_of(version)}: deploy again, or restore that object") from error
            raise
        return text
