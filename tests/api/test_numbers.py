"""What is a number in the database is a number in JSON, whichever Data API serves it."""

from __future__ import annotations

from numbers import Number
from typing import Any

from tests.api.world import World
from tests.support.waiting import wait_for_older

NUMBERS = """
select a.attrelid::regclass::text as view, a.attname as name, t.typname as type
from pg_attribute as a
join pg_class as c on c.oid = a.attrelid and c.relnamespace = 'api'::regnamespace
join pg_type as t on t.oid = a.atttypid and t.typcategory = 'N'
where a.attnum > 0 and not a.attisdropped
"""
RESULTS = """
select p.proname as name from pg_proc as p
join pg_type as t on t.oid = any (p.prorettype || p.proallargtypes)
where p.pronamespace = 'api'::regnamespace and t.typname = 'numeric'
"""


def test_no_view_row_or_function_of_the_api_has_a_number_that_drivers_write_as_text(world: World) -> None:
    columns = world.superuser.execute(NUMBERS).fetchall()
    assert "utilisation" in {column["name"] for column in columns}
    assert [column for column in columns if column["type"] == "numeric"] == []
    assert world.superuser.execute(RESULTS).fetchall() == []


def test_every_number_of_every_view_arrives_as_a_number(world: World) -> None:
    world.wish()
    due = {"patient_id": world.walk_in, "recall_type_id": world.recall_type()}
    world.make("receptionist", "set_recall", **due)
    failed = world.message()
    world.superuser.execute("update clinic.messages set state = 'failed' where id = %s", [failed])
    world.superuser.execute(
        "insert into clinic.daily_metrics"
        " (clinic_id, day, holds, holds_confirmed, working_minutes, booked_minutes, stale, refreshed_at)"
        " values (%s, current_date, 3, 1, 420, 30, false, now())"
        " on conflict on constraint daily_metrics_pkey do update"
        " set holds = 3, working_minutes = 420, refreshed_at = now()",
        [world.clinic.id],
    )
    world.superuser.execute(
        "insert into clinic.job_runs (id, job, cause, worker, state) values"
        " (gen_random_uuid(), 'flag_no_shows', 'manual', gen_random_uuid(), 'succeeded')"
    )
    names: dict[str, list[str]] = {}
    for column in world.superuser.execute(NUMBERS).fetchall():
        names.setdefault(column["view"].removeprefix("api."), []).append(column["name"])
    del names["event"], names["due_recall"]  # the rows of events_since and due_recalls
    admin = world.http("admin")
    for view, columns in names.items():
        rows: list[dict[str, Any]] = admin.get(f"/{view}", params={"limit": "20"}).json()
        assert rows, view
        wrong = [row for row in rows if not all(isinstance(row[name] or 0, Number) for name in columns)]
        assert not wrong, view


def test_every_number_of_an_event_arrives_as_a_number(world: World) -> None:
    world.appointment()
    wait_for_older(world.superuser)
    topic = {"topic": f"clinic:{world.clinic.id}", "after_id": 0}
    events = world.http("admin").post("/rpc/events_since", json=topic).json()
    assert events
    # What is in nobody's calendar has no number there.
    numbers = [event["dentist_seq"] for event in events if event["dentist_id"]]
    assert {type(number) for number in (*numbers, *(event["id"] for event in events))} == {int}
