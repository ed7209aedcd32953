"""A database that was restored, from a dump or a base backup: its log goes on, and all is well at once."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg.rows import dict_row

from cli.local.ports import free_port
from cli.local.postgres import PostgresServer, binary, bootstrap
from tests.support.actors import Actors, call
from tests.support.clinics import Clinic, load_clinic
from tests.support.servers import THROWAWAY
from tests.support.slots import book
from tests.support.templates import fill
from tests.worker.support import as_worker, create_login
from tests.worker.test_leases import LONG
from tests.worker.test_tail import Reader
from worker.database import Database

pytestmark = pytest.mark.long

DATABASE = "clinic"


def new_server(folder: Path) -> PostgresServer:
    return PostgresServer(folder / "data", free_port(), folder / "log", THROWAWAY)


def run(program: str, *arguments: str) -> None:
    subprocess.run([binary(program), *arguments], check=True, env=os.environ | {"LC_ALL": "C"})


def create(server: PostgresServer, name: str) -> str:
    """Make an empty database; return its URL."""
    with psycopg.connect(server.superuser_url("postgres"), autocommit=True) as connection:
        connection.execute(f"create database {name}".encode())
    return server.superuser_url(name)


def burn(url: str, transactions: int) -> None:
    """Use up transaction ids."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            (
                f"do $$ begin for n in 1..{transactions} loop"
                " perform pg_current_xact_id(); commit; end loop; end $$"
            ).encode()
        )


def next_xid(url: str) -> int:
    with psycopg.connect(url) as connection:
        row = connection.execute("select pg_snapshot_xmax(pg_current_snapshot())::text::bigint").fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server with a clinic that has news."""
    server = new_server(tmp_path_factory.mktemp("source"))
    server.start()
    try:
        url = create(server, DATABASE)
        burn(url, 8000)
        fill(url)
        actors = Actors(url)
        riverside = load_clinic(actors, "riverside")
        for clock in ("09:00", "10:00", "11:00"):
            book(actors.user("ana@patients.test"), riverside, riverside.at(clock))
        with actors.superuser() as connection, connection.transaction():  # as a long absence does
            for _ in range(30):
                connection.execute(
                    "insert into clinic.extra_hours (clinic_id, dentist_id, during)"
                    " values (%s, %s, tstzrange(now(), now() + interval '1 hour'))",
                    [riverside.id, riverside.lee],
                )
        actors.close()
        yield server
    finally:
        server.stop()


@pytest.fixture
def target(tmp_path: Path) -> Iterator[PostgresServer]:
    """Another server, which is stopped after the test."""
    server = new_server(tmp_path)
    yield server
    server.stop()
    shutil.rmtree(server.data_dir)


def dump(source: PostgresServer, path: Path) -> Path:
    url = source.superuser_url(DATABASE)
    run("pg_dump", "--format=custom", f"--file={path}", url)
    return path


def restore(path: Path, target: PostgresServer) -> str:
    """Start a server, with the platform's roles on it, and restore a dump."""
    target.start()
    bootstrap(create(target, "roles"))
    with psycopg.connect(target.superuser_url("postgres"), autocommit=True) as connection:
        connection.execute("create role chairtime_worker")
    url = create(target, DATABASE)
    run("pg_restore", "--exit-on-error", f"--dbname={url}", str(path))
    return url


@pytest.mark.parametrize("earlier", [0, 50_000], ids=["with lower ids", "with higher ids"])
async def test_a_dump_is_whole_wherever_the_servers_transaction_ids_are(
    source: PostgresServer, target: PostgresServer, tmp_path: Path, earlier: int
) -> None:
    path = dump(source, tmp_path / "dump")
    target.start()
    burn(target.superuser_url("postgres"), earlier)
    target.stop()
    url = restore(path, target)
    with psycopg.connect(url) as connection:
        row = connection.execute("select max(xid::text::bigint) from clinic.realtime_events").fetchone()
    assert row is not None
    assert (next_xid(url) < row[0]) == (earlier == 0), "the test is about nothing otherwise"
    await check_that_it_goes_on(url, already_read=0)


async def test_a_base_backup_goes_on_where_it_was(
    source: PostgresServer, target: PostgresServer, tmp_path: Path
) -> None:
    """Also where somebody was in the middle of something: in the copy that never happened."""
    actors = Actors(source.superuser_url(DATABASE))
    riverside = load_clinic(actors, "riverside")
    ben = actors.user("ben@patients.test")
    create_login(source.superuser_url("postgres"))
    async with Database(as_worker(source.superuser_url(DATABASE)), pool_size=2) as db:
        read = len(await Log(db).read())
    with ben.transaction():
        book(ben, riverside, riverside.at("14:00"))
        ben.execute("set local idle_in_transaction_session_timeout = 0")  # copying takes its time
        options = ["--checkpoint=fast", "--wal-method=stream", "--no-sync"]
        copy = tmp_path / "copy"
        run("pg_basebackup", f"--pgdata={copy}", *options, f"--dbname={source.superuser_url('postgres')}")
    actors.close()
    if os.geteuid() == 0:
        for found in (copy, *copy.rglob("*")):
            os.chown(found, source.data_dir.stat().st_uid, source.data_dir.stat().st_gid)
    copy.rename(target.data_dir)
    target.start()
    await check_that_it_goes_on(target.superuser_url(DATABASE), already_read=read)


class Log:
    """The worker's log on one database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def read(self, at_least: int = 0) -> list[int]:
        worker = uuid4()
        epoch = await self._db.acquire_lease(worker, LONG)
        assert epoch is not None
        reader = Reader(self._db, epoch, worker, 1000)
        while await reader.tail.step(reader.seen.append) or len(reader.ids) < at_least:
            pass
        await self._db.release_lease(worker)
        return reader.ids


async def check_that_it_goes_on(url: str, *, already_read: int) -> None:
    """Everything there is can be read, nothing is late, and what comes next comes after it."""
    actors = Actors(url)
    riverside, anon = load_clinic(actors, "riverside"), actors.anon()
    health = call(anon, "health")
    assert (health["status"], health["event_lag_seconds"]) == ("ok", 0)
    check_topic(actors, riverside)
    book(actors.user("ben@patients.test"), riverside, riverside.at("15:00"))
    check_topic(actors, riverside)
    actors.close()
    create_login(url)
    with psycopg.connect(url, row_factory=dict_row) as connection:
        ids = [row["id"] for row in connection.execute("select id from clinic.realtime_events order by id")]
    async with Database(as_worker(url), pool_size=2) as db:
        assert await Log(db).read(len(ids) - already_read) == ids[already_read:]


def check_topic(actors: Actors, riverside: Clinic) -> None:
    topic = f"availability:{riverside.id}"
    heard = call(actors.anon(), "events_since", topic=topic, after_id=0)
    every = actors.superuser().execute(
        "select id from clinic.realtime_events where %s = any(topics) order by id", [topic]
    )
    assert [row["id"] for row in heard] == [row["id"] for row in every]
