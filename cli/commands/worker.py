"""`chairtime worker`: run the daemon, list its jobs, run one now."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from cli import output
from cli.errors import ChairtimeError, Exit, usage_error
from cli.project import DbUrl, find_project

if TYPE_CHECKING:
    from worker.database import Database
    from worker.settings import Settings

app = typer.Typer()

# Where the worker's own variables are silent, the project's settings speak.
_FALLBACKS = {
    "database_url": ("db_url", "CHAIRTIME_WORKER_DATABASE_URL"),
    "supabase_url": ("api_url", "CHAIRTIME_WORKER_SUPABASE_URL"),
    "supabase_key": ("publishable_key", "CHAIRTIME_WORKER_SUPABASE_KEY"),
}


@app.callback(invoke_without_command=True)
def worker(ctx: typer.Context, db_url: DbUrl = None) -> None:
    """Run the daemon, or look at its jobs.

    Settings are CHAIRTIME_WORKER_* variables, or lines of a .env file; worker/README.md lists them.

    Example: [bold]chairtime worker[/]
    """
    ctx.obj = db_url
    if ctx.invoked_subcommand is None:
        from worker.app import run_worker
        from worker.logs import configure_logs

        with _translated():
            settings = _settings(db_url)
            configure_logs(settings.log_level)
            run_worker(settings)


@app.command()
def jobs(ctx: typer.Context, db_url: DbUrl = None) -> None:
    """List the jobs: when they are due, and how the last run went.

    Example: [bold]chairtime worker jobs[/]
    """
    with _translated():
        settings = _settings(db_url or ctx.obj)
        rows = asyncio.run(_list_jobs(settings))
    output.emit(rows, _draw_jobs)


@app.command()
def run(
    ctx: typer.Context,
    job: Annotated[str, typer.Argument(help="A name from `chairtime worker jobs`.", show_default=False)],
    db_url: DbUrl = None,
) -> None:
    """Run one job now, whoever leads. It never runs beside a run of its own.

    Example: [bold]chairtime worker run expire_reservations[/]
    """
    with _translated():
        result = asyncio.run(_run_job(_settings(db_url or ctx.obj), job))
    if result["state"] != "succeeded":
        hint = "Try again when it is finished: `chairtime worker jobs`."
        raise ChairtimeError(f"{job} is running already", "job_busy", hint)
    output.emit(result, lambda done: f"{done['job']}: {done['affected']} rows")


def _settings(db_url: str | None) -> "Settings":
    from worker.settings import Settings

    project = find_project()
    found: dict[str, Any] = {
        name: project.setting(setting)
        for name, (setting, variable) in _FALLBACKS.items()
        if variable not in os.environ
    }
    if db_url is not None:
        found["database_url"] = db_url
    return Settings.load(**{name: value for name, value in found.items() if value is not None})


async def _list_jobs(settings: "Settings") -> list[dict[str, Any]]:
    from worker.schedule import JOBS

    async with _database(settings) as database:
        runs = {row.pop("job"): row for row in await database.list_jobs()}
    return [
        {"job": job.name, "about": job.about, "schedule": settings.schedule_of(job.name), **runs[job.name]}
        for job in JOBS
    ]


async def _run_job(settings: "Settings", name: str) -> dict[str, Any]:
    from worker.jobs import Jobs
    from worker.metrics import Metrics
    from worker.schedule import JOBS_BY_NAME

    if name not in JOBS_BY_NAME:
        raise usage_error(f"there is no job {name}", f"Jobs: {', '.join(JOBS_BY_NAME)}.")
    async with _database(settings) as database:
        batch = await Jobs(database, settings, Metrics(), uuid4(), None).run_once(
            JOBS_BY_NAME[name], "manual"
        )
    return {"job": name, "state": batch.state, "affected": batch.affected}


def _database(settings: "Settings") -> "Database":
    from worker.database import Database
    from worker.logs import configure_logs

    configure_logs("critical")  # a person asked: the answer is the command's output
    return Database(settings.database_url.get_secret_value(), pool_size=1)


def _draw_jobs(rows: list[dict[str, Any]]) -> Any:
    columns = ("job", "schedule (UTC)", "last run (UTC)", "result", "rows")
    return output.table(columns, ([*_job_cells(row)] for row in rows))


def _job_cells(row: dict[str, Any]) -> Iterator[str]:
    started = row["started_at"]
    yield row["job"]
    yield row["schedule"]
    yield f"{started.astimezone(UTC):%m-%d %H:%M:%S}" if started else "never"
    yield row["error"] or row["state"] or ""
    yield "" if row["affected"] is None else str(row["affected"])


@contextmanager
def _translated() -> Iterator[None]:
    """Turn the worker's errors into the command line's."""
    from worker.errors import DatabaseUnavailable, SettingsError, StatementFailed

    try:
        yield
    except SettingsError as error:
        raise usage_error(str(error), "worker/README.md lists the settings.") from error
    except DatabaseUnavailable as error:
        hint = "Is the stack up (`chairtime up`)? Otherwise name the database with --db-url."
        raise ChairtimeError(str(error), "unreachable", hint, Exit.UNREACHABLE) from error
    except StatementFailed as error:
        if error.code == "42501":
            hint = "Connect as a member of the role chairtime_worker."
            raise ChairtimeError(str(error), "forbidden", hint, Exit.FORBIDDEN) from error
        hint = "Are the migrations applied (`chairtime migrate status`)?"
        raise ChairtimeError(str(error), "database_error", hint) from error
