"""The records of the golden cases, one for each question that a second implementation must answer alike.

Rules
- A case's name is the name of its file in tests/golden/cases. Once the file is there its input here may not change:
  the test compares them.
- One thing odd in each.

Called by tests/golden/add_cases.py and the test of the golden cases.
"""

from __future__ import annotations

from typing import Any

KEYS = {"pk": {"S": "order#17"}}
TTL = {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}


def record(
    old: dict[str, Any] | None, new: dict[str, Any] | None, name: str = "", keys: dict[str, Any] | None = None
) -> dict[str, Any]:
    keys = keys or KEYS
    data: dict[str, Any] = {
        "ApproximateCreationDateTime": 1_795_500_000,
        "Keys": keys,
        "SequenceNumber": "400000000000000000017",
        "SizeBytes": 100,
        "StreamViewType": "NEW_AND_OLD_IMAGES",
    }
    if old is not None:
        data["OldImage"] = keys | old
    if new is not None:
        data["NewImage"] = keys | new
    return {
        "awsRegion": "eu-central-1",
        "dynamodb": data,
        "eventID": "7c1b3e5d9f204a68b0c2d4e6f8091a2b",
        "eventName": name or ("INSERT" if old is None else "REMOVE" if new is None else "MODIFY"),
        "eventSource": "aws:dynamodb",
        "eventVersion": "1.1",
    }


def _nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {"N": "1"}
    for level in range(levels):
        value = {"L": [value]} if level % 2 else {"M": {"in": value}}
    return value


def _number(before: str, after: str) -> dict[str, Any]:
    return record({"n": {"N": before}}, {"n": {"N": after}})


def _mark(number: int, bound: str, **texts: str) -> dict[str, Any]:
    """Of two ids, made ten seconds apart; the second one near the records' time."""
    mark_id = ("01a20c23-9c6b-7fca-a5b6-c7d8e9f01234", "01a20c23-c4c8-7fca-a5b6-c7d8e9f01235")[number]
    fields = {"id": mark_id, "for": bound, **texts}
    return {"_audit": {"M": {name: {"S": text} for name, text in fields.items()}}}


PAID, SHIPPED = {"status": {"S": "paid"}}, {"status": {"S": "shipped"}}
MARK_OF_BOB = _mark(0, "426f2bab8038117f99acc9fae2cf86cf", actor="bob")
MARK_OF_ALICE = _mark(
    1,
    "5f7bd87d1b88aba07526db83c9287146",
    actor="alice",
    type="user",
    service="crm",
    request_id="req-1",
    reason="refund",
)
MARK_FOR_A_DELETE = _mark(1, "5f7bd87d1b88aba07526db83c9287146", actor="alice", intent="delete")
ODD_NAMES = ("a.b", "", " a", "a[0]", '"', "a=b", "\x00", "\x7f", "…", "größe", "😀", "\ufb33", "a b", "\\", "n" * 300)

