"""Requests by which a reader who is limited to some services could try to learn of the entries of others.

`LISTS` may be answered, and no answer may hold anything of a hidden entry. `ASKS` are put twice, once with a value that
only a hidden entry has and once with one that nobody has: the two answers must be the same. `REFUSED` are for nobody
who is limited. `LEAKS` are answered by OpenSearch 2.19.4 with what is hidden: docs/access.md has them, so that nobody
takes a limit for a wall; a version that closes one fails the test, and the row goes.
"""

from __future__ import annotations

from typing import Any

ALL: dict[str, Any] = {"match_all": {}}
HIDDEN: dict[str, Any] = {
    "service": "payroll",
    "actor": "zorro17",
    "word": "xylophone",
    "item": "salary#zorro",
    "amount": 77425.5,
    "id": "h0",
}
"""What hidden entries hold and no other does."""
TRACES = ("payroll", "zorro", "xylophone", "77425", "payroll-table")
ABSENT: dict[str, Any] = {
    "service": "nosuch1",
    "actor": "nobody7",
    "word": "nosuchword",
    "item": "nosuch#nobody",
    "amount": 81425.5,
    "id": "n0",
}

Probe = tuple[str, str, Any]


def search(**body: Any) -> Probe:
    return ("POST", "/{i}/_search", body)


def added_up(**aggregation: Any) -> Probe:
    return search(size=0, aggs={"found": aggregation})


def below(aggregation: dict[str, Any], query: Any = None) -> Probe:
    return search(size=0, aggs={"some": {"filter": query or ALL, "aggs": {"found": aggregation}}})


def asked(query: Any) -> Probe:
    return search(query=query, track_total_hits=True)


