"""The stack as a whole: up, status, down, reset. Each may be said twice, and each waits for another that is under way.

What `up` does, in this order: claim the directory, start OpenSearch (or ask the named one), make its users, start the
local AWS, then the laboratory if there is to be one, write stack.json for everybody else. Interrupted anywhere, the
next `up` goes on from there.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tabletrail_local import info as stack_info
from tabletrail_local.console import say, step
from tabletrail_local.errors import ForeignDirectoryError, OpenSearchApiError
from tabletrail_local.guard import LOCAL_ACCOUNT, is_loopback
from tabletrail_local.info import Login, StackInfo
from tabletrail_local.laboratory import LAB, LocalLab
from tabletrail_local.local_aws import ACCESS_KEY, REGION, SECRET_KEY, LocalAws
from tabletrail_local.opensearch import OpenSearchServer
from tabletrail_local.opensearch_api import SecurityApi, require_https
from tabletrail_local.passwords import ensure_logins
from tabletrail_local.paths import MARKER, StackPaths
from tabletrail_local.private_files import read_json


@dataclass(frozen=True)
class NamedServer:
    """An OpenSearch that runs elsewhere and is used instead of one of ours."""

    url: str
    user: str
    password: str
    ca_file: Path | None


@dataclass(frozen=True)
class ComponentStatus:
    name: str
    address: str
    pid: int | None  # None: no process of ours
    answers: bool


def up(paths: StackPaths, named: NamedServer | None = None, streams: str | None = None) -> StackInfo:
    """`streams` is one of `laboratory.MODES`; None leaves what the stack has, which is `dynamodb` if it is new."""
    _claim(paths)
    aws = LocalAws(paths)
    aws.require_environment()
    with _alone(paths):
        api, admin = _start_server(paths) if named is None else _ask_server(paths, named)
        logins = ensure_logins(paths, admin)
        _ensure_users(api, logins, ours=named is None)
        ensure_aws(paths, streams)
        info = _describe(paths, api.url, api.ca_file, logins, aws)
        _tell_of_another_server(paths, info)
        stack_info.save(info, paths)
    return info


def status(paths: StackPaths) -> list[ComponentStatus]:
    """Asks all components; takes no lock, so it answers while an `up` is under way."""
    aws, lab = LocalAws(paths), LocalLab(paths)
    answers = aws.running_pid is not None and aws.is_ready()
    found = [_opensearch_status(paths), ComponentStatus("local AWS", aws.endpoint, aws.running_pid, answers)]
    if lab.url is not None:
        answers = lab.running_pid is not None and lab.is_ready()
        found.append(ComponentStatus("laboratory", lab.url, lab.running_pid, answers))
    return found


def down(paths: StackPaths) -> list[str]:
    """Ends what `up` started, the local AWS first, as its functions write to OpenSearch. Names what was ended."""
    if not paths.root.is_dir():
        return []
    with _alone(paths):
        return _stop_all(paths)


def reset(paths: StackPaths) -> None:
    """Takes the stack down and removes all it holds. Downloads are kept: they live in the user's cache."""
    if not paths.root.is_dir():
        return
    _require_ours(paths)
    with _alone(paths):
        _stop_all(paths)
        OpenSearchServer(paths).remove()
        for entry in paths.root.iterdir():
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            elif entry not in (paths.lock, paths.marker):
                entry.unlink()


def ensure_aws(paths: StackPaths, streams: str | None = None) -> None:
    """The local AWS runs, and the laboratory if these streams are its. Starts again what runs with other streams."""
    aws, lab = LocalAws(paths), LocalLab(paths)
    if streams not in (None, lab.mode) and paths.aws.exists():
        say(
            f"the streams of this stack were `{lab.mode}` and are `{streams}` from now on: the same records, in other "
            "shards and under other numbers. A log that has captured some already will have them twice and show gaps: "
            "for a clean one say `tabletrail local reset` first."
        )
    lab.choose(streams or lab.mode)
    aws.ensure_running()
    if lab.mode == LAB:
        lab.ensure_running(aws.endpoint, aws.credentials)


