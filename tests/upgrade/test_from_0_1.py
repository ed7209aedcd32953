"""From 0.1 to today: what is there afterwards, what is not, what stops it, and the way back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import Connection

from cli.errors import ChairtimeError
from cli.migrations import apply_pending
from cli.migrations.leftovers import drop_leftovers
from cli.migrations.verify import drift, read_catalog
from tests.cli.program import Program
from tests.support.actors import Actors, Row
from tests.support.templates import MIGRATIONS, ROOT
from tests.support.waiting import wait_for_older
from tests.upgrade.load import BOOK, CONFIRM, HOLD, free_slots

pytestmark = pytest.mark.long

# What has another form or content today: generated columns, hashes of texts that are written otherwise.
CHANGED = {
    "chatbot_patients": {"person_hash"},
    "error_codes": {"code", "status", "message", "hint"},
    "event_cursors": {"reader", "after_id"},
    "idempotency_keys": {"request_hash"},
    "profiles": {"locale"},
    "worker_leases": {"holder", "acquired_at", "renewed_at", "lifetime"},
    "working_hours": {"minutes"},
    "workers": {"id", "host", "version", "started_at", "seen_at"},
}
COLUMNS = """
    select o.table_name, array_agg(o.column_name::text order by o.ordinal_position)
    from information_schema.columns as o
    join information_schema.columns as n using (table_name, column_name)
    join pg_class as c on c.oid = format('clinic.%I', table_name)::regclass and not c.relispartition
    where o.table_schema = 'clinic_0_1' and n.table_schema = 'clinic'
    group by o.table_name order by 1
"""
NOW_AND_THEN = """
    select
        (select count(*) from realtime.messages) as broadcasts,
        (select array_agg(schemaname order by schemaname) from (
            select distinct schemaname from pg_tables where schemaname ~ '^(clinic|api)') as s) as schemas,
        (select array_agg(version order by version) from supabase_migrations.schema_migrations) as versions
