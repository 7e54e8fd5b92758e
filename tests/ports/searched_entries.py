"""A dozen entries by the real conversion, each with a name, in an index of their own; and whoever asks for them.

Each question is asked in every form in which a person can ask it, and answered by names, so that a table of questions
says what each finds and, by leaving it out, what it does not.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tabletrail.core.attribution import attribution_entry
from tabletrail.core.cloudtrail import Call
from tabletrail.core.document import Conversion, Source, with_log
from tabletrail.core.entry import convert
from tabletrail.core.outbox import NO_EVIDENCE, Evidence
from tabletrail.core.witness import Candidate, Verdict
from tabletrail_cli.queries import Question
from tabletrail_cli.queries import query_of as of_command_line
from tabletrail_dashboards.dql_query import query_of as of_bar
from tabletrail_dashboards.fields import DataView
from tests.fakes.stream import make_record
from tests.ports.opensearch_server import Server, bulk

Document = dict[str, Any]
Clause = Mapping[str, Any]
CONVERSION = Conversion("month", "updatedBy")
VIEW = DataView("searched", "tabletrail", "@timestamp", {})
ROLE = "arn:aws:sts::123456789012:assumed-role/billing-writer/job-42"
ORDER_ID = "5e1ac0c6-6f7e-4b7c-9a55-1f0c4b1f3b2a"


def text(value: str) -> Document:
    return {"S": value}


def number(value: str) -> Document:
    return {"N": value}


def source(table: str, service: str) -> Source:
    arn = f"arn:aws:dynamodb:eu-central-1:123456789012:table/{table}"
    return Source(
        f"{arn}/stream/s1", "shardId-1", table, arn, f"id-of-{table}", "123456789012", "eu-central-1", service
    )


@dataclass
class Entries:
    """By name, in the order in which they were added."""

    documents: dict[str, Document] = field(default_factory=dict)
    first: int = 10**20
    """Sequence number of the first one: ids follow from it."""

    def add(
        self,
        name: str,
        key: str,
        old: Document | None,
        new: Document | None,
        *,
        table: str = "orders",
        service: str = "shop",
        more: Mapping[str, Any] | None = None,
        evidence: Evidence = NO_EVIDENCE,
    ) -> None:
        """An entry of a record; `more` are fields that no conversion makes yet, over the entry's own."""
        keys = {"id": text(key)}
        record = make_record(
            str(self.first + len(self.documents)),
            event="INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
            keys=keys,
            old=None if old is None else {**keys, **old},
            new=None if new is None else {**keys, **new},
        )
        entry = convert(record, source(table, service), CONVERSION, evidence=evidence)
        assert entry.kind == "change"
        document = json.loads(with_log(entry.document, entry.index, "planted", len(self.documents) + 1))
        for group, fields in (more or {}).items():
            document[group] = {**document.get(group, {}), **fields} if isinstance(fields, dict) else fields
        self.documents[name] = document

    def say(self, name: str, about: str, call: Call, *, contradiction: bool) -> None:
        """What CloudTrail says of the entry `about`: that it was this call's."""
        change = self.documents[about]
        candidate = Candidate(call, shows_key=True)
        verdict = Verdict(change["event"]["id"], "likely", call.principal, (candidate,))
        entry = attribution_entry(change, verdict, contradiction=contradiction)
        self.documents[name] = json.loads(with_log(entry.document, entry.index, "planted", len(self.documents) + 1))


@dataclass(frozen=True)
class Searched:
    """The entries, in an index, and its questions."""

    server: Server
    index: str
    documents: Mapping[str, Document]

    def names(self, query: Clause, index: str = "") -> set[str]:
        """As the reader. A query that the server does not take, or that a shard could not answer, is no answer."""
        body = {"query": query, "size": 1000, "_source": False}
        reply = self.server.ask("reader", "POST", f"/{index or self.index}/_search", body)
        assert reply.ok, reply.reason
        assert reply.data["_shards"]["failed"] == 0, reply.data["_shards"]
        return {hit["_id"] for hit in reply.data["hits"]["hits"]}

    def bar(self, dql: str) -> set[str]:
        """What the query bar of Dashboards finds, in its own language."""
        return self.names(of_bar(dql, VIEW, "UTC"))

    def marks(self, dql: str) -> list[str]:
        """The sentences that Discover shows, with <marks> around what the query bar found."""
        highlight = {"pre_tags": ["<"], "post_tags": [">"], "fields": {"*": {}}, "fragment_size": 2_147_483_647}
        body = {"query": of_bar(dql, VIEW, "UTC"), "size": 100, "highlight": highlight}
        reply = self.server.ask("reader", "POST", f"/{self.index}/_search", body)
        assert reply.ok, reply.reason
        assert reply.data["_shards"]["failed"] == 0, reply.data["_shards"]
        return [text for hit in reply.data["hits"]["hits"] for text in hit.get("highlight", {}).get("message", ())]

    def lucene(self, question: str) -> set[str]:
        """The same bar with its other language, and with the option that Dashboards sets."""
        return self.names({"query_string": {"query": question, "analyze_wildcard": True}})

    def command(self, words: str) -> set[str]:
        """`tabletrail search WORDS`."""
        return self.names(of_command_line(Question(text=words)))

    def counts(self, of: str) -> dict[str, int]:
        """The facet of a field."""
        body = {"size": 0, "aggs": {"facet": {"terms": {"field": of, "size": 100}}}}
        reply = self.server.ask("reader", "POST", f"/{self.index}/_search", body)
        assert reply.ok, reply.reason
        buckets = reply.data["aggregations"]["facet"]["buckets"]
        return {str(one["key"]): one["doc_count"] for one in buckets}


@contextmanager
def searched(server: Server, entries: Entries) -> Iterator[Searched]:
    """All of them in one new index, as the writer puts them there; each document's id is its name."""
    with server.an_index() as index:
        put(server, index, entries.documents)
        yield Searched(server, index, entries.documents)


def put(server: Server, index: str, documents: Mapping[str, Document]) -> None:
    body = bulk(*((index, name, document) for name, document in documents.items()))
    reply = server.ask("writer", "POST", "/_bulk", body)
    assert reply.ok, reply.reason
    assert not reply.data["errors"], [item for item in reply.data["items"] if "error" in item["create"]][:1]
    assert server.ask("admin", "POST", f"/{index}/_refresh").ok
