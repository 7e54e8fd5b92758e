"""The customer service: names, e-mail, addresses. Called by the workload."""

from __future__ import annotations

from random import Random
from typing import Any

from tabletrail_local.workload_service import Cast
from tabletrail_local.workload_truth import Item
from tabletrail_local.workload_writer import Writer

PEOPLE = ("carol", "dave", "crm-sync")
_NAMES = ("Ada Novak", "Ben Okafor", "Chiara Rossi", "Dmitri Sokolov", "Elif Şahin", "Finn O'Neil", "Grace Wu")
_CITIES = {"Köln": "50667", "Lyon": "69001", "Porto": "4000", "Gdańsk": "80001", "Cork": "T12"}
_STREETS = ("Mill Lane", "Station Road", "Rue de la Paix", "Hafenstraße", "Rua das Flores")


class Customers:
    def __init__(self, writer: Writer, random: Random, run: str, table: str) -> None:
        self.table = table
        self.cast = Cast(random, run, PEOPLE)
        self._writer = writer

    def act(self) -> None:
        acts = {
            self._register: 4,
            self._change_email: 4,
            self._move: 4,
            self._interest: 2,
            self._sync: 2,
            self._forget: 1,
            self._clean_up: 1,
        }
        self.cast.choose(acts)

    def finish(self) -> None:
        self._register()

    def _register(self) -> None:
        customer = self._new()
        self._writer.put(self.table, customer, only_new=True)
        self.cast.items[customer["customer"]] = customer

    def _change_email(self) -> None:
        if customer := self.cast.some():
            host = self.cast.random.choice(("mail.example", "post.example", "work.example"))
            email = f"{customer['name'].split()[0].lower()}{self.cast.random.randint(1, 99)}@{host}"
            self._update(customer, {"email": email, **self.cast.signed()})

    def _move(self) -> None:
        if customer := self.cast.some():
            address = new_address(self.cast.random)
            changes = {f"address.{name}": value for name, value in address.items()}
            self._update(customer, {**changes, **self.cast.signed()})

    def _interest(self) -> None:
        if customer := self.cast.some():
            interests = set(self.cast.random.sample(("garden", "kitchen", "office", "kids"), 2))
            self._update(customer, {"interests": interests, **self.cast.signed()})

    def _sync(self) -> None:
        """Writes every attribute anew, and none of them differs."""
        if customer := self.cast.some():
            self._writer.put(self.table, customer)

    def _forget(self) -> None:
        if customer := self.cast.some():
            self._writer.delete(self.table, self._key(customer))
            del self.cast.items[customer["customer"]]

    def _clean_up(self) -> None:
        """A batch that removes an old customer, one that never was, and registers two."""
        new = [self._new(), self._new()]
        old = self.cast.some()
        gone = [{"customer": self.cast.new_key("customer")}, *([self._key(old)] if old else [])]
        self._writer.batch(self.table, new, gone)
        if old:
            del self.cast.items[old["customer"]]
        self.cast.items.update({customer["customer"]: customer for customer in new})

    def _update(self, customer: Item, changes: dict[str, Any]) -> None:
        item = self._writer.update(self.table, self._key(customer), changes)
        if item:
            self.cast.items[customer["customer"]] = item

    def _key(self, customer: Item) -> Item:
        return {"customer": customer["customer"]}

    def _new(self) -> Item:
        random = self.cast.random
        name = random.choice(_NAMES)
        customer = {
            "customer": self.cast.new_key("customer"),
            "name": name,
            "active": True,
            "address": new_address(random),
        }
        return {**customer, "email": f"{name.split()[0].lower()}@mail.example", **self.cast.signed()}


def new_address(random: Random) -> dict[str, str]:
    city = random.choice(sorted(_CITIES))
    return {"street": f"{random.choice(_STREETS)} {random.randint(1, 40)}", "city": city, "zip": _CITIES[city]}