LISTS: dict[str, Probe] = {
    "everything": search(query=ALL, size=100),
    "everything by the alias": ("POST", "/tabletrail/_search", {"query": ALL, "size": 100}),
    "everything by a pattern": ("POST", "/tabletrail*/_search", {"query": ALL, "size": 100}),
    "everything of the cluster": ("POST", "/_search", {"query": ALL, "size": 100}),
    "everything as a count": ("GET", "/{i}/_count", None),
    "a prefix": search(query={"prefix": {"actor.id": "z"}}),
    "a wildcard": search(query={"wildcard": {"item.id": "*#z*"}}),
    "a pattern": search(query={"regexp": {"actor.id": "z.*"}}),
    "likeness": search(query={"fuzzy": {"actor.id": "zorro18"}}),
    "a prefix by scores of its terms": search(query={"prefix": {"actor.id": {"value": "z", "rewrite": "top_terms_5"}}}),
    "words by their beginning": search(query={"match_phrase_prefix": {"message": "xylo"}}),
    "Lucene's language": search(query={"query_string": {"query": "message:xylo* OR actor.id:z*"}}),
    "a value inside before and after": search(query={"prefix": {"after.note": "xylo"}}),
    "sorted by severity": search(query=ALL, sort=[{"event.severity": "desc"}]),
    "sorted by a value": search(query=ALL, sort=[{"actor.id": "desc"}, {"item.id": "desc"}]),
    "sorted by a number": search(
        query=ALL, sort=[{"numbers.after": {"order": "desc", "nested": {"path": "numbers"}, "mode": "max"}}]
    ),
    "sorted by a script": search(
        query=ALL, sort={"_script": {"type": "string", "script": "doc['actor.id'].value", "order": "desc"}}
    ),
    "behind a place": search(query=ALL, sort=[{"event.severity": "asc"}], search_after=[50]),
    "one for each actor": search(query=ALL, collapse={"field": "actor.id", "inner_hits": {"name": "all"}}),
    "numbers with their entries": search(
        query={"nested": {"path": "numbers", "query": {"range": {"numbers.after": {"gte": 0}}}, "inner_hits": {}}}
    ),
    "with marks": search(query={"match": {"message": "changed xylophone"}}, highlight={"fields": {"message": {}}}),
    "filtered afterwards": search(query=ALL, post_filter={"prefix": {"actor.id": "z"}}),
    "scored again": search(
        query=ALL, rescore={"window_size": 50, "query": {"rescore_query": {"exists": {"field": "tags"}}}}
    ),
    "fields by a script": search(query=ALL, script_fields={"who": {"script": "doc['actor.id'].value"}}),
    "fields from columns": search(query=ALL, docvalue_fields=["actor.id", "event.severity"], _source=False),
    "a field that is derived": search(
        query=ALL, derived={"who": {"type": "keyword", "script": "emit(params._source.actor.id)"}}, fields=["who"]
    ),
    "found by a script": search(query={"script": {"script": "doc['actor.id'].value.startsWith('z')"}}),
    "scored by a script": search(
        query={"script_score": {"query": ALL, "script": {"source": "doc['event.severity'].size()"}}}
    ),
    "actors": added_up(terms={"field": "actor.id", "size": 100}),
    "actors that are rare": added_up(rare_terms={"field": "actor.id", "max_doc_count": 50}),
    "actors page by page": added_up(composite={"sources": [{"who": {"terms": {"field": "actor.id"}}}]}),
    "actors by pairs": added_up(multi_terms={"terms": [{"field": "actor.id"}, {"field": "service.name"}]}),
    "actors that stand out": added_up(significant_terms={"field": "actor.id", "min_doc_count": 1}),
    "words that stand out": added_up(significant_text={"field": "message", "min_doc_count": 1}),
    "numbers": added_up(nested={"path": "numbers"}, aggs={"all": {"stats": {"field": "numbers.after"}}}),
    "numbers and back": added_up(
        nested={"path": "numbers"},
        aggs={"back": {"reverse_nested": {}, "aggs": {"who": {"terms": {"field": "actor.id"}}}}},
    ),
    "largest number": added_up(nested={"path": "numbers"}, aggs={"most": {"max": {"field": "numbers.after"}}}),
    "numbers in steps": added_up(histogram={"field": "event.severity", "interval": 10, "min_doc_count": 0}),
    "what has no service": added_up(missing={"field": "service.name"}, aggs={"all": {"top_hits": {}}}),
    "entries of each table": added_up(terms={"field": "table.name"}, aggs={"all": {"top_hits": {"size": 10}}}),
    "a sample": added_up(sampler={"shard_size": 100}, aggs={"who": {"terms": {"field": "actor.id"}}}),
    "gathered by a script": added_up(
        scripted_metric={
            "init_script": "state.all = []",
            "map_script": "state.all.add(doc['actor.id'].value)",
            "combine_script": "return state.all",
            "reduce_script": "return states",
        }
    ),
    "many searches": ("POST", "/_msearch", [{"index": "{i}"}, {"query": ALL, "size": 100}]),
    "pages of a scroll": ("POST", "/{i}/_search?scroll=1m&size=100", {"query": ALL}),
    "a slice of a scroll": ("POST", "/{i}/_search?scroll=1m", {"slice": {"id": 0, "max": 2}, "query": ALL}),
    "which fields there are": ("GET", "/{i}/_field_caps?fields=*", None),
    "which names there are": ("GET", "/_resolve/index/tabletrail-v1-*", None),
    "by an index's terms of another": search(
        query={"terms": {"actor.id": {"index": "{i}", "id": "h0", "path": "actor.id"}}}
    ),
    "a hidden entry": ("GET", "/{i}/_doc/h0", None),
    "a hidden entry as just written": ("GET", "/{i}/_doc/h0?realtime=true", None),
    "a hidden entry's source": ("GET", "/{i}/_source/h0", None),
    "a hidden entry among many": ("POST", "/_mget", {"docs": [{"_index": "{i}", "_id": "h0"}]}),
    "a hidden entry by its id": search(query={"ids": {"values": ["h0"]}}),
}

ASKS: dict[str, Probe] = {
    "has an actor": asked({"term": {"actor.id": "{actor}"}}),
    "has one of actors, as a count": ("POST", "/{i}/_count", {"query": {"terms": {"actor.id": ["{actor}"]}}}),
    "has a word": asked({"match": {"message": "{word}"}}),
    "has a phrase": asked({"match_phrase": {"message": "said {word}"}}),
    "has an item": asked({"wildcard": {"item.id": "{item}*"}}),
    "has a number": asked({"nested": {"path": "numbers", "query": {"term": {"numbers.after": "{amount}"}}}}),
    "has a value after": asked({"term": {"after.note": "{word}"}}),
    "has not an actor": asked({"bool": {"must_not": {"term": {"actor.id": "{actor}"}}}}),
    "has one and is scored": search(
        query={"bool": {"should": [{"term": {"actor.id": "{actor}"}}, {"term": {"service.name": "billing"}}]}}
    ),
    "how many": added_up(filter={"term": {"actor.id": "{actor}"}}),
    "how many of some": below({"cardinality": {"field": "actor.id"}}, {"term": {"actor.id": "{actor}"}}),
    "is like an entry": asked(
        {"more_like_this": {"fields": ["message"], "like": [{"_index": "{i}", "_id": "{id}"}], "min_doc_freq": 1}}
    ),
    "behind a value": search(query=ALL, sort=[{"actor.id": "asc"}], search_after=["{actor}"]),
    "stops early": ("POST", "/{i}/_search?terminate_after=1", {"query": {"term": {"actor.id": "{actor}"}}}),
    "which shards are skipped": (
        "POST",
        "/tabletrail-v1-2098.*/_search?pre_filter_shard_size=1",
        {"size": 0, "query": {"term": {"actor.id": "{actor}"}}},
    ),
}

