"""`chairtime doctor`: is the whole project well, and if not, what to do."""

from typing import TYPE_CHECKING, Any

import typer

from cli.fleet import Databases, Finding, Parallel, Say, answer
from cli.project import DbUrl, Project

if TYPE_CHECKING:
    from rich.console import RenderableType

app = typer.Typer()

_SIGNS = {"ok": "[green]✓[/]", "problem": "[bold red]✗[/]", "skipped": "[yellow]?[/]"}


@app.command()
def doctor(db_url: DbUrl = None, databases: Databases = None, parallel: Parallel = 4) -> None:
    """Check a whole project and say what to mend.

    From outside: address, keys, exposed schema, what visitors see, clock, Realtime. From inside: pooler mode,
    migrations, roles, extensions, RLS, views, functions, grants, partitions, worker. Exit code 0 only if all
    is well.

    Example: [bold]chairtime doctor --json[/]
    """
    from cli.doctor.inside import check_inside
    from cli.doctor.outside import check_outside

    def look(project: Project, say: Say) -> Finding:
        say("looking…")
        results = [result.as_json() for result in (*check_outside(project), *check_inside(project, db_url))]
        ill = [f"{it['check']}: {it['message']}" for it in results if it["state"] != "ok"]
        report = {"ok": not ill, "checks": results}
        return Finding(report, "\n".join(ill) or f"all {len(results)} checks are well", not ill)

    answer(look, _draw, db_url, databases, parallel)


def _draw(report: dict[str, Any]) -> "RenderableType":
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    drawn = Table.grid(padding=(0, 1))
    for result in report["checks"]:
        message = escape(result["message"])
        if result["hint"]:
            message += f"\n[cyan]hint[/] {escape(result['hint'])}"
        drawn.add_row(_SIGNS[result["state"]], f"[bold]{result['check']}[/]", message)
    count = sum(result["state"] != "ok" for result in report["checks"])
    found = f"[bold red]{count} of {len(report['checks'])} checks are not well.[/]"
    end = "[green]All is well.[/]" if report["ok"] else found
    return Group(drawn, "", end)
