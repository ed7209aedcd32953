"""`chairtime metrics` and `chairtime health`: how the running system is."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.errors import ChairtimeError, Exit, translate
from cli.project import Project, find_project

if TYPE_CHECKING:
    from rich.console import RenderableType

app = typer.Typer()

_TIMEOUT = 10  # seconds
_QUANTILES = (0.5, 0.95, 0.99)


@app.command()
def metrics(
    name: Annotated[
        str | None, typer.Argument(help="Only metrics whose name contains this.", show_default=False)
    ] = None,
    url: Annotated[
        str | None, typer.Option("--worker-url", help="The worker's HTTP address.", show_default=False)
    ] = None,
) -> None:
    """Show what the worker measures.

    Counters, gauges, and quantiles of histograms.

    Example: [bold]chairtime metrics delivery[/]
    """
    families = measured(find_project().require("worker_url", url))
    chosen = [
        family for family in families if (name or "") in family.name and not family.name.endswith("_created")
    ]
    if not chosen:
        known = sorted({family.name.removeprefix("chairtime_") for family in families})
        hint = f"There are: {', '.join(known)}."
        raise ChairtimeError(f"no metric is called {name!r}", "not_found", hint, Exit.NOT_FOUND)
    output.emit([row for family in chosen for row in _rows(family)], _draw_metrics)


def measured(base: str) -> list[Any]:
    """Ask a worker what it measures: families of `prometheus_client`. Raises ChairtimeError."""
    from prometheus_client.parser import text_string_to_metric_families

    answer = _get(base, "/metrics")
    if answer.is_success and answer.headers["content-type"].startswith("text/plain"):
        families = text_string_to_metric_families(answer.text)
        return [family for family in families if family.name.startswith("chairtime_")]
    hint = "Check CHAIRTIME_WORKER_URL; `chairtime status` shows the stack's."
    raise ChairtimeError(f"no worker answers at {base}", "unreachable", hint, Exit.UNREACHABLE)


def _get(base: str, path: str) -> Any:
    import httpx

    return httpx.get(base.rstrip("/") + path, timeout=_TIMEOUT)


def _rows(family: Any) -> "list[dict[str, Any]]":
    """Reduce a family to rows `{"name", "type", "labels", "value"}`; a histogram's value is a summary."""
    name = family.name.removeprefix("chairtime_")
    if family.type != "histogram":
        return [
            {"name": name, "type": family.type, "labels": sample.labels, "value": sample.value}
            for sample in family.samples
            if not sample.name.endswith("_created")
        ]
    series: dict[tuple[tuple[str, str], ...], list[Any]] = {}
    for sample in family.samples:
        labels = tuple(sorted((key, value) for key, value in sample.labels.items() if key != "le"))
        series.setdefault(labels, []).append(sample)
    return [
        {"name": name, "type": "histogram", "labels": dict(labels), "value": _summary(samples)}
        for labels, samples in series.items()
    ]


def _summary(samples: list[Any]) -> dict[str, float | None]:
    buckets = [(float(s.labels["le"]), s.value) for s in samples if s.name.endswith("_bucket")]
    count = next(s.value for s in samples if s.name.endswith("_count"))
    return {
        "count": count,
        **{f"p{quantile * 100:g}": _quantile(buckets, quantile) for quantile in _QUANTILES},
    }


def _quantile(buckets: list[tuple[float, float]], quantile: float) -> float | None:
    """Estimate a quantile as Prometheus does: linear within the bucket. None without observations."""
    total = buckets[-1][1]
    lower, below = 0.0, 0.0
    for upper, count in buckets:
        if total and count >= quantile * total:
            share = (quantile * total - below) / (count - below) if count > below else 0
            return lower if upper == float("inf") else lower + (upper - lower) * share
        lower, below = upper, count
    return None


def _draw_metrics(rows: list[dict[str, Any]]) -> "RenderableType":
    from rich.table import Table
    from rich.text import Text

    drawn = Table.grid(padding=(0, 2), pad_edge=False)
    drawn.add_column(no_wrap=True)
    drawn.add_column()
    last = None
    for row in rows:
        name, labels = Text(row["name"], "bold"), " ".join(row["labels"].values())
        if labels and row["name"] != last:
            drawn.add_row(name)
        drawn.add_row(Text(f"  {labels}", "dim") if labels else name, _shown(row["value"]))
        last = row["name"]
    return drawn


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        quantiles = (
            f"{name} {number:.3g}" for name, number in value.items() if name != "count" and number is not None
        )
        return "  ".join((f"{value['count']:.0f} x", *quantiles))
    return f"{value:,.6g}"


@app.command()
def health() -> None:
    """Ask the API and the worker how they are.

    The worker only where its address is known.

    Exit code 0 if both are well, which makes it a monitor's probe.

    Example: [bold]chairtime health --json[/]
    """
    from cli.api import connect_publicly

    project = find_project()
    report = {"ok": True, "api": connect_publicly(project).rpc("health"), "worker": _worker_health(project)}
    worker_is_well = report["worker"] is None or report["worker"]["ready"]
    report["ok"] = report["api"]["status"] == "ok" and worker_is_well
    output.emit(report, _draw_health)
    if not report["ok"]:
        raise typer.Exit(Exit.PROBLEMS)


def _worker_health(project: Project) -> dict[str, Any] | None:
    import httpx

    base = project.setting("worker_url")
    if base is None:
        return None
    try:
        answer = _get(base, "/readyz")
    except httpx.TransportError as error:
        known = translate(error)
        return {"ready": False, "url": base, "error": known.message if known else str(error)}
    told = answer.json() if answer.headers.get("content-type") == "application/json" else {}
    return {"ready": answer.is_success and bool(told), "url": base, **told}


def _draw_health(report: dict[str, Any]) -> "RenderableType":
    from rich.console import Group

    api, worker = report["api"], report["worker"] or {"state": "its address is not known"}
    parts = [("API", api), ("worker", worker)]
    drawn = [part for name, told in parts for part in (f"[bold]{name}[/]", output.fields(_words(told)))]
    return Group(*drawn, "[green]All is well.[/]" if report["ok"] else "[bold red]Not well.[/]")


def _words(told: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name.replace("_", " "), value) for name, value in told.items()]
