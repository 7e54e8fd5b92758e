"""Does what was declared sensitive occur anywhere in an entry, whole or in part or as a plain hash?"""

from __future__ import annotations

import hmac
import json
import pickle
import re
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tabletrail.core.document import Conversion, Source, with_log
from tabletrail.core.entry import convert, reduced_entry, retried_entry
from tabletrail.core.policy import compile_policy
from tabletrail.core.tokens import LENGTH, Tokens
from tests.core.naive_rules import POSITION, Place, Step, changed, covers, names_end_at
from tests.core.policy_strategies import patterns, written
from tests.core.strategies import SOURCE, record, records
from tests.validation import assert_valid_entry

Item = dict[str, Any]

KEY = bytes(range(32))
TOKENS = Tokens(KEY)
TOKEN = re.compile(r"token:[0-9a-f]{32}")
SECRET = "geheim-4111-1111"
S: Item = {"S": SECRET}


def sensitive(*paths: str, names: bool = False, table: str = "*", rules: Any = ()) -> Conversion:
    declared = [{"table": table, "path": list(paths), "names": names}]
    return Conversion("month", "updatedBy", compile_policy({"rules": list(rules), "sensitive": declared}), TOKENS)


def entry_of(made: Item, conversion: Conversion, source: Source = SOURCE) -> dict[str, Any]:
    """The document, after a look at all forms of it that ever leave: full, parked, retried."""
    entry = convert(made, source, conversion)
    document = assert_valid_entry(entry.document)
    full = with_log(entry.document, entry.index, "segment", 1)
    for form in (entry.document, full, reduced_entry(full, "mapper_parsing_exception"), retried_entry(full)):
        assert_valid_entry(form)
        assert_hidden(SECRET, form.decode())
    assert json.loads(entry.images)["form"] in ("plain", "record")
    return document


def assert_hidden(secret: str, text: str) -> None:
    """Neither the secret, nor a piece of it, nor a hash that everyone can make."""
    for piece in (secret, secret[:6], secret[-6:], secret.upper(), sha256(secret.encode()).hexdigest()):
        assert piece not in text
    assert json.dumps(secret)[1:-1] not in text


PLACES: list[tuple[str, Item, Item]] = [
    ("card", {}, {"card": S}),
    ("card", {"card": S}, {}),
    ("card", {"card": S}, {"card": {"S": SECRET + "2"}}),
    ("card", {"card": {"N": "1"}}, {"card": {"M": {"pan": S, "deep": {"L": [S, {"M": {"x": S}}]}}}}),
    ("card", {}, {"card": {"SS": ["a", SECRET]}}),
    ("card", {}, {"card": {"S": SECRET * 200}}),
    ("cards[].pan", {}, {"cards": {"L": [{"M": {"pan": S, "open": {"S": "x"}}}]}}),
    ("**.pan", {}, {"a": {"L": [{"M": {"pan": S}}]}, "pan": S}),
    ("*Card", {}, {"firstCard": S, "secondCard": S}),
    ("updatedBy", {}, {"updatedBy": S, "status": {"S": "paid"}}),
    ("updatedBy", {"updatedBy": S, "status": {"S": "new"}}, {"updatedBy": S, "status": {"S": "paid"}}),
    ("updatedBy", {}, {"updatedBy": {"S": SECRET * 100}}),
]


@pytest.mark.parametrize(("path", "old", "new"), PLACES)
@pytest.mark.parametrize("action", ["MODIFY", "INSERT", "REMOVE"])
def test_a_sensitive_value_is_nowhere(path: str, old: Item, new: Item, action: str) -> None:
    made = record(None if action == "INSERT" else old, None if action == "REMOVE" else new)
    document = entry_of(made, sensitive(path))
    if action == "MODIFY" and path != "updatedBy":
        assert TOKEN.search(json.dumps([document.get("before"), document.get("after")]))


def test_the_whole_value_stays_in_the_images() -> None:
    entry = convert(record({}, {"card": S}), SOURCE, sensitive("card"))
    assert json.loads(entry.images)["new"] == {"card": S}


