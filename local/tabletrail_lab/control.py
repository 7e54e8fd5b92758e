"""Commands over HTTP: POST /lab with {"do": NAME, ...arguments}.

Rules
- 200 {"result": ...}, or 400 {"error": TEXT} for a command that is unknown, wrongly given or refused.
- An argument that is left out has the method's default.

Called by `server`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tabletrail_lab.commands import COMMANDS
from tabletrail_lab.errors import LabError

if TYPE_CHECKING:
    from tabletrail_lab.laboratory import Laboratory


def obey(laboratory: Laboratory, body: bytes) -> tuple[int, bytes]:
    """Status and JSON body."""
    try:
        command = json.loads(body)
        if not isinstance(command, dict):
            raise LabError('a command is an object: {"do": NAME, ...arguments}')
        name = command.pop("do", None)
        if name not in COMMANDS:
            raise LabError(f"no command {name!r}: there are {', '.join(sorted(COMMANDS))}")
        result = getattr(laboratory, name)(**command)
    except (LabError, ValueError, TypeError) as error:
        return 400, json.dumps({"error": str(error)}).encode()
    except Exception as error:  # an argument that no check foresaw must not end the laboratory
        return 400, json.dumps({"error": repr(error)}).encode()
    return 200, json.dumps({"result": result}).encode()
