"""Series: one visit again and again, each as if it were booked alone."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import MadeClinic, make_clinic, make_user
from tests.support.clinics import Clinic
from tests.support.messages import delivered, patient, states
from tests.support.people import heard, record
from tests.support.races import race
from tests.support.refusals import refused
from tests.support.slots import book, reserve

WEEK = timedelta(weeks=1)


def series(connection: Connection, clinic: Clinic, start: datetime, /, **more: Any) -> Row:
    """Book three check-ups with `lee`, a week apart, unless told otherwise."""
    arguments = {
        "dentist_id": clinic.lee,
        "appointment_type_id": clinic.checkup,
        "every": "1 week",
        "occurrences": 3,
    }
    answer: Row = call(connection, "book_series", starts_at=start, **(arguments | more))
    return answer


def starts(answer: Row, zone: ZoneInfo) -> list[datetime]:
    """Return when the visits of an answer start, by the clinic's clock."""
    return [datetime.fromisoformat(row["starts_at"]).astimezone(zone) for row in answer["appointments"]]


def refusals(answer: Row) -> list[tuple[str, str]]:
    return [(row["code"], row["starts_at"]) for row in answer["refused"]]


def count(superuser: Connection, table: str) -> int:
    return superuser.execute(f"select from clinic.{table}").rowcount


def sound(superuser: Connection) -> bool:
    return superuser.execute("select from clinic.check_invariants()").rowcount == 0


@pytest.fixture
def rosa(desk: Connection, riverside: Clinic) -> UUID:
    identifier: UUID = record(desk, riverside, "Rosa Series")["id"]
    return identifier


def test_a_series_is_seen_on_its_visits_which_are_like_any(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    first = riverside.at("09:00")
    made = series(ana, riverside, first)
    assert starts(made, riverside.zone) == [first, first + WEEK, first + 2 * WEEK]
    assert made["refused"] == []
    rows = ana.execute("select * from api.appointments order by starts_at").fetchall()
    assert {str(row["series_id"]) for row in rows} == {made["series_id"]}
    assert [str(row["id"]) for row in rows] == [row["id"] for row in made["appointments"]]
    assert {row["source"] for row in rows} == {"online"}
    assert [event["event"] for event in heard(ana)] == ["appointment_booked"] * 3
    moved = call(
        ana,
        "reschedule_appointment",
        appointment_id=rows[1]["id"],
        starts_at=first + WEEK + timedelta(hours=1),
    )
    assert str(moved["series_id"]) == made["series_id"]
    alone = book(desk, riverside, riverside.at("15:00"), patient_id=rows[0]["patient_id"])
    assert alone["series_id"] is None
    assert sound(superuser)


@pytest.mark.parametrize("zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Tokyo"])
def test_the_clock_shows_the_same_time_all_year(superuser: Connection, actors: Actors, zone: str) -> None:
    clinic = make_clinic(superuser, zone)
    desk = actors.user(f"{clinic.users['desk']}@made.test")
    who = patient(superuser, clinic)
    made = series(desk, clinic, clinic.at("09:00"), patient_id=who, occurrences=52)
    shown = starts(made, clinic.zone)
    assert [(start.date(), start.time()) for start in shown] == [
        (clinic.weekday(1) + n * WEEK, time(9)) for n in range(52)
    ]
    offsets = {start.utcoffset() for start in shown}
    assert len(offsets) == (1 if zone == "Asia/Tokyo" else 2), "the clocks have changed"


def test_months_do_not_wear_off(superuser: Connection, riverside: Clinic) -> None:
    row = superuser.execute(
        "select clinic.series_starts('2027-01-31T15:00Z', '1 month', 4, 'America/New_York') as starts"
    ).fetchone()
    assert row is not None
    days = [start.astimezone(riverside.zone) for start in row["starts"]]
    assert [f"{day:%m-%d %H:%M}" for day in days] == [
        "01-31 10:00",
        "02-28 10:00",
        "03-31 10:00",
        "04-30 10:00",
    ]


