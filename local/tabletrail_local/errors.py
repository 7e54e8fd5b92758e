"""What can go wrong with the laptop stack. Each text says what to do; the command line prints it and nothing else."""

from __future__ import annotations

from pathlib import Path


class LocalStackError(Exception):
    """The root of this package's errors: the command line turns it into one message and exit code 1."""


class JavaNotFoundError(LocalStackError):
    def __init__(self, rejected: list[str], lowest: int, highest: int) -> None:
        seen = "\n".join(f"  {line}" for line in rejected) or "  none"
        super().__init__(
            f"OpenSearch needs Java {lowest} to {highest}; found:\n{seen}\n"
            f"Install one (Debian, Ubuntu: apt-get install openjdk-17-jre-headless; macOS: brew install openjdk@17) "
            f"or set JAVA_HOME to it, then run this again."
        )


class LockFileError(LocalStackError):
    def __init__(self, path: Path, line_number: int, reason: str) -> None:
        super().__init__(
            f"{path}, line {line_number}: {reason}. The file is generated: restore it with "
            f"`git checkout -- {path.name}` or make it anew with `python -m tabletrail_local.resolve_opensearch`."
        )


class DownloadError(LocalStackError):
    def __init__(self, coordinate: str, reasons: list[str]) -> None:
        tried = "\n".join(f"  {reason}" for reason in reasons)
        super().__init__(
            f"could not download {coordinate}:\n{tried}\n"
            "Check the network connection. Behind a proxy set HTTPS_PROXY; with a Maven mirror name it in "
            "~/.m2/settings.xml. What was already downloaded is kept, so running this again goes on from here."
        )


class UntrustedDownloadError(LocalStackError):
    def __init__(self, coordinate: str, expected: str, actual: str) -> None:
        super().__init__(
            f"{coordinate} arrived with SHA-256 {actual}, the lock file says {expected}: nothing of it was kept. "
            "A proxy or mirror changes its content: use another network, or set the mirror right in ~/.m2/settings.xml."
        )


class StartError(LocalStackError):
    def __init__(self, what: str, reason: str, evidence: str) -> None:
        super().__init__(f"{what} {reason}. The end of what it wrote says why:\n{evidence}")


class StopError(LocalStackError):
    def __init__(self, what: str, pid: int) -> None:
        super().__init__(f"{what} (process {pid}) did not end when killed: restart the machine or its container.")


class NotUpError(LocalStackError):
    def __init__(self, directory: Path) -> None:
        super().__init__(f"no local stack in {directory}: run `tabletrail local up` first.")


class ForeignDirectoryError(LocalStackError):
    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"{directory} holds other files than a local stack's, and `reset` would remove them: "
            "set TABLETRAIL_LOCAL_DIR to a directory that is empty or does not exist yet."
        )


class UnreachableDirectoryError(LocalStackError):
    def __init__(self, directory: Path, blocking: Path, uid: int) -> None:
        super().__init__(
            f"OpenSearch refuses to run as root, so it runs as user id {uid}, who may not pass through {blocking} to "
            f"{directory}: run this as another user than root, or allow it with `chmod o+x {blocking}`."
        )


class ForeignAccountError(LocalStackError):
    def __init__(self, reason: str) -> None:
        super().__init__(
            f"{reason}. Nothing was changed. `tabletrail local` only ever touches the local AWS that it started: "
            "run `tabletrail local down` and `tabletrail local up`; to deploy to a real account use `sam deploy`."
        )


class OpenSearchApiError(LocalStackError):
    """OpenSearch, the one that we started or the one that was named, refused a request."""


class MissingEnvironmentError(LocalStackError):
    def __init__(self, missing: Path) -> None:
        super().__init__(f"{missing} is missing: run `make env` in the repository first.")


class DeployError(LocalStackError):
    def __init__(self, command: str, log: Path, reasons: str) -> None:
        super().__init__(f"`{command}` failed; its whole output is in {log}:\n{reasons}\n")
