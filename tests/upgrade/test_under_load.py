"""A clinic works on while its database is taken from 0.1 to today, and from there to a next version."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from cli.migrations import apply_pending
from cli.migrations.verify import drift, read_catalog
from tests.cli.program import Program
from tests.support.actors import Actors, Row
from tests.support.templates import MIGRATIONS
from tests.upgrade.load import Load, go_on_until, under_load

pytestmark = pytest.mark.long

READERS_WAIT = 1.0  # seconds, at most

FIXED = ("error_codes", "locales", "message_defaults", "reply_texts", "reply_words", "time_zones")

NEXT = """
alter table clinic.appointments add column colour text;
create index appointments_colour_idx on clinic.appointments (colour);
alter table clinic.dentists add column colour text not null default 'blue';
"""


@contextmanager
def in_the_way(url: str, table: str, statement: str) -> Iterator[None]:
    """Let somebody do something with a table, and stay longer than readers may wait once it is asked for."""
    wanted = (
        "select from pg_locks as l join pg_database as d on d.oid = l.database"
        " where d.datname = current_database() and l.relation = %s and not l.granted"
        " and l.mode in ('ExclusiveLock', 'AccessExclusiveLock')"
    )
    over = threading.Event()

    def stay() -> None:
        with psycopg.connect(url, autocommit=True) as observer:
            while not over.is_set() and not observer.execute(wanted, [oid]).rowcount:
                time.sleep(0.002)
        over.wait(1.5 * READERS_WAIT)
        connection.commit()

    with psycopg.connect(url) as connection:
        (oid,) = connection.execute("select %s::regclass::oid", [table]).fetchone() or (None,)
        connection.execute(statement.encode())
        thread = threading.Thread(target=stay)
        thread.start()
        try:
            yield
            assert not thread.is_alive(), f"nobody waited for {table}"
        finally:
            over.set()
            thread.join()


def lost(actors: Actors, load: Load) -> list[Row]:
    """Return what was acknowledged and does not stand in the calendar as it was told."""
    connection = actors.superuser()
    found = {
        row["id"]: row
        for row in connection.execute(
            "select a.id, a.dentist_id, a.patient_id, a.starts_at, a.status from clinic.appointments as a"
            " join clinic.occupancy as o on o.id = a.id and o.resource_id = a.dentist_id"
            " where o.during @> a.starts_at"
        )
    }
    return [
        told
        for told in load.acknowledged
        if any(
            found.get(told["id"], {}).get(name) != told[name]
            for name in ("dentist_id", "starts_at", "status")
        )
    ]


def gaps(actors: Actors) -> list[Row]:
    """Return the calendars whose events are not numbered from one to the last, each once."""
    return (
        actors.superuser()
        .execute(
            "select c.dentist_id from clinic.dentist_counters as c"
            " left join clinic.realtime_events as e using (dentist_id, clinic_id)"
            " group by c.dentist_id, c.last_seq"
            " having array_agg(e.dentist_seq order by e.id) <> array(select generate_series(1, c.last_seq))"
        )
        .fetchall()
    )


def test_0_1_becomes_today_and_today_the_next_while_everybody_works(
    program: Program, old_actors: Actors, old_database: str, migrator: str, template: str, tmp_path: Path
) -> None:
    with under_load(old_actors) as load:
        go_on_until(load, 20)
        # Somebody who has just written, and somebody who reads on and on what only the end locks.
        with (
            in_the_way(old_database, "clinic.dentists", "update clinic.dentists set bio = bio"),
            in_the_way(old_database, "realtime.messages", "select count(*) from realtime.messages"),
        ):
            upgraded = program.ok("migrate", "up")
        go_on_until(load, 20)
        times = f"read {load.slowest:.2f}, write {load.longest_write:.2f}, sign-in {load.longest_sign_in:.2f}"

        program.ok("migrate", "finish", "--yes")
        go_on_until(load, 20)

        for path in MIGRATIONS.glob("*.sql"):
            (tmp_path / path.name).symlink_to(path)
        (tmp_path / "29990101000000_colours.sql").write_text(NEXT)
        told: list[str] = []
        with in_the_way(old_database, "clinic.appointments", "select count(*) from clinic.appointments"):
            apply_pending(migrator, tmp_path, say=told.append)
        go_on_until(load, 20)

    print(f"longest in seconds while upgrading: {times}; longest read of all: {load.slowest:.2f}")
    assert "this database is of release 0.1" in upgraded.err
    assert any("others hold its locks" in line for line in told)
    assert load.failed_reads == []
    assert load.slowest < READERS_WAIT
    assert len(load.acknowledged) > 80
    assert lost(old_actors, load) == []
    assert gaps(old_actors) == []
    superuser = old_actors.superuser()
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []

    superuser.execute("drop index clinic.appointments_colour_idx")
    for table in ("appointments", "dentists"):
        superuser.execute(f"alter table clinic.{table} drop column colour")  # type: ignore[arg-type]
    with (
        psycopg.connect(template, autocommit=True) as fresh,
        psycopg.connect(old_database, autocommit=True) as found,
    ):
        assert [*drift(read_catalog(fresh), read_catalog(found))] == []
        for table in FIXED:
            query = f"select * from clinic.{table} order by 1, 2"
            query = query if table != "time_zones" else query.removesuffix(", 2")
            assert found.execute(query).fetchall() == fresh.execute(query).fetchall(), table  # type: ignore[arg-type]
