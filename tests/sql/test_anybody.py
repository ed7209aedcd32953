"""Whoever does not mind who: booked in one call, spread fairly, and told of others when somebody is taken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.build import make_user
from tests.support.practices import Practice, make_practice
from tests.support.races import race
from tests.support.refusals import refused
from tests.support.slots import expire_hold

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
LONG = [(day, "08:00", "20:00") for day in range(1, 8)]


@pytest.fixture
def practice(superuser: Connection) -> Practice:
    """A clinic in which nobody is booked yet."""
    return make_practice(superuser, max_upcoming=1000)


@pytest.fixture
def desk(actors: Actors, practice: Practice) -> Connection:
    """Its receptionist."""
    return practice.staff(actors, "receptionist")


@pytest.fixture
def patient(actors: Actors, superuser: Connection) -> Connection:
    """A patient."""
    return actors.user(f"{make_user(superuser, 'Asks')}@made.test")


@pytest.fixture
def four(practice: Practice) -> list[UUID]:
    """Four dentists, in the order of their ids."""
    return sorted(practice.person(f"Dentist {n}", week=LONG) for n in range(4))


@pytest.fixture(autouse=True)
def _nothing_is_broken(superuser: Connection) -> Iterator[None]:
    """Whatever is booked, the invariants hold afterwards."""
    yield
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []


def at(practice: Practice, hour: int, minute: int = 0, days: int = 10) -> datetime:
    """Return an instant of a day ahead, by the practice's clock."""
    day = datetime.now(practice.zone) + days * DAY
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)


def test_200_at_once_are_spread_within_one_and_none_fails_while_somebody_is_free(
    actors: Actors, practice: Practice, four: list[UUID], desk: Connection
) -> None:
    checkup = practice.type(15, four)
    # From eight to eight: 48 starts for each of the four, and 192 for 200 who ask.
    times = [at(practice, 8) + 15 * n * MINUTE for n in range(48)]
    desks = [practice.staff(actors, "receptionist") for _ in range(40)]
    asked = [
        {"appointment_type_id": checkup, "starts_at": times[n % 48], "patient_id": practice.patient()}
        for n in range(200)
    ]

    def several(connection: Connection, wishes: list[dict[str, object]]) -> list[UUID]:
        taken = []
        for wish in wishes:
            for _ in range(40):
                outcome = race([partial(call, connection, "book_appointment", **wish)])
                if outcome.won or outcome.refused != ["try_again"]:
                    break
            taken += [row["dentist_id"] for row in outcome.won] or [outcome.refused[0]]
        return taken

    outcome = race([partial(several, one, asked[n::40]) for n, one in enumerate(desks)])
    answers = Counter(answer for answers in outcome.won for answer in answers)
    assert answers.pop("slot_taken") == 8, "at eight times there was one more who asked than dentists"
    assert sorted(answers) == four
    assert max(answers.values()) - min(answers.values()) <= 1, answers


def test_whoever_has_the_least_booked_that_day_is_chosen(
    practice: Practice, four: list[UUID], patient: Connection, desk: Connection
) -> None:
    types = {who: practice.type(minutes, [who]) for who, minutes in zip(four, (60, 30, 45, 30), strict=True)}
    anything = practice.type(20, four)
    for who, visit in types.items():
        call(
            desk,
            "book_appointment",
            appointment_type_id=visit,
            starts_at=at(practice, 8),
            dentist_id=who,
            patient_id=practice.patient(),
        )
    # Two have half an hour: the second was booked before the fourth.
    verdict = call(patient, "explain_slot", appointment_type_id=anything, starts_at=at(practice, 10))
    row = call(patient, "book_appointment", appointment_type_id=anything, starts_at=at(practice, 10))
    assert row["dentist_id"] == UUID(verdict["dentist_id"]) == four[1]
    assert row["assigned"] == "any"
    assert (
        call(
            desk,
            "book_appointment",
            appointment_type_id=anything,
            starts_at=at(practice, 11),
            patient_id=practice.patient(),
        )["dentist_id"]
        == four[3]
    )


def test_on_days_without_bookings_it_is_whoever_was_not_booked_for_longest(
    practice: Practice, four: list[UUID], desk: Connection
) -> None:
    checkup = practice.type(30, four)
    chosen = [
        call(
            desk,
            "book_appointment",
            appointment_type_id=checkup,
            starts_at=at(practice, 9, days=10 + n),
            patient_id=practice.patient(),
        )["dentist_id"]
        for n in range(8)
    ]
    assert chosen == four * 2


