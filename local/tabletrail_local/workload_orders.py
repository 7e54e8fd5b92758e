"""The shop: orders with lines and an address, from placed to shipped. Called by the workload."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from tabletrail_local.workload_customers import new_address
from tabletrail_local.workload_service import Cast
from tabletrail_local.workload_truth import Item
from tabletrail_local.workload_writer import Writer

PEOPLE = ("alice", "bob", "checkout")
NEXT = {"placed": "packed", "paid": "packed", "packed": "shipped"}
_GOODS = {"lamp": 3990, "chair": 11900, "desk": 24900, "mug": 850, "poster": 1475}
"""Prices in cents."""


class Orders:
    def __init__(self, writer: Writer, random: Random, run: str, table: str) -> None:
        self.table = table
        self.cast = Cast(random, run, PEOPLE)
        self._writer = writer

    def act(self) -> None:
        acts = {
            self._place: 5,
            self._advance: 7,
            self._change_line: 5,
            self._move: 2,
            self._note: 3,
            self._place_again: 2,
            self._save_again: 2,
            self._cancel: 1,
            self._import_file: 1,
        }
        self.cast.choose(acts)

    def finish(self) -> None:
        self._place()

    def _place(self) -> None:
        order = self._new()
        self._writer.put(self.table, order, only_new=True)
        self.cast.items[order["order"]] = order

    def _place_again(self) -> None:
        """A client that repeats its request: the condition refuses it."""
        if order := self.cast.some():
            self._writer.put(self.table, {**self._new(), "order": order["order"]}, only_new=True)

    def _save_again(self) -> None:
        """A service that writes what it has read: accepted, and nothing has changed."""
        order = self.cast.some()
        if order and self.cast.random.random() < 0.5:
            self._writer.put(self.table, order)
        elif order:
            self._update(order, {"status": order["status"]})

    def _advance(self) -> None:
        """To the next status, if it still is what was read; sometimes somebody looked at an old page."""
        order = self.cast.some()
        if not order or order["status"] not in NEXT:
            return
        expected = "draft" if self.cast.random.random() < 0.15 else order["status"]
        changes = {"status": NEXT[order["status"]], **self.cast.signed()}
        self._update(order, changes, expect=("status", expected))

    def _change_line(self) -> None:
        if order := self.cast.some():
            number = self.cast.random.randrange(len(order["lines"]))
            lines = [dict(line) for line in order["lines"]]
            lines[number]["qty"] = self.cast.random.randint(1, 5)
            changes = {f"lines[{number}].qty": lines[number]["qty"], "total": total_of(lines)}
            self._update(order, {**changes, **self.cast.signed()})

    def _move(self) -> None:
        if order := self.cast.some():
            address = new_address(self.cast.random)
            changes = {"shipTo.city": address["city"], "shipTo.street": address["street"]}
            self._update(order, {**changes, **self.cast.signed()})

    def _note(self) -> None:
        order = self.cast.some()
        if order and "note" in order:
            self._update(order, self.cast.signed(), drop="note")
        elif order:
            note = self.cast.random.choice(("call first", "leave at the door", "gift: no invoice inside"))
            self._update(order, {"note": note, **self.cast.signed()})

    def _cancel(self) -> None:
        """Removes an order; now and then one that is gone already."""
        if order := self.cast.some():
            key = {"order": order["order"]}
            self._writer.delete(self.table, key)
            if self.cast.random.random() < 0.3:
                self._writer.delete(self.table, key)
            del self.cast.items[order["order"]]

    def _import_file(self) -> None:
        """A batch: some new orders, and one that is there already, unchanged."""
        orders = [self._new() for _ in range(self.cast.random.randint(3, 6))]
        known = self.cast.some()
        self._writer.batch(self.table, [*orders, *([known] if known else [])])
        self.cast.items.update({order["order"]: order for order in orders})

    def _update(self, order: Item, changes: dict[str, Any], **more: Any) -> None:
        item = self._writer.update(self.table, {"order": order["order"]}, changes, **more)
        if item:
            self.cast.items[order["order"]] = item

    def _new(self) -> Item:
        random = self.cast.random
        goods = random.sample(sorted(_GOODS), random.randint(1, 3))
        lines = [{"sku": sku, "qty": random.randint(1, 4), "price": Decimal(_GOODS[sku]) / 100} for sku in goods]
        order = {"order": self.cast.new_key("order"), "status": "placed", "lines": lines, "total": total_of(lines)}
        return {**order, "shipTo": new_address(random), **self.cast.signed()}


def total_of(lines: list[dict[str, Any]]) -> Decimal:
    return sum((line["qty"] * line["price"] for line in lines), Decimal(0))