CASES: dict[str, dict[str, Any]] = {
    "insert": record(None, PAID | {"updatedBy": {"S": "alice"}}),
    "modify": record(PAID | {"updatedBy": {"S": "bob"}}, SHIPPED | {"updatedBy": {"S": "alice"}}),
    "modify_by_nobody_known": record(PAID | {"updatedBy": {"S": "bob"}}, SHIPPED | {"updatedBy": {"S": "bob"}}),
    "remove": record(PAID | {"updatedBy": {"S": "alice"}}, None),
    "expire": record(PAID, None) | {"userIdentity": TTL},
    "number_38_digits": _number("12345678901234567890123456789012345678", "12345678901234567890123456789012345679"),
    "number_negative": _number("-1", "-0.00000000000000000000000000000000000001"),
    "number_tiny_and_huge": _number("1E-130", "9.9999999999999999999999999999999999999E+125"),
    "number_to_text": record({"n": {"N": "1"}}, {"n": {"S": "1"}}),
    "binary": record({"b": {"B": "AAEC/w=="}}, {"b": {"B": "AAEC/g=="}}),
    "sets": record(
        {"s": {"SS": ["b", "a"]}, "n": {"NS": ["9", "10"]}}, {"s": {"SS": ["a", "😀", "\ufb33"]}, "n": {"NS": ["10"]}}
    ),
    "set_in_another_order": record({"s": {"SS": ["b", "a"]}}, {"s": {"SS": ["a", "b"]}, "x": {"S": ""}}),
    "null_and_booleans": record(
        {"a": {"NULL": True}, "b": {"BOOL": False}}, {"a": {"BOOL": True}, "b": {"BOOL": True}}
    ),
    "empty_map_and_list": record({"m": {"M": {}}, "l": {"L": []}}, {"m": {"M": {"x": {"S": ""}}}, "l": {"M": {}}}),
    "list_positions": record(
        {"lines": {"L": [{"M": {"qty": {"N": "1"}}}, {"M": {"qty": {"N": "2"}}}]}},
        {"lines": {"L": [{"M": {"qty": {"N": "2"}}}]}},
    ),
    "nested_32": record(None, {"deep": _nested(32)}),
    "odd_names": record(None, {name or "e": {"M": {name: {"S": name}}} for name in ODD_NAMES}),
    "long_path": record(None, {"p" * 255: {"M": {"q" * 255: {"M": {"r" * 255: {"N": "1"}}}}}}),
    "long_text": record({"t": {"S": "😀" * 1001}}, {"t": {"S": "😀" * 1000}}),
    "many_paths": record(None, {"list": {"L": [{"NULL": True}] * 1200}}),
    "many_numbers": record(None, {"list": {"L": [{"N": str(one)} for one in range(120)]}}),
    "utf16_order": record(None, {"\ufb33": {"S": "1"}, "😀": {"S": "2"}, "\u20ac": {"S": "3"}}),
    "control_characters": record(None, {"t": {"S": "".join(map(chr, range(32))) + '\x7f"\\\u2028'}}),
    "two_keys": record(PAID, SHIPPED, keys={"sk": {"S": "line/2\\"}, "account": {"N": "7"}}),
    "binary_key": record(PAID, SHIPPED, keys={"pk": {"B": "AQ/+"}, "sk": {"N": "1"}}),
    "long_key": record(PAID, SHIPPED, keys={"pk": {"S": "k" * 1500}}),
    "no_old_image": record(None, SHIPPED | {"updatedBy": {"S": "alice"}}, name="MODIFY"),
    "keys_only": record(None, None, name="REMOVE"),
    "unknown_event_name": record(PAID, SHIPPED, name="UPSERT"),
    "lone_surrogate": record(PAID, {"status": {"S": "\ud800"}}),
    "no_sequence_number": {"eventID": "1", "dynamodb": {"Keys": KEYS, "ApproximateCreationDateTime": 1_795_500_000.5}},
    "nothing": {},
    "rule_of_a_role": record({"role": {"S": "reader"}}, {"role": {"S": "admin"}, "updatedBy": {"S": "alice"}}),
    "rule_of_a_price": record({"price": {"N": "100"}}, {"price": {"N": "49.99"}}),
    "rule_of_hours": record(PAID, SHIPPED),
    "rule_past_the_listed": record({}, {"list": {"L": [{"NULL": True}] * 1200}, "role": {"S": "admin"}}),
    "rule_without_images": record(None, None, name="MODIFY"),
    "token_of_each_type": record(
        {},
        {
            "in": {
                "M": {
                    "text": {"S": "4111-1111"},
                    "empty": {"S": ""},
                    "number": {"N": "41111111"},
                    "binary": {"B": "QUJD"},
                    "truth": {"BOOL": True},
                    "null": {"NULL": True},
                    "texts": {"SS": ["b", "a"]},
                    "numbers": {"NS": ["2", "10"]},
                    "map": {"M": {}},
                    "list": {"L": []},
                    "long": {"S": "x" * 1500},
                    "supplementary": {"S": "😀"},
                }
            }
        },
    ),
    "token_of_a_key": record(PAID, SHIPPED, keys={"pk": {"S": "alice@example.org"}, "sk": {"S": "a/b"}}),
    "token_of_an_actor": record(PAID | {"updatedBy": {"S": "bob"}}, SHIPPED | {"updatedBy": {"S": "alice"}}),
    "token_of_names": record(
        {"emails": {"M": {"bob@example.org": {"BOOL": True}}}},
        {"emails": {"M": {"alice@example.org": {"M": {"since": {"N": "2026"}}}, "bob@example.org": {"BOOL": False}}}},
    ),
    "mark_of_a_change": record(PAID | MARK_OF_BOB, SHIPPED | MARK_OF_ALICE),
    "mark_of_an_insert": record(None, PAID | MARK_OF_BOB),
    "mark_forgotten": record(PAID | MARK_OF_BOB, SHIPPED | MARK_OF_BOB),
    "mark_put_back": record(
        SHIPPED | MARK_OF_ALICE | {"updatedBy": {"S": "alice"}}, PAID | MARK_OF_BOB | {"updatedBy": {"S": "bob"}}
    ),
    "mark_of_another_item": record(PAID, SHIPPED | _mark(1, "3cacff3a1261e3d536fa724a59382c4d", actor="alice")),
    "mark_of_a_number_and_a_binary": record(
        PAID,
        SHIPPED | _mark(1, "2fbce4aa60d174568c29fa43c9462320", actor="alice"),
        keys={"account": {"N": "1500"}, "sk": {"B": "AQ/+"}},
    ),
    "mark_for_a_delete": record(PAID | MARK_OF_BOB, PAID | MARK_FOR_A_DELETE),
    "mark_of_a_delete": record(PAID | MARK_FOR_A_DELETE, None),
    "mark_of_an_earlier_write_at_a_removal": record(PAID | MARK_OF_ALICE, None),
    "mark_at_an_expiry": record(PAID | MARK_OF_ALICE, None) | {"userIdentity": TTL},
    "mark_that_is_none": record(PAID, SHIPPED | {"_audit": {"M": {"id": {"N": "7"}, "actor": {"S": "alice"}}}}),
    "token_of_a_mark": record(PAID, SHIPPED | MARK_OF_ALICE),
    "token_in_an_unreadable": record(PAID, {"status": {"S": "\ud800"}}, keys={"pk": {"S": "alice@example.org"}}),
    "outbox_of_a_change": record(PAID | MARK_OF_BOB, SHIPPED | MARK_OF_ALICE),
    "outbox_of_another_name": record(PAID | MARK_OF_BOB, SHIPPED | MARK_OF_ALICE),
    "outbox_of_a_copy": record(PAID, SHIPPED | MARK_OF_ALICE | {"updatedBy": {"S": "alice"}}),
    "outbox_of_a_marked_delete": record(PAID | MARK_FOR_A_DELETE, None),
    "outbox_of_a_plain_delete": record(PAID | MARK_OF_BOB, None),
    "outbox_of_two_rows": record(PAID | MARK_OF_BOB, None),
    "outbox_unread": record(PAID, SHIPPED | MARK_OF_ALICE),
    "outbox_hidden": record(PAID, SHIPPED | MARK_OF_ALICE),
}


