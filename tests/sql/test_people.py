"""People: who one is, patients and walk-ins, staff and their roles, dentists and types."""

from __future__ import annotations

from importlib.metadata import version
from random import Random
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from psycopg.types.json import Jsonb

from cli.local.postgres import bootstrap
from cli.migrations import apply_pending
from tests.support.actors import Actors, Connection, Row, call, connect_as
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.servers import with_database
from tests.support.slots import book, listed
from tests.support.templates import MIGRATIONS, execute

# Random, for what repeats is compressed, and fits where it should not.
LONG_NAME = Random(1).randbytes(5000).hex()  # noqa: S311


def test_signing_up_makes_a_profile(actors: Actors) -> None:
    newcomer = actors.sign_up("new@patients.test", "New Comer")
    me = call(newcomer, "me")
    assert me["email"] == "new@patients.test"
    assert me["profile"] == {"full_name": "New Comer", "phone": None, "email": None, "locale": None}
    assert me["memberships"] == []


def test_who_signed_up_before_chairtime_came_is_somebody(db_server: str) -> None:
    """A project may have users when the migrations come: they have a profile, too, and may book."""
    name, user = f"before_{uuid4().hex}", uuid4()
    url = with_database(db_server, name)
    with psycopg.connect(db_server, autocommit=True) as server:
        execute(server, "create database {} template template0", name)
        try:
            bootstrap(url)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute(
                    "insert into auth.users (id, aud, role, email, raw_user_meta_data)"
                    " values (%s, 'authenticated', 'authenticated', 'early@patients.test', %s)",
                    [user, Jsonb({"full_name": "Early Bird"})],
                )
            apply_pending(make_conninfo(url, options="-c role=postgres"), MIGRATIONS)
            with connect_as(url, "authenticated", {"sub": str(user)}) as early:
                assert call(early, "update_me", locale="de")["profile"]["full_name"] == "Early Bird"
        finally:
            execute(server, "drop database {} with (force)", name)


@pytest.mark.parametrize("name", ["", "   ", LONG_NAME, "x" * 1_000_000, "\x01", "🦷" * 3000], ids=range(6))
def test_signing_up_never_fails_on_a_name_and_the_newcomer_can_book(
    actors: Actors, riverside: Clinic, name: str
) -> None:
    newcomer = actors.sign_up("odd@patients.test", name)
    assert book(newcomer, riverside, riverside.at("09:00"))["status"] == "booked"


def test_me_tells_where_one_is_what(ana: Connection, lee: Connection, riverside: Clinic) -> None:
    (staff,) = call(lee, "me")["memberships"]
    assert (staff["clinic_slug"], staff["role"], staff["dentist_id"]) == (
        "riverside",
        "dentist",
        str(riverside.lee),
    )
    book(ana, riverside, riverside.at("09:00"))
    (patient,) = call(ana, "me")["memberships"]
    assert (patient["clinic_slug"], patient["role"]) == ("riverside", "patient")


def test_a_profile_changes_where_it_is_told_to(ana: Connection) -> None:
    before = call(ana, "me")["profile"]
    assert call(ana, "update_me", phone=" +1 555 0100 ")["profile"] == before | {"phone": "+1 555 0100"}
    assert call(ana, "update_me", locale="de-CH")["profile"]["phone"] == "+1 555 0100"


@pytest.mark.parametrize(
    "wrong", [{"locale": "not a tag"}, {"locale": ""}, {"phone": "1" * 100}, {"full_name": "x" * 20_000}]
)
def test_a_profile_that_makes_no_sense_is_invalid(ana: Connection, wrong: Row) -> None:
    before = call(ana, "me")
    with refused("invalid_argument"):
        call(ana, "update_me", **wrong)
    assert call(ana, "me") == before


def test_roles_in_ones_own_metadata_count_for_nothing(
    actors: Actors, superuser: Connection, riverside: Clinic
) -> None:
    liar = actors.sign_up("liar@patients.test", "Liar")
    superuser.execute(
        "update auth.users set raw_user_meta_data = %s where email = 'liar@patients.test'",
        ['{"role": "admin", "app_role": "admin"}'],
    )
    with refused("not_found"):
        call(liar, "clinic_day", clinic_id=riverside.id, day=riverside.today())


