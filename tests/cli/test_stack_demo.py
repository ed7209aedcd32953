"""`chairtime demo` succeeds when the backend keeps its promises, and only then."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.cli.stack_home import Home, all_gone, eventually, family

pytestmark = pytest.mark.xdist_group("stack")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home.make(tmp_path_factory.mktemp("demo"))
    home.up()
    yield home
    home.down()


def execute(home: Home, statement: str) -> None:
    status = json.loads(Path(home.root, ".chairtime", "status.json").read_text())
    with psycopg.connect(status["db_url"]) as connection:
        connection.execute(statement.encode())


def test_it_can_be_played_again_and_again_on_the_same_data(home: Home) -> None:
    stories = []
    for _ in range(2):
        done = home.run("demo", "--json")
        assert done.returncode == 0, done.stderr
        stories.append([step["title"] for step in json.loads(done.stdout)["steps"]])
    assert stories[0] == stories[1]
    assert "Fifty clients race for one slot" in stories[0]


def test_it_fails_where_a_patient_sees_anothers_appointments(home: Home) -> None:
    execute(home, "create policy everybody on clinic.appointments for select to authenticated using (true)")
    try:
        error = home.error("demo")
    finally:
        execute(home, "drop policy everybody on clinic.appointments")
    assert error["code"] == "demo_failed"
    assert "Ben looks for Ana's appointment" in error["message"]


def test_it_fails_where_nothing_can_be_booked(home: Home) -> None:
    execute(home, "alter table clinic.occupancy rename to kept_occupancy")
    try:
        error = home.error("demo")
    finally:
        execute(home, "alter table clinic.kept_occupancy rename to occupancy")
    assert error["code"] == "demo_failed"


def test_it_starts_a_stack_and_stops_it_again(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    done = home.run("demo")
    assert done.returncode == 0, done.stderr
    assert "came out right" in done.stdout
    assert home.error("status")["code"] == "not_running"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_its_stack_ends_with_it_however_it_ends(tmp_path: Path, number: signal.Signals) -> None:
    home = Home.make(tmp_path)
    demo = subprocess.Popen(home.command("demo"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    eventually(lambda: home.run("status").returncode == 0, "its stack runs")
    processes = family(json.loads(home.run("status", "--json").stdout))
    demo.send_signal(number)
    assert demo.wait(60) != 0
    eventually(lambda: all_gone(processes), "its stack has ended")