def _rule(name: str, severity: str, when: dict[str, Any], *tags: str) -> dict[str, Any]:
    return {"name": name, "severity": severity, "when": when, "tags": list(tags)}


def _sensitive(path: str, *, names: bool = False) -> dict[str, Any]:
    return {"rules": [], "sensitive": [{"table": "ord*", "path": path, "names": names}]}


_ROLE = _rule("role-granted", "high", {"path": "**.role", "after": {"pattern": "(?i)^admin$"}}, "access", "a")
_NIGHT = {"zone": "Europe/Berlin", "within": [{"from": "22:00", "to": "07:30", "days": ["mon"]}]}

POLICIES: dict[str, dict[str, Any]] = {
    "rule_of_a_role": {"rules": [_ROLE, _rule("by-alice", "critical", {"actor": {"id": "al*"}}, "a")], "sensitive": []},
    "rule_of_a_price": {
        "rules": [_rule("price-cut", "high", {"path": "price", "change": {"falls_by_more_than_percent": 50}})],
        "sensitive": [],
    },
    "rule_of_hours": {"rules": [_rule("at-night", "low", {"time": _NIGHT})], "sensitive": []},
    "rule_past_the_listed": {"rules": [_ROLE], "sensitive": []},
    "rule_without_images": {"rules": [_ROLE, _rule("modified", "low", {"action": "modify"})], "sensitive": []},
    "token_of_each_type": _sensitive("in"),
    "token_of_a_key": _sensitive("pk"),
    "token_of_an_actor": _sensitive("updatedBy"),
    "token_of_a_mark": _sensitive("_audit"),
    "token_of_names": _sensitive("emails.*", names=True),
    "token_in_an_unreadable": _sensitive("pk"),
    "outbox_hidden": _sensitive("_audit"),
}
"""The policy of those cases that have one; the key of their tokens is in tests/golden/add_cases.py."""

_CONTEXT = '{"ticket":17,"lines":[{"sku":"a.b"},{}],"rate":0.10,"by":null,"zip.code":"1"}'
_ROW = {
    "item": "ab" * 32,
    "id": "01a20c23-c4c8-7fca-a5b6-c7d8e9f01235",
    "action": "update",
    "actor": "alice",
    "type": "user",
    "service": "crm",
    "request_id": "req-7",
    "reason": "a refund",
    "context": _CONTEXT,
}
_DELETE = _ROW | {"action": "delete", "context": ""}

EVIDENCE: dict[str, dict[str, Any]] = {
    "outbox_of_a_change": {"row": _ROW, "confidence": "certain"},
    "outbox_of_another_name": {"candidates": [["alice", "user", ""], ["carol", "service", "crm"]]},
    "outbox_of_a_copy": {"is_copy": True},
    "outbox_of_a_marked_delete": {"row": _DELETE, "confidence": "certain"},
    "outbox_of_a_plain_delete": {"row": _DELETE, "confidence": "likely"},
    "outbox_of_two_rows": {"candidates": [["alice", "user", "crm"], ["carol", "user", ""]]},
    "outbox_unread": {"is_unread": True},
    "outbox_hidden": {"row": _ROW, "confidence": "certain"},
}
"""What the outbox told, of those cases where it was asked: fields of `Evidence`."""
