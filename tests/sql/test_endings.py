"""What ends while it is booked: dentists, types, roles, logins, and clinics that close."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, listed, reserve

Ends = Any


def user_of(superuser: Connection, email: str) -> UUID:
    row = superuser.execute("select id from auth.users where email = %s", [email]).fetchone()
    assert row is not None
    found: UUID = row["id"]
    return found


def lose_login(admin: Connection, clinic: Clinic, superuser: Connection, **more: Any) -> Any:
    return call(admin, "update_dentist", dentist_id=clinic.lee, user_id=None, **more)


def leave(admin: Connection, clinic: Clinic, superuser: Connection, **more: Any) -> Any:
    return call(admin, "update_dentist", dentist_id=clinic.lee, is_active=False, **more)


def end_type(admin: Connection, clinic: Clinic, superuser: Connection, **more: Any) -> Any:
    return call(admin, "update_appointment_type", appointment_type_id=clinic.checkup, is_active=False, **more)


def revoke(admin: Connection, clinic: Clinic, superuser: Connection, **more: Any) -> Any:
    lee = user_of(superuser, "lee@riverside.test")
    return call(admin, "revoke_staff_role", clinic_id=clinic.id, user_id=lee, **more)


def become_a_bot(admin: Connection, clinic: Clinic, superuser: Connection, **more: Any) -> Any:
    lee = user_of(superuser, "lee@riverside.test")
    return call(admin, "grant_staff_role", clinic_id=clinic.id, user_id=lee, role="chatbot", **more)


ENDINGS = [leave, end_type, lose_login, revoke, become_a_bot]


@pytest.mark.parametrize("end", ENDINGS)
def test_what_is_booked_does_not_end_without_a_word(
    admin: Connection, ana: Connection, superuser: Connection, riverside: Clinic, end: Ends
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    with refused("appointments_in_the_way") as refusal:
        end(admin, riverside, superuser)
    assert [row["appointment_id"] for row in refusal.details] == [str(appointment["id"])]
    assert "Ana" not in str(refusal.raw), "the server logs refusals"
    with refused("invalid_argument"):
        end(admin, riverside, superuser, on_conflict="cancel")
    assert end(admin, riverside, superuser, on_conflict="keep")
    row = superuser.execute(
        "select status from clinic.appointments where id = %s", [appointment["id"]]
    ).fetchone()
    assert row == {"status": "booked"}


@pytest.mark.parametrize("end", ENDINGS)
def test_what_is_not_booked_ends_at_once(
    admin: Connection, ana: Connection, superuser: Connection, riverside: Clinic, end: Ends
) -> None:
    cancelled = book(ana, riverside, riverside.at("09:00"))
    call(ana, "cancel_appointment", appointment_id=cancelled["id"])
    book(ana, riverside, riverside.at("10:15"), riverside.root_canal, dentist_id=riverside.other)
    assert end(admin, riverside, superuser)


def test_null_takes_the_login_away_and_nothing_else_does(
    admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    def login() -> UUID | None:
        row = superuser.execute(
            "select user_id from clinic.dentists where id = %s", [riverside.lee]
        ).fetchone()
        assert row is not None
        found: UUID | None = row["user_id"]
        return found

    lee = user_of(superuser, "lee@riverside.test")
    call(admin, "update_dentist", dentist_id=riverside.lee, bio="Reads a lot")
    assert login() == lee
    call(admin, "update_dentist", dentist_id=riverside.lee, user_id=None)
    assert login() is None
    call(admin, "update_dentist", dentist_id=riverside.lee, user_id=lee)
    assert login() == lee


@pytest.mark.parametrize("end", [leave, end_type])
def test_what_ends_gives_back_what_is_held(
    admin: Connection, ana: Connection, superuser: Connection, riverside: Clinic, end: Ends
) -> None:
    held = reserve(ana, riverside, riverside.at("09:00"))
    kept = reserve(ana, riverside, riverside.at("13:15"), riverside.root_canal, dentist_id=riverside.other)
    end(admin, riverside, superuser)
    with refused("reservation_expired"):
        call(ana, "confirm_reservation", reservation_id=held["id"])
    assert call(ana, "confirm_reservation", reservation_id=kept["id"])["status"] == "booked"


def test_a_hold_that_ran_out_does_not_book_with_somebody_who_has_left(
    admin: Connection, ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    held = reserve(ana, riverside, riverside.at("09:00"))
    with superuser.transaction():
        for table in ("slot_reservations", "occupancy"):
            superuser.execute(f"update clinic.{table} set expires_at = now() where id = %s", [held["id"]])  # type: ignore[arg-type]
        superuser.execute("select clinic.expire_reservations()")
    leave(admin, riverside, superuser)
    with refused("not_found"):
        call(ana, "confirm_reservation", reservation_id=held["id"])


def test_patients_do_not_move_into_the_calendar_of_somebody_who_has_left(
    admin: Connection, ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    leave(admin, riverside, superuser, on_conflict="keep")
    for more in ({}, {"dentist_id": riverside.lee}):
        with refused("not_found"):
            call(
                ana,
                "reschedule_appointment",
                appointment_id=appointment["id"],
                starts_at=riverside.at("10:00"),
                **more,
            )
    moved = call(
        ana,
        "reschedule_appointment",
        appointment_id=appointment["id"],
        starts_at=riverside.at("10:00"),
        dentist_id=riverside.other,
    )
    assert moved["dentist_id"] == riverside.other


def seen(by: Connection, clinic: Clinic) -> tuple[bool, bool]:
    """Whether one sees the dentist and the type of the appointment."""
    dentist = by.execute("select from api.dentists where id = %s", [clinic.lee]).rowcount
    kind = by.execute("select from api.appointment_types where id = %s", [clinic.checkup]).rowcount
    return bool(dentist), bool(kind)


def test_what_ones_own_appointment_names_stays_visible(
    actors: Actors,
    admin: Connection,
    ana: Connection,
    ben: Connection,
    superuser: Connection,
    riverside: Clinic,
) -> None:
    bot, anon = actors.user("bot@riverside.test"), actors.anon()
    offers = call(bot, "chatbot_find_slots", clinic_slug="riverside", service="check-up", dentist="lee")[
        "offers"
    ]
    book(ana, riverside, riverside.at("09:00"))
    leave(admin, riverside, superuser, on_conflict="keep")
    end_type(admin, riverside, superuser, on_conflict="keep")
    assert seen(ana, riverside) == (True, True)
    assert seen(admin, riverside) == (True, True)
    for stranger in (ben, anon, bot):
        assert seen(stranger, riverside) == (False, False)
    for name in ("dentists", "appointment_types"):
        superuser.execute(f"update clinic.{name} set is_active = true")  # type: ignore[arg-type]
    held = call(
        bot, "chatbot_hold", offer=offers[0]["offer"], patient_name="Cas", patient_phone="+1 212 555 0199"
    )
    call(bot, "chatbot_confirm", reservation_id=held["reservation_id"])
    for name in ("dentists", "appointment_types"):
        superuser.execute(f"update clinic.{name} set is_active = false")  # type: ignore[arg-type]
    assert seen(bot, riverside) == (True, True)
    assert seen(ben, riverside) == (False, False)


# Closures ---------------------------------------------------------------------------------------------------


def close(admin: Connection, clinic: Clinic, **more: Any) -> Row:
    """Close the clinic on a Monday morning."""
    span = {"starts_at": clinic.at("09:00"), "ends_at": clinic.at("12:00")}
    closed: Row = call(admin, "add_time_off", clinic_id=clinic.id, reason="Inventory", **span, **more)
    return closed


def hire(admin: Connection, clinic: Clinic) -> UUID:
    """Hire a dentist who works on Monday mornings."""
    newcomer: UUID = call(admin, "create_dentist", clinic_id=clinic.id, full_name="Dr. New")["id"]
    weekly = [{"weekday": 1, "opens": "09:00", "closes": "13:00"}]
    call(admin, "set_availability", dentist_id=newcomer, weekly=weekly)
    return newcomer


def test_a_closure_binds_whoever_is_hired_or_comes_back_later(
    admin: Connection, anon: Connection, superuser: Connection, riverside: Clinic
) -> None:
    leave(admin, riverside, superuser)
    closure = close(admin, riverside)["closure_id"]
    call(admin, "update_dentist", dentist_id=riverside.lee, is_active=True)
    newcomer = hire(admin, riverside)
    noon = riverside.at("12:00")
    assert min(listed(anon, riverside, noon)) >= noon
    assert min(listed(anon, riverside, noon, dentist_id=newcomer)) == noon
    assert superuser.execute("select from api.closures where id = %s", [closure]).rowcount == 1
    assert call(admin, "remove_time_off", time_off_id=closure) is True
    assert min(listed(anon, riverside, noon, dentist_id=newcomer)) == riverside.at("09:00")
    assert superuser.execute("select from clinic.check_invariants()").rowcount == 0


def off(by: Connection, clinic: Clinic, begin: str, end: str, **more: Any) -> Row:
    """Take this time of a Monday off the calendar: one dentist's, or all of the clinic."""
    span = {"starts_at": clinic.at(begin), "ends_at": clinic.at(end)}
    added: Row = call(by, "add_time_off", clinic_id=clinic.id, **span, **more)
    return added