"""


def rows(actors: Actors, query: str) -> list[Row]:
    """Look behind the API."""
    return actors.superuser().execute(query).fetchall()  # type: ignore[arg-type]


def compare(connection: Connection[Any]) -> Iterator[str]:
    """Name the tables whose rows are not those of 0.1, in all columns that both have."""
    for table, columns in connection.execute(COLUMNS).fetchall():
        same = ", ".join(f'"{name}"' for name in columns if name not in CHANGED.get(table, ()))
        if same:
            sides = [f"select {same} from {schema}.{table}" for schema in ("clinic_0_1", "clinic")]
            for one, other in (sides, sides[::-1]):
                query = f"select count(*) from ({one} except all {other}) as d"
                (count,) = connection.execute(query).fetchone() or (0,)  # type: ignore[arg-type]
                if count:
                    yield table


def test_every_row_is_there_and_nobody_is_told_of_it(
    old_actors: Actors, old_database: str, migrator: str, template: str
) -> None:
    (before,) = rows(old_actors, NOW_AND_THEN)
    apply_pending(migrator, MIGRATIONS)
    (after,) = rows(old_actors, NOW_AND_THEN)
    with psycopg.connect(old_database, autocommit=True) as connection:
        assert [*compare(connection)] == []
        assert len(connection.execute(COLUMNS).fetchall()) > 20
    for table, column in (("occupancy", "cause"), ("time_off", "reason")):
        moved = (
            f"select id, clinic_id, dentist_id, during, {column} from clinic_0_1.{table}"
            f" except all select id, clinic_id, resource_id, during, {column} from clinic.{table}"
        )
        assert rows(old_actors, moved) == [], table
    # Nobody is sent a message, no listener a broadcast, and the audit log begins empty.
    assert before["broadcasts"] == after["broadcasts"]
    for table in ("messages", "message_rules", "audit_log", "late_hints"):
        assert rows(old_actors, f"select * from clinic.{table}") == []
    assert rows(old_actors, "select * from clinic.check_invariants()") == []
    # Everybody leads everything, as they did, and is a resource.
    (all_pairs,) = rows(
        old_actors,
        "select (select count(*) from clinic.dentist_types) as given,"
        " (select count(*) from clinic.resources) as resources, count(*) as due,"
        " count(distinct d.id) as dentists"
        " from clinic.dentists as d join clinic.appointment_types as t using (clinic_id)",
    )
    assert (all_pairs["given"], all_pairs["resources"]) == (all_pairs["due"], all_pairs["dentists"])
    # The worker's log and metrics go on where they were, and count what they counted.
    for query in (
        "select bool_and(after_id = (select max(id) from clinic.realtime_events)) from clinic.event_cursors",
        "select sum(total) = (select count(*) from clinic.realtime_events) from clinic.event_totals",
        "select t.fulfilled = (select count(*) from clinic.appointments where status = 'fulfilled')"
        " from clinic.running_totals as t",
    ):
        assert [*rows(old_actors, query)[0].values()] == [True], query
    assert [path.name.split("_")[0] for path in sorted(MIGRATIONS.glob("*.sql"))] == after["versions"]
    with psycopg.connect(old_database, autocommit=True) as found:
        drop_leftovers(found)
        with psycopg.connect(template, autocommit=True) as fresh:
            assert [*drift(read_catalog(fresh), read_catalog(found))] == []
        assert drop_leftovers(found) == []


def test_nobody_reaches_the_old_tables(old_actors: Actors, migrator: str) -> None:
    apply_pending(migrator, MIGRATIONS)
    query = """
        select role, schema from unnest('{anon,authenticated,service_role,chairtime_worker}'::text[]) as role,
            unnest('{clinic_0_1,api_0_1}'::text[]) as schema
        where has_schema_privilege(role, schema, 'usage')
    """
    assert rows(old_actors, query) == []


def test_what_began_before_ends_after(old_actors: Actors, migrator: str) -> None:
    """A hold is confirmed, a repeated request is known, events go on, and so do numbers and counts."""
    desk = old_actors.user("desk@riverside.test")
    booked, held, again = (
        slot | {"key": str(slot["number"])} for slot in free_slots(old_actors.superuser())[:3]
    )
    told = [
        desk.execute(query, texts(slot)).fetchone()
        for query, slot in ((BOOK, booked), (HOLD, held), (HOLD, again))
    ]
    assert all(told)
    (newest,) = rows(old_actors, "select max(id) as id, max(xid)::text as xid from clinic.realtime_events")
    apply_pending(migrator, MIGRATIONS)

    replayed = [
        desk.execute(query, texts(slot)).fetchone() for query, slot in ((BOOK, booked), (HOLD, again))
    ]
    assert [row and row["id"] for row in replayed] == [told[0]["id"], told[2]["id"]]  # type: ignore[index]
    confirmed = desk.execute(CONFIRM, [told[1]["id"]]).fetchone()  # type: ignore[index]
    assert confirmed
    assert confirmed["status"] == "booked"
    topic = f"clinic:{confirmed['clinic_id']}"
    wait_for_older(desk)
    news = desk.execute("select * from api.events_since(%s, %s)", [topic, newest["id"]]).fetchall()
    assert [row["event"] for row in news] != []
    assert min(row["id"] for row in news) > newest["id"]
    before = desk.execute("select * from api.events_since(%s, 0)", [topic]).fetchall()
    assert len(before) > 100
    history = rows(
        old_actors,
        "select c.last_seq, array_agg(e.dentist_seq order by e.id) as numbers"
        " from clinic.dentist_counters as c join clinic.realtime_events as e using (dentist_id, clinic_id)"
        " group by c.dentist_id, c.last_seq",
    )
    assert all(row["numbers"] == [*range(1, row["last_seq"] + 1)] for row in history)
    bot = old_actors.user("bot@riverside.test")
    bot.execute(
        "select api.chatbot_cancel(confirmation_code => 'NOSUCHCD', patient_phone => '+1 212 777 0000')"
    )
    (attempts,) = rows(
        old_actors, "select count(*) as n, count(distinct id) as ids from clinic.cancel_attempts"
    )
    assert attempts["n"] == attempts["ids"] > 1


def texts(slot: Row) -> Row:
    """A slot as it is sent."""
    return slot | {"starts_at": slot["starts_at"].isoformat()}


def test_what_0_1_took_and_today_does_not_is_tidied(old_actors: Actors, migrator: str) -> None:
    superuser = old_actors.superuser()
    (one, two, three) = rows(old_actors, "select id from clinic.patients order by id limit 3")
    for patient, name, phone, email in (
        (one, "  Ana \t Maria\u202e  ", "+1\n212", "x\n\n"),
        (two, "n" * 5000, " ", "a@b"),
        (three, "\u0007", None, None),
    ):
        superuser.execute(
            "update clinic.patients set full_name = %s, phone = %s, email = %s where id = %s",
            [name, phone, email, patient["id"]],
        )
    superuser.execute("update clinic.appointment_types set name = ' check-up ' where name = 'Cleaning'")
    superuser.execute("update clinic.appointment_types set name = 'check-up' where name = 'Check-up'")
    superuser.execute("update clinic.clinics set time_zone = 'CET' where slug = 'sakura'")
    apply_pending(migrator, MIGRATIONS)
    found = {
        row["id"]: (row["full_name"], row["phone"], row["email"])
        for row in rows(old_actors, "select id, full_name, phone, email from clinic.patients")
    }
    assert found[one["id"]] == ("Ana Maria", "+1 212", None)
    assert found[two["id"]] == ("n" * 200, None, "a@b")
    assert found[three["id"]] == ("?", None, None)
    names = {row["name"] for row in rows(old_actors, "select name from clinic.appointment_types")}
    assert names == {"check-up", "check-up 2", "Root canal"}


def test_before_it_the_commands_say_what_the_database_is(program: Program) -> None:
    versions = [path.name.split("_")[0] for path in sorted(MIGRATIONS.glob("*.sql"))]
    told = program.ok("migrate", "status", "--json")
    assert [(row["version"], row["state"]) for row in told.json] == [(it, "pending") for it in versions]
    planned = program.json("migrate", "up", "--dry-run")
    assert [row["version"] for row in planned["applied"]] == versions
    verified = program("migrate", "verify", "--json")
    assert verified.code == 6
    assert [(it["kind"], it["message"]) for it in verified.json["problems"]] == [
        ("release", "is of release 0.1")
    ]


def test_what_others_built_on_the_old_tables_stops_it(old_actors: Actors, program: Program) -> None:
    superuser = old_actors.superuser()
    superuser.execute("create view public.my_report as select count(*) from clinic.appointments")
    (before,) = rows(old_actors, NOW_AND_THEN)
    assert program("migrate", "up", "--to", "20270101000000", "--json").code == 5
    refused = program("migrate", "up", "--json")
    assert (refused.code, refused.error["code"]) == (1, "migration_failed")
    assert "public.my_report" in refused.error["message"] or "view my_report" in refused.error["message"]
    assert rows(old_actors, NOW_AND_THEN) == [before]


def test_a_calendar_that_is_not_sound_stops_it(old_actors: Actors, migrator: str) -> None:
    with old_actors.superuser() as superuser, superuser.transaction():
        superuser.execute("set local session_replication_role = replica")
        superuser.execute(
            "delete from clinic.occupancy where id = (select min(id::text)::uuid from clinic.occupancy)"
        )
    with pytest.raises(ChairtimeError, match="is not sound: cause_without_claim"):
        apply_pending(migrator, MIGRATIONS)
    assert rows(old_actors, "select to_regnamespace('clinic_0_1') as old") == [{"old": None}]


def test_the_way_back_leads_to_0_1_and_from_there_one_may_try_again(
    old_actors: Actors, old_database: str, old_template: str, migrator: str
) -> None:
    apply_pending(migrator, MIGRATIONS)
    newcomer = old_actors.sign_up("new@patients.test", "New")
    assert newcomer.execute("select api.me()").fetchall()
    back = (ROOT / "supabase" / "upgrades" / "0.1.back.sql").read_bytes()
    with psycopg.connect(migrator) as connection:
        connection.execute(back)
    with (
        psycopg.connect(old_template, autocommit=True) as was,
        psycopg.connect(old_database, autocommit=True) as found,
    ):
        assert [*drift(read_catalog(was), read_catalog(found))] == []
        for table in ("appointments", "occupancy", "realtime_events", "patients"):
            query = f"select * from clinic.{table} order by 1, 2"
            assert was.execute(query).fetchall() == found.execute(query).fetchall()  # type: ignore[arg-type]
    desk = old_actors.user("desk@riverside.test")
    slot = free_slots(old_actors.superuser())[0]
    assert desk.execute(BOOK, texts(slot) | {"key": None}).fetchone()
    apply_pending(migrator, MIGRATIONS)
    assert rows(old_actors, "select * from clinic.check_invariants()") == []


def test_a_user_who_goes_goes_from_the_old_tables_and_stirs_nothing(
    old_actors: Actors, migrator: str
) -> None:
    """Their foreign keys still hold; their triggers would write into the calendar of today."""
    ana: UUID = old_actors.user_id("ana@patients.test")
    apply_pending(migrator, MIGRATIONS)
    old_actors.superuser().execute("delete from auth.users where id = %s", [ana])
    assert rows(old_actors, "select * from clinic.check_invariants()") == []
    for table, column in (("patients", "user_id"), ("appointments", "booked_by")):
        assert rows(old_actors, f"select from clinic_0_1.{table} where {column} = '{ana}'") == []
