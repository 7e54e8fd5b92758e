"""A planted log of who did it: each way to know, and not to know, who made a change. The gap comes after `minutes(70)`.

Called by the tests of `tabletrail who`, and of histories and searches by who did it.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from tabletrail.core.document import Entry
from tabletrail.core.entry import convert, coverage_entry, gap_entry, reduced_entry, retried_entry
from tests.end_to_end.attributed import by, by_one_of, changed, finding, marked, role, unrecorded, user
from tests.end_to_end.cli_log import Log
from tests.end_to_end.cli_story import CONVERSION, TTL, Document, number, record, source, text

BEGIN = datetime(2021, 5, 1, 12, 0, tzinfo=UTC)
LATE = 10**20 + 9000
MANY = 1200
EVIL = 'eve\x1b[31m (certain)\u202e\n, or "bob"'


def minutes(count: float) -> datetime:
    return BEGIN + timedelta(minutes=count)


class Writer:
    """Makes entries of one table, each of a record of its own number."""

    def __init__(self, table: str) -> None:
        self.source, self.number, self.made = source(table, "shop"), 0, list[Entry]()

    def __call__(
        self, at: float, key: str, old: Document | None, new: Document | None, *fields: Document, ttl: bool = False
    ) -> Entry:
        self.number += 1
        made = record(self.number, minutes(at), key, old, new)
        entry = convert({**made, "userIdentity": TTL} if ttl else made, self.source, CONVERSION)
        assert entry.kind == "change"
        self.made.append(changed(entry, *fields))
        return self.made[-1]

    def tell(self, entry: Entry, **more: Any) -> None:
        self.made.append(finding(entry, more.pop("principal"), **more))


def _living(write: Writer) -> None:
    """a: three writers by three ways; b: nobody is known; w: a key of two parts."""
    new = {"status": text("new"), "lines": {"L": [{"M": {"qty": number("1")}}]}}
    paid = {**new, "status": text("paid")}
    more = {"lines": {"L": [{"M": {"qty": number("2")}}]}}
    write(10, "a", None, new, by("alice", through="crm", reason="new order", request={"id": "req-1"}), marked())
    bob = write(20, "a", new, paid, by("bob", "outbox", "certain", context={"ticket": "T-1"}))
    job = role("billing", "job-42", confidence="likely", address="10.0.0.7", request_id="AWS-1", call="ct-1")
    write.tell(bob, principal={**job, "at": "2021-05-01T12:20:00Z"}, contradiction=True)
    carol = write(30, "a", paid, {**paid, **more}, by("carol", "attribute", "possible"))
    two = [role("billing", "job-42"), user("dora"), role("billing", "job-42", call="ct-3")]
    write.tell(carol, principal={"confidence": "possible", "candidates": two, "more": 4})
    unknown = write(25, "b", {"v": number("1")}, {"v": number("2")}, {"actor": {"last_known": "dave"}})
    write.tell(unknown, principal={})
    wide = record(8000, minutes(46), "w", None, {"sort": text("10")})
    wide["dynamodb"]["Keys"]["sort"] = text("10")
    write.made.append(changed(convert(wide, write.source, CONVERSION), by("walter")))


def _gone(write: Writer) -> None:
    """gone: by TTL; lost: by TTL, nobody known; re: a marked delete, made again; dead: a path before its item; cand."""
    soon, later = {"expires_at": number("1619870400")}, {"expires_at": number("1619870401")}
    ttl = {"tabletrail": {"ttl_attribute": "expires_at"}}
    write(10, "gone", None, soon, by("erin"))
    set_by = write(20, "gone", soon, later, by("frank", "attribute", "possible"))
    write.tell(set_by, principal={**user("gina"), "confidence": "likely"})
    write(30, "gone", later, {**later, "note": text("x")}, by("henry"))
    write(40, "gone", {**later, "note": text("x")}, None, ttl, ttl=True)
    write(40, "lost", later, None, ttl, ttl=True)
    write(5, "twice", None, soon, by("old"))
    write(6, "twice", soon, None, by("old"))
    write(40, "twice", soon, None, ttl, ttl=True)
    item = {"status": text("new"), "_audit": text("m")}
    write(10, "re", None, {"status": text("new")}, by("ivan"))
    write(20, "re", {"status": text("new")}, item, by("judy"), marked())
    write(21, "re", item, None, by("judy", "outbox", "certain"), marked())
    write(30, "re", None, {"other": text("x")}, by("kim"))
    write(10, "dead", None, {"status": text("new"), "note": text("n")}, by("lena"))
    write(20, "dead", {"status": text("new"), "note": text("n")}, {"status": text("new")}, by("mona"))
    write(30, "dead", {"status": text("new")}, None, {"actor": {"last_known": "mona"}})
    write(30, "cand", {"status": text("new")}, None, by_one_of("nina", "oscar"))


def _odd(write: Writer) -> None:
    cut = {"tabletrail": {"truncated": True}, "changed_count": 1500}
    write(10, "t", None, {"status": text("new")}, by("paul"))
    write(20, "t", {"v": number("1"), "status": text("?")}, {"v": number("2"), "status": text("?")}, cut)
    write(10, "evil", None, {"x": text("{who}")}, by(EVIL, reason=EVIL, request={"id": EVIL}))
    write.tell(write.made[-1], principal={**role("evil", EVIL), "confidence": "likely", "user_agent": EVIL})
    seen = write(30, "u", None, {"v": number("1")}, by("quinn"))
    write.made.append(unrecorded(changed(seen, {"@timestamp": "2021-05-01T12:35:00Z"}), user("mallory", call="ct-9")))
    for n in range(MANY):
        fields = {"first": text("x"), "n": number(str(n))}
        old = {**fields, "n": number(str(n - 1))} if n else None
        # Three a second, so that only the sequence tells which of them is the last.
        write(40 + n // 3 / 60, "m", old, fields, by(f"writer-{n}"))
    write.number = 8999
    write(80, "late", None, {"v": number("1")}, by("rita"))


def fill(log: Log) -> None:
    write = Writer(log.table)
    joined = coverage_entry(write.source, CONVERSION, "joined", 1, int(minutes(0).timestamp()))
    for part in (_living, _gone, _odd):
        part(write)
    gap = gap_entry(write.source, CONVERSION, str(LATE), "possible", int(minutes(90).timestamp()))
    bodies = log.commit([joined, *write.made, gap])
    refused = [
        changed(
            convert(record(7000 + n, minutes(47), key, None, {"v": text("x")}), write.source, CONVERSION), by("sam")
        )
        for n, key in enumerate(("parked", "p" * 600))
    ]
    # A finding that the index refused is no change of its item, however new it is.
    about = finding(write.made[0], {**user("zoe"), "confidence": "likely"})
    full = log.commit([*refused, changed(about, {"@timestamp": "2021-05-01T12:50:00Z"})])
    bodies += [reduced_entry(one, "mapper_parsing_exception") for one in full] + [retried_entry(full[1])]
    log.documents = [json.loads(body) for body in bodies]
