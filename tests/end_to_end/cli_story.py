"""A planted story in an index of its own: some 200 entries by the real conversion, and the command line to ask it.

Tables have names that no one else has, so that what other tests index does not show. Expectations are made by plain
Python over the planted entries, never by the code that is tested.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

from tabletrail.aws.commit import TableNames
from tabletrail.core.document import Conversion, Entry, Source, with_log
from tabletrail.core.entry import convert, coverage_entry, gap_entry, reduced_entry
from tabletrail_cli.main import main
from tabletrail_local.info import StackInfo
from tests.ports.opensearch_server import Server, bulk

Document = dict[str, Any]
CONVERSION = Conversion("month", "updatedBy")
START = datetime(2031, 3, 29, 20, 0, tzinfo=UTC)
"""The night in which Berlin's clocks go from 02:00 to 03:00 (01:00 UTC on the 30th)."""

TTL = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def entries(self) -> list[Document]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def ids(self) -> set[str]:
        found = [entry["event"]["id"] for entry in self.entries]
        assert len(found) == len(set(found)), "an entry came twice"
        return set(found)


def tabletrail(*words: str) -> Result:
    """The command line in this process, its output not a terminal."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main(words)
        except SystemExit as leaving:
            code = int(leaving.code or 0)
    return Result(code, out.getvalue(), err.getvalue())


def source(table: str, service: str = "") -> Source:
    arn = f"arn:aws:dynamodb:eu-central-1:123456789012:table/{table}"
    return Source(
        f"{arn}/stream/s1", "shardId-1", table, arn, f"id-of-{table}", "123456789012", "eu-central-1", service
    )


def record(number: int, at: datetime, key: str, old: Document | None, new: Document | None) -> Document:
    """A stream record; images without the key attribute, which is put in."""
    keys = {"id": {"S": key}}
    data: Document = {
        "Keys": keys,
        "SequenceNumber": str(10**20 + number),
        "ApproximateCreationDateTime": int(at.timestamp()),
    }
    if old is not None:
        data["OldImage"] = {**keys, **old}
    if new is not None:
        data["NewImage"] = {**keys, **new}
    name = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
    return {"eventID": f"event-{number}", "eventName": name, "dynamodb": data}


def text(value: str) -> Document:
    return {"S": value}


def number(value: str) -> Document:
    return {"N": value}


@dataclass
class Story:
    """`documents` in the order of their ids' sort: time, sequence, id."""

    orders: str
    customers: str
    documents: list[Document] = field(default_factory=list)

    def ids(self, condition: Callable[[Document], bool]) -> set[str]:
        """Of the entries that meet it; the story has some that do and some that do not."""
        found = {one["event"]["id"] for one in self.documents if condition(one)}
        assert found, "the story holds nothing like it"
        assert len(found) < len(self.documents), "the whole story is like it"
        return found

    def search(self, *words: str) -> Result:
        """All that is found in the story's own tables, as JSON."""
        tables = ("--table", self.orders, "--table", self.customers)
        return tabletrail("search", *words, *tables, "--all", "--json", "--local")


@contextmanager
def planted(server: Server) -> Iterator[Story]:
    name = uuid.uuid4().hex[:8]
    story = Story(f"orders-{name}", f"customers-{name}")
    story.documents = sorted(_documents(story), key=order_of)
    with indexed(server, story.documents):
        yield story


def order_of(document: Document) -> tuple[str, str, str]:
    return document["@timestamp"], document["event"]["sequence_key"], document["event"]["id"]


@contextmanager
def indexed(server: Server, documents: Iterable[Document]) -> Iterator[None]:
    """Puts them through the writer into an index that no one else has, and takes it away afterwards."""
    documents = list(documents)
    with server.an_index() as index:
        for start in range(0, len(documents), 2500):
            batch = documents[start : start + 2500]
            reply = server.ask("writer", "POST", "/_bulk", bulk(*((index, one["event"]["id"], one) for one in batch)))
            assert reply.ok, reply.reason
            assert not reply.data["errors"], [one for one in reply.data["items"] if "error" in one["create"]][:1]
        assert server.ask("admin", "POST", f"/{index}/_refresh").ok
        yield


