"""Writes to a local AWS that is killed meanwhile: each is made once, and it is known that it was.

A reply that was lost says nothing of the write. So the items are read before it, and again when the server is back:
what has changed is done, the rest is asked for again. Nobody else writes these items, and a server that was killed does
nothing later, so what is read then is the end of the matter. A request that timed out might still be carried out: that
is an error here and not settled. The first line of a reply says that it was done, whatever of it is missing.

Caller: `chaos`, for `load_writer`'s writers.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ConnectionError as NoConnectionError
from botocore.exceptions import HTTPClientError, ReadTimeoutError

from tests.end_to_end.load_truth import Image, normal
from tests.end_to_end.load_writer import Table, key_of

AWAY_SECONDS = 600.0
"""For so long the server may be away in one piece."""
LOOK_SECONDS = 0.2
LOST = (HTTPClientError, NoConnectionError)
Place = tuple[str, str]
"""A table's name and an item's key in normal form."""


@dataclass
class SettledClient:
    """What `Writer` asks of a client of DynamoDB. `client` does not retry. For one thread."""

    client: Any
    tables: dict[str, Table]
    lost: int = 0
    """Replies that did not come."""
    found_done: int = 0
    """Of these, writes that were done all the same."""
    _keys: dict[Place, Image] = field(default_factory=dict)

    def put_item(self, **request: Any) -> None:
        place = self._place(request["TableName"], request["Item"])
        self._settled([place], lambda _: self.client.put_item(**request))

    def update_item(self, **request: Any) -> None:
        place = self._place(request["TableName"], request["Key"])
        self._settled([place], lambda _: self.client.update_item(**request))

    def delete_item(self, **request: Any) -> None:
        place = self._place(request["TableName"], request["Key"])
        self._settled([place], lambda _: self.client.delete_item(**request))

    def transact_write_items(self, *, TransactItems: list[dict[str, Any]]) -> None:  # noqa: N803 -- as the API has it
        writes = [write for item in TransactItems for write in item.values()]
        places = [self._place(write["TableName"], write.get("Key") or write["Item"]) for write in writes]
        self._settled(places, lambda _: self.client.transact_write_items(TransactItems=TransactItems))

    def batch_write_item(self, *, RequestItems: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:  # noqa: N803
        requests = {
            self._place(table, request.get("PutRequest", {}).get("Item") or request["DeleteRequest"]["Key"]): request
            for table, each in RequestItems.items()
            for request in each
        }

        def write(left: list[Place]) -> Any:
            asked: dict[str, list[dict[str, Any]]] = {}
            for place in left:
                asked.setdefault(place[0], []).append(requests[place])
            return self.client.batch_write_item(RequestItems=asked)

        reply: dict[str, Any] = self._settled(list(requests), write, in_parts=True) or {}
        return reply

    def _settled(self, places: list[Place], write: Callable[[list[Place]], Any], *, in_parts: bool = False) -> Any:
        before, left = self._read(places), places
        while True:
            try:
                return write(left)
            except ReadTimeoutError:
                raise
            except LOST:
                self.lost += 1
            after = self._read(places)
            left = [place for place in places if after[place] == before[place]]
            if not left:
                self.found_done += 1
                return None
            if len(left) < len(places) and not in_parts:
                raise RuntimeError(f"half of a transaction was done: {sorted(after)}")

    def _read(self, places: list[Place]) -> dict[Place, str | None]:
        """The items' images, consistent, None for one that is not there. Waits for the server."""
        asked: dict[str, Any] = {}
        for place in places:
            asked.setdefault(place[0], {"Keys": [], "ConsistentRead": True})["Keys"].append(self._keys[place])
        deadline = time.monotonic() + AWAY_SECONDS
        while True:
            try:
                # Broken off behind its headers, a reply is an empty one to the SDK.
                found = self.client.batch_get_item(RequestItems=asked).get("Responses")
            except LOST:
                found = None
            if found is not None:
                break
            if time.monotonic() > deadline:
                raise RuntimeError(f"the local AWS was away for {AWAY_SECONDS} s")
            time.sleep(LOOK_SECONDS)
        images = {self._place(table, item): normal(item) for table, items in found.items() for item in items}
        return {place: images.get(place) for place in places}

    def _place(self, table: str, image: Image) -> Place:
        key = key_of(self.tables[table], image)
        place = table, str(normal(key))
        self._keys[place] = key
        return place
