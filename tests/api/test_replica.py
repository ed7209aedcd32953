"""A read replica: what is only read is answered there, alike for everybody, and lag costs a 409 at most."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, LiteralString
from urllib.parse import urlsplit
from uuid import UUID

import httpx
import psutil
import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from cli.local.ports import free_port
from tests.api import matrix
from tests.api.arguments import ARGUMENTS
from tests.api.world import World
from tests.cli.stack_home import Home, all_gone, eventually, family
from tests.support.kills import part
from tests.support.stacks import Stack
from tests.support.templates import ROOT
from tests.worker.processes import WorkerProcess

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("replica")]

FUNCTIONS = matrix.read(matrix.FUNCTIONS)
VIEWS = matrix.read(matrix.VIEWS)
VOLATILITY = "select proname, provolatile::text from pg_proc where pronamespace = 'api'::regnamespace"
# What an answer says of the server that gave it, and of when.
OF_THE_SERVER = {"server_now", "database_time", "read_only", "replica_lag_seconds", "now"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A project whose stack has a replica."""
    home = Home.make(tmp_path_factory.mktemp("replica"))
    home.up("--replica", "--port", str(free_port()), "--db-port", str(free_port()))
    yield home
    home.down()


@pytest.fixture(scope="module")
def world(home: Home) -> Iterator[World]:
    """A clinic with something for every view on that stack."""
    stack = Stack(json.loads((home.root / ".chairtime" / "status.json").read_text()))
    world = World(stack)
    world.furnish(ARGUMENTS["set_message_template"](world))
    yield world
    world.close()
    stack.close()


def replica(world: World, query: LiteralString, *parameters: object) -> list[tuple[Any, ...]]:
    """Ask the replica itself, as its superuser."""
    port = urlsplit(world.stack.status["replica_db_url"]).port
    with psycopg.connect(make_conninfo(world.stack.superuser_url, port=port)) as connection:
        return connection.execute(query, parameters).fetchall()


@cache
def at(world: World, server: str, actor: str) -> httpx.Client:
    """Return an actor's client of one server's Data API: `/primary`, `/replica`, or nothing: the balancer."""
    client = world.http(actor)
    client.base_url = httpx.URL(f"{world.stack.api_url}{server}/rest/v1")
    return client


def catch_up(world: World) -> None:
    """Wait until the replica has all that was written so far."""
    row = world.superuser.execute("select pg_current_wal_lsn() as written").fetchone()
    assert row is not None
    query: LiteralString = "select pg_last_wal_replay_lsn() >= %s::pg_lsn"
    eventually(lambda: replica(world, query, row["written"]) == [(True,)], "it has caught up")


@contextmanager
def lagging(world: World) -> Iterator[None]:
    """Let the replica stand still."""
    replica(world, "select pg_wal_replay_pause()")
    state: LiteralString = "select pg_get_wal_replay_pause_state()"
    eventually(lambda: replica(world, state) == [("paused",)], "it stands still")
    try:
        yield
    finally:
        replica(world, "select pg_wal_replay_resume()")


def asked(arguments: dict[str, Any]) -> dict[str, str]:
    """Return arguments as a query has them."""

    def text(value: Any) -> str:
        if isinstance(value, list) and all(isinstance(one, UUID | int) for one in value):
            return f"{{{','.join(map(str, value))}}}"
        return json.dumps(value, default=str) if isinstance(value, list | dict) else str(value)

    return {name: text(value) for name, value in arguments.items() if value is not None}


def without_server(said: Any) -> Any:
    """Return an answer without what it says of the server and the time."""
    if isinstance(said, list):
        return [without_server(one) for one in said]
    if not isinstance(said, dict):
        return said
    return {name: without_server(value) for name, value in said.items() if name not in OF_THE_SERVER}


def outcome(answer: httpx.Response) -> str:
    return "." if answer.is_success else str(answer.status_code)


def of_volatility(world: World, *wanted: str) -> list[str]:
    """Return the rows of the matrix whose functions are stable (s, i) or volatile (v), by the catalog."""
    found = {row["proname"]: row["provolatile"] for row in world.superuser.execute(VOLATILITY)}
    return [row for row in FUNCTIONS if found[row.partition(":")[0]] in wanted]


def test_what_is_read_goes_to_the_replica_and_the_rest_to_the_primary(world: World) -> None:
    def is_read_only(server: str, method: str) -> bool:
        said: bool = at(world, server, "anonymous").request(method, "/rpc/health").json()["read_only"]
        return said

    assert is_read_only("", "GET")
    assert not is_read_only("", "POST")
    assert not is_read_only("/primary", "GET")
    assert is_read_only("/replica", "GET")
    for method in ("GET", "HEAD"):
        answer = at(world, "", "anonymous").request(method, "/clinics", headers={"Prefer": "count=exact"})
        assert answer.headers["x-served-by"] == "replica"
        assert answer.headers["content-range"].endswith("/4")
    assert httpx.get(f"{world.stack.api_url}/primary/auth/v1/health", trust_env=False).status_code == 401


