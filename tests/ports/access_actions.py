"""What docs/access.md lets or does not let people do in OpenSearch, as requests. Each row of its table is one action.

In a path or body `{i}` is an index of entries, `{health}` one of the health index, `{other}` one that is not ours,
`{new}` and `{new_health}` names that no index has, and `{doc}` a document's id: that of an entry which a team may see
or of one which it may not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

SECURITY = "/_plugins/_security/api"
FORGED = {"@timestamp": "2098-01-02T00:00:00Z", "message": "nobody changed anything", "service": {"name": "billing"}}
ALL: dict[str, Any] = {"match_all": {}}


@dataclass(frozen=True)
class Attempt:
    """One request. `done`: the statuses that say it happened. With `shows` it happened if the answer shows the entry.

    `bulk` is the verb of a bulk request with the body as its document.
    """

    method: str
    path: str
    body: Any = None
    done: tuple[int, ...] = (200, 201)
    shows: bool = False
    bulk: str = ""
    many: bool = False
    """The body is a list of lines."""


def reads(method: str, path: str, body: Any = None, many: bool = False) -> Attempt:
    return Attempt(method, path, body, shows=True, many=many)


THE_ONE = {"query": {"ids": {"values": ["{doc}"]}}}

READING = {
    "read an entry": [
        reads("GET", "/{i}/_doc/{doc}"),
        reads("GET", "/{i}/_source/{doc}"),
        reads("POST", "/_mget", {"docs": [{"_index": "{i}", "_id": "{doc}"}]}),
    ],
    "search entries": [
        reads("POST", "/{i}/_search", THE_ONE),
        reads("POST", "/tabletrail/_search", THE_ONE),
        reads("POST", "/tabletrail-v1-*/_search", THE_ONE),
        reads("POST", "/_msearch", [{"index": "{i}"}, THE_ONE], many=True),
    ],
    "add entries up": [
        reads("POST", "/{i}/_search", {"size": 0, "aggs": {"who": {"terms": {"field": "actor.id"}}}}),
    ],
    "page through many": [
        reads("POST", "/{i}/_search?scroll=1m", {"query": ALL}),
        Attempt("POST", "/{i}/_search/point_in_time?keep_alive=1m"),
    ],
    "ask for fields and names, as Dashboards does": [
        Attempt("GET", "/tabletrail-v1-*/_field_caps?fields=*"),
        Attempt("GET", "/_resolve/index/tabletrail-v1-*"),
    ],
}

ENTRIES = {
    "create an entry": [
        Attempt("POST", "/_bulk", FORGED, bulk="create"),
        Attempt("PUT", "/{i}/_create/forged", FORGED),
    ],
    "replace or change an entry": [
        Attempt("POST", "/_bulk", FORGED, bulk="index"),
        Attempt("PUT", "/{i}/_doc/seen", FORGED),
        Attempt("POST", "/{i}/_update/seen", {"doc": FORGED}),
        Attempt("POST", "/{i}/_update_by_query", {"query": ALL}),
    ],
    "remove an entry": [
        Attempt("POST", "/_bulk", bulk="delete"),
        Attempt("DELETE", "/{i}/_doc/seen"),
        Attempt("POST", "/{i}/_delete_by_query", {"query": ALL}),
    ],
}

HEALTH = {
    "read the health index": [
        reads("GET", "/{health}/_doc/run"),
        reads("POST", "/tabletrail-health/_search", {"query": ALL, "size": 1000}),
    ],
    "add to the health index": [
        Attempt("PUT", "/{health}/_create/forged", {"@timestamp": "2098-01-02T00:00:00Z"}),
        Attempt("PUT", "/{new_health}"),
    ],
    "change or remove in the health index": [
        Attempt("PUT", "/{health}/_doc/run", {"@timestamp": "2098-01-02T00:00:00Z"}),
        Attempt("DELETE", "/{health}/_doc/run"),
    ],
}

INDICES = {
    "make an index": [Attempt("PUT", "/{new}")],
    "end writing to an index": [Attempt("PUT", "/{i}/_block/write")],
    "change its settings, as to let it be written again": [
        Attempt("PUT", "/{i}/_settings", {"index.blocks.write": False}),
        Attempt("PUT", "/{i}/_settings", {"index.refresh_interval": "9s"}),
    ],
    "merge an index": [Attempt("POST", "/{i}/_forcemerge?max_num_segments=1")],
    "close an index": [Attempt("POST", "/{i}/_close")],
    "delete an index": [Attempt("DELETE", "/{i}")],
    "delete a health index": [Attempt("DELETE", "/{health}")],
    "change a mapping": [Attempt("PUT", "/{i}/_mapping", {"properties": {"forged": {"type": "keyword"}}})],
    "give an index another name": [
        Attempt("POST", "/_aliases", {"actions": [{"add": {"index": "{i}", "alias": "{new}"}}]}),
    ],
    "put another index under the alias": [
        Attempt("POST", "/_aliases", {"actions": [{"add": {"index": "{other}", "alias": "tabletrail"}}]}),
    ],
    "copy entries elsewhere": [
        Attempt("POST", "/_reindex", {"source": {"index": "{i}"}, "dest": {"index": "{other}"}}),
    ],
}

ADMINISTRATION = {
    "see how an index is defined": [Attempt("GET", "/{i}"), Attempt("GET", "/{i}/_settings")],
    "see its mapping or its names alone": [Attempt("GET", "/{i}/_mapping"), Attempt("GET", "/{i}/_alias")],
    "see how large indices are": [Attempt("GET", "/{i}/_stats")],
    "list indices with their state": [Attempt("GET", "/_cat/indices/tabletrail-v1-*?format=json")],
    "read the index template": [Attempt("GET", "/_index_template/tabletrail-v1")],
    "write an index template": [Attempt("PUT", "/_index_template/access-test", {"index_patterns": ["access-test"]})],
    "read the cluster's settings": [Attempt("GET", "/_cluster/settings")],
    "change the cluster's settings": [
        Attempt("PUT", "/_cluster/settings", {"transient": {"search.default_search_timeout": None}})
    ],
    "read roles and who has them": [
        Attempt("GET", f"{SECURITY}/roles/tabletrail_writer"),
        Attempt("GET", f"{SECURITY}/rolesmapping/tabletrail_writer"),
    ],
    "change roles and who has them": [
        Attempt("PUT", f"{SECURITY}/roles/access-test", {"cluster_permissions": []}),
        Attempt("PUT", f"{SECURITY}/rolesmapping/tabletrail_rebuilder", {"users": [], "backend_roles": []}),
    ],
    "see snapshots": [Attempt("GET", "/_snapshot")],
    # There is no repository: 404 says that the request passed the check of rights. A restoration looks for the snapshot
    # before it asks for rights, so that it cannot be tried here.
    "make a snapshot": [Attempt("PUT", "/_snapshot/none/one", {"indices": "{i}"}, done=(404,))],
    "delete a snapshot": [Attempt("DELETE", "/_snapshot/none/one", done=(404,))],
    "read other indices": [reads("GET", "/{other}/_doc/1"), reads("POST", "/{other}/_search", {"query": ALL})],
    "write other indices": [Attempt("PUT", "/{other}/_create/2", {"message": "forged"})],
}

ACTIONS: dict[str, list[Attempt]] = READING | ENTRIES | HEALTH | INDICES | ADMINISTRATION
