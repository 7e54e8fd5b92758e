"""Which attributes are the key of a table's items.

Called by `tabletrail_client.installation`: a put does not say it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tabletrail_client.errors import AuditedError


class Keys:
    """`known` are names of key attributes by table; others are asked for once, by `describe` (DescribeTable)."""

    def __init__(self, known: Mapping[str, Sequence[str]], describe: Callable[[str], Mapping[str, Any]]) -> None:
        self._known = {table: tuple(names) for table, names in known.items()}
        self._describe = describe

    def of(self, table: str) -> tuple[str, ...]:
        """AuditedError if they can be known in no way."""
        if table not in self._known:
            try:
                schema = self._describe(table)["Table"]["KeySchema"]
            except Exception as error:
                raise AuditedError(
                    f"audited: the key of {table} is not known ({type(error).__name__}: {error}). Permit "
                    f"dynamodb:DescribeTable, or say it: install(..., keys={{{table!r}: ('pk', 'sk')}})"
                ) from error
            self._known[table] = tuple(str(part["AttributeName"]) for part in schema)
        return self._known[table]

    def within(self, table: str, item: Mapping[str, Any]) -> dict[str, Any]:
        """The key of an item. DynamoDB itself will refuse one that lacks a part of it."""
        return {name: item[name] for name in self.of(table) if name in item}


def table_name(name_or_arn: str) -> str:
    """A call may name a table by its ARN; a mark is bound to the name."""
    return name_or_arn.rpartition(":table/")[2] if name_or_arn.startswith("arn:") else name_or_arn
