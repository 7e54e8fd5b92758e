"""A plausible history of items: inserts, modifications with true old images, removals, removals by time to live.

Rules
- The same seed gives the same history, whatever else the laboratory did.
- A MODIFY's old image is the new image of the item's change before it; an item that was removed begins anew.
- `n` rises by one with each change of an item, removals included: its order can be read off the images.

Called by `laboratory.generate` and for the last records of a shard that closes.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

from tabletrail_lab.records import TTL_IDENTITY

STATES = ("new", "paid", "packed", "shipped", "returned")
NAMES = ("alice", "bob", "carol", "dave", "erin")


class Items:
    """The items of one table and how they stand."""

    def __init__(self) -> None:
        self._images: dict[str, dict[str, Any]] = {}
        self._changes: dict[str, int] = {}

    def change(self, item_id: str, names: list[str], rng: random.Random) -> dict[str, Any]:
        """The item's next change, as `write` takes it."""
        old, keys = self._images.get(item_id), _keys(names, item_id)
        number = self._changes[item_id] = self._changes.get(item_id, 0) + 1
        if old is None:
            return self._put("INSERT", item_id, keys, None, _image(keys, number, rng))
        if rng.random() < 0.85:
            return self._put("MODIFY", item_id, keys, old, old | _changed(number, rng))
        del self._images[item_id]
        change: dict[str, Any] = {"eventName": "REMOVE", "Keys": keys, "OldImage": old}
        return change | ({"userIdentity": TTL_IDENTITY} if rng.random() < 0.5 else {})

    def _put(
        self, name: str, item_id: str, keys: dict[str, Any], old: dict[str, Any] | None, new: dict[str, Any]
    ) -> dict[str, Any]:
        self._images[item_id] = new
        change = {"eventName": name, "Keys": keys, "NewImage": new}
        return change if old is None else change | {"OldImage": old}


def changes(items: Items, names: list[str], count: int, number_of_items: int, seed: str) -> Iterator[dict[str, Any]]:
    """`count` changes, spread over so many items. `names` are the key attributes'."""
    rng = random.Random(seed)
    for _ in range(count):
        yield items.change(f"item-{rng.randrange(number_of_items):06d}", names, rng)


def inserts(
    names: list[str], count: int, rng: random.Random, belongs: Callable[[dict[str, Any]], bool]
) -> Iterator[dict[str, Any]]:
    """Inserts of items that were never there and whose keys `belongs` accepts."""
    while count:
        keys = _keys(names, f"last-{rng.getrandbits(64):016x}")
        if belongs(keys):
            count -= 1
            yield {"eventName": "INSERT", "Keys": keys, "NewImage": _image(keys, 1, rng)}


def _keys(names: list[str], item_id: str) -> dict[str, Any]:
    return {name: {"S": item_id} for name in names}


def _image(keys: dict[str, Any], number: int, rng: random.Random) -> dict[str, Any]:
    return (
        keys
        | {"customer": {"S": rng.choice(NAMES)}, "lines": {"L": [{"N": str(rng.randint(1, 9))}]}}
        | _changed(number, rng)
    )


def _changed(number: int, rng: random.Random) -> dict[str, Any]:
    return {
        "n": {"N": str(number)},
        "status": {"S": rng.choice(STATES)},
        "price": {"N": f"{rng.randint(1, 99_999)}.{rng.randint(0, 99):02d}"},
        "updatedBy": {"S": rng.choice(NAMES)},
    }