def morning(anon: Connection, clinic: Clinic) -> list[str]:
    """Return when Lee could be seen on that Monday before one."""
    starts = [start.astimezone(clinic.zone) for start in listed(anon, clinic, clinic.at("12:00"))]
    return [f"{start:%H:%M}" for start in starts if start < clinic.at("12:00")]


def test_who_comes_back_early_finds_the_clinic_closed(
    admin: Connection, lee: Connection, anon: Connection, superuser: Connection, riverside: Clinic
) -> None:
    mine = off(lee, riverside, "10:00", "11:30", dentist_id=riverside.lee)["time_off"]
    closure = close(admin, riverside)["closure_id"]
    assert call(lee, "remove_time_off", time_off_id=mine[0]["id"]) is True
    assert morning(anon, riverside) == []
    assert call(admin, "remove_time_off", time_off_id=closure) is True
    assert morning(anon, riverside)[0] == "09:00"
    assert superuser.execute("select from clinic.time_off").rowcount == 0
    assert superuser.execute("select from clinic.check_invariants()").rowcount == 0


def test_a_clinic_that_is_closed_twice_opens_where_neither_closes_it(
    admin: Connection, anon: Connection, superuser: Connection, riverside: Clinic
) -> None:
    first = off(admin, riverside, "09:00", "11:00")["closure_id"]
    second = off(admin, riverside, "10:00", "12:00")["closure_id"]
    call(admin, "remove_time_off", time_off_id=first)
    assert morning(anon, riverside) == ["09:00", "09:15", "09:30"]
    call(admin, "remove_time_off", time_off_id=second)
    assert morning(anon, riverside)[-1] == "11:30"
    assert superuser.execute("select from clinic.time_off").rowcount == 0