@pytest.mark.parametrize("policy", ["reject", "skip", "nearest"])
def test_each_time_is_judged_and_what_cannot_be_had_is_said(
    policy: str, ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic, rosa: UUID
) -> None:
    first = riverside.at("09:00")
    book(ana, riverside, first + WEEK)  # somebody else's
    call(
        desk, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee,
        starts_at=first + 2 * WEEK, ends_at=first + 2 * WEEK + timedelta(hours=1),
    )  # fmt: skip
    before = count(superuser, "appointments")
    asked: Row = {"patient_id": rosa, "occurrences": 4, "on_conflict": policy}
    if policy == "reject":
        with refused("slot_taken") as refusal:
            series(desk, riverside, first, **asked)
        assert refusal.message.startswith("visits[1]: ")
        assert len(refusal.details) == 3, "alternatives"
        assert count(superuser, "appointments") == before
        would = series(desk, riverside, first, **asked, dry_run=True)
        assert starts(would, riverside.zone) == [first, first + 3 * WEEK]
    elif policy == "skip":
        would = series(desk, riverside, first, **asked)
        assert starts(would, riverside.zone) == [first, first + 3 * WEEK]
    else:
        would = series(desk, riverside, first, **asked)
        half = timedelta(minutes=30)
        nearest = [first, first + WEEK + half, first + 2 * WEEK + 2 * half, first + 3 * WEEK]
        assert starts(would, riverside.zone) == nearest
        assert [row["moved_to"] for row in would["refused"]] == [
            row["starts_at"] for row in would["appointments"][1:3]
        ]
    assert [code for code, _ in refusals(would)] == ["slot_taken", "slot_taken"]
    assert [datetime.fromisoformat(at) for _, at in refusals(would)] == [first + WEEK, first + 2 * WEEK]
    assert sound(superuser)


def test_the_nearest_time_may_be_another_day_but_not_the_next_visits(
    desk: Connection, superuser: Connection, riverside: Clinic, rosa: UUID
) -> None:
    first = riverside.at("10:00")
    day = riverside.weekday(1)
    whole = {"clinic_id": riverside.id, "dentist_id": riverside.lee}
    call(
        desk, "add_time_off", **whole, starts_at=riverside.at("00:00", day),
        ends_at=riverside.at("00:00", day + timedelta(days=1)),
    )  # fmt: skip
    near = series(desk, riverside, first, patient_id=rosa, on_conflict="nearest")
    assert starts(near, riverside.zone)[0] == riverside.at("09:00", day + timedelta(days=1))
    # Day by day it stays within the day, so nothing is left.
    daily = series(
        desk, riverside, first, patient_id=rosa, on_conflict="nearest", every="1 day", dry_run=True
    )
    assert refusals(daily)[0][0] == "slot_taken"
    assert daily["refused"][0]["moved_to"] is None
    assert sound(superuser)


