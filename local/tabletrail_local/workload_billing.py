"""Billing: payments, whose key has two parts, made together with the order's status in one transaction.

Called by the workload.
"""

from __future__ import annotations

from random import Random
from typing import Any

from tabletrail_local.workload_orders import Orders
from tabletrail_local.workload_service import Cast
from tabletrail_local.workload_truth import Item, typed_item
from tabletrail_local.workload_writer import Writer, only_new_request, update_request

PEOPLE = ("erin", "billing-job")


class Billing:
    def __init__(self, writer: Writer, random: Random, run: str, table: str, orders: Orders) -> None:
        self.table = table
        self.cast = Cast(random, run, PEOPLE)
        self._writer = writer
        self._orders = orders

    def act(self) -> None:
        acts = {self._pay: 6, self._refund: 2, self._settle: 3, self._write_off: 1, self._pay_again: 1}
        self.cast.choose(acts)

    def finish(self) -> None:
        payment = self._new(self.cast.new_key("order"), 1)
        self._writer.put(self.table, payment, only_new=True)

    def _pay(self) -> None:
        """Payment and order in one transaction, which is refused when the order is not `placed` any more."""
        order = self._orders.cast.some()
        if order is None:
            return
        payment = self._new(order["order"], order["total"])
        signature = self.cast.signed()
        key = typed_item({"order": order["order"]})
        changes = {"status": "paid", **signature}
        update = {"TableName": self._orders.table, "Key": key, **update_request(changes, expect=("status", "placed"))}
        put = {"TableName": self.table, "Item": typed_item(payment), **only_new_request("order")}
        paid = {**order, **changes}
        results = [(self.table, payment), (self._orders.table, paid)]
        if self._writer.transact([{"Put": put}, {"Update": update}], results):
            self.cast.items[payment["payment"]] = payment
            self._orders.cast.items[order["order"]] = paid

    def _pay_again(self) -> None:
        if payment := self.cast.some():
            self._writer.put(self.table, payment, only_new=True)

    def _settle(self) -> None:
        """Marks it settled; the second time that changes nothing."""
        if payment := self.cast.some():
            self._update(payment, {"settled": True})

    def _refund(self) -> None:
        """Only what is `captured` can be refunded: the condition refuses a second refund."""
        if payment := self.cast.some():
            changes = {"state": "refunded", "reason": "returned goods", **self.cast.signed()}
            self._update(payment, changes, expect=("state", "captured"))

    def _write_off(self) -> None:
        if payment := self.cast.some():
            self._writer.delete(self.table, _key(payment))
            del self.cast.items[payment["payment"]]

    def _update(self, payment: Item, changes: dict[str, Any], **more: Any) -> None:
        item = self._writer.update(self.table, _key(payment), changes, **more)
        if item:
            self.cast.items[payment["payment"]] = item

    def _new(self, order: str, amount: Any) -> Item:
        payment = {"order": order, "payment": self.cast.new_key("payment"), "amount": amount, "state": "captured"}
        return {**payment, **self.cast.signed()}


def _key(payment: Item) -> Item:
    return {"order": payment["order"], "payment": payment["payment"]}
