"""Dashboard and alerts, judged by Prometheus itself on the metrics of a real worker."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml  # type: ignore[import-untyped]

from cli.local.ports import free_port
from tests.support.actors import Actors
from tests.support.clinics import Clinic
from tests.support.slots import book
from tests.worker.debian import find_program
from tests.worker.processes import WorkerProcess
from tests.worker.support import wait_until

FOLDER = Path(__file__).parents[2] / "worker" / "observability"
CONFIGURATION = """
global: {{scrape_interval: 300ms, scrape_timeout: 300ms, evaluation_interval: 300ms}}
rule_files: ["{rules}"]
scrape_configs: [{{job_name: chairtime-worker, static_configs: [{{targets: ["127.0.0.1:{target}"]}}]}}]
"""
COMPARISON = re.compile(r" (>|<|>=|<=) (?=[\d.]+$)")

Query = Callable[[str], list[Any]]


def alerts() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load((FOLDER / "alerts.yml").read_text())["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def panels() -> list[tuple[str, str]]:
    dashboard = json.loads((FOLDER / "dashboard.json").read_text())
    return [(panel["title"], target["expr"]) for panel in dashboard["panels"] for target in panel["targets"]]


@pytest.fixture
def worker(start_worker: Callable[..., WorkerProcess], actors: Actors, riverside: Clinic) -> WorkerProcess:
    """A worker that has something to tell."""
    book(actors.user("ana@patients.test"), riverside, riverside.at("09:00"))
    worker = start_worker()
    worker.wait_for("event", event_event="appointment_booked")
    for job in ("refresh_daily_metrics", "verify_invariants"):
        worker.wait_for("job_finished", job=job, state="succeeded")
    return worker


@pytest.fixture
def query(worker: WorkerProcess, tmp_path: Path) -> Iterator[Query]:
    """Ask a Prometheus that scrapes the worker."""
    program, port = find_program("prometheus"), free_port()
    target = worker.wait_for("worker_started")["http_port"]
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text(CONFIGURATION.format(rules=FOLDER / "alerts.yml", target=target))
    flags = [f"--config.file={configuration}", f"--storage.tsdb.path={tmp_path / 'tsdb'}"]
    command = [program, *flags, f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(expression: str) -> list[Any]:
        answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": expression}).json()
        assert answer["status"] == "success", answer
        result: list[Any] = answer["data"]["result"]
        return result

    def scraped_often() -> bool:
        try:
            httpx.get(f"http://127.0.0.1:{port}/-/ready").raise_for_status()
            counted = ask("count_over_time(chairtime_leader[1m])")
        except httpx.HTTPError:
            return False
        return bool(counted) and int(counted[0]["value"][1]) >= 3

    try:
        wait_until(scraped_often, "Prometheus to scrape")
        yield ask
    finally:
        process.terminate()
        process.wait()


def unanswered(query: Query) -> list[str]:
    """Return the titles of panels, and the names of alerts, that have no answer (yet)."""
    asked = panels()
    for rule in alerts():
        if not rule["expr"].startswith("absent("):
            with_value = COMPARISON.sub(r" \1 bool ", rule["expr"])
            assert with_value != rule["expr"], "an alert compares with a number"
            asked.append((rule["alert"], with_value))
    return [name for name, expression in asked if not query(expression)]


def test_every_expression_has_an_answer(query: Query) -> None:
    # What a job has just said is scraped a moment later.
    wait_until(lambda: not unanswered(query), "an answer to every expression")
    for rule in alerts():
        if rule["expr"].startswith("absent("):
            assert not query(rule["expr"]), rule["alert"]


def test_prometheus_accepts_the_rules_and_the_format(worker: WorkerProcess) -> None:
    promtool = find_program("promtool")
    rules = subprocess.run(
        [promtool, "check", "rules", "--lint=all", "--lint-fatal", str(FOLDER / "alerts.yml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert rules.returncode == 0, rules.stdout + rules.stderr
    ours = "".join(
        line + "\n"
        for line in worker.get("/metrics").text.splitlines()
        if re.match(r"(# \w+ )?chairtime_", line)
    )
    told = subprocess.run(
        [promtool, "check", "metrics"], input=ours, capture_output=True, text=True, check=False
    )
    assert (told.returncode, told.stdout + told.stderr) == (0, "")


def test_every_alert_says_what_and_how_bad() -> None:
    for rule in alerts():
        assert rule["labels"]["severity"] in ("page", "warn"), rule["alert"]
        assert rule["annotations"]["summary"], rule["alert"]
