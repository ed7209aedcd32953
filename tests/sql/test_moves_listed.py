"""The times that are listed for an appointment are those to which it can be moved, and no others."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import insert, make_user
from tests.support.practices import Practice, make_practice
from tests.support.refusals import parse_refusal, refused

pytestmark = pytest.mark.long

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
FORTNIGHT = 14
Slot = tuple[UUID, datetime]

# In one statement, for there are many: each move is made, noted, and taken back.
TRY_ALL = """
do $$
declare
  v_wish record;
  v_accepted jsonb := '[]';
begin
  for v_wish in
    select d as dentist_id, s as starts_at
    from unnest({dentists}::uuid []) as d cross join unnest({starts}::timestamptz []) as s
  loop
    begin
      perform api.reschedule_appointment({appointment}, v_wish.starts_at::text, v_wish.dentist_id);
      raise sqlstate 'CTBAK';
    exception
      when sqlstate 'CTBAK' then
        v_accepted := v_accepted || jsonb_build_array(jsonb_build_array(v_wish.dentist_id, v_wish.starts_at));
      when sqlstate 'PGRST' then null;
    end;
  end loop;
  perform set_config({setting}, v_accepted::text, false);
end
$$
"""


@dataclass
class Book:
    """A clinic with a good deal in its book, and one appointment that is to be moved."""

    practice: Practice
    dentists: list[UUID]
    chairs: list[UUID]
    type: UUID
    patient: Connection
    desk: Connection
    appointment: Row

    def first_day(self) -> date:
        """Return the first day of the fortnight: tomorrow."""
        return datetime.now(self.practice.zone).date() + DAY

    def grid(self) -> list[datetime]:
        """Return every grid point of the fortnight, from before the first opens until the last has closed."""
        starts = [
            datetime.combine(self.first_day() + n * DAY, time(8), self.practice.zone)
            for n in range(FORTNIGHT)
        ]
        return [start + 30 * n * MINUTE for start in starts for n in range(20)]

    def listed(self, connection: Connection, **more: object) -> list[Slot]:
        """Return what is listed for the appointment."""
        rows = call(
            connection,
            "available_slots",
            appointment_type_id=self.type,
            appointment_id=self.appointment["id"],
            from_date=self.first_day(),
            to_date=self.first_day() + (FORTNIGHT - 1) * DAY,
            **more,
        )
        return [(row["dentist_id"], row["starts_at"]) for row in rows]

    def accepted(self, connection: Connection) -> list[Slot]:
        """Return where it can be moved: every grid point is tried, with everybody. Nothing is changed."""
        block = sql.SQL(TRY_ALL).format(
            appointment=self.appointment["id"],
            dentists=self.dentists,
            starts=self.grid(),
            setting="test.accepted",
        )
        connection.execute(block)
        row = connection.execute("select current_setting('test.accepted')::jsonb as accepted").fetchone()
        assert row is not None
        return [(UUID(who), datetime.fromisoformat(start)) for who, start in row["accepted"]]

    def accepts(self, connection: Connection, dentist: UUID, start: datetime) -> bool:
        """Whether it can be moved there; nothing is changed."""
        asked = {"appointment_id": self.appointment["id"], "starts_at": start, "dentist_id": dentist}
        try:
            with connection.transaction(force_rollback=True):
                call(connection, "reschedule_appointment", **asked)
        except psycopg.Error as error:
            parse_refusal(error)
            return False
        return True


Change = Callable[[Book], None]


def run(book: Book, statement: str, *parameters: object) -> None:
    """Change something with every right."""
    book.practice.superuser.execute(statement, parameters)  # type: ignore[arg-type]


def nothing(_: Book) -> None:
    """Leave all as it is."""


def resized(book: Book) -> None:
    start = book.appointment["starts_at"]
    call(book.desk, "resize_appointment", appointment_id=book.appointment["id"], ends_at=start + 42 * MINUTE)


def deactivated(book: Book) -> None:
    run(book, "update clinic.appointment_types set is_active = false where id = %s", book.type)


def gone(book: Book) -> None:
    run(book, "update clinic.dentists set is_active = false where id = %s", book.appointment["dentist_id"])


def does_it_no_more(book: Book) -> None:
    run(
        book,
        "delete from clinic.dentist_types where appointment_type_id = %s and dentist_id = %s",
        book.type,
        book.appointment["dentist_id"],
    )


def other_parts(book: Book) -> None:
    """The type needs another dentist now, takes longer, and one for whom it is shorter."""
    run(book, "delete from clinic.type_parts where appointment_type_id = %s", book.type)
    run(
        book,
        "update clinic.appointment_types set duration = '2 hours', buffer_after = '30 minutes' where id = %s",
        book.type,
    )
    insert(
        book.practice.superuser,
        "type_parts",
        appointment_type_id=book.type,
        clinic_id=book.practice.id,
        part=1,
        needs="dentist",
    )
    run(
        book,
        "update clinic.dentist_types set duration = '15 minutes'"
        " where appointment_type_id = %s and dentist_id = %s",
        book.type,
        book.dentists[1],
    )


def own_rules(book: Book) -> None:
    """The type has a notice of its own, a horizon, and may be had once a day of each."""
    run(
        book,
        "update clinic.appointment_types"
        " set min_notice = '3 days', booking_horizon = '10 days', max_per_day = 1"
        " where id = %s",
        book.type,
    )


def chair_is_out_of_use(book: Book) -> None:
    run(book, "update clinic.resources set is_active = false where id = %s", book.chairs[0])


CHANGES = (nothing, resized, deactivated, gone, does_it_no_more, other_parts, own_rules, chair_is_out_of_use)


@pytest.fixture
def book(actors: Actors, superuser: Connection, request: pytest.FixtureRequest) -> Iterator[Book]:
    """A fortnight with bookings, absences and a closure here and there, and one appointment to be moved.

    Another one for each test; in every other the leader joins late.
    """
    number = sum(request.node.name.encode())
    dice = random.Random(number)  # noqa: S311 - a draw, no secret
    practice = make_practice(
        superuser, slot_interval=30 * MINUTE, max_upcoming=100, cancellation_notice=timedelta(0)
    )
    week = [(day, *hours) for day in range(1, 8) for hours in (("09:00", "12:00"), ("13:00", "16:30"))]
    dentists = [practice.person(f"Dentist {n}", week=week) for n in range(3)]
    chairs = [practice.thing("Left"), practice.thing("Right")]
    hygienist = practice.person("Hygienist", "hygienist", week)
    late = [{"needs": "leader", "starts_after": 10}] if number % 2 else []
    visit = practice.type(
        50,
        dentists,
        [{"needs": "chair"}, {"needs": "hygienist", "starts_after": 20, "lasts": 20}, *late],
        buffer_before=5 * MINUTE,
        buffer_after=5 * MINUTE,
    )
    cleaning = practice.type(30, [hygienist], [{"needs": "chair"}])
    patient = actors.user(f"{make_user(superuser, 'Moves')}@made.test")
    desk = practice.staff(actors, "receptionist")
    today = datetime.now(practice.zone).date()

    def some_time() -> datetime:
        day = today + dice.randint(1, FORTNIGHT) * DAY
        return datetime.combine(day, time(dice.randint(9, 15), dice.choice([0, 30])), practice.zone)

    own = None
    while own is None:
        with_one = {"appointment_type_id": visit, "dentist_id": dentists[0], "starts_at": some_time()}
        if call(patient, "explain_slot", **with_one)["bookable"]:
            own = call(patient, "book_appointment", **with_one)
    for n in range(60):
        wish = {"appointment_type_id": (visit, cleaning)[n % 2], "starts_at": some_time()}
        try:
            call(desk, "book_appointment", **wish, patient_id=practice.patient())
        except psycopg.Error as error:
            assert parse_refusal(error).code in {"slot_taken", "outside_working_hours"}
    # The patient has another visit, too, and is in one place at a time.
    other = next(
        row
        for row in call(patient, "next_slots", appointment_type_id=cleaning, max_results=50)
        if row["starts_at"].astimezone(practice.zone).date() > today
    )
    call(patient, "book_appointment", appointment_type_id=cleaning, starts_at=other["starts_at"])
    for resource in (dentists[1], chairs[1]):
        starts_at = some_time()
        while abs(starts_at - own["starts_at"]) < 400 * MINUTE:  # not over what is to be moved
            starts_at = some_time()
        call(
            practice.staff(actors, "admin"),
            "add_time_off",
            clinic_id=practice.id,
            resource_id=resource,
            starts_at=starts_at,
            ends_at=starts_at + 300 * MINUTE,
            on_conflict="cancel",
        )
    closed = datetime.combine(today + 5 * DAY, time(9), practice.zone)
    insert(
        superuser,
        "closures",
        clinic_id=practice.id,
        during=f"[{closed.isoformat()},{(closed + 180 * MINUTE).isoformat()})",
    )
    row = superuser.execute("select status from clinic.appointments where id = %s", [own["id"]]).fetchone()
    assert row == {"status": "booked"}
    yield Book(practice, dentists, chairs, visit, patient, desk, own)
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []


@pytest.mark.parametrize(
    ("change", "who"),
    [
        *((change, "patient") for change in CHANGES),
        *((change, "desk") for change in (nothing, gone, other_parts)),
    ],
)
def test_at_every_grid_point_of_a_fortnight_what_is_listed_is_accepted(
    book: Book, change: Change, who: str
) -> None:
    change(book)
    connection = book.patient if who == "patient" else book.desk
    listed = book.listed(connection)
    assert listed == sorted(listed, key=lambda slot: (slot[1], str(slot[0])))
    assert sorted(listed) == sorted(book.accepted(connection))
    own = book.appointment["dentist_id"] in {dentist for dentist, _ in listed}
    assert own == (who == "desk" or change not in (gone, does_it_no_more))
    upcoming = call(
        connection,
        "next_slots",
        appointment_type_id=book.type,
        appointment_id=book.appointment["id"],
        max_results=30,
        from_time=datetime.combine(book.first_day(), time(), book.practice.zone),
    )
    heads = sorted({start for _, start in listed})[:30]
    assert [row["starts_at"] for row in upcoming][: len(heads)] == heads
    assert {(row["dentist_id"], row["starts_at"]) for row in upcoming[: len(heads)]} <= set(listed)
    for dentist, start in random.Random(0).sample(listed, min(5, len(listed))):  # noqa: S311 - a draw, no secret
        asked = {
            "appointment_type_id": book.type,
            "appointment_id": book.appointment["id"],
            "dentist_id": dentist,
        }
        assert call(connection, "explain_slot", **asked, starts_at=start)["bookable"]
        assert not book.accepts(connection, dentist, start + 5 * MINUTE) or who == "desk"


def test_what_an_appointment_takes_itself_is_listed(book: Book) -> None:
    own = (book.appointment["dentist_id"], book.appointment["starts_at"])
    assert own in book.listed(book.patient)
    assert own not in [
        (row["dentist_id"], row["starts_at"])
        for row in call(
            book.patient,
            "available_slots",
            appointment_type_id=book.type,
            from_date=own[1].date(),
            to_date=own[1].date() + DAY,
        )
    ]


def test_an_appointment_is_its_patients_and_its_clinics_to_ask_about(
    actors: Actors, superuser: Connection, book: Book
) -> None:
    stranger = actors.user(f"{make_user(superuser, 'Stranger')}@made.test")
    about = {"appointment_type_id": book.type, "appointment_id": book.appointment["id"]}
    for function, asked in (
        ("available_slots", {"from_date": book.first_day()}),
        ("next_slots", {}),
        ("explain_slot", {"starts_at": book.grid()[0]}),
    ):
        for connection, code in ((stranger, "not_found"), (actors.anon(), "not_authenticated")):
            with refused(code):
                call(connection, function, **about, **asked)
        with refused("invalid_argument"):
            call(
                book.patient, function, **about | {"appointment_type_id": book.practice.type(20, [])}, **asked
            )


def test_when_it_cannot_be_moved_nothing_is_listed_and_the_reason_is_told(
    book: Book, superuser: Connection
) -> None:
    superuser.execute(
        "update clinic.clinics set cancellation_notice = '30 days', cancel_grace = '0' where id = %s",
        [book.practice.id],
    )
    with refused("too_late_to_cancel"):
        book.listed(book.patient)
    assert book.listed(book.desk)
    call(book.desk, "cancel_appointment", appointment_id=book.appointment["id"])
    with refused("invalid_transition"):
        book.listed(book.desk)


@pytest.mark.parametrize("part_of_day", [None, "morning", "afternoon"])
def test_the_next_ones_are_the_head_of_what_is_listed(book: Book, part_of_day: str | None) -> None:
    listed = call(
        book.patient,
        "available_slots",
        appointment_type_id=book.type,
        from_date=book.first_day(),
        to_date=book.first_day() + 20 * DAY,
    )
    hours = {None: range(24), "morning": range(12), "afternoon": range(12, 17)}[part_of_day]
    heads = sorted(
        {row["starts_at"] for row in listed if row["starts_at"].astimezone(book.practice.zone).hour in hours}
    )
    upcoming = call(
        book.patient,
        "next_slots",
        appointment_type_id=book.type,
        part_of_day=part_of_day,
        max_results=40,
        from_time=datetime.combine(book.first_day(), time(), book.practice.zone),
    )
    assert [row["starts_at"] for row in upcoming] == heads[:40]
    for dentist in book.dentists:
        own = [row["starts_at"] for row in listed if row["dentist_id"] == dentist]
        rows = call(
            book.patient,
            "next_slots",
            appointment_type_id=book.type,
            dentist_id=dentist,
            max_results=5,
            from_time=own[2],
        )
        assert [(row["dentist_id"], row["starts_at"]) for row in rows] == [(dentist, s) for s in own[2:7]]
