"""Does a word find the entries that a person means by it, and no others, however it is asked?"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tabletrail_local.info import StackInfo
from tests.ports.opensearch_server import Server
from tests.ports.searched_entries import ORDER_ID, ROLE, Entries, Searched, number, searched, text

pytestmark = pytest.mark.stack

LONG_KEY = "/".join(f"part{n:03d}" for n in range(120))


def entries() -> Entries:
    made = Entries()
    orders(made)
    others(made)
    return made


def orders(made: Entries) -> None:
    shipped = {"orderStatus": text("shipped"), "updatedBy": text("alice")}
    by_phone = {"reason": "asked for by phone, ticket SUP-4711"}
    made.add("17 shipped", "order#17", {"orderStatus": text("paid")}, shipped, more=by_phone)
    cancelled = {"status": text("cancelled"), "updatedBy": text("bob")}
    made.add("18 cancelled", "order#18", {"status": text("paid")}, cancelled)
    created = {"qty": number("17"), "sku": text("x"), "a": text("b"), "z": text("last of four")}
    made.add("170", "order#170", None, created)
    by_role = {"principal": {"arn": ROLE}, "request": {"id": "REQ-8c1f-77"}}
    made.add("removed by role", ORDER_ID, {"status": text("paid")}, None, more=by_role)


def others(made: Entries) -> None:
    old = {"contactEmail": text("McDonald@Example.com"), "zone": text("x")}
    new = {"contactEmail": text("alice@example.com"), "zone": text("y")}
    made.add("mail", "customer/7", old, new, table="customers", service="crm")
    made.add("long key", LONG_KEY, None, {"a": text("b")}, table="paths", service="web")
    old, new = {"名前": text("山田太郎"), "ort": text("Köln")}, {"名前": text("田中"), "ort": text("Bonn")}
    made.add("umlauts", "東京都-17区", old, new, table="places", service="web")
    said = {"note": text('"call first," she said')}
    made.add("quotes", "note#1", {"note": text("")}, said, table="notes", service="web")


@pytest.fixture(scope="module")
def found(stack: StackInfo) -> Iterator[Searched]:
    server = Server(stack)
    server.install()
    with searched(server, entries()) as place:
        yield place


ONE_WORD: list[tuple[str, set[str]]] = [
    # Keys: whole, by part, by a run of parts; never by the beginning of a part.
    ("order#17", {"17 shipped"}),
    ("ORDER#17", {"17 shipped"}),
    ("order", {"17 shipped", "18 cancelled", "170"}),
    ("order#1", set()),
    ("customer/7", {"mail"}),
    ("part117/part118", {"long key"}),
    ("part118", {"long key"}),
    (LONG_KEY, {"long key"}),
    # A number in a key, and the whole value of any attribute that changed; not counts, severities and line numbers.
    ("17", {"17 shipped", "170", "umlauts"}),
    ("21", set()),
    ("2", set()),
    # Persons: names, addresses, parts of addresses.
    ("alice", {"17 shipped", "mail"}),
    ("alice@example.com", {"mail"}),
    ("example.com", {"mail"}),
    ("mcdonald@example.com", {"mail"}),
    ("donald", {"mail"}),
    ("bob@example.com", set()),
    # ARNs and what is in them.
    (ROLE, {"removed by role"}),
    ("billing-writer", {"removed by role"}),
    ("assumed-role/billing-writer", {"removed by role"}),
    ("writer-billing", set()),
    ("123456789012", {"removed by role"}),
    # UUIDs, ids of requests, tickets.
    (ORDER_ID, {"removed by role"}),
    (ORDER_ID.upper(), {"removed by role"}),
    ("1f0c4b1f3b2a", {"removed by role"}),
    ("req-8c1f-77", {"removed by role"}),
    ("8c1f", {"removed by role"}),
    ("SUP-4711", {"17 shipped"}),
    ("4711", {"17 shipped"}),
    # Names of attributes: camelCase by its words, and whole in any case.
    ("orderStatus", {"17 shipped"}),
    ("orderstatus", {"17 shipped"}),
    ("status", {"17 shipped", "18 cancelled", "removed by role"}),
    ("email", {"mail"}),
    ("contact", {"mail"}),
    # Values, also those of attributes that the sentence does not name for lack of room.
    ("cancelled", {"18 cancelled"}),
    ("shipped", {"17 shipped"}),
    ("phone", {"17 shipped"}),
    # Text without blanks between words, and letters beyond ASCII.
    ("東京", {"umlauts"}),
    ("京東", set()),
    ("山田", {"umlauts"}),
    ("köln", {"umlauts"}),
    ("17区", {"umlauts"}),
    # Marks around a word are no part of it.
    ("first", {"quotes"}),
    ("shop", {"17 shipped", "18 cancelled", "170", "removed by role"}),
]


@pytest.mark.parametrize(("word", "names"), ONE_WORD, ids=[word[:40] for word, _ in ONE_WORD])
def test_a_word_means_the_same_in_every_form_of_a_question(found: Searched, word: str, names: set[str]) -> None:
    quoted = f'"{word}"'
    answers = {
        "the bar": found.bar(quoted if ":" in word else word),
        "the bar, in quotes": found.bar(quoted),
        "the bar's other language, in quotes": found.lucene(quoted),
        "the command line": found.command(word),
        "the command line, in quotes": found.command(quoted),
    }
    assert answers == dict.fromkeys(answers, names)


IN_THE_BAR: list[tuple[str, set[str]]] = [
    # Words beside each other mean any of them; `and` means all, wherever each stands.
    ("shipped and order#17", {"17 shipped"}),
    ("cancelled and order#17", set()),
    ("shipped order#18", {"17 shipped", "18 cancelled"}),
    ('"from paid to shipped"', {"17 shipped"}),
    ('"from paid to"', {"17 shipped", "18 cancelled"}),
    ('"paid from"', set()),
    ("alice and not orders", {"mail"}),
    ('message: "set orderStatus"', set()),
    ('message: "changed orderStatus"', {"17 shipped"}),
    ("message: order#17", {"17 shipped"}),
    ("message: 17", {"17 shipped", "umlauts"}),
    ("reason: phone", {"17 shipped"}),
    ('reason.keyword: "asked for by phone, ticket SUP-4711"', {"17 shipped"}),
    # A star stands for the rest of a word, parts and whole.
    ("order#1*", {"17 shipped", "18 cancelled", "170"}),
    ("order#17*", {"17 shipped", "170"}),
    ("*@example.com", {"mail"}),
    ("message: alice@*.com", {"mail"}),  # a comma stands behind it
    ("cancel*", {"18 cancelled"}),
    ("message: *Status", {"17 shipped", "18 cancelled"}),
    # The exact key, and its parts.
    ('item.id: "order#17"', {"17 shipped"}),
    ("item.id: order", set()),
    ("item.id: order#1*", {"17 shipped", "18 cancelled", "170"}),
    ("item.id: *#17*", {"17 shipped", "170"}),
    ("item.id.parts: order", {"17 shipped", "18 cancelled", "170"}),
    ("item.id.parts: 17", {"17 shipped", "umlauts"}),
    ("item.id.parts: part000", {"long key"}),
    ("item.id.parts: part119", {"long key"}),
    ("actor.id: alice", {"17 shipped"}),
    ("actor.id.parts: ali*", {"17 shipped"}),
    (f'principal.arn: "{ROLE}"', {"removed by role"}),
    ("principal.arn.parts: billing-writer", {"removed by role"}),
    ("principal.arn: *billing-writer*", {"removed by role"}),
    ("request.id.parts: 8c1f", {"removed by role"}),
]


@pytest.mark.parametrize(("dql", "names"), IN_THE_BAR, ids=[dql for dql, _ in IN_THE_BAR])
def test_the_query_bar_finds_what_it_says(found: Searched, dql: str, names: set[str]) -> None:
    assert found.bar(dql) == names


AS_WORDS: list[tuple[str, set[str]]] = [
    ("shipped order#17", {"17 shipped"}),
    ("shipped order#18", set()),
    ("alice -orders", {"mail"}),
    ('"from paid to shipped"', {"17 shipped"}),
    ("cancelled | phone", {"17 shipped", "18 cancelled"}),
    ("order#17*", {"17 shipped", "170"}),
    ("example.com customer/7", {"mail"}),
    ("billing-writer removed", {"removed by role"}),
    # Of what was created the sentence names no value: whole ones are found, parts of them are not.
    ("last", set()),
    ('"last of four"', {"170"}),
]


@pytest.mark.parametrize(("words", "names"), AS_WORDS, ids=[words for words, _ in AS_WORDS])
def test_all_words_of_a_command_must_be_there_wherever_each_stands(
    found: Searched, words: str, names: set[str]
) -> None:
    assert found.command(words) == names


def test_a_quoted_sentence_of_many_identifiers_is_no_explosion(found: Searched) -> None:
    """With both readings of each word a phrase would be 2^n of them, which the server refuses."""
    sentence = " ".join(f"order#{n}" for n in range(60))
    assert found.bar(f'"{sentence}"') == found.lucene(f'"{sentence}"') == found.command(f'"{sentence}"') == set()
    assert found.bar(f"message: ({' and '.join(sentence.split())})") == set()
    assert found.bar(sentence) >= {"17 shipped", "18 cancelled"}


def test_what_has_no_letter_finds_nothing_and_breaks_nothing(found: Searched) -> None:
    for question in ('"…"', '"--"', '"#"'):
        assert found.bar(question) == found.lucene(question) == found.command(question) == set()


@pytest.mark.parametrize(
    ("dql", "marked"),
    [
        ("17", "<order#17>"),
        ("order#17", "<order#17>"),
        ("status and paid and shipped", "<orderStatus> from <paid> to <shipped,>"),
        ('"from paid to shipped"', "<from> <paid> <to> <shipped,>"),
        ("example.com", "from <McDonald@Example.com> to <alice@example.com,>"),
        ("山田", "from <山田太郎> to"),
    ],
)
def test_dashboards_marks_the_word_that_was_found(found: Searched, dql: str, marked: str) -> None:
    """Offsets that are wrong make no marks but errors; Discover asks for them in all fields."""
    shown = found.marks(dql)
    assert any(marked in sentence for sentence in shown), shown