def environment_of(
    stack: StackInfo, tables: TableNames, bucket: str, folder: Path, runs: str = "none"
) -> dict[str, str]:
    """A log as any account's is named: endpoints and credentials of AWS, tables, bucket, OpenSearch and its reader."""
    reader = stack.login("reader")
    (folder / "password").write_text(reader.password)
    (folder / "ca.pem").write_text(stack.ca_pem)
    return {
        **{name: value for name, value in stack.aws_environment().items() if name.startswith("AWS_")},
        "TABLETRAIL_STREAMS_TABLE": tables.streams,
        "TABLETRAIL_SHARDS_TABLE": tables.shards,
        "TABLETRAIL_SEGMENTS_TABLE": tables.segments,
        "TABLETRAIL_RUNS_TABLE": runs,
        "TABLETRAIL_SEGMENTS_BUCKET": bucket,
        "TABLETRAIL_OPENSEARCH_ENDPOINT": stack.opensearch_url,
        "TABLETRAIL_OPENSEARCH_USER": reader.user,
        "TABLETRAIL_OPENSEARCH_PASSWORD_FILE": str(folder / "password"),
        "TABLETRAIL_OPENSEARCH_CA": str(folder / "ca.pem"),
    }


def placed(entry: Entry, line: int = 1) -> Document:
    document: Document = json.loads(with_log(entry.document, entry.index, "planted", line))
    return document


def _documents(story: Story) -> Iterator[Document]:
    orders, customers = source(story.orders, "shop"), source(story.customers, "billing")
    for n in range(120):
        # Three a second, so that only the sequence tells their order.
        at = START + timedelta(minutes=4 * (n // 3))
        document = placed(convert(_order_change(n, at), orders, CONVERSION), n + 1)
        if n % 10 == 0:
            document["tags"], document["rule"] = ["large", "money"], {"name": "large-price"}
            document["event"]["severity"] = (47, 73, 99)[n // 10 % 3]
        yield document
    for n in range(60):
        at = START + timedelta(minutes=11 * n)
        yield placed(convert(_customer_change(n, at), customers, CONVERSION), n + 1)
    for n, odd in enumerate(_odd_changes()):
        yield placed(convert(record(900 + n, START, f"odd#{n}", *odd), orders, CONVERSION), n + 1)
    yield placed(coverage_entry(orders, CONVERSION, "joined", 1, int(START.timestamp())))
    yield placed(gap_entry(orders, CONVERSION, "100", "certain", int(START.timestamp()) + 60))
    unreadable = record(990, START, "order#1", None, {"a": {"X": 1}})
    yield placed(convert(unreadable, orders, CONVERSION))
    refused = placed(convert(record(991, START, "order#2", None, {"note": text("refused")}), orders, CONVERSION))
    yield json.loads(reduced_entry(json.dumps(refused).encode(), "mapper_parsing_exception"))


def _order_change(n: int, at: datetime) -> Document:
    who = ("alice", "bob", "billing-job")[n % 3]
    old = {"status": text("paid"), "price": number(str(n)), "updatedBy": text("carol")}
    new = {"status": text("shipped"), "price": number(str(n + 1)), "updatedBy": text(who)}
    if n % 4 == 1:
        lines = [{"M": {"qty": number(str(n)), "sku": text(f"sku-{n}")}}]
        old, new = {**old, "lines": {"L": lines}}, {**new, "lines": {"L": [{"M": {"qty": number("7")}}, *lines]}}
    change = record(n, at, f"order#{n % 20}", None if n % 8 == 3 else old, None if n % 8 == 6 else new)
    return {**change, "userIdentity": TTL} if n % 16 == 6 else change


def _customer_change(n: int, at: datetime) -> Document:
    old = {"email": text(f"c{n}@old.example"), "address": {"M": {"city": text("Bonn"), "zip": text("53111")}}}
    new = {
        "email": text(f"c{n}@new.example") if n % 2 else old["email"],
        "address": {"M": {"city": text("Köln" if n % 3 else "Bonn"), "zip": text("50667")}},
    }
    return record(500 + n, at, f"customer/{n}", old, new)


def _odd_changes() -> list[tuple[Document, Document]]:
    """Names and values that mean something to a query language."""
    return [
        ({"star*name": text("1*2")}, {"star*name": text("1x2")}),
        ({"starXname": text("1*2")}, {"starXname": text("a?b")}),
        ({"a.b": text("dotted")}, {"a.b": text("k=v")}),
        ({"a": {"M": {"b": text("nested")}}}, {"a": {"M": {"b": text("k=v")}}}),
        ({"back\\slash": text("c:\\x")}, {"back\\slash": text('"quoted"')}),
        ({"long": text("y" * 2000)}, {"long": text("z" * 2000)}),
        ({"empty": text("")}, {"empty": text("full")}),
        ({"evil": text("calm")}, {"evil": text("\x1b[31mred\x1b[0m\nnext\u202eline")}),
    ]