def test_a_key_is_hidden_in_all_its_places() -> None:
    keys: Item = {"pk": S, "sk": {"S": "a/b"}}
    document = entry_of(record({}, {"x": {"S": "1"}}, Keys=keys), sensitive("pk"))
    token = TOKENS("S", SECRET)
    assert document["item"] == {"id": f"{token}/a\\/b", "key": {"pk": token, "sk": "a/b"}}
    assert document["message"].endswith(f"on orders {token}/a\\/b")
    long = entry_of(record({}, {}, Keys={"pk": {"S": SECRET * 100}, "sk": {"S": "b" * 1500}}), sensitive("pk"))
    assert long["item"]["id"].startswith(TOKENS("S", SECRET * 100) + "/bbb")
    plain_hash = sha256(f"{SECRET * 100}/{'b' * 1500}".encode()).hexdigest()
    assert plain_hash not in json.dumps(long)
    assert entry_of(record({}, {}, Keys={"n": {"N": "123456"}}), sensitive("n"))["item"]["id"] == TOKENS("N", "123456")


def test_an_unreadable_entry_hides_its_key() -> None:
    made = record({}, {"x": {"S": "\ud800"}}, Keys={"pk": S})
    document = entry_of(made, sensitive("pk"))
    assert document["tabletrail"]["kind"] == "unreadable"
    assert document["item"] == {"id": TOKENS("S", SECRET), "key": {"pk": TOKENS("S", SECRET)}}
    odd = entry_of(record({}, {SECRET: {"X": SECRET}}, Keys={"pk": S}), sensitive("pk"))
    assert odd["tabletrail"]["kind"] == "unreadable"


def test_a_sensitive_text_that_no_token_can_be_made_of_is_kept_whole_and_unseen() -> None:
    document = entry_of(record({}, {"card": {"S": SECRET + "\ud800"}}), sensitive("card"))
    assert document["tabletrail"]["kind"] == "unreadable"
    keyed = entry_of(record({}, {}, Keys={"pk": {"S": SECRET + "\ud800"}}), sensitive("pk"))
    assert "item" not in keyed


def test_a_number_is_not_among_the_numbers() -> None:
    document = entry_of(record({"n": {"N": "8765432"}}, {"n": {"N": "2345987"}, "m": {"N": "5"}}), sensitive("n"))
    assert document["numbers"] == [{"path": "m", "after": "5"}]
    assert not re.search("8765432|2345987", json.dumps(document))


def test_tokens_are_of_one_length_whatever_the_value() -> None:
    new = {name: {"S": name * 1000} for name in ("", "a", "b")} | {"c": {"BOOL": True}, "d": {"NULL": True}}
    shown = entry_of(record({}, {"m": {"M": new}}), sensitive("m"))["after"].values()
    assert {len(one) for one in shown} == {LENGTH} == {38}
    assert len(set(shown)) == len(new)


def test_the_same_value_has_the_same_token_in_every_table() -> None:
    other = Source(**{name: getattr(SOURCE, name) for name in SOURCE.__slots__} | {"table_name": "users"})
    conversion = sensitive("card", "**.pan")
    one = entry_of(record({}, {"card": S}), conversion)
    two = entry_of(record({}, {"a": {"M": {"pan": S}}}), conversion, other)
    assert one["after"]["card"] == two["after"]["a.pan"] == TOKENS("S", SECRET)


def test_a_token_is_what_the_format_says() -> None:
    parts = (b"tabletrail/v1/token", b"S", SECRET.encode())
    data = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    assert TOKENS("S", SECRET) == "token:" + hmac.new(KEY, data, sha256).hexdigest()[:32]
    assert len({TOKENS(kind, "5") for kind in ("S", "N", "B", "SS", "name")}) == 5
    assert Tokens(KEY[::-1])("S", SECRET) != TOKENS("S", SECRET)


