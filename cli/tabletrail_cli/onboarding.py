"""What a table lacks to be audited, and the steps that give it that.

Rules
- Each step may be repeated: a second `onboard` goes on where the first one failed.
- The stream comes before the tag, so that the service finds a table that it can audit.

Called by `onboard`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tabletrail.aws.tables import VIEW_TYPE
from tabletrail.aws.troubles import translated
from tabletrail.errors import TransientError
from tabletrail.ports import TableView
from tabletrail_cli.errors import AccessError
from tabletrail_cli.log import Log
from tabletrail_cli.readers import lambda_readers, limit, replicas

NOTE = "onboard#"
"""With the table's ARN: the note that tells the service of a stream that was replaced on purpose."""

WAIT_SECONDS = 120.0
"""A table takes seconds to switch its stream; one with many partitions up to a minute."""
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class TableState:
    """How a table stands. `tag` is KEY=VALUE of the stack; `readers` are of the present stream."""

    view: TableView
    tag: str
    is_tagged: bool
    is_named: bool
    readers: list[str]
    regions: list[str]

    @property
    def has_wrong_view(self) -> bool:
        return self.view.stream_enabled and self.view.view_type != VIEW_TYPE

    def facts(self) -> dict[str, Any]:
        view = self.view
        return {
            "table": view.name,
            "arn": view.arn,
            "stream": view.stream_arn if view.stream_enabled else None,
            "view_type": view.view_type or None,
            "tag": self.tag,
            "tagged": self.is_tagged,
            "named_by_stack": self.is_named,
            "lambda_readers": self.readers,
            "reader_limit": limit(bool(self.regions)),
            "replicas": self.regions,
        }

    def lines(self) -> Iterator[str]:
        view = self.view
        yield f"Table   {view.name} ({view.arn})"
        yield f"Stream  {f'on, {view.view_type}, {view.stream_arn}' if view.stream_enabled else 'off'}"
        named = ", named in the stack's parameters" if self.is_named else ""
        yield f"Tag     {self.tag} {'is there' if self.is_tagged else 'is missing'}{named}"
        if self.regions:
            yield f"Global  replicas in {', '.join(self.regions)}: one reader a shard is allowed"
        readers = ", ".join(self.readers) or "no Lambda trigger"
        yield f"Readers {readers} (programs that poll the stream by themselves are in no list)"
        most = limit(bool(self.regions))
        sharing = len(self.readers) + 1
        if sharing > most:
            yield (
                f"Beware  with tabletrail {sharing} readers share each shard, {most} may: all of them will be "
                "throttled. Remove one first, or let them share one trigger"
            )


Step = Callable[[TableState], None]
Steps = dict[str, Step]


@dataclass(frozen=True)
class Onboarding:
    """Works on the account of one place. TransientError, RefusedError, AccessError."""

    log: Log

    def look(self, table_name: str) -> TableState | None:
        """None if there is no such table. Changes nothing."""
        arns = self.log.tables.named([table_name])
        view = self.log.tables.view(next(iter(arns))) if arns else None
        if view is None:
            return None
        settings, client = self.log.place.settings, self.log.place.session.client
        return TableState(
            view=view,
            tag=f"{settings.tag_key}={settings.tag_value}",
            is_tagged=self.log.tables.is_tagged(view.arn),
            is_named=view.name in settings.names,
            readers=lambda_readers(client("lambda"), view.stream_arn)
            if view.stream_enabled and view.stream_arn
            else [],
            regions=replicas(client("dynamodb"), view.name),
        )

    def steps(self, state: TableState) -> Steps:
        """In order, each with its words."""
        steps: Steps = {}
        if state.has_wrong_view:
            steps[f"replace its stream ({state.view.view_type}) by one with both images"] = self._replace_stream
        elif not state.view.stream_enabled:
            steps["switch its stream on, with both images"] = self._enable_stream
        if not (state.is_tagged or state.is_named):
            steps[f"add the tag {state.tag}"] = self._add_tag
        return steps

    def _add_tag(self, state: TableState) -> None:
        key, _, value = state.tag.partition("=")
        with translated("TagResource"):
            self._dynamodb().tag_resource(ResourceArn=state.view.arn, Tags=[{"Key": key, "Value": value}])

    def _enable_stream(self, state: TableState) -> None:
        self._enabled(state.view.name)

    def _replace_stream(self, state: TableState) -> None:
        """The note is there before anything is lost, and is completed when the new stream is known."""
        name = NOTE + state.view.arn
        facts = {
            "table_arn": state.view.arn,
            "table_name": state.view.name,
            "old_stream_arn": state.view.stream_arn or "",
            "old_view_type": state.view.view_type,
            "new_stream_arn": "",
            "replaced_at": int(time.time()),
        }
        self.log.notes.write(name, facts)
        with translated("UpdateTable"):
            self._dynamodb().update_table(TableName=state.view.name, StreamSpecification={"StreamEnabled": False})
        self._await(lambda: self._is_off(state.view.name), f"table {state.view.name} keeps its old stream")
        stream_arn = self._enabled(state.view.name)
        self.log.notes.write(name, {**facts, "new_stream_arn": stream_arn})

    def _enabled(self, table_name: str) -> str:
        """The new stream's ARN; waits while the table is still being changed."""
        arns: list[str] = []

        def is_on() -> bool:
            try:
                arns.append(self.log.tables.enable_stream(table_name))
            except TransientError:
                return False
            return True

        self._await(is_on, f"table {table_name} has no stream yet")
        return arns[-1]

    def _is_off(self, table_name: str) -> bool:
        with translated("DescribeTable"):
            table = self._dynamodb().describe_table(TableName=table_name)["Table"]
        return table["TableStatus"] == "ACTIVE" and not table.get("StreamSpecification", {}).get("StreamEnabled")

    def _await(self, condition: Callable[[], bool], trouble: str) -> None:
        until = time.monotonic() + WAIT_SECONDS
        while not condition():
            if time.monotonic() > until:
                raise AccessError(f"{trouble} after {WAIT_SECONDS:.0f} s: run `tabletrail onboard` again")
            time.sleep(POLL_SECONDS)

    def _dynamodb(self) -> Any:
        return self.log.place.session.client("dynamodb")
