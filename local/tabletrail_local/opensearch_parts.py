"""What an OpenSearch home is made of: which artifacts lie where, and what each module's descriptor and policy say.

The published module jars carry neither plugin-descriptor.properties nor plugin-security.policy (the distribution's
build adds them), so they are written here. The permissions are what each module asks for in OpenSearch's own source
tree, narrowed to what it uses on a single node. Callers: `resolve_opensearch` (lock file), `opensearch_home` (layout).
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = "2.19.4"
LOWEST_JAVA, HIGHEST_JAVA = 17, 21

LIBRARY = [
    f"org.opensearch:opensearch:{VERSION}",
    # 2.19.4 of this one was never published; it is a single class, the same in every 2.19 release.
    "org.opensearch:opensearch-plugin-classloader:2.19.6",
    # Optional dependencies in the server's POM that the distribution ships all the same.
    "org.apache.logging.log4j:log4j-core:2.21.0",
    "org.apache.logging.log4j:log4j-jul:2.21.0",
    "net.sf.jopt-simple:jopt-simple:5.0.4",
    "org.locationtech.spatial4j:spatial4j:0.7",
    "org.locationtech.jts:jts-core:1.15.0",
]

PLUGINS = {
    name: f"org.opensearch.plugin:{name}:{VERSION}.0:zip"
    for name in ("opensearch-job-scheduler", "opensearch-security")
}


@dataclass(frozen=True)
class Module:
    """A module of the distribution: artifact of group org.opensearch.plugin, plugin class, the module it builds on."""

    artifact: str
    plugin_class: str
    extends: str = ""
    policy: str = ""

    @property
    def coordinate(self) -> str:
        return f"org.opensearch.plugin:{self.artifact}:{VERSION}"


def _grant(*permissions: str, code_base: str = "") -> str:
    where = f'codeBase "${{codebase.{code_base}}}" ' if code_base else ""
    lines = "".join(f"  permission {permission};\n" for permission in permissions)
    return f"grant {where}{{\n{lines}}};\n"


_REFLECTION = (
    'java.lang.RuntimePermission "accessDeclaredMembers"',
    'java.lang.reflect.ReflectPermission "suppressAccessChecks"',
)
_LISTEN = 'java.net.SocketPermission "*", "accept,connect,resolve"'
_CLASS_LOADER = ('java.lang.RuntimePermission "createClassLoader"', 'java.lang.RuntimePermission "getClassLoader"')


def _script_classes(*names: str) -> tuple[str, ...]:
    return tuple(f'org.opensearch.script.ClassPermission "{name}"' for name in names)


_NETTY_POLICY = (
    _grant('java.io.FilePermission "/proc/sys/net/core/somaxconn", "read"', *_REFLECTION, code_base="netty-common")
    + _grant(
        'java.lang.RuntimePermission "accessClassInPackage.sun.nio.ch"',
        _REFLECTION[1],
        _LISTEN,
        code_base="netty-transport",
    )
    + _grant(_LISTEN)
)
_EXPRESSION_CLASSES = (
    "org.apache.lucene.expressions.Expression",
    "org.apache.lucene.expressions.js.*",
    "java.lang.*",
)

MODULES = {
    "transport-netty4": Module(
        "transport-netty4-client", "org.opensearch.transport.Netty4Plugin", policy=_NETTY_POLICY
    ),
    "lang-painless": Module(
        "lang-painless",
        "org.opensearch.painless.PainlessPlugin",
        policy=_grant(*_CLASS_LOADER, *_script_classes("<<STANDARD>>", "java.lang.*")),
    ),
    "lang-expression": Module(
        "lang-expression",
        "org.opensearch.script.expression.ExpressionPlugin",
        policy=_grant(*_CLASS_LOADER, *_script_classes(*_EXPRESSION_CLASSES)),
    ),
    "lang-mustache": Module(
        "lang-mustache-client", "org.opensearch.script.mustache.MustachePlugin", policy=_grant(*_REFLECTION)
    ),
    "analysis-common": Module(
        "analysis-common", "org.opensearch.analysis.common.CommonAnalysisPlugin", extends="lang-painless"
    ),
    "ingest-common": Module(
        "ingest-common", "org.opensearch.ingest.common.IngestCommonPlugin", extends="lang-painless"
    ),
    "search-pipeline-common": Module(
        "search-pipeline-common",
        "org.opensearch.search.pipeline.common.SearchPipelineCommonModulePlugin",
        extends="lang-painless",
    ),
    "reindex": Module(
        "reindex-client",
        "org.opensearch.index.reindex.ReindexPlugin",
        policy=_grant('java.net.SocketPermission "*", "connect,resolve"'),
    ),
    "mapper-extras": Module("mapper-extras-client", "org.opensearch.index.mapper.MapperExtrasPlugin"),
    "parent-join": Module("parent-join-client", "org.opensearch.join.ParentJoinPlugin"),
    "percolator": Module("percolator-client", "org.opensearch.percolator.PercolatorPlugin"),
    "rank-eval": Module("rank-eval-client", "org.opensearch.index.rankeval.RankEvalPlugin"),
    "aggs-matrix-stats": Module(
        "aggs-matrix-stats-client", "org.opensearch.search.aggregations.matrix.MatrixAggregationPlugin"
    ),
    "geo": Module("geo", "org.opensearch.geo.GeoModulePlugin"),
}


def module_descriptor(name: str) -> str:
    module = MODULES[name]
    return (
        f"description={name}\nversion={VERSION}\nname={name}\nclassname={module.plugin_class}\njava.version=11\n"
        f"opensearch.version={VERSION}\nextended.plugins={module.extends}\nhas.native.controller=false\n"
    )