# Patients


def test_staff_record_walk_ins(desk: Connection, riverside: Clinic) -> None:
    row = call(
        desk, "create_patient", clinic_id=riverside.id, full_name=" Walk In ", phone="5", email="w@x.test"
    )
    assert (row["full_name"], row["phone"], row["email"], row["user_id"]) == (
        "Walk In",
        "5",
        "w@x.test",
        None,
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"full_name": None},
        {"full_name": "  "},
        {"full_name": "x" * 20_000},
        {"email": "nobody"},
        {"email": "a b@c"},
        {"phone": "1" * 100},
        {"clinic_id": None},
    ],
)
def test_a_patient_that_makes_no_sense_is_invalid(
    desk: Connection, superuser: Connection, riverside: Clinic, wrong: Row
) -> None:
    before = superuser.execute("select from clinic.patients").rowcount
    with refused("invalid_argument"):
        call(desk, "create_patient", **({"clinic_id": riverside.id, "full_name": "Somebody"} | wrong))
    assert superuser.execute("select from clinic.patients").rowcount == before


def test_a_long_name_is_refused_or_kept_and_never_an_error(desk: Connection, riverside: Clinic) -> None:
    """Regression: a long random name did not fit an index."""
    for length in (200, 2000, 3000, 8000):
        try:
            call(desk, "create_patient", clinic_id=riverside.id, full_name=LONG_NAME[:length])
        except Exception as error:
            assert getattr(error, "sqlstate", None) == "PGRST", error


def test_a_user_is_a_patient_of_a_clinic_once(actors: Actors, riverside: Clinic) -> None:
    ben, service = actors.user_id("ben@patients.test"), actors.service_role()
    arguments = {"clinic_id": riverside.id, "full_name": "Ben", "user_id": ben}
    patient = call(service, "create_patient", **arguments)
    with refused("invalid_argument"):
        call(service, "create_patient", **arguments)
    booked = book(actors.user("ben@patients.test"), riverside, riverside.at("09:00"))
    assert booked["patient_id"] == patient["id"]
    with refused("not_found"):
        call(service, "create_patient", **(arguments | {"user_id": uuid4()}))


# Staff


def test_a_role_is_granted_changed_and_revoked(actors: Actors, admin: Connection, riverside: Clinic) -> None:
    ben = actors.user("ben@patients.test")
    who = {"clinic_id": riverside.id, "user_id": actors.user_id("ben@patients.test")}
    call(actors.service_role(), "grant_staff_role", **who, role="chatbot")
    for role in ("receptionist", "chatbot", "admin", "receptionist"):
        assert call(admin, "grant_staff_role", **who, role=role)["role"] == role
        assert call(ben, "me")["memberships"][0]["role"] == role
    assert call(ben, "clinic_day", clinic_id=riverside.id, day=riverside.today())
    assert call(admin, "revoke_staff_role", **who) is True
    assert call(admin, "revoke_staff_role", **who) is False
    with refused("not_found"):
        call(ben, "clinic_day", clinic_id=riverside.id, day=riverside.today())


def test_a_clinic_keeps_an_admin(actors: Actors, admin: Connection, riverside: Clinic) -> None:
    who: Row = {"clinic_id": riverside.id, "user_id": actors.user_id("admin@riverside.test")}
    with refused("forbidden"):
        call(admin, "revoke_staff_role", **who)
    with refused("forbidden"):
        call(admin, "grant_staff_role", **who, role="receptionist")


@pytest.mark.parametrize("role", [None, "", "owner", "ADMIN"])
def test_a_role_that_is_none_is_invalid(
    actors: Actors, admin: Connection, riverside: Clinic, role: str | None
) -> None:
    ben = actors.user_id("ben@patients.test")
    with refused("invalid_argument"):
        call(admin, "grant_staff_role", clinic_id=riverside.id, user_id=ben, role=role)


# Clinics, dentists, types


