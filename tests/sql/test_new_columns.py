"""A table may grow a column, and everything goes on: in sessions that know the old shape, and in new ones."""

from __future__ import annotations

import pytest

from tests.api.arguments import ARGUMENTS
from tests.api.walk import Walk
from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic

TABLES = """
select c.relname from pg_catalog.pg_class as c
where c.relnamespace = 'clinic'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
order by 1
"""


def walk_all(walk: Walk) -> None:
    """Do all that the API can do, and what the worker does on its clock."""
    for row in ARGUMENTS:
        walk.ask(row)
    superuser = walk.actors.superuser()
    for job in superuser.execute("select unnest(clinic.known_jobs()) as name").fetchall():
        superuser.execute("select clinic.do_job(%s, 100, null)", [job["name"]])
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []


def test_the_walk_forgets_no_function_of_the_api(superuser: Connection) -> None:
    rows = superuser.execute("select proname from pg_proc where pronamespace = 'api'::regnamespace")
    assert {row["proname"] for row in rows} == {row.partition(":")[0] for row in ARGUMENTS}


def test_a_new_column_in_any_table_breaks_nothing(actors: Actors) -> None:
    superuser = actors.superuser()
    tables = [row["relname"] for row in superuser.execute(TABLES)]
    assert "occupancy" in tables
    pooled = Walk(actors)
    walk_all(pooled)
    for table in tables:
        superuser.execute(f"alter table clinic.{table} add column grown text")  # type: ignore[arg-type]
    walk_all(pooled)
    walk_all(Walk(actors))


@pytest.mark.parametrize(
    "table", ["slot_reservations", "occupancy", "dentists", "appointment_types", "time_off"]
)
def test_a_pooled_session_survives_a_new_column(actors: Actors, riverside: Clinic, table: str) -> None:
    ana = actors.user("ana@patients.test")
    slot = {"dentist_id": riverside.lee, "appointment_type_id": riverside.checkup}
    call(ana, "book_appointment", **slot, starts_at=riverside.at("09:00"))
    actors.superuser().execute(f"alter table clinic.{table} add column grown text")  # type: ignore[arg-type]
    held = call(ana, "reserve_slot", **slot, starts_at=riverside.at("10:00"))
    call(ana, "confirm_reservation", reservation_id=held["id"])