def test_a_clinic_that_opens_after_all_leaves_holidays_alone(
    admin: Connection, lee: Connection, anon: Connection, superuser: Connection, riverside: Clinic
) -> None:
    closure = off(admin, riverside, "09:30", "10:30")["closure_id"]
    mine = off(lee, riverside, "10:00", "12:00", dentist_id=riverside.lee, reason="Holiday")["time_off"]
    assert [
        (datetime.fromisoformat(row["starts_at"]), datetime.fromisoformat(row["ends_at"]), row["reason"])
        for row in mine
    ] == [(riverside.at("10:00"), riverside.at("12:00"), "Holiday")]
    assert superuser.execute("select from clinic.check_invariants()").rowcount == 0
    call(admin, "remove_time_off", time_off_id=closure)
    assert morning(anon, riverside) == ["09:00", "09:15", "09:30"]
    assert superuser.execute("select from clinic.check_invariants()").rowcount == 0


def test_extra_hours_do_not_open_a_closed_clinic(
    admin: Connection, anon: Connection, riverside: Clinic
) -> None:
    close(admin, riverside)
    window = {"starts_at": riverside.at("08:00"), "ends_at": riverside.at("12:00")}
    call(admin, "add_extra_hours", dentist_id=riverside.lee, **window)
    assert morning(anon, riverside) == ["08:00", "08:15", "08:30"]


