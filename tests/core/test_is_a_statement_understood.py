"""Does a PartiQL statement show the item that it writes, and never another?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tabletrail.core.partiql import Statement, statement_of

WHOLE = (("Artist", "No One You Know"), ("SongTitle", "Call Me Today"))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # These three are the guide's own.
        (
            "UPDATE Music SET Album = ***(Redacted) WHERE Artist = 'No One You Know' AND SongTitle = 'Call Me Today'",
            Statement("change", "Music", WHOLE),
        ),
        (
            "INSERT INTO Music VALUE {'Artist' : ***(Redacted), 'SongTitle' : ***(Redacted), 'Album' : ***(Redacted)}",
            Statement("insert", "Music"),
        ),
        ("SELECT * FROM Music WHERE Artist = 'No One You Know' AND nonKeyAttr = ***(Redacted)", Statement("none")),
        ("EXISTS(SELECT * FROM Music WHERE Artist = 'x')", Statement("none")),
        ('delete from "my.table" where "id"=7 returning all old *', Statement("delete", "my.table", (("id", "7"),))),
        ("DELETE FROM t WHERE id = -7.50 AND x > ***(Redacted)", Statement("delete", "t", (("id", "-7.50"),))),
        ("DELETE FROM t WHERE a = ? AND b = 'B'", Statement("delete", "t", (("b", "B"),))),
        ("DELETE FROM t WHERE id = 'it''s'", Statement("delete", "t", (("id", "it's"),))),
        ("DELETE FROM t WHERE id = 'a' OR id = 'b'", Statement("delete", "t")),
        ("DELETE FROM t WHERE pk = 'p' AND id = 'a' OR id = 'b'", Statement("delete", "t")),
        ("DELETE FROM t WHERE NOT id = 'a'", Statement("delete", "t")),
        ("DELETE FROM t WHERE id IN ['a']", Statement("delete", "t")),
        ("DELETE FROM t WHERE (id = 'a')", Statement("delete", "t")),
        ("DELETE FROM t WHERE id <> 'a'", Statement("delete", "t")),
        ("DELETE FROM t WHERE id = 'a' AND id = 'b'", Statement("delete", "t")),
        ("DELETE FROM t", Statement("delete", "t")),
        ("UPDATE t SET x = 'WHERE id = ''b''' WHERE id = 'a'", Statement("change", "t", (("id", "a"),))),
        ("MERGE INTO t", Statement("unknown")),
        ("", Statement("unknown")),
        ("***(Redacted)", Statement("unknown")),
        ("DELETE FROM t WHERE id = 'a'" + " " * 8192, Statement("unknown")),
    ],
)
def test_a_statement_shows_what_its_text_shows(text: str, found: Statement) -> None:
    assert statement_of(text) == found


keys = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30)


@given(keys, keys)
def test_whatever_is_in_a_quoted_key_is_the_key(partition: str, sort: str) -> None:
    first, second = partition.replace("'", "''"), sort.replace("'", "''")
    text = f"UPDATE t SET x = ***(Redacted) WHERE pk = '{first}' AND sk = '{second}'"
    assert statement_of(text).key == (("pk", partition), ("sk", sort))


@given(st.text(max_size=60))
def test_no_text_raises_and_only_a_reading_verb_means_that_nothing_was_written(text: str) -> None:
    found = statement_of(text)
    assert (found.operation == "none") <= text.strip().upper().startswith(("SELECT", "EXISTS", '"', "'"))
