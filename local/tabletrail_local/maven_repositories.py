"""Which Maven repositories to ask, in order: the user's mirror, the user's jgo repositories, then jgo's own default.

No address is written in this repository: whoever sits behind a mirror has already said so in ~/.m2/settings.xml.
"""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree


def base_addresses(maven_settings: Path | None = None) -> list[str]:
    # Imported late: jgo takes a while to load and is needed only when something is to be downloaded.
    from jgo.config import GlobalSettings
    from jgo.maven import MavenContext

    mirrors = _mirrors(maven_settings or Path.home() / ".m2" / "settings.xml")
    if mirrors:
        return mirrors
    configured: list[str] = list(GlobalSettings.load().repositories.values())
    defaults: list[str] = list(MavenContext().remote_repos.values())
    return [address.rstrip("/") for address in dict.fromkeys(configured + defaults)]


def _mirrors(settings: Path) -> list[str]:
    """Mirrors that stand for Maven Central. A broken settings file counts as none: Maven itself will complain of it."""
    try:
        tree = ElementTree.parse(settings)  # noqa: S314 -- the user's own settings, as trusted as the user
    except (OSError, ElementTree.ParseError):
        return []
    mirrors = []
    for mirror in tree.iterfind(".//{*}mirrors/{*}mirror"):
        covers = (mirror.findtext("{*}mirrorOf") or "").replace(" ", "").split(",")
        url = (mirror.findtext("{*}url") or "").strip()
        if url and not {"*", "central", "external:*"}.isdisjoint(covers) and "!central" not in covers:
            mirrors.append(url.rstrip("/"))
    return mirrors
