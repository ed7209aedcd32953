"""available_slots: what may be booked, and nothing of why the rest may not."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.build import WEEK, MadeClinic, add_hours, insert, make_clinic, make_type
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, expire_hold, listed, reserve


def clocks(clinic: Clinic, instants: list[datetime]) -> list[str]:
    return [f"{instant.astimezone(clinic.zone):%H:%M}" for instant in instants]


def quarter_hours(first: str, last: str) -> list[str]:
    start, end = datetime.fromisoformat(f"2000-01-01T{first}"), datetime.fromisoformat(f"2000-01-01T{last}")
    return [f"{start + timedelta(minutes=15 * n):%H:%M}" for n in range(int((end - start).seconds / 900) + 1)]


def test_a_day_lists_every_grid_point_that_fits_a_window(anon: Connection, riverside: Clinic) -> None:
    monday = riverside.at("00:00")
    assert clocks(riverside, listed(anon, riverside, monday)) == quarter_hours(
        "09:00", "11:30"
    ) + quarter_hours("13:00", "16:30")


def test_buffers_must_fit_the_window_too(anon: Connection, riverside: Clinic) -> None:
    monday = riverside.at("00:00")
    assert clocks(riverside, listed(anon, riverside, monday, riverside.root_canal)) == quarter_hours(
        "09:15", "10:15"
    ) + quarter_hours("13:15", "15:15")


def test_rows_have_dentist_start_and_end_in_order(anon: Connection, sakura: Clinic) -> None:
    day = sakura.weekday(1)
    rows = call(anon, "available_slots", appointment_type_id=sakura.cleaning, from_date=day, to_date=day)
    assert {tuple(row) for row in rows} == {("dentist_id", "starts_at", "ends_at")}
    assert {row["dentist_id"] for row in rows} == set(sakura.dentists.values())
    assert all(row["ends_at"] - row["starts_at"] == timedelta(minutes=45) for row in rows)
    order = [(row["starts_at"], row["dentist_id"]) for row in rows]
    assert order == sorted(order)


def test_without_an_end_it_lists_a_week(anon: Connection, riverside: Clinic) -> None:
    monday = riverside.weekday(1)
    rows = call(
        anon,
        "available_slots",
        appointment_type_id=riverside.checkup,
        from_date=monday,
        dentist_id=riverside.other,
    )
    days = {row["starts_at"].astimezone(riverside.zone).date() for row in rows}
    assert {monday + timedelta(days=n) for n in range(5)} <= days
    assert max(days) <= monday + timedelta(days=6)


def test_the_range_is_at_most_62_days(anon: Connection, riverside: Clinic) -> None:
    day = riverside.weekday(1)
    arguments = {"appointment_type_id": riverside.root_canal, "from_date": day, "dentist_id": riverside.lee}
    call(anon, "available_slots", to_date=day + timedelta(days=61), **arguments)
    for wrong in (day + timedelta(days=62), day - timedelta(days=1)):
        with refused("invalid_argument"):
            call(anon, "available_slots", to_date=wrong, **arguments)


@pytest.mark.parametrize("wrong", ["infinity", "-infinity", "0001-01-01 BC", "5874897-12-31", None])
def test_an_absurd_date_is_invalid(anon: Connection, riverside: Clinic, wrong: str | None) -> None:
    with refused("invalid_argument"):
        call(anon, "available_slots", appointment_type_id=riverside.checkup, from_date=wrong)


def test_unknown_types_and_dentists_are_not_found(
    anon: Connection, riverside: Clinic, sakura: Clinic
) -> None:
    day = riverside.weekday(1)
    with refused("not_found"):
        call(anon, "available_slots", appointment_type_id=uuid4(), from_date=day)
    for dentist in (uuid4(), sakura.lee):
        with refused("not_found"):
            call(
                anon,
                "available_slots",
                appointment_type_id=riverside.checkup,
                from_date=day,
                dentist_id=dentist,
            )


def test_an_inactive_dentist_is_not_listed(
    anon: Connection, superuser: Connection, riverside: Clinic
) -> None:
    superuser.execute("update clinic.dentists set is_active = false where id = %s", [riverside.lee])
    day = riverside.weekday(1)
    rows = call(anon, "available_slots", appointment_type_id=riverside.checkup, from_date=day, to_date=day)
    assert riverside.lee not in {row["dentist_id"] for row in rows}
    with refused("not_found"):
        listed(anon, riverside, riverside.at("09:00"))


def test_claims_of_every_kind_take_their_time_off_the_list(
    ana: Connection,
    ben: Connection,
    admin: Connection,
    anon: Connection,
    superuser: Connection,
    riverside: Clinic,
) -> None:
    before = set(listed(anon, riverside, riverside.at("09:00")))
    book(ana, riverside, riverside.at("09:00"))
    hold = reserve(ben, riverside, riverside.at("10:00"))
    off = {"starts_at": riverside.at("13:00"), "ends_at": riverside.at("15:00")}
    call(admin, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee, **off)
    gone = before - set(listed(anon, riverside, riverside.at("09:00")))
    assert clocks(riverside, sorted(gone)) == [
        "09:00",
        "09:15",
        "09:45",
        "10:00",
        "10:15",
        *quarter_hours("13:00", "14:45"),
    ]
    expire_hold(superuser, hold["id"])
    assert riverside.at("10:00") in listed(anon, riverside, riverside.at("09:00"))


def test_a_window_that_ends_at_midnight_is_listed_to_its_end(actors: Actors, anon: Connection) -> None:
    superuser = actors.superuser()
    clinic = make_clinic(superuser)
    superuser.execute("delete from clinic.working_hours where clinic_id = %s", [clinic.id])
    add_hours(superuser, clinic.id, clinic.lee, 1, "22:00", "24:00")
    add_hours(superuser, clinic.id, clinic.lee, 2, "00:00", "01:00")
    monday = clinic.at("00:00")
    # What goes on after midnight is the same window.
    assert clocks(clinic, listed(anon, clinic, monday)) == quarter_hours("22:00", "23:45")
    tuesday = monday + timedelta(days=1)
    assert clocks(clinic, listed(anon, clinic, tuesday)) == ["00:00", "00:15", "00:30"]
    superuser.execute("delete from clinic.working_hours where clinic_id = %s and weekday = 2", [clinic.id])
    assert clocks(clinic, listed(anon, clinic, monday)) == quarter_hours("22:00", "23:30")


def test_an_extra_window_over_midnight_belongs_to_both_days_and_never_lists_a_slot_twice(
    actors: Actors, anon: Connection
) -> None:
    """Regression: the part on the other day was listed without a look at what it holds."""
    superuser = actors.superuser()
    clinic = make_clinic(superuser)
    superuser.execute("delete from clinic.working_hours where clinic_id = %s", [clinic.id])
    monday, tuesday = clinic.weekday(1), clinic.weekday(2)
    evening, night = clinic.at("22:00", monday), clinic.at("02:00", tuesday)
    during = f"[{evening.isoformat()},{night.isoformat()})"
    insert(superuser, "extra_hours", clinic_id=clinic.id, dentist_id=clinic.lee, during=during)
    patient = actors.sign_up("owl@made.test", "Night Owl")
    for instant in (clinic.at("22:30", monday), clinic.at("00:30", tuesday)):
        book(patient, clinic, instant)
    assert clocks(clinic, listed(anon, clinic, evening)) == ["22:00", *quarter_hours("23:00", "23:45")]
    assert clocks(clinic, listed(anon, clinic, night)) == ["00:00", "01:00", "01:15", "01:30"]


def test_extra_hours_have_a_grid_of_their_own(admin: Connection, anon: Connection, riverside: Clinic) -> None:
    sunday = riverside.weekday(7)
    window = {"starts_at": riverside.at("10:05", sunday), "ends_at": riverside.at("11:00", sunday)}
    call(admin, "add_extra_hours", dentist_id=riverside.lee, **window)
    assert clocks(riverside, listed(anon, riverside, window["starts_at"])) == ["10:05", "10:20"]


def test_overlapping_windows_list_a_slot_once(admin: Connection, anon: Connection, riverside: Clinic) -> None:
    window = {"starts_at": riverside.at("11:00"), "ends_at": riverside.at("14:00")}
    call(admin, "add_extra_hours", dentist_id=riverside.lee, **window)
    slots = listed(anon, riverside, riverside.at("00:00"))
    assert clocks(riverside, slots) == quarter_hours("09:00", "16:30")


def test_notice_and_horizon_bound_what_a_patient_sees_and_not_what_the_desk_sees(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    superuser.execute("update clinic.clinics set min_notice = '10 days', booking_horizon = '20 days'")
    today = riverside.today()
    arguments = {
        "appointment_type_id": riverside.checkup,
        "from_date": today,
        "to_date": today + timedelta(days=40),
        "dentist_id": riverside.lee,
    }
    now = datetime.now(riverside.zone)
    starts = [row["starts_at"] for row in call(ana, "available_slots", **arguments)]
    assert now + timedelta(days=9) < min(starts) < max(starts) < now + timedelta(days=21)
    starts = [row["starts_at"] for row in call(desk, "available_slots", **arguments)]
    assert min(starts) < now + timedelta(days=9)
    assert max(starts) > now + timedelta(days=21)


def test_a_signed_in_patient_is_not_offered_times_they_are_elsewhere(
    ana: Connection, ben: Connection, riverside: Clinic
) -> None:
    book(ana, riverside, riverside.at("09:00"), dentist_id=riverside.other)
    assert riverside.at("09:00") not in listed(ana, riverside, riverside.at("09:00"))
    assert riverside.at("09:00") in listed(ben, riverside, riverside.at("09:00"))


def test_the_day_is_the_clinics_whatever_the_session_thinks(anon: Connection, sakura: Clinic) -> None:
    monday = sakura.at("00:00")
    expected = listed(anon, sakura, monday)
    assert clocks(sakura, expected)[0] == "09:00"
    for zone in ("America/Los_Angeles", "Pacific/Kiritimati", "UTC"):
        anon.execute(f"set timezone = '{zone}'")  # type: ignore[arg-type]
        assert listed(anon, sakura, monday) == expected


def test_a_long_duration_type_reaches_back_to_a_claim_with_a_large_buffer(
    actors: Actors, anon: Connection
) -> None:
    superuser = actors.superuser()
    clinic = make_clinic(superuser)
    long = make_type(superuser, clinic.id, "Long recovery", 30, before=60, after=60)
    patient = actors.sign_up("long@made.test", "Long Stay")
    book(patient, clinic, clinic.at("10:00"), long)
    assert clocks(clinic, listed(anon, clinic, clinic.at("10:00"))) == [
        "11:30",
        *quarter_hours("13:00", "16:30"),
    ]


# An answer is whole, or says that it is not -----------------------------------------------------------------


def big_clinic(superuser: Connection, dentists: int, **policy: Any) -> MadeClinic:
    """Make a clinic with so many dentists, all of whom work as `lee` does."""
    clinic = make_clinic(superuser, **policy)
    for number in range(dentists - 2):
        row = {"id": uuid4(), "clinic_id": clinic.id, "full_name": f"Dr. {number}"}
        insert(superuser, "dentists", **row)
        insert(
            superuser, "dentist_types", clinic_id=clinic.id, dentist_id=row["id"],
            appointment_type_id=clinic.checkup,
        )  # fmt: skip
        for weekday, opens, closes in WEEK:
            add_hours(superuser, clinic.id, row["id"], weekday, opens, closes)
    return clinic


def test_what_has_no_room_in_one_answer_is_refused_with_the_span_that_has(
    superuser: Connection, anon: Connection
) -> None:
    clinic = big_clinic(superuser, 20)
    monday = clinic.weekday(1)
    arguments = {"appointment_type_id": clinic.checkup, "from_date": monday}
    with refused("invalid_argument") as refusal:
        call(anon, "available_slots", to_date=monday + timedelta(days=6), **arguments)
    # 26 starts a dentist and day: 520 a day.
    tuesday = monday + timedelta(days=1)
    assert refusal.details == {"rows": 2600, "max_rows": 1000, "to_date": monday.isoformat()}
    assert monday.isoformat() in refusal.hint
    assert tuesday.isoformat() in refusal.hint
    assert len(call(anon, "available_slots", to_date=monday, **arguments)) == 520
    with refused("invalid_argument"):
        call(anon, "available_slots", to_date=tuesday, **arguments)
    one = call(
        anon, "available_slots", to_date=monday + timedelta(days=6), dentist_id=clinic.lee, **arguments
    )
    assert len(one) == 130


def test_a_day_that_has_no_room_is_to_be_asked_for_by_dentist(
    superuser: Connection, anon: Connection
) -> None:
    clinic = big_clinic(superuser, 20, slot_interval="5 minutes")
    monday = clinic.weekday(1)
    with refused("invalid_argument") as refusal:
        call(anon, "available_slots", appointment_type_id=clinic.checkup, from_date=monday, to_date=monday)
    assert refusal.details["to_date"] is None
    assert "dentist" in refusal.hint


def test_the_room_is_what_postgrest_was_told_in_the_database(superuser: Connection, anon: Connection) -> None:
    clinic = big_clinic(superuser, 2)
    monday = clinic.weekday(1)
    arguments = {"appointment_type_id": clinic.checkup, "from_date": monday, "to_date": monday}
    for limit, fits in ((52, True), (51, False)):
        anon.execute("select set_config('pgrst.db_max_rows', %s, false)", [str(limit)])
        if fits:
            assert len(call(anon, "available_slots", **arguments)) == limit
        else:
            with refused("invalid_argument"):
                call(anon, "available_slots", **arguments)
        answer = call(anon, "longest_answer")
        assert len(answer) == answer[0] == limit