def _start_server(paths: StackPaths) -> tuple[SecurityApi, None]:
    server = OpenSearchServer(paths)
    server.ensure_running()
    return server.security_api(), None


def _ask_server(paths: StackPaths, named: NamedServer) -> tuple[SecurityApi, Login]:
    OpenSearchServer(paths).stop()
    ca_file = named.ca_file.resolve() if named.ca_file else None
    if ca_file and not ca_file.is_file():
        raise OpenSearchApiError(f"--opensearch-ca {ca_file}: there is no such file.")
    api = SecurityApi(require_https(named.url), ca_file, user=(named.user, named.password))
    api.require_answer()
    return api, Login(named.user, named.password)


def _tell_of_another_server(paths: StackPaths, info: StackInfo) -> None:
    before = read_json(paths.stack).get("opensearch_url", info.opensearch_url)
    if not is_loopback(before) and before != info.opensearch_url:
        say(f"this stack used {before} until now; to go on with that one, say `up --opensearch {before}` again")


def _claim(paths: StackPaths) -> None:
    paths.root.mkdir(parents=True, exist_ok=True)
    if not paths.marker.exists() and not any(entry != paths.lock for entry in paths.root.iterdir()):
        paths.marker.write_text(MARKER)
    _require_ours(paths)


def _require_ours(paths: StackPaths) -> None:
    if not paths.marker.exists():
        raise ForeignDirectoryError(paths.root)


@contextlib.contextmanager
def _alone(paths: StackPaths) -> Iterator[None]:
    with paths.lock.open("a") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another `tabletrail local` is at work in {paths.root}: waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def _stop_all(paths: StackPaths) -> list[str]:
    stopped = []
    components = (
        ("the local AWS", LocalAws(paths)),
        ("the laboratory", LocalLab(paths)),
        ("OpenSearch", OpenSearchServer(paths)),
    )
    for name, component in components:
        if component.running_pid is None:
            component.stop()  # clears a process file that names nobody of ours
            continue
        with step(f"stopping {name}"):
            component.stop()
        stopped.append(name)
    return stopped


def _ensure_users(api: SecurityApi, logins: dict[str, Login], ours: bool) -> None:
    refused = {login.user: login.password for login in logins.values() if not api.accepts(login.user, login.password)}
    if not refused:
        return
    taken = [] if ours else [user for user in refused if api.has_user(user)]
    if taken:
        raise OpenSearchApiError(
            f"{api.url} already has {', '.join(taken)}, with passwords of another stack. "
            "Delete these users there if no other stack needs them, then run this again."
        )
    api.put_users(refused)


def _describe(paths: StackPaths, url: str, ca_file: Path | None, logins: dict[str, Login], aws: LocalAws) -> StackInfo:
    return StackInfo(
        directory=str(paths.root),
        opensearch_url=url,
        ca_file=str(ca_file) if ca_file else None,
        logins=logins,
        aws_endpoint=aws.endpoint,
        region=REGION,
        account_id=LOCAL_ACCOUNT,
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
        aws_config_file=str(aws.config_file),
        aws_credentials_file=str(aws.credentials_file),
        streams_endpoint=LocalLab(paths).url,
    )


def _opensearch_status(paths: StackPaths) -> ComponentStatus:
    server = OpenSearchServer(paths)
    named = read_json(paths.stack).get("opensearch_url")
    if server.running_pid is None and named and named != server.url:
        info = stack_info.load(paths)
        admin = info.login(stack_info.ADMIN_ROLE)
        api = SecurityApi(named, Path(info.ca_file) if info.ca_file else None, user=(admin.user, admin.password))
        return ComponentStatus("OpenSearch (elsewhere)", named, None, api.is_ready())
    answers = server.running_pid is not None and server.is_ready()
    return ComponentStatus("OpenSearch", server.url, server.running_pid, answers)