def test_a_dry_run_says_what_would_be_and_leaves_nothing(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    tables = (
        "appointments",
        "occupancy",
        "patients",
        "messages",
        "realtime_events",
        "audit_log",
        "idempotency_keys",
    )
    before = [count(superuser, table) for table in tables]
    key = f"series {uuid4()}"
    would = series(ana, riverside, riverside.at("09:00"), dry_run=True, idempotency_key=key)
    assert [count(superuser, table) for table in tables] == before
    assert (would["dry_run"], would["series_id"]) == (True, None)
    assert {row["id"] for row in would["appointments"]} == {None}
    made = series(ana, riverside, riverside.at("09:00"), idempotency_key=key)
    assert starts(made, riverside.zone) == starts(would, riverside.zone)


def test_a_dry_run_names_no_patient_who_would_only_come_to_be(
    actors: Actors, superuser: Connection, riverside: Clinic
) -> None:
    new = actors.user(f"{make_user(superuser, 'New')}@made.test")
    would = series(new, riverside, riverside.at("09:00"), dry_run=True)
    assert {would["patient_id"], *(row["patient_id"] for row in would["appointments"])} == {None}
    made = series(new, riverside, riverside.at("09:00"))
    again = series(new, riverside, riverside.at("10:00"), dry_run=True)
    assert again["patient_id"] == made["patient_id"] != would["patient_id"]


def test_visits_of_one_series_are_in_each_others_way_in_a_dry_run_too(
    superuser: Connection, desk: Connection, riverside: Clinic, rosa: UUID
) -> None:
    superuser.execute(
        "update clinic.appointment_types set max_per_day = 1 where id = %s", [riverside.checkup]
    )
    book(desk, riverside, riverside.at("09:00"), patient_id=record(desk, riverside, "Else")["id"])
    for dry_run in (True, False):
        made = series(
            desk, riverside, riverside.at("10:00"), patient_id=rosa, on_conflict="skip", dry_run=dry_run
        )
        assert [code for code, _ in refusals(made)] == ["day_full"]


def test_a_patient_keeps_to_the_rules_and_limits_and_books_for_nobody_else(
    ana: Connection, superuser: Connection, riverside: Clinic, rosa: UUID
) -> None:
    first = riverside.at("09:00")
    with refused("not_found"):
        series(ana, riverside, first, patient_id=rosa)
    with refused("off_grid"):
        series(ana, riverside, riverside.at("09:07"))
    far = series(ana, riverside, first, occurrences=10, on_conflict="skip", dry_run=True)
    assert {code for code, _ in refusals(far)} == {"beyond_horizon"}
    superuser.execute("update clinic.clinics set max_upcoming = 2 where id = %s", [riverside.id])
    for policy in ("reject", "skip", "nearest"):
        with refused("booking_limit"):
            series(ana, riverside, first, on_conflict=policy)
    assert count(superuser, "appointments") == 0
    assert len(series(ana, riverside, first, occurrences=2)["appointments"]) == 2


def test_a_dentist_books_series_in_their_own_calendar(
    lee: Connection, bot: Connection, foreign_desk: Connection, riverside: Clinic, rosa: UUID
) -> None:
    assert series(lee, riverside, riverside.at("09:00"), patient_id=rosa)["appointments"]
    for dentist in (riverside.other, None):
        with refused("forbidden"):
            series(lee, riverside, riverside.at("10:00"), patient_id=rosa, dentist_id=dentist)
    with refused("forbidden"):
        series(bot, riverside, riverside.at("10:00"), patient_id=rosa)
    with refused("not_found"):
        series(foreign_desk, riverside, riverside.at("10:00"), patient_id=rosa)


def test_with_anybody_each_visit_finds_who_is_free(
    desk: Connection, ana: Connection, riverside: Clinic, rosa: UUID
) -> None:
    first = riverside.at("09:00")
    book(ana, riverside, first + WEEK)
    made = series(desk, riverside, first, patient_id=rosa, dentist_id=None)
    assert len(made["appointments"]) == 3
    assert made["appointments"][1]["dentist_id"] != str(riverside.lee)
    assert {row["assigned"] for row in made["appointments"]} == {"any"}


def test_ones_own_holds_make_room(ana: Connection, superuser: Connection, riverside: Clinic) -> None:
    first = riverside.at("09:00")
    reserve(ana, riverside, first + WEEK)
    assert len(series(ana, riverside, first)["appointments"]) == 3
    assert sound(superuser)


@pytest.mark.parametrize(
    "wrong",
    [
        {"every": "36 hours"}, {"every": "1 week 1 hour"}, {"every": "0 days"}, {"every": "-1 week"},
        {"every": "1 month -29 days"},
        {"every": "2 years"}, {"every": "7"}, {"every": "often"}, {"every": None}, {"every": "infinity"},
        {"occurrences": 1}, {"occurrences": 61}, {"occurrences": -2}, {"occurrences": None},
        {"on_conflict": "cancel"}, {"on_conflict": None}, {"starts_at": "tomorrow"}, {"starts_at": None},
        {"starts_at": "2199-12-31T10:00:00Z", "every": "1 year"},
    ],
)  # fmt: skip
def test_what_makes_no_series_is_invalid(wrong: Row, desk: Connection, riverside: Clinic, rosa: UUID) -> None:
    start = wrong.get("starts_at", riverside.at("09:00"))
    more = {name: value for name, value in wrong.items() if name != "starts_at"}
    with refused("invalid_argument"):
        series(desk, riverside, start, patient_id=rosa, **more)


def test_who_is_written_to_reads_of_a_series_once_and_is_reminded_of_each(
    superuser: Connection, desk: Connection, riverside: Clinic
) -> None:
    mia = patient(superuser, riverside)
    made = series(desk, riverside, riverside.at("09:00"), patient_id=mia)
    told = [states(superuser, UUID(row["id"])) for row in made["appointments"]]
    assert "booked email planned" in told[0]
    for later in told[1:]:
        assert "booked email skipped superseded" in later
        assert "reminder email planned" in later
    delivered(superuser)
    call(desk, "cancel_series", series_id=made["series_id"])
    ended = [states(superuser, UUID(row["id"])) for row in made["appointments"]]
    assert "cancelled email planned" in ended[0]
    assert all("cancelled email skipped superseded" in later for later in ended[1:])


# Cancelling


def test_a_series_is_cancelled_from_a_day_on_and_once(
    ana: Connection, ben: Connection, superuser: Connection, riverside: Clinic
) -> None:
    first = riverside.at("09:00")
    made = series(ana, riverside, first, occurrences=4)
    with refused("not_found"):
        call(ben, "cancel_series", series_id=made["series_id"])
    with refused("invalid_argument"):
        call(ana, "cancel_series", series_id=made["series_id"], from_time="tomorrow")
    ended = call(ana, "cancel_series", series_id=made["series_id"], from_time=first + 2 * WEEK)
    assert starts(ended, riverside.zone) == [first + 2 * WEEK, first + 3 * WEEK]
    assert {row["status"] for row in ended["appointments"]} == {"cancelled"}
    again = call(ana, "cancel_series", series_id=made["series_id"], from_time=first + 2 * WEEK)
    assert (again["appointments"], again["refused"]) == ([], [])
    rest = call(ana, "cancel_series", series_id=made["series_id"])
    assert starts(rest, riverside.zone) == [first, first + WEEK]
    assert count(superuser, "occupancy") == 0
    with refused("not_found"):
        call(ana, "cancel_series", series_id=uuid4())


def test_within_the_notice_the_rest_is_cancelled_and_the_first_is_said(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    first = riverside.at("09:00")
    made = series(ana, riverside, first)
    notice = first - datetime.now(UTC) + timedelta(days=1)
    superuser.execute(
        "update clinic.clinics set cancellation_notice = '30 days', cancel_grace = '0' where id = %s",
        [riverside.id],
    )
    superuser.execute(
        "update clinic.appointments set starts_at = starts_at - %s, ends_at = ends_at - %s"
        " where starts_at = %s",
        [notice - timedelta(days=15)] * 2 + [first],
    )
    ended = call(ana, "cancel_series", series_id=made["series_id"])
    assert [row["code"] for row in ended["refused"]] == ["too_late_to_cancel"]
    assert ended["refused"][0]["appointment_id"] == made["appointments"][0]["id"]
    assert starts(ended, riverside.zone) == [first + WEEK, first + 2 * WEEK]
    assert len(call(desk, "cancel_series", series_id=made["series_id"])["appointments"]) == 1


def test_a_dentist_cancels_of_a_series_what_is_in_their_calendar(
    desk: Connection, lee: Connection, riverside: Clinic, rosa: UUID
) -> None:
    made = series(desk, riverside, riverside.at("09:00"), patient_id=rosa)
    moved = made["appointments"][1]
    call(
        desk, "reschedule_appointment", appointment_id=moved["id"], starts_at=moved["starts_at"],
        dentist_id=riverside.other,
    )  # fmt: skip
    ended = call(lee, "cancel_series", series_id=made["series_id"])
    assert {row["id"] for row in ended["appointments"]} == {
        row["id"] for row in made["appointments"] if row["id"] != moved["id"]
    }
    call(desk, "cancel_series", series_id=made["series_id"])
    with refused("not_found"):
        call(lee, "cancel_series", series_id=uuid4())


def test_two_series_at_once_share_no_time(actors: Actors, superuser: Connection, riverside: Clinic) -> None:
    callers = [actors.user("desk@riverside.test") for _ in range(4)]
    people = [patient(superuser, riverside) for _ in callers]
    first = riverside.at("09:00")
    race(
        [
            partial(series, one, riverside, first, patient_id=who, occurrences=5, on_conflict="nearest")
            for one, who in zip(callers, people, strict=True)
        ]
    )
    assert count(superuser, "appointments") == 20
    assert sound(superuser)


def test_an_answer_to_a_series_is_forgotten_with_its_patient(
    ana: Connection, admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    made = series(ana, riverside, riverside.at("09:00"), idempotency_key="k")
    assert count(superuser, "idempotency_keys") == 1
    call(admin, "erase_patient", patient_id=made["patient_id"], reason="Asked for it.")
    assert count(superuser, "idempotency_keys") == 0


def test_half_a_year_of_weeks_takes_no_longer_than_a_click(superuser: Connection, actors: Actors) -> None:
    clinic: MadeClinic = make_clinic(superuser)
    desk = actors.user(f"{clinic.users['desk']}@made.test")
    series(desk, clinic, clinic.at("13:00"), patient_id=patient(superuser, clinic), occurrences=26)  # plans
    seconds = []
    for clock in ("09:00", "09:30", "10:00"):
        begun = datetime.now(UTC)
        made = series(desk, clinic, clinic.at(clock), patient_id=patient(superuser, clinic), occurrences=26)
        seconds.append((datetime.now(UTC) - begun).total_seconds())
        assert len(made["appointments"]) == 26
    assert min(seconds) < 1, seconds  # 0.2 where nothing else runs
