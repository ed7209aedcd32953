"""The embedded stack starts, ends, and starts again, however it ended."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import psycopg
import pytest

from cli.local.parts import is_alive
from tests.cli.stack_home import Home, all_gone, eventually, family, kill
from tests.support.templates import ROOT

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("stack")]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home whose database is made, for all tests of this file: starting it takes a second or two."""
    home = Home.make(tmp_path_factory.mktemp("stack"))
    done = home.run("reset", "--yes")
    assert done.returncode == 0, done.stderr
    return home


@pytest.fixture
def home(data: Home) -> Iterator[Home]:
    yield data
    data.down()


def write_row(status: dict[str, object]) -> None:
    with psycopg.connect(str(status["db_url"])) as connection:
        connection.execute("create table if not exists public.kept (at timestamptz default now())")
        connection.execute("insert into public.kept default values")


def rows(status: dict[str, object]) -> int:
    with psycopg.connect(str(status["db_url"])) as connection:
        row = connection.execute("select count(*) from public.kept").fetchone()
    assert row is not None
    return int(row[0])


def test_down_leaves_no_process_and_keeps_the_data(home: Home) -> None:
    status = home.up()
    write_row(status)
    before = rows(status)
    processes = family(status)
    home.down()
    assert all_gone(processes)
    assert rows(home.up()) == before


def test_a_second_up_shows_the_running_stack(home: Home) -> None:
    status = home.up()
    done = home.run("up", "--detach", "--json")
    assert json.loads(done.stdout)["pid"] == status["pid"]


def test_ctrl_c_ends_a_stack_in_the_foreground(home: Home) -> None:
    process = subprocess.Popen(
        home.command("up"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    eventually(lambda: home.run("status").returncode == 0, "the stack runs")
    processes = family(json.loads(home.run("status", "--json").stdout))
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert all_gone(processes)


def test_an_interrupted_start_leaves_no_process(home: Home) -> None:
    process = subprocess.Popen(
        home.command("up"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    supervisor = psutil.Process(process.pid)
    started = eventually(lambda: supervisor.children(recursive=True)[1:], "something beside the guard runs")
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    eventually(lambda: all_gone(started), "everything has ended")
    assert home.run("status").returncode != 0


def test_nothing_survives_a_supervisor_that_is_killed(home: Home) -> None:
    status = home.up()
    write_row(status)
    before = rows(status)
    processes = family(status)
    kill(processes[0])
    eventually(lambda: all_gone(processes), "the guard has ended all parts")
    assert home.error("status")["code"] == "not_running"
    assert rows(home.up()) == before


def test_a_stack_killed_in_every_process_starts_again_with_its_data(home: Home) -> None:
    status = home.up()
    write_row(status)
    before = rows(status)
    for process in family(status):
        kill(process)
    assert rows(home.up()) == before


def test_a_database_that_was_left_behind_is_taken_over(home: Home) -> None:
    status = home.up()
    processes = family(status)
    database = psutil.Process(status["pids"]["postgres"])
    below = {process.pid for process in (database, *database.children())}
    for process in processes:
        if process.pid not in below:
            kill(process)
    port = str(urlsplit(status["db_url"]).port)
    assert home.up("--db-port", port)["pids"]["postgres"] != database.pid
    assert all_gone([database])


def test_a_guard_that_is_killed_is_replaced(home: Home) -> None:
    status = home.up()
    supervisor = psutil.Process(status["pid"])

    def guard() -> psutil.Process | None:
        children = filter(is_alive, supervisor.children())
        return next((child for child in children if "guard.py" in " ".join(child.cmdline())), None)

    first = guard()
    assert first is not None
    kill(first)
    eventually(lambda: (second := guard()) and second != first, "there is another guard")
    processes = family(status)
    kill(supervisor)
    eventually(lambda: all_gone(processes), "the second guard has ended all parts")


def test_a_port_that_was_asked_for_and_is_in_use_is_refused(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert home.error("up", "--port", port)["code"] == "port_in_use"
        assert home.error("up", "--db-port", port)["code"] == "port_in_use"
    assert home.run("status").returncode != 0


def held(port: int) -> socket.socket:
    """Keep a port in use. If somebody else does already, that will do."""
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with suppress(OSError):
        holder.bind(("127.0.0.1", port))
        holder.listen()
    return holder


def test_other_ports_are_chosen_when_the_usual_ones_are_in_use(home: Home) -> None:
    holders = [held(port) for port in (54321, 54322, 54324, 54325)]
    try:
        status = home.up("--detach")
        assert httpx.get(f"{status['api_url']}/health").is_success
        assert ":54321" not in status["api_url"]
        assert ":54322/" not in status["db_url"]
        assert httpx.get(status["mailbox_url"], headers={"Accept": "text/html"}).is_success
        assert ":54324" not in status["mailbox_url"]
        assert ":54325" not in status["smtp_url"]
    finally:
        for holder in holders:
            holder.close()


def test_reset_while_running_brings_fresh_data_at_the_same_addresses(home: Home) -> None:
    status = home.up()
    write_row(status)
    done = home.run("reset", "--yes", "--json")
    assert done.returncode == 0, done.stderr
    after = json.loads(done.stdout)
    for name in ("api_url", "db_url", "mailbox_url", "publishable_key", "jwt_secret"):
        assert after[name] == status[name]
    with psycopg.connect(after["db_url"]) as connection:
        assert connection.execute("select to_regclass('public.kept') is null").fetchone() == (True,)
        assert connection.execute("select count(*) from clinic.clinics").fetchone() == (2,)


def own_project(root: Path) -> Home:
    """Make a home whose migrations and seed may be edited."""
    home = Home.make(root)
    shutil.copytree(ROOT / "supabase", root / "copy", ignore=shutil.ignore_patterns(".temp"))
    (root / "supabase").unlink()
    (root / "copy").rename(root / "supabase")
    return home


def test_a_reset_that_fails_says_why(tmp_path: Path) -> None:
    home = own_project(tmp_path)
    processes = family(home.up())
    (tmp_path / "supabase" / "seed.sql").write_text("select nonsense;")
    error = home.error("reset", "--yes")
    assert "nonsense" in error["message"]
    eventually(lambda: all_gone(processes), "the stack has ended")


def test_reset_asks_first(home: Home) -> None:
    assert home.error("reset")["code"] == "invalid_argument"


def test_a_migration_that_was_edited_since_it_was_applied_stops_the_start(tmp_path: Path) -> None:
    home = own_project(tmp_path)
    assert home.run("reset", "--yes").returncode == 0
    edited = sorted((tmp_path / "supabase" / "migrations").glob("*.sql"))[0]
    edited.write_text(edited.read_text() + "\nselect 1;\n")
    error = home.error("up", "--detach")
    assert error["code"] == "history_mismatch"
    assert f"{edited.name} was edited after it was applied" in error["message"]
    assert "chairtime reset" in error["hint"]
    assert home.run("reset", "--yes").returncode == 0
