"""Can whoever sees an entry, and has no key of tokens, find out a hidden key attribute by trying?

A mark's `for` is a hash of the key attributes that everybody can make.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from tabletrail.core.document import Conversion
from tabletrail.core.entry import convert
from tabletrail.core.policy import compile_policy
from tabletrail.core.tokens import Tokens
from tabletrail_client.context import Act
from tabletrail_client.marks import binding, new_id
from tabletrail_client.outbox import TABLE, row
from tests.core.strategies import SOURCE, record
from tests.core.test_is_a_sensitive_value_shown import SECRET, entry_of, sensitive

KEYS = {"pk": {"S": SECRET}}
NOTHING_HIDDEN = Conversion("month", "updatedBy", compile_policy({"rules": []}))


def marked(new: dict[str, Any], keys: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """A record of a marked insert, and its mark's binding."""
    mark_id = new_id()
    bound = binding(mark_id, SOURCE.table_name, keys)
    mark = {"id": {"S": mark_id}, "for": {"S": bound}, "actor": {"S": "alice"}}
    made = record({}, {**new, "_audit": {"M": mark}}, Keys=keys)
    made["dynamodb"]["ApproximateCreationDateTime"] = int(mark_id.replace("-", "")[:12], 16) // 1000
    return made, bound


@pytest.mark.parametrize("declared", ["pk", "another"])
def test_is_the_binding_a_token_where_anything_is_hidden(declared: str) -> None:
    keys = KEYS if declared == "pk" else {"pk": {"S": "plain"}}
    made, bound = marked(keys, keys)
    document = entry_of(made, sensitive(declared))
    assert (document["actor"]["id"], document["actor"]["source"]) == ("alice", "mark")
    assert bound not in json.dumps(document)
    assert re.fullmatch(r"token:[0-9a-f]{32}", document["after"]["_audit.for"])


def test_is_it_shown_where_nothing_of_the_table_is_hidden() -> None:
    made, bound = marked({"pk": {"S": "plain"}}, {"pk": {"S": "plain"}})
    elsewhere = compile_policy({"sensitive": [{"table": "no-such-table", "path": "pk"}]})
    for conversion in (NOTHING_HIDDEN, Conversion("month", "updatedBy", elsewhere, Tokens(bytes(32)))):
        assert entry_of(made, conversion)["after"]["_audit.for"] == bound


def row_of_a_hidden_item() -> dict[str, Any]:
    act = Act("alice", service="crm", request_id="req-1", reason="a refund", context={"ticket": "T-17"})
    return row(act, "update", SOURCE.table_name, KEYS, new_id())


@pytest.mark.parametrize("outbox", [TABLE, f"{TABLE}-eu"])
def test_does_a_row_of_the_outbox_tell_what_its_item_hides(outbox: str) -> None:
    """The outbox is audited too, and its rows copy keys and names from tables in which those are hidden."""
    made = row_of_a_hidden_item()
    taken = record(None, made, Keys={name: made[name] for name in ("item", "id")})
    source = replace(SOURCE, table_name=outbox, partition_key="item")
    elsewhere = compile_policy({"sensitive": [{"table": SOURCE.table_name, "path": "pk"}]})
    hiding = Conversion("month", "updatedBy", elsewhere, Tokens(bytes(32)))
    document = json.loads(convert(taken, source, hiding).document)
    told = json.dumps(document)
    for text in (SECRET, made["item"]["S"], "alice", "crm", "req-1", "refund", "T-17"):
        assert text not in told
    assert document["after"]["action"] == "update"
    assert document["item"]["key"]["id"] == made["id"]["S"]
    assert made["item"]["S"] in json.loads(convert(taken, source, NOTHING_HIDDEN).document)["item"]["id"]
