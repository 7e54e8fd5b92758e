"""Personnel: a few changes that the rules of this release call sensitive, one after the other. Called by the workload.

A role granted and a bank account changed by one person, then a permission by somebody who wipes off who wrote before.
At last somebody leaves, which no rule minds.
"""

from __future__ import annotations

from random import Random
from typing import Any

from tabletrail_local.workload_service import Cast
from tabletrail_local.workload_truth import Item
from tabletrail_local.workload_writer import Writer

SENSITIVE_CHANGES = 3
PEOPLE = ("hr-sync",)


class Staff:
    def __init__(self, writer: Writer, random: Random, run: str, table: str) -> None:
        self.table = table
        self.cast = Cast(random, run, PEOPLE)
        self._writer = writer

    def act(self) -> None:
        ines, jonas = self._hire("Ines Almeida", "viewer"), self._hire("Jonas Weber", "clerk")
        self._update(ines, {"role": "admin", "updatedBy": "mallory"})
        self._update(jonas, {"payroll.iban": "DE02120300000000202051", "updatedBy": "mallory"})
        self._update(ines, {"permissions": {"orders:read", "payments:refund"}}, drop="updatedBy")
        self._writer.delete(self.table, {"person": jonas["person"]})

    def _hire(self, name: str, role: str) -> Item:
        person = {
            "person": self.cast.new_key("staff"),
            "name": name,
            "role": role,
            "permissions": {"orders:read"},
            "payroll": {"iban": "DE89370400440532013000"},
            "updatedBy": "hr-sync",
        }
        self._writer.put(self.table, person, only_new=True)
        return person

    def _update(self, person: Item, changes: dict[str, Any], drop: str = "") -> None:
        self._writer.update(self.table, {"person": person["person"]}, changes, drop=drop)
