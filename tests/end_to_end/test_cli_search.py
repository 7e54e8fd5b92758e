"""Does a search find exactly what was asked for?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tabletrail_local.info import StackInfo
from tests.end_to_end.cli_story import Document, Story, order_of, planted, tabletrail
from tests.ports.opensearch_server import Server

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def story(stack: StackInfo) -> Iterator[Story]:
    server = Server(stack)
    server.install()
    with planted(server) as found:
        yield found


def changed(*paths: str) -> Callable[[Document], bool]:
    return lambda one: any(path in one.get("changed", ()) for path in paths)


def value(side: str, path: str, condition: Callable[[str], bool]) -> Callable[[Document], bool]:
    return lambda one: path in one.get(side, {}) and condition(str(one[side][path]))


def mentions(word: str) -> Callable[[Document], bool]:
    """In its sentence, or as the whole value of an attribute that changed."""
    return lambda one: (
        word in one["message"] or word in {*one.get("before", {}).values(), *one.get("after", {}).values()}
    )


def number_is(path: str, condition: Callable[[dict[str, float]], bool]) -> Callable[[Document], bool]:
    """`path` ends with what it must end with: `qty` for every `lines[N].qty`."""

    def holds(one: Document) -> bool:
        for each in one.get("numbers", ()):
            sides = {side: float(each.get(side, "nan")) for side in ("before", "after")}
            if each["path"].endswith(path) and condition(sides):
                return True
        return False

    return holds


def actor(one: Document) -> str:
    return str(one.get("actor", {}).get("id", ""))


def at(one: Document, since: str, until: str) -> bool:
    return since <= str(one["@timestamp"]) < until


CASES: list[tuple[list[str], Callable[[Document], Any]]] = [
    (["shipped"], mentions("shipped")),
    (["alice", "shipped"], lambda one: mentions("alice")(one) and mentions("shipped")(one)),
    (["shipped -alice"], lambda one: mentions("shipped")(one) and not mentions("alice")(one)),
    (['"from paid to shipped"'], lambda one: "from paid to shipped" in one["message"]),
    (["ship*"], mentions("shipped")),
    (["customer/7"], lambda one: one.get("item", {}).get("id") == "customer/7"),
    (["example old"], value("before", "email", lambda text: True)),
    (["billing-job"], mentions("billing-job")),
    (["--action", "remove"], lambda one: one["event"]["action"] == "remove"),
    (["--action", "expire", "--action", "insert"], lambda one: one["event"]["action"] in ("expire", "insert")),
    (["--actor", "bob"], lambda one: actor(one) == "bob"),
    (["--actor", "b*"], lambda one: actor(one).startswith("b")),
    (["--actor", "dynamodb.amazonaws.com"], lambda one: one["event"]["action"] == "expire"),
    (["--service", "billing"], lambda one: one.get("service", {}).get("name") == "billing"),
    (["--not", "service=billing"], lambda one: one.get("service", {}).get("name") != "billing"),
    (
        ["--not", "actor=b*", "--action", "modify"],
        lambda one: one["event"]["action"] == "modify" and actor(one)[:1] != "b",
    ),
    (["--item", "order#7"], lambda one: one.get("item", {}).get("id") == "order#7"),
    (["--item", "order#1*"], lambda one: one.get("item", {}).get("id", "").startswith("order#1")),
    (["--kind", "gap"], lambda one: one["tabletrail"]["kind"] == "gap"),
    (["--kind", "parked", "--kind", "unreadable"], lambda one: one["tabletrail"]["kind"] in ("parked", "unreadable")),
    (["--tag", "money"], lambda one: "money" in one.get("tags", ())),
    (["--rule", "large-price"], lambda one: one.get("rule", {}).get("name") == "large-price"),
    (["--severity", "high"], lambda one: one["event"]["severity"] >= 73),
    (["--severity", "50", "--kind", "change"], lambda one: one["event"]["severity"] > 50 and "tags" in one),
    (["--changed", "email"], changed("email")),
    (["--changed", "address"], changed("address.city", "address.zip")),
    (["--changed", "address.city"], changed("address.city")),
    (["--changed", "addr*.city"], changed("address.city")),
    (["--changed", "lines[0].qty"], changed("lines[0].qty")),
    (["--changed", "lines[].sku"], changed("lines[0].sku", "lines[1].sku")),
    (["--changed", "lines"], changed("lines[0].sku", "lines[1].sku", "lines[0].qty", "lines[1].qty")),
    (["--changed", "star\\*name"], changed("star*name")),
    (["--changed", "star*name"], changed("star*name", "starXname")),
    (["--changed", '["a.b"]'], changed('["a.b"]')),
    (["--changed", "a.b"], changed("a.b")),
    (["--before", "email=c7@old.example"], value("before", "email", lambda text: text == "c7@old.example")),
    (["--after", "email=*@new.example"], value("after", "email", lambda text: text.endswith("@new.example"))),
    (["--after", "email=c1*"], value("after", "email", lambda text: text.startswith("c1"))),
    (["--after", "address.city=Köln"], value("after", "address.city", lambda text: text == "Köln")),
    (["--after", "email=*"], value("after", "email", lambda text: True)),
    (["--after", "lines[].qty=7"], lambda one: any("qty" in p and v == "7" for p, v in one.get("after", {}).items())),
    (["--before", "star*name=1\\*2"], value("before", "star*name", lambda text: text == "1*2")),
    (["--before", "star*name=1\\**"], value("before", "star*name", lambda text: text.startswith("1*"))),
    (["--after", "starXname=a?b"], value("after", "starXname", lambda text: text == "a?b")),
    (["--after", "a.b=k=v"], value("after", "a.b", lambda text: text == "k=v")),
    (["--after", '["a.b"]=k=v'], value("after", '["a.b"]', lambda text: text == "k=v")),
    (["--before", "back\\slash=c:\\x"], value("before", "back\\slash", lambda text: text == "c:\\x")),
    (["--after", 'back\\slash="quoted"'], changed("back\\slash")),
    (["--after", "long=" + "z" * 2000], changed("long")),
    (["--before", "empty="], changed("empty")),
    (["--number", "price after > 100"], number_is("price", lambda n: n["after"] > 100)),
    (["--number", "price before <= 50 after > 50"], number_is("price", lambda n: n["before"] <= 50 < n["after"])),
    (
        ["--number", "price after >= 20", "--number", "price after < 30"],
        number_is("price", lambda n: 20 <= n["after"] < 30),
    ),
    (["--number", "lines[].qty after = 7"], number_is(".qty", lambda n: n["after"] == 7)),
    # Both bounds must hold for one place of the list: 7 and 50 in two places are no 7 < qty < 50.
    (["--number", "lines[].qty after > 7 after < 50"], number_is(".qty", lambda n: 7 < n["after"] < 50)),
    (["--since", "2031-03-30T01:00:00Z"], lambda one: one["@timestamp"] >= "2031-03-30T01:00:00Z"),
    (["--until", "2031-03-30T01:00:00Z"], lambda one: one["@timestamp"] < "2031-03-30T01:00:00Z"),
    (
        ["--since", "2031-03-30", "--until", "2031-03-30"],
        lambda one: at(one, "2031-03-30T00:00:00Z", "2031-03-31T00:00:00Z"),
    ),
    (
        ["--since", "2031-03-30", "--until", "2031-03-30", "--zone", "Europe/Berlin"],
        lambda one: at(one, "2031-03-29T23:00:00Z", "2031-03-30T22:00:00Z"),
    ),
    (
        ["--since", "2031-03-30T01:30", "--until", "2031-03-30T03:30", "--zone", "Europe/Berlin"],
        lambda one: at(one, "2031-03-30T00:30:00Z", "2031-03-30T01:30:00Z"),
    ),
]


@pytest.mark.parametrize(("words", "condition"), CASES, ids=[" ".join(words)[:60] for words, _ in CASES])
def test_given_a_filter_does_the_search_find_exactly_its_entries(
    story: Story, words: list[str], condition: Callable[[Document], Any]
) -> None:
    expected = story.ids(lambda one: bool(condition(one)))
    result = story.search(*words)
    assert result.err == ""
    assert result.ids == expected
    assert result.code == 0


def test_given_equal_times_are_entries_in_the_order_of_their_sequence(story: Story) -> None:
    forward, backward = story.search("--order", "asc"), story.search()
    assert [order_of(one) for one in forward.entries] == [order_of(one) for one in story.documents]
    assert backward.entries == forward.entries[::-1]


def test_does_json_give_the_entries_as_they_are(story: Story) -> None:
    found = {one["event"]["id"]: one for one in story.search().entries}
    assert found == {one["event"]["id"]: one for one in story.documents}


def test_given_a_limit_is_the_rest_told(story: Story) -> None:
    result = tabletrail("search", "--table", story.orders, "--limit", "5", "--json", "--local")
    orders = sum(one["table"]["name"] == story.orders for one in story.documents)
    assert len(result.entries) == 5
    assert f"5 of {orders} entries" in result.err


@pytest.mark.parametrize(
    "text", ["(((", '"open', "~", "-", "\\", "AND OR", "a~b^3", "[1 TO", "<script>", "{!x}", "\x00"]
)
def test_given_text_that_means_something_to_a_query_language_does_nothing_break(story: Story, text: str) -> None:
    assert tabletrail("search", "--local", "--table", story.orders, "--", text).code in (0, 1)


def test_do_facets_count_every_entry(story: Story) -> None:
    words = ("--facets", "table,action,actor,changed", "--table", story.orders, "--table", story.customers)
    rows = [json.loads(line) for line in tabletrail("search", *words, "--local", "--json").out.splitlines()]
    assert list(dict.fromkeys(row["facet"] for row in rows)) == ["table", "action", "actor", "changed"]
    counts = {(row["facet"], row["value"]): row["count"] for row in rows}
    assert counts["table", story.customers] == 60
    assert counts["actor", None] == sum(not actor(one) for one in story.documents)
    assert counts["changed", "lines[].qty"] == sum(
        "lines[].qty" in one.get("changed_path", ()) for one in story.documents
    )
    for facet in ("table", "action", "actor"):
        assert sum(row["count"] for row in rows if row["facet"] == facet) == len(story.documents)


def test_given_more_values_than_are_listed_do_facets_say_so(story: Story) -> None:
    result = tabletrail("search", "--facets", "item", "--table", story.customers, "--local")
    assert f"{60 - 20:>12,}  under other values" in result.out
