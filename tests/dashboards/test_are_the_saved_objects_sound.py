"""Is the file of saved objects the one that its sources make, of the form that Dashboards imports, and whole?

Dashboards takes broken visStates and unknown fields without a word: so each text in an object is parsed here, each
reference followed, and each field looked up in the index template, with a type that suits its use.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from tabletrail_dashboards.aggregations import BUCKETS
from tabletrail_dashboards.dql import And, Is, Nested, Node, Not, Or, Range, parse
from tabletrail_dashboards.errors import SavedObjectError
from tabletrail_dashboards.objects import DATA_VIEW, SavedObject, load, panels, referred
from tabletrail_dashboards.search_body import data_view_object

MAPPINGS = Path(__file__).parents[2] / "mappings"
TEXT = (MAPPINGS / "dashboards" / "tabletrail.v1.ndjson").read_text("utf-8")
LINES = [json.loads(line) for line in TEXT.splitlines()]
OBJECTS = load(TEXT)
SCHEMA = json.loads((MAPPINGS / "schema" / "saved_object.schema.json").read_text("utf-8"))
TEMPLATES = {"tabletrail": "index_template.v1.json", "tabletrail-health": "health_template.v1.json"}
SORTABLE = {"keyword", "date", "long", "double", "boolean"}
ASKING = [one for one in OBJECTS.values() if one.type in ("search", "visualization")]


def mapped(properties: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Each field of a mapping with its type, sub-fields too."""
    for name, mapping in properties.items():
        yield prefix + name, mapping.get("type", "object")
        yield from mapped(mapping.get("properties", {}), f"{prefix}{name}.")
        yield from mapped(mapping.get("fields", {}), f"{prefix}{name}.")


def template_fields(view_id: str) -> dict[str, str]:
    template = json.loads((MAPPINGS / TEMPLATES[view_id]).read_text("utf-8"))
    return dict(mapped(template["template"]["mappings"]["properties"]))


def type_of(name: str, view_id: str) -> str:
    """Of a field, or of a value inside a flat_object; "" if there is none."""
    fields = template_fields(view_id)
    if name in fields:
        return fields[name]
    parents = [name.rsplit(".", depth)[0] for depth in range(1, name.count(".") + 1)]
    return "inside" if any(fields.get(parent) == "flat_object" for parent in parents) else ""


def asked_fields(node: Node, path: str = "") -> Iterator[tuple[str, str]]:
    """Each field that a query names, and how it asks: is, any, pattern or range."""
    match node:
        case Is(field, value):
            if field not in (None, "*"):
                how = "any" if value.value == "*" else "pattern" if value.is_wildcard else "is"
                yield path + str(field), how
        case Range(field, _, _):
            yield path + field, "range"
        case Nested(field, query):
            yield path + field, "nested"
            yield from asked_fields(query, f"{path}{field}.")
        case Not(query):
            yield from asked_fields(query, path)
        case And(queries) | Or(queries):
            for query in queries:
                yield from asked_fields(query, path)


def texts_with_forms(instance: Any, schema: Any) -> Iterator[tuple[str, Any, Any]]:
    """Each JSON text in an object's attributes: its name, what it holds, the schema of that."""
    for name, form in schema.get("properties", {}).items():
        if "$ref" in form and name in instance:
            yield from texts_with_forms(instance[name], SCHEMA["$defs"][form["$ref"].rpartition("/")[2]])
        elif "contentSchema" in form and name in instance:
            yield name, json.loads(instance[name]), form["contentSchema"]


def test_it_is_what_its_sources_make() -> None:
    done = subprocess.run([sys.executable, MAPPINGS / "generate_dashboards.py", "--check"], check=False)
    assert done.returncode == 0, "run python mappings/generate_dashboards.py"