def test_holds_count_as_long_as_they_live(
    superuser: Connection, practice: Practice, four: list[UUID], desk: Connection
) -> None:
    checkup = practice.type(30, four[:2])

    def hold(hour: int) -> dict[str, UUID]:
        row: dict[str, UUID] = call(
            desk, "reserve_slot", appointment_type_id=checkup, starts_at=at(practice, hour)
        )
        return row

    first, second = hold(9), hold(10)
    assert [first["dentist_id"], second["dentist_id"]] == four[:2]
    expire_hold(superuser, second["id"])
    assert hold(11)["dentist_id"] == four[1]


def test_what_was_cancelled_or_missed_is_no_work(
    superuser: Connection, practice: Practice, four: list[UUID], desk: Connection
) -> None:
    checkup = practice.type(30, four[:3])

    def book(hour: int, who: UUID | None = None) -> dict[str, UUID]:
        row: dict[str, UUID] = call(
            desk,
            "book_appointment",
            appointment_type_id=checkup,
            dentist_id=who,
            starts_at=at(practice, hour),
            patient_id=practice.patient(),
        )
        return row

    for status in ("cancelled", "no_show", "fulfilled"):
        busiest, idle, third = four[:3]
        ended = [book(hour, idle) for hour in (8, 9)]
        book(8, busiest), book(8, third), book(9, third)
        superuser.execute(
            "update clinic.appointments set status = 'checked_in' where id = any (%s) and %s = 'fulfilled'",
            [[row["id"] for row in ended], status],
        )
        superuser.execute(
            "update clinic.appointments set status = %(status)s,"
            " cancelled_at = case when %(status)s = 'cancelled' then now() end where id = any (%(ids)s)",
            {"status": status, "ids": [row["id"] for row in ended]},
        )
        # Who has nothing left, or, where that was done, who has one visit and not two.
        assert book(12)["dentist_id"] == (busiest if status == "fulfilled" else idle)
        superuser.execute("delete from clinic.appointments where clinic_id = %s", [practice.id])


def test_a_named_dentist_who_is_taken_is_answered_with_a_colleague_too(
    practice: Practice, four: list[UUID], desk: Connection, patient: Connection
) -> None:
    practice.thing("Left"), practice.thing("Right")
    checkup = practice.type(30, four[:3], [{"needs": "chair"}])
    wish = {"appointment_type_id": checkup, "starts_at": at(practice, 10), "dentist_id": four[0]}
    call(desk, "book_appointment", **wish, patient_id=practice.patient())
    with refused("slot_taken") as refusal:
        call(patient, "book_appointment", **wish)
    offered = [(UUID(o["dentist_id"]), o.get("other_dentist", False)) for o in refusal.details]
    same_time = [o for o in refusal.details if datetime.fromisoformat(o["starts_at"]) == wish["starts_at"]]
    assert offered == [(four[1], True), (four[0], False), (four[0], False)]
    assert len(same_time) == 1
    for offer in refusal.details:
        asked = wish | {
            "dentist_id": offer["dentist_id"],
            "starts_at": datetime.fromisoformat(offer["starts_at"]),
        }
        assert call(patient, "explain_slot", **asked)["bookable"]


def test_when_everybody_is_taken_anybody_at_other_times_is_offered(
    practice: Practice, four: list[UUID], desk: Connection, patient: Connection
) -> None:
    checkup = practice.type(30, four[:2])
    wish = {"appointment_type_id": checkup, "starts_at": at(practice, 10)}
    for _ in range(2):
        call(desk, "book_appointment", **wish, patient_id=practice.patient())
    with refused("slot_taken") as refusal:
        call(patient, "book_appointment", **wish)
    times = [datetime.fromisoformat(o["starts_at"]) - wish["starts_at"] for o in refusal.details]
    assert [abs(time) for time in times] == [30 * MINUTE] * 3
    assert {UUID(o["dentist_id"]) for o in refusal.details} <= set(four[:2])
    assert not any("other_dentist" in o for o in refusal.details)


def test_a_colleague_offered_for_a_move_can_take_it_as_long_as_it_is(
    superuser: Connection, practice: Practice, four: list[UUID], desk: Connection
) -> None:
    checkup = practice.type(30, {four[0]: None, four[1]: 90})
    booked = call(
        desk,
        "book_appointment",
        appointment_type_id=checkup,
        starts_at=at(practice, 9),
        dentist_id=four[0],
        patient_id=practice.patient(),
    )
    call(desk, "resize_appointment", appointment_id=booked["id"], ends_at=at(practice, 9, 50))
    call(
        desk,
        "book_appointment",
        appointment_type_id=checkup,
        starts_at=at(practice, 12),
        dentist_id=four[0],
        patient_id=practice.patient(),
    )
    with refused("slot_taken") as refusal:
        call(desk, "reschedule_appointment", appointment_id=booked["id"], starts_at=at(practice, 12))
    lengths = {
        datetime.fromisoformat(o["ends_at"]) - datetime.fromisoformat(o["starts_at"]) for o in refusal.details
    }
    assert lengths == {50 * MINUTE}
    other = next(o for o in refusal.details if o.get("other_dentist"))
    moved = call(
        desk,
        "reschedule_appointment",
        appointment_id=booked["id"],
        starts_at=other["starts_at"],
        dentist_id=other["dentist_id"],
    )
    assert (moved["dentist_id"], moved["ends_at"] - moved["starts_at"]) == (four[1], 50 * MINUTE)


