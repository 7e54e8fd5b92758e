"""Where the log is that a command speaks of: a stack in AWS, a server named by hand, or the local stack.

Rules
- Asked for on the command line, else in the environment, else the local stack if there is one: that is said once.
- `--local` never uses the caller's AWS account or the caller's settings: sessions, users and endpoints are the stack's.
- Nothing is asked of AWS before it is needed: a search with a named server needs no stack.

Called by the commands.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tabletrail.errors import SettingsError
from tabletrail.settings import Settings
from tabletrail_cli.errors import AccessError
from tabletrail_cli.output import Output

READ_SECONDS = 60.0
"""A person waits longer than a function may."""

LOCAL_STACK = "tabletrail"
OUTPUTS = {
    "streams_table": "StreamsTableName",
    "shards_table": "ShardsTableName",
    "segments_table": "SegmentsTableName",
    "runs_table": "RunsTableName",
    "segments_bucket": "SegmentsBucketName",
    "opensearch_endpoint": "OpenSearchEndpointUrl",
}
"""Settings that a command needs, and the stack's outputs that hold them."""

OPTIONAL_OUTPUTS = {
    "opensearch_auth": "OpenSearchAuthMode",
    "tag_key": "TagKeyUsed",
    "tag_value": "TagValueUsed",
    "index_period": "IndexPeriodUsed",
    "token_key_secret": "TokenKeySecret",
}
PARAMETERS = {
    "table_names": "TableNames",
    "missing_streams": "MissingStreams",
    "service_tag": "ServiceTagKey",
    "actor_attribute": "ActorAttribute",
}
"""Settings with defaults, and the stack's outputs and parameters that may say otherwise."""

HOW_TO_SAY = (
    "say where: --stack NAME, --local or --opensearch URL (or TABLETRAIL_STACK, TABLETRAIL_OPENSEARCH_ENDPOINT)"
)


@dataclass(frozen=True)
class Login:
    """User and password of OpenSearch; `ca_pem` is empty where the system's own roots vouch for the server."""

    user: str
    password: str
    ca_pem: str = ""

    def secret(self) -> str:
        """In the form that the functions' own secrets have."""
        return json.dumps({"username": self.user, "password": self.password, "ca_pem": self.ca_pem})


@dataclass
class Place:
    """`stack` may be empty: then `given` must name what a command needs (fields of Settings)."""

    session: Any
    """A boto3 session, made with the first use for a place in AWS."""
    stack: str
    given: Mapping[str, str]
    login: Login | None
    is_local: bool = False

    @cached_property
    def settings(self) -> Settings:
        """All that is known of the stack; asks CloudFormation. AccessError, SettingsError."""
        found = {**self._stack_facts(), **self.given}
        missing = [name for name in OUTPUTS if not found.get(name)]
        if missing:
            raise SettingsError(f"it is not known which {missing[0].replace('_', ' ')} to use: {HOW_TO_SAY}")
        return self._settings(found)

    @cached_property
    def search(self) -> Any:
        """A client of OpenSearch, for `tabletrail.aws.opensearch_connect.ask`."""
        return self.connect()

    def connect(self) -> Any:
        """Another such client, with connections of its own."""
        from tabletrail.aws.opensearch_connect import connect

        given = self.given.get("opensearch_endpoint")
        # With a named server nothing needs to be known of a stack.
        settings = self._settings(self.given) if given else self.settings
        login = self.login
        return connect(settings, lambda _: login.secret() if login else "", READ_SECONDS)

    def _settings(self, found: Mapping[str, str]) -> Settings:
        names = {name: found.get(name, "") for name in OUTPUTS}
        known = {name: found[name] for name in (*OPTIONAL_OUTPUTS, *PARAMETERS) if found.get(name)}
        if not names["opensearch_endpoint"].startswith("https://"):
            raise SettingsError("the OpenSearch endpoint must start with https://")
        if self.login:
            known |= {"opensearch_auth": "basic", "opensearch_secret": "given on the command line"}
        elif known.get("opensearch_auth") == "basic":
            raise SettingsError(
                "this OpenSearch wants a login: give --opensearch-user and --opensearch-password-file, "
                "or TABLETRAIL_OPENSEARCH_USER and TABLETRAIL_OPENSEARCH_PASSWORD_FILE"
            )
        return Settings(**names, **known)  # type: ignore[arg-type]  # all of these fields are texts

    def _stack_facts(self) -> dict[str, str]:
        if not self.stack:
            return {}
        from tabletrail.aws.troubles import RefusedError, translated

        try:
            with translated(f"describing the stack {self.stack}"):
                reply = self.session.client("cloudformation").describe_stacks(StackName=self.stack)
        except RefusedError as error:
            if error.code == "ValidationError":
                raise AccessError(f"there is no stack {self.stack!r} here: {_deploy_hint(self.is_local)}") from None
            raise
        return _facts_of(reply["Stacks"][0])


