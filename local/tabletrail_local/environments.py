"""Environments for child processes: nothing of the caller's AWS settings, no proxy for this machine's own addresses."""

from __future__ import annotations

import os
from collections.abc import Mapping

_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
# Java reads options from these, and would start the server with whatever another program needed.
_JAVA_OPTIONS = ("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH")


def without_aws(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment (default: ours) without any AWS_* variable, and with loopback taken out of proxying.

    Proxies themselves stay: a child may have to reach the internet.
    """
    source = os.environ if environment is None else environment
    kept = {name: value for name, value in source.items() if not name.upper().startswith("AWS_")}
    return bypass_proxy_for_loopback(kept)


def bypass_proxy_for_loopback(environment: Mapping[str, str]) -> dict[str, str]:
    present = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
    hosts = [host.strip() for host in present.split(",") if host.strip()]
    hosts += [host for host in _LOOPBACK_HOSTS if host not in hosts]
    # Both spellings: programs differ in which one they read, and in which one wins.
    return {**environment, "NO_PROXY": ",".join(hosts), "no_proxy": ",".join(hosts)}


def for_java(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    return {name: value for name, value in without_aws(environment).items() if name not in _JAVA_OPTIONS}