@pytest.mark.parametrize("key", [b"", b"x" * 31, "x" * 40, None])
def test_a_short_key_is_no_key(key: Any) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Tokens(key)


def test_a_key_of_tokens_shows_nowhere() -> None:
    conversion = sensitive("card")
    assert KEY.hex() not in repr(conversion)
    assert repr(KEY)[2:-1] not in repr(conversion) + repr(TOKENS) + str(vars(type(TOKENS)))
    with pytest.raises(TypeError):
        pickle.dumps(TOKENS)


def test_other_tables_are_shown() -> None:
    conversion = sensitive("card", table="users*")
    document = assert_valid_entry(convert(record({}, {"card": S}), SOURCE, conversion).document)
    assert document["after"] == {"card": SECRET}


def test_names_that_are_data_become_tokens() -> None:
    old: Item = {"emails": {"M": {"bob@example.org": {"BOOL": True}}}}
    new: Item = {"emails": {"M": {SECRET: {"M": {"verified": {"BOOL": True}, "n": {"N": "7"}}}, "n" * 300: S}}}
    document = entry_of(record(old, new), sensitive("emails.*", names=True))
    token, long = TOKENS("name", SECRET), TOKENS("name", "n" * 300)
    bob = TOKENS("name", "bob@example.org")
    places = {f"emails.{token}.verified", f"emails.{token}.n", f"emails.{long}", f"emails.{bob}"}
    assert set(document["changed"]) == set(document["changed_path"]) == places
    assert set(document["before"]) | set(document["after"]) == places
    assert "numbers" not in document
    assert "bob@" not in json.dumps(document)


@pytest.mark.parametrize("is_first", [True, False])
def test_one_declaration_of_names_suffices(is_first: bool) -> None:
    declared: list[Item] = [{"table": "*", "path": "*.*"}, {"table": "*", "path": "emails.*", "names": True}]
    policy = compile_policy({"sensitive": declared[::-1] if is_first else declared})
    made = record({}, {"emails": {"M": {SECRET: {"S": "x"}}}})
    document = entry_of(made, Conversion("month", "updatedBy", policy, TOKENS))
    assert document["changed"] == ["emails." + TOKENS("name", SECRET)]


def test_the_order_of_hidden_names_tells_nothing_of_them() -> None:
    new: Item = {"m": {"M": {f"name{number:03d}": {"S": "x"} for number in range(50)}}}
    document = entry_of(record({}, new), sensitive("m.*", names=True))
    assert document["changed"] == sorted(document["changed"])


def test_a_name_that_looks_like_a_token_passes_for_none() -> None:
    token = TOKENS("name", SECRET)
    new: Item = {"m": {"M": {f"x{SECRET}": {"S": "a"}, TOKENS("name", f"x{SECRET}"): {"S": "b"}, token: {"S": "c"}}}}
    document = entry_of(record({}, new), sensitive("m.x*", names=True))
    assert len(set(document["changed"])) == 3
    assert f"m.{token}" not in document["changed"]


def test_a_rule_sees_what_the_entry_hides() -> None:
    rule = {"name": "seen", "severity": "high", "when": {"path": "card", "after": {"equals": SECRET}}}
    by_actor = {"name": "by", "severity": "low", "when": {"actor": {"id": SECRET}}}
    conversion = sensitive("card", "updatedBy", rules=[rule, by_actor])
    document = entry_of(record({}, {"card": S, "updatedBy": S}), conversion)
    assert document["rule"] == {"name": ["by", "seen"]}