def test_the_check_tells_a_changed_file(tmp_path: Path) -> None:
    scripts = ("generate_dashboards.py", "dashboard_charts.py", "dashboard_fields.py")
    for name in (*scripts, "versions.json", *TEMPLATES.values()):
        (tmp_path / name).write_text((MAPPINGS / name).read_text("utf-8"), "utf-8")
    (tmp_path / "dashboards").mkdir()
    (tmp_path / "dashboards" / "sources").symlink_to(MAPPINGS / "dashboards" / "sources")
    copy = tmp_path / "dashboards" / "tabletrail.v1.ndjson"
    for text, code in ((TEXT, 0), (TEXT.replace("Busiest", "Quietest"), 1), ("", 1)):
        copy.write_text(text, "utf-8")
        command = [sys.executable, str(tmp_path / "generate_dashboards.py"), "--check"]
        assert subprocess.run(command, check=False, capture_output=True).returncode == code


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["id"])
def test_each_line_has_the_form_that_dashboards_imports(line: dict[str, Any]) -> None:
    Draft202012Validator(SCHEMA).validate(line)
    names = {"index-pattern": "dataView"}
    form = SCHEMA["$defs"][names.get(line["type"], line["type"])]
    texts = list(texts_with_forms(line["attributes"], form))
    assert texts
    for _, held, inner in texts:
        Draft202012Validator({**inner, "$defs": SCHEMA["$defs"]}).validate(held)


def test_the_schema_itself_is_one_and_refuses_what_dashboards_would() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    search = next(line for line in LINES if line["type"] == "search")
    newer = {**search, "migrationVersion": {"search": "8.0.0"}}
    unknown = {**search, "attributes": {**search["attributes"], "tags": []}}
    for wrong in (newer, unknown, {**search, "type": "lens"}, {**search, "references": [{"id": "tabletrail"}]}):
        assert list(Draft202012Validator(SCHEMA).iter_errors(wrong))


def test_the_ids_are_fixed() -> None:
    prefixes = {
        "search": "tabletrail-search-",
        "visualization": "tabletrail-vis-",
        "dashboard": "tabletrail-dashboard-",
    }
    assert {one.id for one in OBJECTS.values() if one.type == DATA_VIEW} == set(TEMPLATES)
    assert {one.id for one in OBJECTS.values() if one.type == "dashboard"} == {
        f"tabletrail-dashboard-{slug}" for slug in ("activity", "sensitive", "who", "health")
    }
    assert all(one.id.startswith(prefixes[one.type]) for one in OBJECTS.values() if one.type != DATA_VIEW)
    titles = [(one.type, one.title) for one in OBJECTS.values()]
    assert len(titles) == len(set(titles)), "two of a type with one title cannot be told apart in Dashboards"
    keys = [(list(SCHEMA["properties"]["type"]["enum"]).index(line["type"]), line["id"]) for line in LINES]
    assert keys == sorted(keys)


@pytest.mark.parametrize("line", LINES, ids=lambda line: line["id"])
def test_each_reference_leads_to_an_object_of_the_type_that_it_says(line: dict[str, Any]) -> None:
    one = OBJECTS[line["id"]]
    assert len(one.references) == len(line["references"]), "two references of one name"
    for reference in line["references"]:
        assert referred(one, reference["name"], OBJECTS).type == reference["type"]
    named = set(_ref_names(line["attributes"]))
    assert named == set(one.references), "a reference that nothing names, or a name without one"


