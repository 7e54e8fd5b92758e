"""KEY of a command as a clause that finds the item's entries, however its key stands in the index.

Called by `history` and `who`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tabletrail_cli.errors import AccessError
from tabletrail_cli.item_key import ItemKey
from tabletrail_cli.patterns import Clause
from tabletrail_cli.queries import item_query

if TYPE_CHECKING:
    from tabletrail_cli.entries import Entries
    from tabletrail_cli.place import Place


def clause_of(index: Entries, table: str, key: ItemKey, place: Place) -> Clause:
    """Finds the entries of one item. AccessError if its key may be hidden, and the key of the tokens cannot be read."""
    return _settled(index, table, _revealed(index, table, key, place)).clause()


def _revealed(index: Entries, table: str, key: ItemKey, place: Place) -> ItemKey:
    """The key also as tokens, where the table's keys were declared sensitive; a token itself is found as it is."""
    from tabletrail_cli.hidden import has_tokens, is_token, tokens_of, with_tokens

    if any(is_token(one) for one in key.ids) or not has_tokens(index, ["item.key"], table):
        return key
    try:
        return with_tokens(key, tokens_of(place))
    except AccessError as error:
        raise AccessError(
            f"keys of {table} stand in the index as tokens. {error} Or give the item's token in place of KEY: whoever "
            "may read the key has it from `tabletrail token`"
        ) from None


def _settled(index: Entries, table: str, key: ItemKey) -> ItemKey:
    """Of two readings of a key the one that the log knows, however its parts stand there."""
    if not key.parts:
        return key
    ids = {"ids": {"terms": {"field": "item.id"}}}
    found = index.aggregate(item_query(table, key.candidates()), ids)["ids"]["buckets"]
    return ItemKey(tuple(bucket["key"] for bucket in found), {}) if found else key
