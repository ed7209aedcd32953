"""The operators' page speaks of what there is."""

from __future__ import annotations

import re
from pathlib import Path

from worker.schedule import JOBS
from worker.settings import Settings

FOLDER = Path(__file__).parents[2] / "worker"
README = (FOLDER / "README.md").read_text()


def test_names_every_setting_and_no_other() -> None:
    table = README.split("## Settings")[1].split("\n## ")[0]
    named = {
        name
        for line in table.splitlines()
        for name in re.findall(r"`([A-Z_]+)`", line.split("|")[1] if "|" in line else "")
    }
    assert named - {"CHAIRTIME_WORKER_"} == {name.upper() for name in Settings.model_fields}


def test_names_every_job_with_its_schedule() -> None:
    for job in JOBS:
        assert f"| `{job.name}` |" in README
        schedule = Settings.model_fields[f"schedule_{job.name}"].default
        assert f"| `SCHEDULE_{job.name.upper()}` | `{schedule}` |" in README


def test_names_every_alert() -> None:
    alerts = re.findall(r"alert: (\w+)", (FOLDER / "observability" / "alerts.yml").read_text())
    assert len(alerts) > 10
    assert [alert for alert in alerts if f"`{alert}`" not in README] == []


def test_names_every_event_that_is_logged() -> None:
    source = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    logged = set(re.findall(r"(?:log\.\w+|report)\(\s*\"(\w+)\"", source))
    assert len(logged) > 20
    assert [event for event in logged if f"`{event}`" not in README] == []


def test_the_image_installs_what_the_worker_imports() -> None:
    listed = set(re.findall(r"^[a-z-]+", (FOLDER / "requirements.txt").read_text(), re.MULTILINE))
    source = "".join(path.read_text() for path in FOLDER.glob("*.py"))
    imported = set(re.findall(r"^(?:from|import) (\w+)", source, re.MULTILINE))
    names = {
        "prometheus_client": "prometheus-client",
        "psycopg_pool": "psycopg",
        "pydantic_settings": "pydantic-settings",
    }
    known = {names.get(module, module) for module in imported}
    assert listed <= known
    assert known - listed <= {"pydantic", "worker", "__future__", *__import__("sys").stdlib_module_names}