def test_every_function_that_only_reads_answers_everybody_as_the_primary_does(world: World) -> None:
    rows = of_volatility(world, "s", "i")
    assert len({row.partition(":")[0] for row in rows}) >= 18
    differ = []
    for row in rows:
        function, arguments = row.partition(":")[0], asked(ARGUMENTS[row](world))
        catch_up(world)
        for actor in matrix.ACTORS:
            there = at(world, "/replica", actor).get(f"/rpc/{function}", params=arguments)
            here = at(world, "/primary", actor).get(f"/rpc/{function}", params=arguments)
            if outcome(there) != FUNCTIONS[row][actor] or without_server(there.json()) != without_server(
                here.json()
            ):
                differ.append((row, actor, there.text[:300], here.text[:300]))
    assert differ == []


def test_hooks_know_by_name_what_changes_nothing(world: World) -> None:
    listed = re.search(
        r"new Set\(\[(.*?)\]\)", (ROOT / "web/src/chairtime/replicas.ts").read_text(), re.DOTALL
    )
    assert listed is not None
    known = set(re.findall(r"'(\w+)'", listed[1]))
    assert known == {row.partition(":")[0] for row in of_volatility(world, "s", "i")}


def test_every_view_shows_everybody_what_the_primary_shows(world: World) -> None:
    names = world.superuser.execute(
        "select relname from pg_class where relnamespace = 'api'::regnamespace and relkind <> 'c'"
    )
    views = [row["relname"] for row in names]
    catch_up(world)
    for view in views:
        for actor in matrix.ACTORS:
            servers = [at(world, server, actor) for server in ("/replica", "/primary")]

            def alike(view: str = view, servers: list[httpx.Client] = servers) -> bool:
                there, here = (rows_of(client.get(f"/{view}")) for client in servers)
                return there == here

            may = servers[0].get(f"/{view}").status_code not in {401, 403}
            assert may is (VIEWS[view][actor] != "-"), (view, actor)
            # The worker writes meanwhile.
            eventually(alike, f"{actor} sees the same in {view}")


def rows_of(answer: httpx.Response) -> list[str]:
    found = without_server(answer.json())
    return sorted(map(json.dumps, found if isinstance(found, list) else [found]))


def test_what_changes_something_is_refused_with_get_and_comes_to_no_write(world: World) -> None:
    odd = []
    for row in of_volatility(world, "v"):
        function, arguments = row.partition(":")[0], asked(ARGUMENTS[row](world))
        catch_up(world)
        for server in ("", "/primary"):
            answer = at(world, server, "admin").get(f"/rpc/{function}", params=arguments)
            if answer.status_code != 400 or answer.json()["code"] != "invalid_argument":
                odd.append((row, server, answer.status_code, answer.text[:200]))
    assert odd == []


def test_nothing_is_written_at_the_replica_itself(world: World) -> None:
    there = at(world, "/replica", "patient")
    slot = {name: str(value) for name, value in world.slot().items()}
    answer = there.post("/rpc/book_appointment", json=slot)
    assert (answer.status_code, answer.json()["code"]) == (503, "try_again")
    answer = there.patch("/clinics", params={"id": f"eq.{world.clinic.id}"}, json={"name": "Other"})
    assert 400 <= answer.status_code < 500


def free(world: World, method: str, slot: dict[str, str]) -> list[str]:
    """Return when a dentist is free that day, as a list that may lag (GET) or not (POST)."""
    arguments = {
        "appointment_type_id": slot["appointment_type_id"],
        "from_date": slot["starts_at"][:10],
        "to_date": slot["starts_at"][:10],
    }
    client = at(world, "", "patient")
    answer = (
        client.get("/rpc/available_slots", params=arguments)
        if method == "GET"
        else client.post("/rpc/available_slots", json=arguments)
    )
    found = answer.raise_for_status().json()
    return [row["starts_at"] for row in found if row["dentist_id"] == slot["dentist_id"]]


