"""A part of the stack that dies, hangs or cannot run is its own trouble, and nobody else's for long."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest

from cli.local.keeper import Keeper
from cli.local.parts import Part, Processes
from cli.local.state import LOG_LIMIT, rotate
from tests.cli.stack_home import Home, eventually
from tests.support.crowds import crowd, lost
from tests.support.kills import PARTS, kill_under_load, later, part
from tests.support.stacks import Stack

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("stack")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    home = Home.make(tmp_path_factory.mktemp("parts"))
    home.up()
    yield home
    home.down()


@pytest.fixture(scope="module")
def stack(home: Home) -> Iterator[Stack]:
    stack = Stack(asked(home))
    yield stack
    stack.close()


def asked(home: Home) -> dict[str, object]:
    status: dict[str, object] = json.loads(home.run("status", "--json").stdout)
    return status


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_is_killed_under_load_comes_back_and_loses_nothing(
    home: Home, stack: Stack, name: str
) -> None:
    others = {other: part(home, other)["pid"] for other in PARTS if other != name}
    before = part(home, name)["restarts"]
    with crowd(stack) as seen:
        kill_under_load(home, stack, seen, name, 2)
    assert lost(stack, seen) == set()
    assert seen.odd == []
    assert {other: part(home, other)["pid"] for other in others} == others
    eventually(lambda: part(home, name)["restarts"] == before + 2, "its restarts are counted")
    assert "SIGKILL" in part(home, name)["last"]
    log = Path(str(stack.status["log"])).read_text()
    assert f"{name} was ended by SIGKILL; it is started again" in log
    eventually(lambda: f"{name} is back" in log or part(home, name)["state"] == "running", "it is said")


def test_bookings_go_on_while_the_worker_is_away(home: Home, stack: Stack) -> None:
    with crowd(stack) as seen:
        worker = psutil.Process(part(home, "worker")["pid"])
        worker.suspend()
        for _ in range(5):
            eventually(later(seen), "bookings go on")
        worker.resume()
    assert set(seen.statuses) == {200}


@pytest.mark.parametrize(
    "hanging", [("postgres",), ("lite", "auth", "gateway", "mailbox", "worker")], ids="+".join
)
def test_parts_that_hang_are_told_by_status_and_replaced(
    home: Home, stack: Stack, hanging: tuple[str, ...]
) -> None:
    before = {name: part(home, name)["pid"] for name in hanging}
    for pid in before.values():
        psutil.Process(pid).suspend()
    done = home.run("status", "--json")
    assert done.returncode == 6
    told = json.loads(done.stdout)["parts"]
    assert [name for name in hanging if told[name]["answers"]] == []
    for name in hanging:
        eventually(lambda name=name: part(home, name)["pid"] != before[name], f"{name} is replaced")  # type: ignore[misc]
    eventually(lambda: home.run("status").returncode == 0, "all parts answer")
    for name in hanging:
        assert "did not answer" in part(home, name)["last"]


@pytest.fixture
def processes() -> Iterator[Processes]:
    processes = Processes()
    yield processes
    processes.close()


def test_a_part_that_keeps_failing_is_given_up(processes: Processes, tmp_path: Path) -> None:
    said: list[str] = []
    broken = Part("broken", ["false"], tmp_path / "broken.log", "http://127.0.0.1:1/")
    keeper = Keeper(broken, processes, said.append)
    eventually(lambda: keeper.state == "gave_up", "it is given up")
    keeper.end()
    assert 3 <= keeper.restarts <= 10
    assert "it is given up" in said[-1]


def test_a_part_waits_while_it_cannot_run(processes: Processes, tmp_path: Path) -> None:
    trouble, said = ["no room"], list[str]()
    waiting = Part(
        "waiting",
        ["sleep", "60"],
        tmp_path / "waiting.log",
        "http://127.0.0.1:1/",
        trouble=lambda: trouble[0] if trouble else None,
    )
    keeper = Keeper(waiting, processes, said.append)
    eventually(lambda: keeper.state == "waiting", "it waits")
    assert keeper.process is None
    assert said == ["waiting: no room"]
    trouble.clear()
    eventually(lambda: keeper.process, "it starts")
    keeper.end()


def test_a_log_that_has_grown_is_put_aside_while_it_is_written(tmp_path: Path) -> None:
    log = tmp_path / "part.log"
    with log.open("ab") as writer:
        writer.write(b"x" * LOG_LIMIT)
        writer.flush()
        rotate(log)
        writer.write(b"more")
    assert log.read_bytes() == b"more"
    assert (tmp_path / "part.previous.log").stat().st_size == LOG_LIMIT
    rotate(log)
    assert log.read_bytes() == b"more"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_full_disk_is_told_survived_and_recovered_from(tmp_path: Path) -> None:
    home = Home.make(tmp_path)
    small = tmp_path / ".chairtime"
    small.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400m", "tmpfs", str(small)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mount: {done.stderr}")
    try:
        stack = Stack(home.up())
        with crowd(stack) as seen:
            eventually(later(seen), "bookings go on")
            eventually(lambda: fill(small / "filler") or "disk is full" in str(part_said(home)), "it is said")
            crash_the_log(stack)
            (small / "filler").unlink()
            eventually(later(seen), "bookings go on")
        assert lost(stack, seen) == set()
        assert seen.odd == []
        with psycopg.connect(stack.superuser_url) as connection:
            assert connection.execute("select * from clinic.check_invariants()").fetchall() == []
        stack.close()
    finally:
        home.run("down")
        subprocess.run(["umount", "-l", str(small)], check=True)


def part_said(home: Home) -> object:
    done = home.run("status", "--json")
    return json.loads(done.stdout or "{}").get("parts", {}).get("postgres", {}).get("last")


def fill(filler: Path) -> None:
    """Take all the room there is; Postgres may have made some."""
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 65536):
            pass


def crash_the_log(stack: Stack) -> None:
    """Write until Postgres has no room for its log, and ends itself."""
    try:
        with psycopg.connect(stack.superuser_url) as connection:
            connection.execute(
                "create table public.filler as select repeat('x', 800) from generate_series(1, 60000)"
            )
    except psycopg.Error:
        return
    raise AssertionError("there was room")
