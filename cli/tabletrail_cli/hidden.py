"""Searching for values that were declared sensitive: the index has tokens in their places.

Rules
- The index itself tells whether it has any where somebody asks: no policy has to be known, and what was indexed before
  a declaration, or after its end, is found as well.
- The type of a value is not known from its text, so each type's token is asked for.
- Whoever may not read the key is told so: a search that silently finds nothing would pass for an answer.

Called by `history`, `search` and `token`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

from tabletrail.core.tokens import LENGTH, PREFIX, Tokens
from tabletrail.errors import RulesError, SettingsError
from tabletrail_cli.errors import AccessError
from tabletrail_cli.filters import FILTERS
from tabletrail_cli.item_key import ItemKey
from tabletrail_cli.patterns import Clause, any_of
from tabletrail_cli.queries import Question, table_clause

if TYPE_CHECKING:
    from tabletrail_cli.entries import Entries
    from tabletrail_cli.place import Place

KINDS = ("S", "N", "B")
"""The types that a value may have whose text somebody gives."""

_TWO_PARTS = re.compile(r"((?:[^\\/]|\\.)*)/((?:[^\\/]|\\.)*)", re.DOTALL)
"""A readable key of two parts: each `/` and `\\` inside a part has a `\\` before it."""


def tokens_of(place: Place) -> Tokens:
    """AccessError says which secret it is that cannot be read."""
    from tabletrail.aws.token_key import token_key_reader

    try:
        return Tokens(token_key_reader(place.session, place.settings.token_key_secret)())
    except RulesError as error:
        raise AccessError(str(error)) from None
    except SettingsError as error:
        raise AccessError(f"the key of the tokens is a secret of the stack, so {error}") from None


def is_token(text: str) -> bool:
    return len(text) == LENGTH and text.startswith(PREFIX)


def has_tokens(entries: Entries, fields: Sequence[str], table: str = "") -> bool:
    """True if any entry (of the table) has a token in one of these fields; of a flat_object, in any of its values."""
    filters: list[Clause] = [any_of([{"prefix": {field: PREFIX}} for field in fields])]
    filters += [table_clause(table)] if table else []
    return entries.first({"bool": {"filter": filters}}, "desc") is not None


def with_tokens(key: ItemKey, tokens: Tokens) -> ItemKey:
    """The same item, also where its key, or one part of it, was declared sensitive."""
    found = [reading for one in key.ids for reading in _readings(one, tokens)]
    parts = {
        path: [*texts, *(token for text in texts for token in tokens_for(text, tokens))]
        for path, texts in key.parts.items()
    }
    return ItemKey(tuple(dict.fromkeys([*key.ids, *found])), parts)


def reveal(question: Question, place: Place, entries: Entries) -> tuple[Question, str]:
    """The question with the tokens of what it asks for, and a note: empty, or why tokens could not be asked for."""
    asked = {name for name, values in question.fields if values}
    asked |= {text.partition("=")[0] for text in question.excluded}
    fields = [field for name, chosen in FILTERS.items() if name in asked for field in chosen.tokens]
    fields += [side for side in ("before", "after") if getattr(question, side)]
    tables = [value for name, values in question.fields if name == "table" for value in values if "*" not in value]
    if not fields or not has_tokens(entries, fields, tables[0] if len(tables) == 1 else ""):
        return question, ""
    try:
        tokens = tokens_of(place)
    except AccessError as error:
        return question, f"some values stand in the index as tokens, which were not searched for: {error}"
    return replace(question, hidden=lambda text: readings_of(text, tokens)), ""


def readings_of(text: str, tokens: Tokens) -> list[str]:
    """What may stand in the index for a value, or for an item's readable key, of this text."""
    return list(dict.fromkeys(_readings(text, tokens)))


def tokens_for(text: str, tokens: Tokens, kinds: Iterable[str] = KINDS) -> list[str]:
    return [tokens(kind, text) for kind in kinds]


def _readings(readable: str, tokens: Tokens) -> list[str]:
    """Of one part: its tokens. Of two: each part as it is, or as a token."""
    found = tokens_for(readable, tokens)
    parts = _TWO_PARTS.fullmatch(readable)
    if parts:
        sides = [[written, *tokens_for(re.sub(r"\\(.)", r"\1", written), tokens)] for written in parts.groups()]
        found += ["/".join(pair) for pair in product(*sides)]
    return found