def test_the_service_makes_a_clinic_and_its_first_admin(actors: Actors) -> None:
    service = actors.service_role()
    clinic = call(service, "create_clinic", slug="new-clinic", name="New", time_zone="Europe/Berlin")
    boss = actors.user_id("ben@patients.test")
    call(service, "grant_staff_role", clinic_id=clinic["id"], user_id=boss, role="admin")
    dentist = call(
        actors.user("ben@patients.test"), "create_dentist", clinic_id=clinic["id"], full_name="Dr. New"
    )
    assert dentist["clinic_id"] == clinic["id"]
    for wrong in (
        {"slug": "new-clinic"},
        {"slug": "No Slug"},
        {"slug": "other", "time_zone": "Mars/Olympus"},
    ):
        with refused("invalid_argument"):
            call(service, "create_clinic", **({"name": "New", "time_zone": "Europe/Berlin"} | wrong))


@pytest.mark.parametrize(
    "wrong",
    [
        {"slot_interval": "0"},
        {"slot_interval": "1 mon -29 days -13 hours"},
        {"min_notice": "-1 hour"},
        {"booking_horizon": "100 years"},
        {"hold_duration": "1 day"},
        {"max_active_holds": 0},
        {"max_holds_per_hour": 0},
        {"max_chatbot_bookings_per_hour": 10_001},
        {"max_offers": 9},
        {"cancellation_notice": "1 year"},
    ],
)
def test_a_policy_out_of_bounds_is_invalid(admin: Connection, riverside: Clinic, wrong: Row) -> None:
    with refused("invalid_argument"):
        call(admin, "update_clinic_policy", clinic_id=riverside.id, **wrong)


def test_a_policy_changes_where_it_is_told_to(admin: Connection, anon: Connection, riverside: Clinic) -> None:
    before = anon.execute("select * from api.clinics where id = %s", [riverside.id]).fetchone()
    after = call(admin, "update_clinic_policy", clinic_id=riverside.id, slot_interval="30 minutes")
    assert before is not None
    assert {name for name in before if before[name] != after[name]} == {"slot_interval"}
    assert riverside.at("09:15") not in listed(anon, riverside, riverside.at("09:00"))


def test_an_inactive_dentist_keeps_old_bookings_and_takes_no_new_ones(
    ana: Connection, ben: Connection, admin: Connection, anon: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    call(admin, "update_dentist", dentist_id=riverside.lee, is_active=False, on_conflict="keep")
    with refused("not_found"):
        book(ben, riverside, riverside.at("10:00"))
    assert anon.execute("select from api.dentists where id = %s", [riverside.lee]).rowcount == 0
    assert call(ana, "cancel_appointment", appointment_id=appointment["id"])["status"] == "cancelled"


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": None},
        {"name": "Check-up"},
        {"duration": "0"},
        {"duration": "13 hours"},
        {"duration": None},
        {"buffer_before": "-1 minute"},
        {"buffer_after": "5 hours"},
        {"duration": "1 day -23 hours"},
    ],
)
def test_a_type_that_makes_no_sense_is_invalid(admin: Connection, riverside: Clinic, wrong: Row) -> None:
    arguments: dict[str, Any] = {"clinic_id": riverside.id, "name": "New type", "duration": "30 minutes"}
    with refused("invalid_argument"):
        call(admin, "create_appointment_type", **(arguments | wrong))


def test_refusals_are_counted_though_they_leave_nothing_else(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    count = "select coalesce(pg_sequence_last_value('clinic.refusals_off_grid'), 0) as n"
    before = superuser.execute(count).fetchone()
    for _ in range(3):
        with refused("off_grid"):
            book(ana, riverside, riverside.at("09:07"))
    after = superuser.execute(count).fetchone()
    assert before is not None
    assert after == {"n": before["n"] + 3}


def test_health_is_anybodys_to_ask(anon: Connection) -> None:
    health = call(anon, "health")
    assert health["status"] == "ok"
    assert health["version"] == version("chairtime")
    assert health.keys() >= {
        "database_time",
        "schema_version",
        "oldest_unswept_hold_seconds",
        "event_lag_seconds",
    }
