"""A table may grow a column, and everything goes on: in sessions that know the old shape, and in new ones."""

from __future__ import annotations

import pytest

from tests.support.actors import Actors, call
from tests.support.clinics import Clinic

TABLES = """
select c.relname from pg_catalog.pg_class as c
where c.relnamespace = 'clinic'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition
order by 1
"""


def book_and_administer(actors: Actors, clinic: Clinic, clock: str) -> None:
    """Walk the whole booking path, and what staff do around it, in fresh sessions."""
    ana, admin, bot = (actors.user(f"{name}@{place}.test") for name, place in PEOPLE)
    slot = {"dentist_id": clinic.lee, "appointment_type_id": clinic.checkup, "starts_at": clinic.at(clock)}
    held = call(ana, "reserve_slot", **slot, idempotency_key=f"hold {clock}")
    booked = call(ana, "confirm_reservation", reservation_id=held["id"])
    moved = call(
        ana,
        "reschedule_appointment",
        appointment_id=booked["id"],
        starts_at=slot["starts_at"],
        dentist_id=clinic.other,
    )
    call(ana, "update_appointment", appointment_id=moved["id"], notes="A new filling")
    call(admin, "cancel_appointment", appointment_id=moved["id"])
    again = call(ana, "book_appointment", **slot, idempotency_key=f"book {clock}")
    for status in ("cancelled", "booked"):
        call(admin, "set_appointment_status", appointment_id=again["id"], status=status)
    search = {"clinic_slug": clinic.slug, "service": "Check-up", "from_date": clinic.weekday(3)}
    offers = call(bot, "chatbot_find_slots", **search)["offers"]
    person = {"patient_name": f"Casey {clock}", "patient_phone": "+1 212 555 0199"}
    hold = call(bot, "chatbot_hold", offer=offers[0]["offer"], **person)
    code = call(bot, "chatbot_confirm", reservation_id=hold["reservation_id"])["confirmation_code"]
    call(bot, "chatbot_cancel", confirmation_code=code, patient_phone=person["patient_phone"])
    administer(actors, clinic, clock)


PEOPLE = [("ana", "patients"), ("admin", "riverside"), ("bot", "riverside")]


def administer(actors: Actors, clinic: Clinic, clock: str) -> None:
    """Do what an admin does to a clinic, and what the worker does on its clock."""
    admin = actors.user("admin@riverside.test")
    dentist = call(admin, "create_dentist", clinic_id=clinic.id, full_name=f"New {clock}")
    call(admin, "update_dentist", dentist_id=dentist["id"], specialty="Surgery")
    kind = call(
        admin, "create_appointment_type", clinic_id=clinic.id, name=f"New {clock}", duration="30 minutes"
    )
    call(admin, "update_appointment_type", appointment_type_id=kind["id"], buffer_after="5 minutes")
    weekly = [{"weekday": 1, "opens": "09:00", "closes": "12:00"}]
    call(admin, "set_availability", dentist_id=dentist["id"], weekly=weekly)
    call(admin, "get_availability", dentist_id=dentist["id"])
    off = call(
        admin,
        "add_time_off",
        clinic_id=clinic.id,
        dentist_id=dentist["id"],
        starts_at=clinic.at("09:00"),
        ends_at=clinic.at("10:00"),
    )
    call(admin, "remove_time_off", time_off_id=off["time_off"][0]["id"])
    extra = call(
        admin,
        "add_extra_hours",
        dentist_id=dentist["id"],
        starts_at=clinic.at("18:00"),
        ends_at=clinic.at("20:00"),
    )
    call(admin, "remove_extra_hours", extra_hours_id=extra["id"])
    call(admin, "create_patient", clinic_id=clinic.id, full_name="Wanda Walk-in")
    call(admin, "update_clinic_policy", clinic_id=clinic.id, max_active_holds=3)
    call(admin, "clinic_day", clinic_id=clinic.id, day=clinic.weekday(1))
    call(admin, "events_since", topic=f"clinic:{clinic.id}", after_id=0)
    for job in actors.superuser().execute("select unnest(clinic.known_jobs()) as name").fetchall():
        actors.superuser().execute("select clinic.do_job(%s, 100, null)", [job["name"]])
    assert actors.superuser().execute("select * from clinic.check_invariants()").fetchall() == []


def test_a_new_column_in_any_table_breaks_nothing(actors: Actors, riverside: Clinic) -> None:
    superuser = actors.superuser()
    tables = [row["relname"] for row in superuser.execute(TABLES)]
    assert "occupancy" in tables
    book_and_administer(actors, riverside, "09:00")
    for table in tables:
        superuser.execute(f"alter table clinic.{table} add column grown text")  # type: ignore[arg-type]
    book_and_administer(actors, riverside, "10:00")


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