def _ref_names(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name.endswith("RefName"):
                yield inner
            else:
                yield from _ref_names(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _ref_names(inner)
    elif isinstance(value, str) and value.startswith(("[", "{")):
        yield from _ref_names(json.loads(value))


def queries_of(one: SavedObject) -> Iterator[str]:
    yield str(one.search_source["query"]["query"])
    if one.type == "visualization":
        for agg in one.parsed("visState")["aggs"]:
            yield from (filter_["input"]["query"] for filter_ in agg["params"].get("filters", ()))


@pytest.mark.parametrize("one", ASKING, ids=lambda one: one.id)
def test_each_field_of_a_query_exists_with_a_type_that_can_be_asked_so(one: SavedObject) -> None:
    view = data_view_object(one, OBJECTS).id
    for query in queries_of(one):
        for field, how in asked_fields(parse(query)):
            kind = type_of(field, view)
            suits = {
                "range": {"date", "long", "double"},
                "nested": {"nested"},
                "pattern": {"keyword", "text", "inside"},
                "any": SORTABLE | {"text", "flat_object", "inside"},
                "is": SORTABLE | {"text", "inside"},
            }
            assert kind in suits[how], f"{field} is {kind or 'no field'} and asked by {how}"


@pytest.mark.parametrize("one", [one for one in ASKING if one.type == "search"], ids=lambda one: one.id)
def test_each_field_of_a_saved_search_exists(one: SavedObject) -> None:
    view = data_view_object(one, OBJECTS).id
    assert [name for name in one.attributes["columns"] if not type_of(name, view)] == []
    assert [name for name, _ in one.attributes["sort"] if type_of(name, view) not in SORTABLE] == []
    for filter_ in one.search_source["filter"]:
        if filter_["meta"]["type"] == "phrase":
            key = filter_["meta"]["key"]
            assert type_of(key, view) == "keyword"
            assert filter_["query"] == {"match_phrase": {key: filter_["meta"]["params"]["query"]}}
        else:
            script = filter_["query"]["script"]["script"]
            assert "doc['@timestamp']" in script["source"]
            assert all(f"params.{name}" in script["source"] for name in script["params"])


@pytest.mark.parametrize("one", [one for one in ASKING if one.type == "visualization"], ids=lambda one: one.id)
def test_each_field_of_a_visualization_can_be_aggregated(one: SavedObject) -> None:
    view = data_view_object(one, OBJECTS).id
    aggs = one.parsed("visState")["aggs"]
    suits = {
        "date_histogram": {"date"},
        "terms": {"keyword"},
        "cardinality": {"keyword"},
        "sum": {"long", "double"},
        "max": {"long", "double", "date"},
        "top_hits": SORTABLE,
    }
    for agg in aggs:
        if agg["type"] not in ("count", "filters"):
            assert type_of(agg["params"]["field"], view) in suits[agg["type"]]
    assert len({agg["id"] for agg in aggs}) == len(aggs)
    assert one.parsed("visState")["title"] == one.title
    assert any(agg["type"] not in BUCKETS for agg in aggs), "a visualization without a metric"


@pytest.mark.parametrize("one", [one for one in OBJECTS.values() if one.type == "dashboard"], ids=lambda one: one.id)
def test_no_two_panels_of_a_dashboard_lie_on_one_place(one: SavedObject) -> None:
    taken: set[tuple[int, int]] = set()
    for panel in panels(one):
        cells = {(x, y) for x in range(panel.x, panel.x + panel.width) for y in range(panel.y, panel.y + panel.height)}
        assert not cells & taken
        assert panel.x + panel.width <= 48
        taken |= cells


def test_each_data_view_lists_each_field_of_its_template_and_no_other() -> None:
    for view_id in TEMPLATES:
        listed = {field["name"] for field in OBJECTS[view_id].parsed("fields")} - {"_id", "_index", "_score", "_source"}
        leaves = {name for name, kind in template_fields(view_id).items() if kind not in ("object", "nested")}
        assert listed == leaves
        assert set(OBJECTS[view_id].parsed("fieldFormatMap")) <= listed


def test_a_file_that_is_not_whole_is_refused() -> None:
    objects = load("\n".join(json.dumps(line) for line in LINES if line["type"] != DATA_VIEW))
    one = next(one for one in objects.values() if one.type == "search")
    with pytest.raises(SavedObjectError, match="not in the file"):
        data_view_object(one, objects)
    with pytest.raises(SavedObjectError, match="twice"):
        load(TEXT + TEXT)
    with pytest.raises(SavedObjectError, match="line 2"):
        load(TEXT.splitlines()[0] + "\n{}\n")
