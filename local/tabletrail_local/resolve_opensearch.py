"""Makes the lock file anew: `python -m tabletrail_local.resolve_opensearch`. Run by hand when a version changes.

Resolves each part of the home with jgo, leaves out of a module what the library or the module it extends already has
(OpenSearch calls that "jar hell" and does not start), downloads everything once and writes down the hashes.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

from jgo.maven import MavenContext

from tabletrail_local.lockfile import LOCK_FILE, LockedArtifact, format_lock
from tabletrail_local.opensearch_parts import LIBRARY, MODULES, PLUGINS, VERSION

_SHIPPED_SCOPES = (None, "compile", "runtime")


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tabletrail-resolve-") as scratch:
        artifacts = resolve(MavenContext(repo_cache=Path(scratch), timeout=60))
    title = f"OpenSearch {VERSION} and its parts, by tabletrail_local.resolve_opensearch: do not edit"
    LOCK_FILE.write_text(format_lock(artifacts, title))
    print(f"{LOCK_FILE.name}: {len(artifacts)} artifacts")


def resolve(context: MavenContext) -> list[LockedArtifact]:
    library = _closure(context, LIBRARY)
    destinations = {"lib": library}
    for name, module in MODULES.items():
        destinations[f"modules/{name}"] = _closure(context, [module.coordinate])
    for name, module in MODULES.items():
        present = set(library) | set(destinations.get(f"modules/{module.extends}", {}))
        mine = destinations[f"modules/{name}"]
        destinations[f"modules/{name}"] = {key: value for key, value in mine.items() if key not in present}
    for name, coordinate in PLUGINS.items():
        destinations[f"plugins/{name}"] = {name: coordinate}
    artifacts = [
        LockedArtifact(coordinate, _sha256(context, coordinate), destination)
        for destination, coordinates in destinations.items()
        for coordinate in coordinates.values()
    ]
    return sorted(artifacts, key=lambda item: (item.destination, item.coordinate))


def _closure(context: MavenContext, coordinates: list[str]) -> dict[str, str]:
    """group:artifact to full coordinate, for everything that these coordinates need at run time."""
    roots = [context.create_dependency(coordinate) for coordinate in coordinates]
    for root in roots:
        root.raw = True  # a root's own version management must not rule over the other roots
    direct, transitive = context.resolver.resolve(roots)
    shipped = [item for item in direct + transitive if item.scope in _SHIPPED_SCOPES]
    return {f"{item.groupId}:{item.artifactId}": f"{item.groupId}:{item.artifactId}:{item.version}" for item in shipped}


def _sha256(context: MavenContext, coordinate: str) -> str:
    group, artifact, version, *extension = coordinate.split(":")
    component = context.project(group, artifact).at_version(version)
    path = component.artifact(packaging=extension[0] if extension else "jar").resolve()
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


if __name__ == "__main__":
    main()