def test_a_closure_counts_the_visits_of_those_who_have_left_too(
    admin: Connection, ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    leave(admin, riverside, superuser, on_conflict="keep")
    with refused("appointments_in_the_way") as refusal:
        close(admin, riverside)
    assert [row["appointment_id"] for row in refusal.details] == [str(appointment["id"])]


def test_a_dry_closure_leaves_nothing(admin: Connection, superuser: Connection, riverside: Clinic) -> None:
    assert close(admin, riverside, dry_run=True)["dry_run"] is True
    assert superuser.execute("select from clinic.closures").rowcount == 0


def test_only_an_admin_opens_what_the_clinic_closed(
    admin: Connection, lee: Connection, desk: Connection, riverside: Clinic, superuser: Connection
) -> None:
    closure = close(admin, riverside)["closure_id"]
    for by in (lee, desk):
        with refused("forbidden"):
            call(by, "remove_time_off", time_off_id=closure)
    assert superuser.execute("select from clinic.closures").rowcount == 1
    assert call(admin, "remove_time_off", time_off_id=closure) is True
    assert superuser.execute("select from clinic.closures").rowcount == 0


def test_a_dentist_hired_while_a_closure_is_being_added_is_bound(
    actors: Actors, admin: Connection, anon: Connection, riverside: Clinic
) -> None:
    other = actors.user("admin@riverside.test")
    with admin.transaction():
        close(admin, riverside)
        other.execute("set lock_timeout = '300ms'")
        # Whoever hires waits for the closure: it is not to be missed.
        with pytest.raises(psycopg.Error):
            call(other, "create_dentist", clinic_id=riverside.id, full_name="Dr. Quick")
    other.execute("reset lock_timeout")
    noon = riverside.at("12:00")
    assert min(listed(anon, riverside, noon, dentist_id=hire(other, riverside))) == noon


# Logins -----------------------------------------------------------------------------------------------------


def test_deleting_a_login_leaves_the_clinic_an_admin(superuser: Connection, riverside: Clinic) -> None:
    admin = user_of(superuser, "admin@riverside.test")
    for statement in (
        "delete from auth.users where id = %s",
        "delete from clinic.staff where user_id = %s",
        "update clinic.staff set role = 'receptionist' where user_id = %s",
    ):
        with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
            superuser.execute(statement, [admin])
    desk = user_of(superuser, "desk@riverside.test")
    superuser.execute("update clinic.staff set role = 'admin' where user_id = %s", [desk])
    superuser.execute("delete from auth.users where id = %s", [admin])
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        superuser.execute("delete from auth.users where id = %s", [desk])


def test_two_admins_deleted_at_once_do_not_both_go(actors: Actors, riverside: Clinic) -> None:
    one, two = actors.superuser(), actors.superuser()
    desk, admin = (user_of(one, f"{name}@riverside.test") for name in ("desk", "admin"))
    one.execute("update clinic.staff set role = 'admin' where user_id = %s", [desk])
    one.execute("begin")
    one.execute("delete from auth.users where id = %s", [admin])
    two.execute("delete from auth.users where id = %s", [desk])
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        one.execute("commit")


def test_an_appointment_of_yesterday_keeps_nobody(
    admin: Connection, ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    appointment = book(ana, riverside, riverside.at("09:00"))
    superuser.execute(
        "update clinic.appointments set starts_at = starts_at - %(ago)s, ends_at = ends_at - %(ago)s"
        " where id = %(id)s",
        {"ago": timedelta(weeks=12), "id": appointment["id"]},
    )
    assert leave(admin, riverside, superuser)["is_active"] is False