REFUSED: dict[str, Probe] = {
    "term vectors of a hidden entry": ("GET", "/{i}/_termvectors/h0", None),
    "term vectors of a text": ("POST", "/{i}/_termvectors", {"doc": {"message": "xylophone"}, "term_statistics": True}),
    "term vectors of many": ("POST", "/_mtermvectors", {"docs": [{"_index": "{i}", "_id": "h0"}]}),
    "why an entry is found": ("POST", "/{i}/_explain/seen", {"query": {"match": {"message": "changed"}}}),
    "what a query becomes": (
        "POST",
        "/{i}/_validate/query?explain=true&rewrite=true",
        {"query": {"prefix": {"actor.id": {"value": "z", "rewrite": "top_terms_5"}}}},
    ),
    "a template's search": ("POST", "/{i}/_search/template", {"source": {"query": ALL}}),
    "a judgement of searches": (
        "POST",
        "/{i}/_rank_eval",
        {"requests": [{"id": "a", "request": {"query": ALL}, "ratings": []}], "metric": {"precision": {"k": 20}}},
    ),
    "a script on a document": (
        "POST",
        "/_scripts/painless/_execute",
        {"script": {"source": "true"}, "context": "filter", "context_setup": {"index": "{i}", "document": {}}},
    ),
    "a profile": search(profile=True, query={"prefix": {"actor.id": "z"}}),
    "all values of a field": added_up(terms={"field": "actor.id", "min_doc_count": 0}),
    "how large the index is": ("GET", "/{i}/_stats", None),
    "its segments": ("GET", "/{i}/_segments", None),
    "the list of indices": ("GET", "/_cat/indices/{i}?format=json", None),
    "the list of shards": ("GET", "/_cat/shards?format=json", None),
    "the health index": ("POST", "/tabletrail-health/_search", {"query": ALL}),
    "another index": ("POST", "/{other}/_search", {"query": ALL}),
    "a copy": ("POST", "/_reindex", {"source": {"index": "{i}"}, "dest": {"index": "{other}"}}),
    "an update by query": ("POST", "/{i}/_update_by_query", {"query": ALL}),
    "an index's definition": ("GET", "/{i}", None),
}

LEAKS: dict[str, Probe] = {
    "a `global` aggregation": added_up(**{"global": {}}, aggs={"all": {"top_hits": {"size": 100}}}),
    "`terms` with `min_doc_count: 0` below another aggregation": below(
        {"terms": {"field": "actor.id", "min_doc_count": 0}}
    ),
    "`multi_terms` with `min_doc_count: 0`": added_up(
        multi_terms={"terms": [{"field": "actor.id"}, {"field": "service.name"}], "min_doc_count": 0}
    ),
    "a `term` or `phrase` suggester": search(
        suggest={"s": {"text": "xylophon", "term": {"field": "message", "suggest_mode": "always"}}}
    ),
}
"""Each answer holds traces of hidden entries."""

LEAKING_ASKS: dict[str, Probe] = {
    "`more_like_this` with a text": search(
        query={
            "more_like_this": {
                "fields": ["message"],
                "like": ["{word} changed"],
                "min_term_freq": 1,
                "min_doc_freq": 1,
                "minimum_should_match": "100%",
            }
        }
    ),
    "`significant_terms` with a background": added_up(
        significant_terms={
            "field": "service.name",
            "min_doc_count": 1,
            "background_filter": {"term": {"actor.id": "{actor}"}},
        }
    ),
}
"""The two answers differ."""
