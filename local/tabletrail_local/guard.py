"""Keeps every change away from a real AWS account. Called before anything is created or deployed.

Two independent signs must agree: the endpoint is this machine's loopback, and the account behind it is the one that the
local AWS was given, which no real account can have.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tabletrail_local.errors import ForeignAccountError

if TYPE_CHECKING:
    from tabletrail_local.info import StackInfo

LOCAL_ACCOUNT = "000000000000"


def require_local_account(info: StackInfo) -> None:
    """Raises ForeignAccountError unless `info` leads to the local AWS and nowhere else."""
    from botocore.exceptions import BotoCoreError, ClientError

    if not is_loopback(info.aws_endpoint):
        raise ForeignAccountError(f"the AWS endpoint {info.aws_endpoint} is not on this machine")
    if info.account_id != LOCAL_ACCOUNT:
        raise ForeignAccountError(f"the stack's account {info.account_id} is not the local {LOCAL_ACCOUNT}")
    try:
        account = info.session().client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError, KeyError) as error:
        raise ForeignAccountError(f"the AWS endpoint {info.aws_endpoint} does not say whose it is ({error})") from error
    if account != info.account_id:
        raise ForeignAccountError(f"the AWS endpoint {info.aws_endpoint} serves account {account}")


def is_loopback(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