def test_what_dynamodb_says_of_the_actor_is_no_item_s_value() -> None:
    made = record({"updatedBy": S}, None) | {
        "userIdentity": {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    }
    document = entry_of(made, sensitive("updatedBy"))
    assert document["actor"]["id"] == "dynamodb.amazonaws.com"
    assert document["actor"]["last_known"] == TOKENS("S", SECRET)


def _planted(value: Item, secrets: list[str], place: Place, is_hidden: Any, hides_name: Any) -> Item:
    """The value with a secret of its own wherever texts are hidden."""
    [(kind, content)] = value.items()
    if kind == "M":
        inner: Item = {}
        for name, one in content.items():
            shown = _secret(secrets) if hides_name((*place, name)) else name
            inner[shown] = _planted(one, secrets, (*place, name), is_hidden, hides_name)
        return {"M": inner}
    if kind == "L":
        return {"L": [_planted(one, secrets, (*place, at), is_hidden, hides_name) for at, one in enumerate(content)]}
    if not is_hidden(place):
        return value
    secret = _secret(secrets)
    return {"SS": [secret, "x"]} if kind == "SS" else {"S": secret}


def _secret(secrets: list[str]) -> str:
    secrets.append(f"geheim{len(secrets):06d}@")
    return secrets[-1]


@given(st.data(), records())
def test_no_secret_of_any_item_is_shown(data: st.DataObject, made: Item) -> None:
    """GIVEN any record and any declaration, with a text of its own planted at each place that it covers."""
    images = [made["dynamodb"].get(name) or {} for name in ("OldImage", "NewImage")]
    places = [*changed(*images), *((name,) for name in made["dynamodb"]["Keys"])]
    chosen: list[list[Step]] = data.draw(st.lists(patterns(places), min_size=1, max_size=3))
    names = data.draw(st.booleans())

    def is_hidden(place: Place) -> bool:
        return any(covers(one, place) for one in chosen)

    def hides_name(place: Place) -> bool:
        return names and len(place) > 1 and chosen[0][-1] != POSITION and names_end_at(chosen[0], place)

    if names:
        # Planted names must still be where the pattern looks, and no other pattern may depend on them.
        chosen = [[*chosen[0][:-1], ("*", "")]] if chosen[0][-1] != POSITION else chosen[:1]
        assume(all(kind in ("*", "name", "[]") for kind, _ in chosen[0]))
    secrets: list[str] = []
    for image in ("OldImage", "NewImage"):
        if image in made["dynamodb"]:
            whole = _planted({"M": made["dynamodb"][image]}, secrets, (), is_hidden, hides_name)["M"]
            made["dynamodb"][image] = whole
    keys = made["dynamodb"]["Keys"]
    made["dynamodb"]["Keys"] = {
        name: {"S": _secret(secrets)} if is_hidden((name,)) else value for name, value in keys.items()
    }
    document = convert(made, SOURCE, sensitive(*map(written, chosen), names=names)).document
    assert_valid_entry(document)
    text = document.decode()
    assert [secret for secret in secrets if secret in text] == []
    assert not any(sha256(secret.encode()).hexdigest() in text for secret in secrets)


@given(records())
def test_what_is_declared_nowhere_in_the_item_changes_nothing(made: Item) -> None:
    plain = convert(made, SOURCE, Conversion("month", "updatedBy")).document
    version = sensitive("no-such-attribute").rules_version
    declared = json.loads(convert(made, SOURCE, sensitive("no-such-attribute")).document)
    assert declared["tabletrail"].pop("rules_version") == version
    expected = json.loads(plain)
    assert expected["tabletrail"].pop("rules_version") == "none"
    del declared["event"]["hash"], expected["event"]["hash"]
    assert declared == expected


@given(records())
def test_when_all_is_sensitive_no_value_is_shown(made: Item) -> None:
    document = assert_valid_entry(convert(made, SOURCE, sensitive("**", names=True)).document)
    shown = [
        *document.get("before", {}).values(),
        *document.get("after", {}).values(),
        *document["item"]["key"].values(),
    ]
    assert all(TOKEN.fullmatch(one) for one in shown)
    assert re.fullmatch(r"token:[0-9a-f]{32}(/token:[0-9a-f]{32})?", document["item"]["id"])
    assert "numbers" not in document
    parts = [part for path in document["changed"] for part in re.split(r"[.\[]", path) if part and "]" not in part]
    assert all(TOKEN.fullmatch(part.partition("…")[0]) or "…" in part for part in parts)
