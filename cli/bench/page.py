"""The report as one page that needs nothing else: tables, and plots that Plotly draws."""

from __future__ import annotations

from html import escape
from importlib.util import find_spec
from typing import Any

from cli.bench.report import COLUMNS, cells, headline
from cli.errors import ChairtimeError

STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem; color: #1f2933; }
table { border-collapse: collapse; width: 100%; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { text-align: start; padding: .3rem .6rem; border-bottom: 1px solid #d9e2ec; }
h2 { margin-top: 3rem; } .scroll { overflow-x: auto; }
"""


def require_plotly() -> None:
    """Raise ChairtimeError, before anything is measured, if the page could not be drawn."""
    if find_spec("plotly") is None:
        hint = "pip install 'chairtime[bench]' brings it; in a checkout, make does."
        raise ChairtimeError("--html draws with Plotly, which is not installed", "not_installed", hint)


def render(report: dict[str, Any]) -> str:
    """Return the page. Plotly's script is within, once, so that it can be read without a network."""
    from plotly.io import to_html

    parts: list[str] = []
    for chapter in report["chapters"]:
        drawn = to_html(
            figure(chapter), full_html=False, include_plotlyjs=not parts, config={"displaylogo": False}
        )
        parts.append(
            f"<section><h2>{escape(chapter['title'])}</h2><p>{escape(chapter['about'])}</p>{drawn}{_table(chapter)}</section>"
        )
    left_out = "".join(f"<li>Left out: {escape(text)}</li>" for text in report["left_out"])
    about = "".join(f"<li>{escape(line)}</li>" for line in headline(report))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>Chairtime, measured</title><style>{STYLE}</style><h1>Chairtime, measured</h1>"
        f"<ul>{about}{left_out}</ul>{''.join(parts)}</html>\n"
    )


def _table(chapter: dict[str, Any]) -> str:
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in COLUMNS)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells(line))}</tr>" for line in chapter["lines"]
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'


def figure(chapter: dict[str, Any]) -> dict[str, Any]:
    """Draw what grows with the appointments as curves, and everything else as ratios with their spread."""
    lines = chapter["lines"]
    if all("appointments" in line["more"] for line in lines):
        return _figure(_curves(lines), "appointments", lines[0]["unit"], height=440, logs=("x", "y"))
    return _figure([_ratios(lines)], "ratio", "", height=160 + 34 * len(lines), logs=("x",))


def _figure(data: list[dict[str, Any]], x: str, y: str, height: int, logs: tuple[str, ...]) -> dict[str, Any]:
    axis = {axis: {"title": {"text": title}, "automargin": True} for axis, title in (("x", x), ("y", y))}
    for name in logs:
        axis[name]["type"] = "log"
    layout: dict[str, Any] = {
        "height": height,
        "margin": {"t": 20, "r": 20},
        "xaxis": axis["x"],
        "yaxis": axis["y"],
        "plot_bgcolor": "white",
    }
    for name in ("xaxis", "yaxis"):
        layout[name]["gridcolor"] = "#e4e7eb"
    if x == "ratio":
        layout["yaxis"]["autorange"] = "reversed"
        layout["shapes"] = [
            {"type": "line", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1, "line": {"dash": "dot"}}
        ]
    return {"data": data, "layout": layout}


def _ratios(lines: list[dict[str, Any]]) -> dict[str, Any]:
    ratios = [line["ratio"] for line in lines]
    return {
        "type": "scatter",
        "mode": "markers",
        "marker": {"size": 10, "color": "#0967d2"},
        "x": [ratio["median"] for ratio in ratios],
        "y": [f"{line['name']} / {line['against'].rpartition(': ')[2]}" for line in lines],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [ratio["high"] - ratio["median"] for ratio in ratios],
            "arrayminus": [ratio["median"] - ratio["low"] for ratio in ratios],
        },
    }


def _curves(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Make a curve of the lines that differ in size alone, and another of what each stands beside."""
    curves: dict[str, list[tuple[float, float]]] = {}
    for line in lines:
        size = f"{line['more']['appointments']:,}"
        for name, value in ((line["name"], line["value"]), (line["against"], line["yardstick"])):
            bare = name.replace(f", {size}", "").replace(f"{size}: ", "")
            curves.setdefault(bare, []).append((line["more"]["appointments"], value["median"]))
    return [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": [x for x, _ in points],
            "y": [y for _, y in points],
        }
        for name, points in curves.items()
    ]
