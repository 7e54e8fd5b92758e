"""`Leases` and `RunNotes` over the table `runs`: name (S), time to live `expires_at`.

Rules
- A lease is judged by `lease_until`, never by `expires_at`: the time to live runs late, and only sweeps up.
- Notes have no time to live: the next run may need one however late it comes.

Called by the use cases through the ports; wired by the handlers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tabletrail.aws.rows import Item, decode_value, encode_value
from tabletrail.aws.tries import Tries
from tabletrail.aws.troubles import RefusedError

_SWEEP_SECONDS = 86_400
"""How long after its end a lease's row stays readable for people."""
_CONDITION_FAILED = "ConditionalCheckFailedException"


class TableLeases:
    """`client` as for `TableCheckpoints`. An owner's repeated acquire succeeds, so a lost reply is harmless."""

    def __init__(self, client: Any, table: str, tries: Tries) -> None:
        self._client, self._table, self._tries = client, table, tries

    def acquire(self, name: str, owner: str, seconds: int, now: int) -> bool:
        until = now + seconds
        return self._holds(
            "PutItem",
            lambda: self._client.put_item(
                TableName=self._table,
                Item={
                    **_lease_key(name),
                    "lease_owner": {"S": owner},
                    "lease_until": {"N": str(until)},
                    "expires_at": {"N": str(until + _SWEEP_SECONDS)},
                },
                ConditionExpression="attribute_not_exists(#name) OR lease_until < :now OR lease_owner = :owner",
                ExpressionAttributeNames={"#name": "name"},
                ExpressionAttributeValues={":now": {"N": str(now)}, ":owner": {"S": owner}},
            ),
        )

    def release(self, name: str, owner: str) -> None:
        self._holds(
            "DeleteItem",
            lambda: self._client.delete_item(
                TableName=self._table,
                Key=_lease_key(name),
                ConditionExpression="lease_owner = :owner",
                ExpressionAttributeValues={":owner": {"S": owner}},
            ),
        )

    def _holds(self, what: str, call: Any) -> bool:
        try:
            self._tries.run(what, call)
        except RefusedError as error:
            if error.code != _CONDITION_FAILED:
                raise
            return False
        return True


class TableRunNotes:
    """`client` as for `TableCheckpoints`. A write replaces, so a repeat is harmless."""

    def __init__(self, client: Any, table: str, tries: Tries) -> None:
        self._client, self._table, self._tries = client, table, tries

    def write(self, name: str, facts: Mapping[str, Any]) -> None:
        item = {**_note_key(name), "facts": encode_value(facts)}
        self._tries.run("PutItem", lambda: self._client.put_item(TableName=self._table, Item=item))

    def read(self, name: str) -> dict[str, Any]:
        reply = self._tries.run(
            "GetItem",
            lambda: self._client.get_item(TableName=self._table, Key=_note_key(name), ConsistentRead=True),
        )
        facts: dict[str, Any] = decode_value(reply["Item"]["facts"]) if "Item" in reply else {}
        return facts


def _lease_key(name: str) -> Item:
    return {"name": {"S": f"lease#{name}"}}


def _note_key(name: str) -> Item:
    return {"name": {"S": f"note#{name}"}}