@pytest.mark.parametrize("function", ["book_appointment", "reserve_slot"])
def test_a_replay_names_whoever_was_chosen_the_first_time(
    practice: Practice, four: list[UUID], patient: Connection, desk: Connection, function: str
) -> None:
    checkup = practice.type(30, four)
    wish = {"appointment_type_id": checkup, "starts_at": at(practice, 9), "idempotency_key": "once"}
    first = call(patient, function, **wish)
    call(
        desk,
        "book_appointment",
        appointment_type_id=checkup,
        starts_at=at(practice, 15),
        dentist_id=four[0],
        patient_id=practice.patient(),
    )
    again = call(patient, function, **wish)
    assert (again["id"], again["dentist_id"]) == (first["id"], first["dentist_id"])
    with refused("idempotency_mismatch"):
        call(patient, function, **wish | {"dentist_id": first["dentist_id"]})


def test_who_was_chosen_for_a_hold_is_booked_and_nobody_named_stays_so(
    practice: Practice, four: list[UUID], patient: Connection, desk: Connection
) -> None:
    checkup = practice.type(30, four)
    held = call(patient, "reserve_slot", appointment_type_id=checkup, starts_at=at(practice, 9))
    booked = call(patient, "confirm_reservation", reservation_id=held["id"])
    assert (booked["dentist_id"], booked["assigned"]) == (held["dentist_id"], "any")
    named = call(
        patient,
        "book_appointment",
        appointment_type_id=checkup,
        starts_at=at(practice, 11),
        dentist_id=four[3],
    )
    assert named["assigned"] == "named"
    moved = call(
        desk,
        "reschedule_appointment",
        appointment_id=booked["id"],
        starts_at=at(practice, 12),
        dentist_id=four[2],
    )
    assert moved["assigned"] == "named"


def test_who_is_in_the_chair_already_is_with_whoever_was_free(
    superuser: Connection, practice: Practice, four: list[UUID], desk: Connection
) -> None:
    """Nobody was named, and the one who has the least to do today is away just now."""
    now = datetime.now(practice.zone)
    superuser.execute(
        "insert into clinic.extra_hours (clinic_id, dentist_id, during)"
        " select %s, d, tstzrange(%s, %s) from unnest(%s::uuid[]) as d",
        [practice.id, now - 6 * 60 * MINUTE, now + 6 * 60 * MINUTE, four],
    )
    began = now.replace(second=0, microsecond=0)
    walk_in, checkup = practice.type(10, four[:2]), practice.type(240, four[1:2])
    call(
        desk,
        "book_appointment",
        appointment_type_id=checkup,
        starts_at=(now + 60 * MINUTE).replace(second=0, microsecond=0),
        patient_id=practice.patient(),
    )
    superuser.execute(
        "insert into clinic.time_off (clinic_id, resource_id, during) values (%s, %s, tstzrange(%s, %s))",
        [practice.id, four[0], now - 30 * MINUTE, now + 30 * MINUTE],
    )
    wish = {"appointment_type_id": walk_in, "starts_at": began}
    assert call(desk, "explain_slot", **wish)["bookable"]
    assert call(desk, "book_appointment", **wish, patient_id=practice.patient())["dentist_id"] == four[1]


def test_a_dentist_books_in_their_own_calendar_whoever_would_do(
    actors: Actors, practice: Practice, four: list[UUID]
) -> None:
    checkup = practice.type(30, four)
    dentist = practice.staff(actors, "dentist", four[2])
    wish = {"appointment_type_id": checkup, "starts_at": at(practice, 9), "patient_id": practice.patient()}
    with refused("forbidden"):
        call(dentist, "book_appointment", **wish)
    booked = call(dentist, "book_appointment", **wish, dentist_id=four[2])
    assert booked["assigned"] == "named"
    # And there it stays, unless the desk moves it.
    day = {"from_date": at(practice, 9).date(), "to_date": at(practice, 9).date()}
    moves = call(dentist, "available_slots", appointment_type_id=checkup, appointment_id=booked["id"], **day)
    assert {row["dentist_id"] for row in moves} == {four[2]}
    with refused("forbidden"):
        call(
            dentist,
            "reschedule_appointment",
            appointment_id=booked["id"],
            starts_at=at(practice, 10),
            dentist_id=four[0],
        )
