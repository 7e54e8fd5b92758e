"""A few conditional writes of DynamoDB that happen together or not at all.

Called by `stamps` and `holds`. A commit tells which item failed and has its own way (`commit`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

from tabletrail.aws.tries import Tries
from tabletrail.aws.troubles import RefusedError


def put_all(client: Any, tries: Tries, puts: Sequence[dict[str, Any]]) -> bool:
    """False if a condition did not hold: then nothing was written. `puts`: items of TransactWriteItems.

    A lost reply is settled by the token: the same request again is the same write. TransientError, RefusedError.
    """
    token = uuid4().hex
    try:
        tries.run(
            "TransactWriteItems",
            lambda: client.transact_write_items(TransactItems=list(puts), ClientRequestToken=token),
        )
    except RefusedError as error:
        reasons = error.response.get("CancellationReasons", [])
        if not any(reason.get("Code") == "ConditionalCheckFailed" for reason in reasons):
            raise
        return False
    return True
