"""What Dashboards needs to draw a chart: the `params` of a visualization's visState, by the name of its type.

The forms are those of OpenSearch-Dashboards 2.19's own editors (src/plugins/vis_type_vislib, vis_type_table,
vis_type_metric). They shape the picture and ask nothing.

Called by `generate_dashboards`.
"""

from __future__ import annotations

from typing import Any

Metrics = list[tuple[str, str]]
"""The id and the label of each metric of the visualization."""


def params_of(chart: str, metrics: Metrics) -> dict[str, Any]:
    """ValueError for a chart that is not known."""
    if chart in ("histogram", "line", "horizontal_bar"):
        return _axes(chart, metrics)
    if chart == "pie":
        return {
            "type": "pie",
            "addTooltip": True,
            "addLegend": True,
            "legendPosition": "right",
            "isDonut": True,
            "labels": {"show": False, "values": True, "last_level": True, "truncate": 100},
        }
    if chart == "table":
        return {
            "perPage": 10,
            "percentageCol": "",
            "showMetricsAtAllLevels": False,
            "showPartialRows": False,
            "showTotal": False,
            "totalFunc": "sum",
        }
    if chart == "metric":
        return {"type": "metric", "addTooltip": True, "addLegend": False, "metric": _METRIC}
    raise ValueError(f"no chart {chart!r}")


_METRIC = {
    "percentageMode": False,
    "useRanges": False,
    "colorSchema": "Green to Red",
    "metricColorMode": "None",
    "colorsRange": [{"from": 0, "to": 10000}],
    "labels": {"show": True},
    "invertColors": False,
    "style": {"bgFill": "#000", "bgColor": False, "labelColor": False, "subText": "", "fontSize": 30},
}


def _axes(chart: str, metrics: Metrics) -> dict[str, Any]:
    is_sideways = chart == "horizontal_bar"
    series_type = "line" if chart == "line" else "histogram"
    return {
        "type": "histogram" if is_sideways else chart,
        "grid": {"categoryLines": False},
        "categoryAxes": [_axis("CategoryAxis-1", "category", "left" if is_sideways else "bottom", 200)],
        "valueAxes": [
            {
                **_axis("ValueAxis-1", "value", "bottom" if is_sideways else "left", 100),
                "name": "BottomAxis-1" if is_sideways else "LeftAxis-1",
                "scale": {"type": "linear", "mode": "normal"},
                "title": {"text": ", ".join(label for _, label in metrics)},
            }
        ],
        "seriesParams": [
            {
                "show": True,
                "type": series_type,
                "mode": "normal" if chart == "line" else "stacked",
                "data": {"id": one, "label": label},
                "valueAxis": "ValueAxis-1",
                "drawLinesBetweenPoints": True,
                "lineWidth": 2,
                "showCircles": True,
            }
            for one, label in metrics
        ],
        "addTooltip": True,
        "addLegend": True,
        "legendPosition": "right",
        "times": [],
        "addTimeMarker": False,
        "labels": {"show": False},
        "thresholdLine": {"show": False, "value": 10, "width": 1, "style": "full", "color": "#E7664C"},
    }


def _axis(name: str, kind: str, position: str, truncate: int) -> dict[str, Any]:
    return {
        "id": name,
        "type": kind,
        "position": position,
        "show": True,
        "style": {},
        "scale": {"type": "linear"},
        "labels": {"show": True, "rotate": 0, "filter": True, "truncate": truncate},
        "title": {},
    }
