"""What DynamoDB acknowledged, written down before the answer: a killed ministack loses nothing that it had promised.

Rules
- One line of JSON for each request that changed something, in one write: the kernel has it when the answer goes out,
  and a line that was cut off is of a request that nobody got an answer to.
- A line says what is, not what was asked: items as they are afterwards, stream records, transaction tokens, and for
  everything that is no item (tables, tags, time to live) the whole of it. So a line may be replayed twice.
- An item belongs to a table of that very id: a table that was made anew does not get its predecessor's.
- The journal begins where the last saved state ends.

Runs in ministack's environment. Called by `ministack_server`.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

_ITEM_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
_STATEMENTS = ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction")
_READS = ("Get", "BatchGet", "TransactGet", "Query", "Scan", "Describe", "List", "Search")
_SMALL_STORES = ("_tags", "_ttl_settings", "_pitr_settings", "_resource_policies")
_NO_ITEMS = ("items", "_index_members")
_MOST_BYTES = 200_000_000

Handler = Callable[[dict[str, Any]], tuple[int, dict[str, str], bytes]]


class Journal:
    """`dynamodb` and `persistence` are ministack's modules."""

    def __init__(self, path: Path, dynamodb: Any, persistence: Any) -> None:
        self._path = path
        self._dynamodb = dynamodb
        self._persistence = persistence
        self._file: int | None = None
        self._size = 0
        self._items: dict[tuple[str, str, str], tuple[Any, Any, Any]] = {}
        self._events: list[list[Any]] = []

    # While it runs

    def watch(self, actions: dict[str, Handler]) -> None:
        """From now on every change is written. `actions` are more actions of DynamoDB's API, by name."""
        dynamodb = self._dynamodb
        handle = dynamodb.handle_request
        for name in ("_set_item", "_remove_item"):
            setattr(dynamodb, name, self._noting_item(getattr(dynamodb, name)))
        dynamodb._emit_stream_event = self._noting_records(dynamodb._emit_stream_event)
        dynamodb.drop_stream_records = self._noting_drop(dynamodb.drop_stream_records)
        dynamodb._txn_token_store = self._noting_token(dynamodb._txn_token_store)

        async def journalled(method: str, path: str, headers: Any, body: bytes, query: Any) -> Any:
            action = headers.get("x-amz-target", "").rpartition(".")[2]
            if action in actions:
                return actions[action](json.loads(body or b"{}"))
            answer = await handle(method, path, headers, body, query)
            if action not in (*_ITEM_WRITES, *_STATEMENTS) and not action.startswith(_READS):
                self._events.append(self._layout())
            self._write()
            return answer

        dynamodb.handle_request = journalled

    def clear(self) -> None:
        """All that it says is in the saved state now."""
        self._items.clear()
        self._events.clear()
        if self._file is not None:
            os.close(self._file)
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o600)
        self._size = 0

    def _noting_item(self, change: Callable[..., Any]) -> Callable[..., Any]:
        def changed(table: dict[str, Any], pk: Any, sk: Any, *item: Any) -> Any:
            self._items[table["TableId"], str(pk), str(sk)] = (table, pk, sk)
            return change(table, pk, sk, *item)

        return changed

    def _noting_records(self, emit: Callable[..., Any]) -> Callable[..., Any]:
        def emitted(table_name: str, *arguments: Any, **named: Any) -> Any:
            before = self._last_record(table_name)
            answer = emit(table_name, *arguments, **named)
            record = self._last_record(table_name)
            if record is not before:
                scope = [self._dynamodb.get_account_id(), self._dynamodb.get_region(), table_name]
                self._events.append(["record", *scope, record])
            return answer

        return emitted

    def _last_record(self, table_name: str) -> dict[str, Any] | None:
        records = self._dynamodb._stream_records.get(table_name)
        return records[-1] if records else None

    def _noting_drop(self, drop: Callable[..., Any]) -> Callable[..., Any]:
        def dropped(table_name: str, table: dict[str, Any] | None = None) -> Any:
            answer = drop(table_name, table)
            arn = (table or {}).get("LatestStreamArn")
            closed = self._dynamodb._closed_streams.get(arn) if arn else None
            shell = {name: value for name, value in (closed or {}).items() if name != "records"}
            scope = [self._dynamodb.get_account_id(), self._dynamodb.get_region(), table_name]
            self._events.append(["drop", *scope, arn, shell or None])
            return answer

        return dropped

    def _noting_token(self, store: Callable[..., Any]) -> Callable[..., Any]:
        def stored(token: str, entry: dict[str, Any]) -> Any:
            answer = store(token, entry)
            self._events.append(["token", self._dynamodb.get_account_id(), self._dynamodb.get_region(), token, entry])
            return answer

        return stored

    def _layout(self) -> list[Any]:
        tables = [
            [*place, {name: value for name, value in table.items() if name not in _NO_ITEMS}]
            for place, table in self._dynamodb._tables.all_items()
        ]
        return ["layout", tables, {name: getattr(self._dynamodb, name) for name in _SMALL_STORES}]

    def _write(self) -> None:
        if not self._items and not self._events:
            return
        items = [
            ["item", table["TableId"], pk, sk, table["items"].get(pk, {}).get(sk)]
            for table, pk, sk in self._items.values()
        ]
        counter = ["counter", self._dynamodb._stream_seq_counter]
        line = json.dumps([*self._events, *items, counter], default=self._persistence._json_default) + "\n"
        self._items.clear()
        self._events.clear()
        if self._file is None:
            self.clear()
        self._size += os.write(self._held(), line.encode())
        if self._size > _MOST_BYTES:
            self._persistence.save_state("dynamodb", self._dynamodb.get_state())
            self.clear()

    def _held(self) -> int:
        if self._file is None:
            raise RuntimeError("the journal is not open")
        return self._file

    # When it starts

    def replay(self) -> None:
        """Brings the loaded state up to the last line. May be repeated."""
        if not self._path.exists():
            return
        seen = {record["eventID"] for _, records in self._dynamodb._stream_records.all_items() for record in records}
        for _, closed in self._dynamodb._closed_streams.all_items():
            seen |= {record["eventID"] for record in closed["records"]}
        with self._path.open("rb") as lines:
            for line in lines:
                if line.endswith(b"\n"):
                    self._apply(json.loads(line, object_hook=self._persistence._json_object_hook), seen)

    def _apply(self, events: list[list[Any]], seen: set[str]) -> None:
        # The layout first: it makes the table that this line's items and records belong to.
        for event in sorted(events, key=lambda event: event[0] != "layout"):
            kind, *facts = event
            if kind == "record":
                self._apply_record(facts, seen)
            else:
                getattr(self, f"_apply_{kind}")(*facts)

    def _apply_item(self, table_id: str, pk: Any, sk: Any, item: Any) -> None:
        dynamodb = self._dynamodb
        for table in dynamodb._tables.all_values():
            if table.get("TableId") == table_id:
                if item is None:
                    dynamodb._remove_item(table, pk, sk)
                else:
                    dynamodb._set_item(table, pk, sk, item)

    def _apply_record(self, facts: list[Any], seen: set[str]) -> None:
        account, region, table_name, record = facts
        if record["eventID"] in seen:
            return
        seen.add(record["eventID"])
        records = self._dynamodb._stream_records.get_scoped(account, region, table_name)
        if records is None:
            self._dynamodb._stream_records.set_scoped(account, region, table_name, [record])
        else:
            records.append(record)

    def _apply_drop(self, account: str, region: str, table_name: str, arn: str | None, shell: Any) -> None:
        closed = self._dynamodb._closed_streams
        if arn and closed.contains_scoped(account, region, arn):
            return
        records = self._dynamodb._stream_records.pop_scoped(account, region, table_name, None) or []
        self._dynamodb._stream_trimmed.pop_scoped(account, region, table_name, None)
        if arn and shell:
            closed.set_scoped(account, region, arn, {**shell, "records": records})

    def _apply_token(self, account: str, region: str, token: str, entry: Any) -> None:
        self._dynamodb._txn_idempotency.set_scoped(account, region, token, entry)

    def _apply_counter(self, value: int) -> None:
        self._dynamodb._stream_seq_counter = max(value, self._dynamodb._stream_seq_counter)

    def _apply_layout(self, tables: list[list[Any]], small: dict[str, Any]) -> None:
        dynamodb = self._dynamodb
        known = {table.get("TableId"): table for table in dynamodb._tables.all_values()}
        for account, region, name in [tuple(place) for place, _ in dynamodb._tables.all_items()]:
            dynamodb._tables.pop_scoped(account, region, name, None)
        for account, region, name, layout in tables:
            items = known.get(layout.get("TableId"), {}).get("items")
            table = {**layout, "items": items if items is not None else defaultdict(dict)}
            dynamodb._update_counts(table)
            dynamodb._tables.set_scoped(account, region, name, table)
        for store, content in small.items():
            getattr(dynamodb, store)._data.clear()
            getattr(dynamodb, store)._data.update(content._data if hasattr(content, "_data") else content)