class _Later:
    """The caller's own AWS session, made with its first use: importing boto3 takes a while, and many need none."""

    @cached_property
    def _session(self) -> Any:
        import boto3

        return boto3.Session()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def find(
    args: argparse.Namespace, environment: Mapping[str, str], output: Output, *, as_administrator: bool = False
) -> Place:
    """The place that the command line, the environment or this machine names. SettingsError if none does.

    `as_administrator` chooses the user of a local stack; elsewhere the caller's own rights decide.
    """
    if args.local:
        return local_place(args.stack or LOCAL_STACK, as_administrator=as_administrator)
    stack = args.stack or environment.get("TABLETRAIL_STACK", "")
    given = {name: environment[key] for name in OUTPUTS if (key := "TABLETRAIL_" + name.upper()) in environment}
    if args.opensearch:
        given["opensearch_endpoint"] = args.opensearch
    elif args.stack:
        # A stack named on the command line outweighs what the environment says of another.
        given = {}
    if stack or given.get("opensearch_endpoint"):
        return Place(_Later(), stack, given, _login(args, environment))
    from tabletrail_local.paths import stack_paths

    if stack_paths().stack.exists():
        output.note("tabletrail: using the local stack, since no other is named")
        return local_place(LOCAL_STACK, as_administrator=as_administrator)
    raise SettingsError(f"no stack is named and none runs on this machine: {HOW_TO_SAY}")


def local_place(stack: str, *, as_administrator: bool = False) -> Place:
    """The local stack, as its reader if not as its administrator. Nothing of the caller's AWS settings is used."""
    from tabletrail_local import info
    from tabletrail_local.errors import LocalStackError

    try:
        local = info.load()
        user = local.login(info.ADMIN_ROLE if as_administrator else info.READER_ROLE)
        login = Login(user.user, user.password, local.ca_pem)
    except (LocalStackError, OSError) as error:
        raise AccessError(str(error)) from None
    return Place(local.session(), stack, {"opensearch_endpoint": local.opensearch_url}, login, is_local=True)


def _login(args: argparse.Namespace, environment: Mapping[str, str]) -> Login | None:
    user = args.opensearch_user or environment.get("TABLETRAIL_OPENSEARCH_USER", "")
    password_file = args.opensearch_password_file or environment.get("TABLETRAIL_OPENSEARCH_PASSWORD_FILE", "")
    ca_file = args.opensearch_ca or environment.get("TABLETRAIL_OPENSEARCH_CA", "")
    if bool(user) != bool(password_file):
        raise SettingsError("to log in by password give both --opensearch-user and --opensearch-password-file")
    if not user:
        if ca_file:
            raise SettingsError("--opensearch-ca is for a login by password: give --opensearch-user as well")
        return None
    password = _content(Path(password_file), "password").strip()
    return Login(user, password, _content(Path(ca_file), "certificate") if ca_file else "")


def _content(path: Path, what: str) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the {what} file {path} cannot be read ({type(error).__name__})") from None


def _facts_of(stack: Mapping[str, Any]) -> dict[str, str]:
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", ())}
    parameters = {one["ParameterKey"]: one.get("ParameterValue", "") for one in stack.get("Parameters", ())}
    facts = {name: outputs.get(key, "") for name, key in {**OUTPUTS, **OPTIONAL_OUTPUTS}.items()}
    return {**facts, **{name: parameters.get(key, "") for name, key in PARAMETERS.items()}}


def _deploy_hint(is_local: bool) -> str:
    return (
        "run `tabletrail local deploy`" if is_local else "is the name right, and the account and region (AWS_PROFILE)?"
    )
