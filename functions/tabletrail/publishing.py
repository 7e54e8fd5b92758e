"""Publishing the rules of a release: what was packaged is checked, put into the log's bucket, and named in a note.

    1 check     all files together; anything wrong ends the deployment, with file, line, rule and reason
    2 object    rules/v1/<version>.json, written once; what lies there already must be the very same
    3 note      `rules` in the table of runs: the version that every stream is to be moved to

1 comes before anything is written into OpenSearch, 2 and 3 after all of that: a deployment that fails changes no rules.

The crash argument. After 2 an object lies there that nobody looks for; the next deployment finds it. 3 is one write,
and may be repeated. A deployment that is rolled back behind 3 calls the release before, which publishes its own rules.

Called by handlers/install_mappings.py.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from tabletrail.conversions import RulesStore
from tabletrail.errors import InstallError
from tabletrail.policy_files import CheckedFiles, check
from tabletrail.ports import Clock, RunNotes
from tabletrail.rules_change import NOTE, SHORT

FOLDER = "rules"
"""In the directory `mappings` of a release."""
TOLD = 10
"""Problems in one answer to CloudFormation, which takes 4 KB."""


def packaged(mappings: Path) -> CheckedFiles:
    """The rules of the release, with nothing wrong. InstallError tells what is."""
    return taken(check(files_in(mappings / FOLDER)))


def taken(checked: CheckedFiles) -> CheckedFiles:
    """The same, if nothing is wrong. InstallError."""
    if checked.policy is None:
        raise InstallError(refusal(checked))
    return checked


def publish(checked: CheckedFiles, rules: RulesStore, notes: RunNotes, clock: Clock) -> str:
    """A sentence on what was done. InstallError, TransientError."""
    version = checked.version
    rules.put(version, checked.text)
    if sha256(rules.get(version)).hexdigest() != version:
        raise InstallError(f"something else lies under the rules' name {version} in the bucket: find out who wrote it")
    counted = f"{checked.counts['rules']} rules and {checked.counts['sensitive']} sensitive declarations"
    if notes.read(NOTE).get("version") == version:
        return f"the {counted} of version {version[:SHORT]} are in force"
    notes.write(NOTE, {"version": version, "key": f"rules/v1/{version}.json", "at": int(clock.now())})
    return f"published {counted}, version {version[:SHORT]}: in force for each table from its next run on"


def files_in(folder: Path) -> list[tuple[str, str]]:
    """Names and texts. None is not an error: a release without rules marks nothing."""
    try:
        return [(path.name, path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    except (OSError, UnicodeDecodeError) as error:
        raise InstallError(
            f"the rules cannot be read: {type(error).__name__}; each file must be JSON in UTF-8"
        ) from None


def refusal(checked: CheckedFiles) -> str:
    """What a deployment says of rules that cannot be taken."""
    told = [problem.sentence() for problem in checked.problems[:TOLD]]
    more = len(checked.problems) - len(told)
    rest = [f"and {more} more: `tabletrail rules check` shows all"] if more else []
    return "the rules are not taken, and those before stay in force: " + "; ".join([*told, *rest])
