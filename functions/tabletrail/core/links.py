"""Addresses in OpenSearch Dashboards, 2.19 to 3.x. Pure.

Rules
- One entry is `app/discover#/doc/<data view>/<index>?id=<id>`: the address of Discover's own "View single document". It
  asks that index for that id, so it finds nothing until the entry is indexed.
- Several are `app/data-explorer/discover#/` with the state in `_a`, `_g` and `_q`, in Rison, as "Share" makes it. The
  data view stands in it twice: `metadata` is read where query enhancements are off, `dataset` where they are on.
- Whatever may end a link in a mail is percent-encoded: quotes, brackets, spaces. Dashboards decodes it.

Called by what alerts say.
"""

from __future__ import annotations

from urllib.parse import quote

DATA_VIEW = "tabletrail"
"""Id of the saved data view (mappings/dashboards)."""
DATA_VIEW_TITLE = "tabletrail"
"""What it shows: the alias."""
COLUMNS = ("table.name", "item.id", "event.action", "actor.id", "rule.name", "message")


def document_link(dashboards: str, index: str, entry_id: str) -> str:
    """One entry. `dashboards` is the address of Dashboards, with or without a slash at its end."""
    return f"{dashboards.rstrip('/')}/app/discover#/doc/{DATA_VIEW}/{_encoded(index)}?id={_encoded(entry_id)}"


def discover_link(dashboards: str, query: str, since: str, until: str) -> str:
    """Entries that fit `query` (DQL) from `since` to `until`, both RFC 3339 in UTC and part of it."""
    columns = ",".join(_rison(name) for name in COLUMNS)
    view, title = _rison(DATA_VIEW), _rison(DATA_VIEW_TITLE)
    dataset = f"(id:{view},timeFieldName:'@timestamp',title:{title},type:INDEX_PATTERN)"
    shown = f"(columns:!({columns}),isDirty:!f,sort:!())"
    state = {
        "_a": f"(discover:{shown},metadata:(indexPattern:{view},view:discover))",
        "_g": f"(filters:!(),time:(from:{_rison(since)},to:{_rison(until)}))",
        "_q": f"(filters:!(),query:(dataset:{dataset},language:kuery,query:{_rison(query)}))",
    }
    words = "&".join(f"{name}={_encoded(value)}" for name, value in state.items())
    return f"{dashboards.rstrip('/')}/app/data-explorer/discover#/?{words}"


def _rison(text: str) -> str:
    """A Rison string: in quotes, `!` before `!` and `'`."""
    return "'" + text.replace("!", "!!").replace("'", "!'") + "'"


def _encoded(text: str) -> str:
    return quote(text, safe="")