def test_lag_costs_a_409_with_alternatives_and_no_more(home: Home, world: World) -> None:
    slot = {name: str(value) for name, value in world.slot().items()}
    shown = free(world, "GET", slot)[0]
    slot["starts_at"] = shown
    balanced = at(world, "", "patient")
    other = {**slot, "patient_id": str(world.walk_in)}
    with lagging(world):
        booked = balanced.post("/rpc/book_appointment", json=slot)
        assert booked.is_success, booked.text
        assert shown in free(world, "GET", slot), "the replica does not know yet"
        assert shown not in free(world, "POST", slot), "who has just booked asks the primary"
        answer = at(world, "", "guardian").post("/rpc/book_appointment", json=other)
        refused = answer.json()
        assert (answer.status_code, refused["code"]) == (409, "slot_taken")
        instead = json.loads(refused["details"])[0]
        other |= {name: instead[name] for name in ("dentist_id", "starts_at")}
        again = at(world, "", "guardian").post("/rpc/book_appointment", json=other)
        assert again.is_success, again.text
        lag = json.loads(home.run("status", "--json").stdout)["replica_lag"]
        assert lag["follows"]
        assert lag["bytes"] > 0
        # A command that follows another sees what that one did.
        made = home.run("admin", "type", "create", world.clinic.slug, "Whitening", "30 minutes")
        assert made.returncode == 0, made.stderr
        assert "Whitening" in home.run("admin", "type", "list", world.clinic.slug, "--json").stdout
    catch_up(world)
    assert shown not in free(world, "GET", slot)
    assert json.loads(home.run("status", "--json").stdout)["replica_lag"]["bytes"] < 1_000_000


def test_a_changed_schema_is_known_at_the_replica(world: World) -> None:
    world.superuser.execute(
        "create function api.newest() returns integer language sql stable set search_path = '' as 'select 7'"
    )
    try:
        world.superuser.execute("grant execute on function api.newest to anon")
        world.superuser.execute("notify pgrst, 'reload schema'")
        there = at(world, "/replica", "anonymous")
        eventually(lambda: there.get("/rpc/newest").text == "7", "the replica's API knows the function")
    finally:
        world.superuser.execute("drop function api.newest()")
        world.superuser.execute("notify pgrst, 'reload schema'")


def test_a_replica_that_dies_is_replaced_and_missed_by_nobody(home: Home, world: World) -> None:
    for name in ("replica", "replica-api"):
        before = part(home, name)
        psutil.Process(before["pid"]).kill()
        seen: set[tuple[int, str | None]] = set()

        def answers(seen: set[tuple[int, str | None]] = seen) -> bool:
            answer = at(world, "", "anonymous").get("/clinics")
            seen.add((answer.status_code, answer.headers.get("x-served-by")))
            return (200, "replica") in seen

        old = before["pid"]
        eventually(lambda old=old, name=name: part(home, name)["pid"] != old, f"{name} is started again")  # type: ignore[misc]
        eventually(answers, "the replica answers again")
        assert {status for status, _ in seen} == {200}
        assert part(home, name)["restarts"] == before["restarts"] + 1


def test_a_stack_without_a_replica_says_how_to_get_one(shared_folder: Path, stack: Stack) -> None:
    error = Home(shared_folder / "stack").error("up", "--replica")
    assert error["code"] == "already_running"
    assert "down" in error["hint"]
    assert httpx.get(f"{stack.api_url}/replica/rest/v1/clinics", trust_env=False).status_code == 404


def test_a_promoted_replica_books_on_without_a_gap_and_the_worker_follows(
    home: Home, world: World, tmp_path: Path
) -> None:
    before = world.appointment()
    catch_up(world)
    assert replica(world, "select pg_promote()") == [(True,)]
    slot = {name: str(value) for name, value in world.slot().items()}
    started = time.monotonic()
    there = at(world, "/replica", "patient")
    booked = there.post("/rpc/book_appointment", json=slot).raise_for_status().json()
    assert time.monotonic() - started < 5
    numbers = replica(
        world,
        "select dentist_seq, entity_id::text from clinic.realtime_events where dentist_id = %s order by id",
        world.clinic.lee,
    )
    of_calendar = sorted({number for number, _ in numbers if number is not None})
    assert of_calendar == list(range(of_calendar[0], of_calendar[-1] + 1))
    assert min(n for n, entity in numbers if entity == booked["id"]) == 1 + max(
        n for n, entity in numbers if entity == str(before)
    )
    assert replica(world, "select * from clinic.check_invariants()") == []
    url = world.stack.status["replica_db_url"].replace("postgres:postgres", "chairtime_worker_login:postgres")
    with WorkerProcess(tmp_path / "worker.log", {"database_url": url}) as worker:
        worker.wait_for("event", entity_id=booked["id"])
    running = json.loads(home.run("status", "--json").stdout)
    assert running["replica_lag"]["follows"] is False
    processes = family(running)
    home.down()
    assert all_gone(processes)
    assert home.error("up", "--detach", "--replica")["code"] == "replica_promoted"
