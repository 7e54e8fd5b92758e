"""`tabletrail local lab COMMAND [name=value...]`: the stack's laboratory, driven by hand. One command, one JSON result.

Caller: `command`.
"""

from __future__ import annotations

import argparse
import inspect
import json
from typing import TYPE_CHECKING, Any

from tabletrail_local.errors import LocalStackError
from tabletrail_local.laboratory import LocalLab
from tabletrail_local.paths import StackPaths

if TYPE_CHECKING:
    from tabletrail_lab.client import LabClient

_HIDDEN = ("adopt", "relay")
"""What the laboratory's relay says to it, and no person."""
EPILOG = """examples:
  tabletrail local lab streams
  tabletrail local lab shards table=orders
  tabletrail local lab roll_all table=orders times=100
  tabletrail local lab split table=orders shard_id=shardId-00000001800000000000-1a2b3c4d
  tabletrail local lab quiet_tip table=orders shard_id=shardId-... pages=3000
  tabletrail local lab fault operation=GetRecords kind=throttle count=20
  tabletrail local lab counts

A value is JSON where it can be read as such, else text. table=NAME stands for stream_arn=ARN of the table's newest
stream. The stack must have been started with `tabletrail local up --streams lab`."""


def add_lab_parser(commands: Any) -> None:
    lab = commands.add_parser(
        "lab",
        help="drive the stream laboratory of a stack by hand; without a command: list all",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    lab.add_argument(
        "lab_command", nargs="?", metavar="COMMAND", help="what it is to do, as roll, split, fault, counts"
    )
    lab.add_argument("arguments", nargs="*", metavar="name=value", help="with what")


def run_lab(paths: StackPaths, name: str | None, words: list[str]) -> int:
    """The exit code. LocalStackError for a command that is unknown, refused or not heard."""
    from tabletrail_lab.client import LabClient
    from tabletrail_lab.errors import LabError

    if name is None:
        for each in sorted(_commands().difference(_HIDDEN)):
            print(each, *_names(each))
        return 0
    if name not in _commands():
        raise LocalStackError(f"the laboratory has no command {name}: `tabletrail local lab` lists all")
    url = LocalLab(paths).url
    if url is None:
        raise LocalStackError("this stack has no laboratory: start it with `tabletrail local up --streams lab`")
    if LocalLab(paths).running_pid is None:  # whoever listens at its address now is another stack's
        raise LocalStackError("this stack's laboratory is down: `tabletrail local up` starts it")
    client = LabClient(url)
    try:
        arguments = _with_arn(client, _arguments(words))
        result = client.truth(**arguments) if name == "truth" else client.do(name, **arguments)
    except (LabError, TypeError) as error:
        raise LocalStackError(f"{name}: {error}. Its arguments: {', '.join(_names(name)) or 'none'}") from error
    except OSError as error:
        raise LocalStackError(f"{error}. `tabletrail local up` starts it if it is down") from error
    finally:
        client.close()
    print(json.dumps(result, indent=2))
    return 0


def _commands() -> set[str]:
    """The stack's own laboratory's; the set of all names has those of subclasses too, where one is loaded."""
    from tabletrail_lab.commands import COMMANDS
    from tabletrail_lab.laboratory import Laboratory

    return {name for name in COMMANDS if hasattr(Laboratory, name)}


def _names(name: str) -> list[str]:
    from tabletrail_lab.laboratory import Laboratory

    parameters = inspect.signature(getattr(Laboratory, name)).parameters.values()
    return [each.name if each.default is each.empty else f"[{each.name}]" for each in parameters if each.name != "self"]


def _arguments(words: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in words:
        name, separator, value = word.partition("=")
        if not separator or not name.isidentifier():
            raise LocalStackError(f"{word}: give arguments as name=value")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _with_arn(client: LabClient, arguments: dict[str, Any]) -> dict[str, Any]:
    table = arguments.pop("table", None)
    if table is None:
        return arguments
    arns = [stream["stream_arn"] for stream in client.streams() if stream["table_name"] == table]
    if not arns:
        raise LocalStackError(
            f"the laboratory has no stream of a table {table}: `tabletrail local lab streams` lists all"
        )
    return {**arguments, "stream_arn": arns[-1]}
