"""Whoever writes raw SQL, even a superuser, cannot break the calendar: constraints and triggers hold it."""

from __future__ import annotations

from uuid import uuid4

import psycopg
import pytest

from tests.support.actors import Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.slots import book, reserve


@pytest.fixture
def appointment(ana: Connection, riverside: Clinic) -> Row:
    """An appointment at nine."""
    return book(ana, riverside, riverside.at("09:00"))


@pytest.fixture
def hold(ben: Connection, riverside: Clinic) -> Row:
    """A hold at ten."""
    return reserve(ben, riverside, riverside.at("10:00"))


@pytest.fixture
def time_off(admin: Connection, superuser: Connection, riverside: Clinic) -> Row:
    """An afternoon off."""
    during = {"starts_at": riverside.at("13:00"), "ends_at": riverside.at("17:00")}
    call(admin, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee, **during)
    row = superuser.execute(
        "select * from clinic.time_off where resource_id = %s and lower(during) = %s",
        [riverside.lee, during["starts_at"]],
    ).fetchone()
    assert row is not None
    return row


def violations(superuser: Connection) -> list[Row]:
    return superuser.execute("select * from clinic.check_invariants()").fetchall()


def refuses(superuser: Connection, statement: str, *parameters: object) -> None:
    """Assert that a statement, committed on its own, is an error and changes nothing."""
    before = snapshot(superuser)
    with pytest.raises(psycopg.DatabaseError) as caught:
        superuser.execute(statement, parameters)  # type: ignore[arg-type]
    assert (caught.value.sqlstate or "").startswith(("22", "23", "PGRST")), caught.value
    assert snapshot(superuser) == before
    assert violations(superuser) == []


def snapshot(superuser: Connection) -> list[list[Row]]:
    tables = ("occupancy", "appointments", "slot_reservations", "time_off")
    return [superuser.execute(f"select * from clinic.{table} order by id").fetchall() for table in tables]  # type: ignore[arg-type]


@pytest.mark.usefixtures("hold", "time_off")
def test_a_healthy_calendar_has_no_violations(superuser: Connection, appointment: Row) -> None:
    assert violations(superuser) == []


COLLEAGUE = (
    "dentist_id = (select d.id from clinic.dentists as d"
    " where d.id <> c.dentist_id and d.clinic_id = c.clinic_id limit 1)"
)

COPY_APPOINTMENT = """
insert into clinic.appointments
  (clinic_id, dentist_id, patient_id, appointment_type_id, starts_at, ends_at,
   buffer_before, buffer_after, source)
select clinic_id, %s, patient_id, appointment_type_id, starts_at, ends_at, buffer_before, buffer_after, source
from clinic.appointments where id = %s
"""


def test_a_dentist_cannot_be_double_booked(
    superuser: Connection, appointment: Row, riverside: Clinic
) -> None:
    refuses(superuser, COPY_APPOINTMENT, riverside.lee, appointment["id"])


def test_a_patient_cannot_be_in_two_chairs(
    superuser: Connection, appointment: Row, riverside: Clinic
) -> None:
    refuses(superuser, COPY_APPOINTMENT, riverside.other, appointment["id"])


def test_a_raw_appointment_claims_its_time(
    superuser: Connection, ben: Connection, appointment: Row, riverside: Clinic
) -> None:
    """Even what bypasses every RPC is on the ledger."""
    patient = call(
        ben,
        "book_appointment",
        dentist_id=riverside.lee,
        appointment_type_id=riverside.checkup,
        starts_at=riverside.at("11:00"),
    )["patient_id"]
    superuser.execute(
        "insert into clinic.appointments (clinic_id, dentist_id, patient_id, appointment_type_id, starts_at,"
        " ends_at, buffer_before, buffer_after, source)"
        " values (%s, %s, %s, %s, %s, %s, '0', '15 minutes', 'desk')",
        [
            riverside.id,
            riverside.lee,
            patient,
            riverside.checkup,
            riverside.at("13:00"),
            riverside.at("13:30"),
        ],
    )
    assert violations(superuser) == []
    refuses(
        superuser,
        "update clinic.appointments set starts_at = %s, ends_at = %s where id = %s",
        riverside.at("13:30"),
        riverside.at("14:00"),
        appointment["id"],
    )


def test_a_time_off_cannot_cover_an_appointment(
    superuser: Connection, appointment: Row, time_off: Row
) -> None:
    refuses(
        superuser,
        "update clinic.time_off set during = tstzrange(%s, upper(during)) where id = %s",
        appointment["starts_at"],
        time_off["id"],
    )


@pytest.mark.parametrize("status", ["checked_in", "fulfilled", "no_show", "unheard of"])
def test_a_cancelled_appointment_stays_cancelled(
    superuser: Connection, appointment: Row, status: str
) -> None:
    superuser.execute(
        "update clinic.appointments set status = 'cancelled', cancelled_at = now() where id = %s",
        [appointment["id"]],
    )
    refuses(
        superuser,
        "update clinic.appointments set status = %s, cancelled_at = null where id = %s",
        status,
        appointment["id"],
    )


@pytest.mark.parametrize(
    "change",
    [
        "id = gen_random_uuid()",
        "cause = 'hold', expires_at = now()",
        "cause = 'time_off'",
        "during = tstzrange(lower(during), upper(during) + interval '1 minute')",
        "during = 'empty'",
        "during = tstzrange(lower(during), null)",
        "during = tstzrange(lower(during), 'infinity')",
        "expires_at = now()",
        "resource_id = (select id from clinic.dentists where id <> o.resource_id and clinic_id = o.clinic_id"
        " limit 1)",
        "resource_id = (select id from clinic.resources where name = 'Chair 2')",
        "part = part + 5",
        "is_squeezed = true",
    ],
)
def test_a_claim_cannot_part_from_its_appointment(
    superuser: Connection, appointment: Row, change: str
) -> None:
    refuses(superuser, f"update clinic.occupancy as o set {change} where id = %s", appointment["id"])


@pytest.mark.parametrize("table", ["appointment", "hold", "time_off"])
def test_no_claim_can_be_deleted_while_its_cause_stands(
    request: pytest.FixtureRequest, superuser: Connection, table: str
) -> None:
    refuses(superuser, "delete from clinic.occupancy where id = %s", request.getfixturevalue(table)["id"])


@pytest.mark.parametrize(
    ("cause", "table"),
    [("appointment", "appointments"), ("hold", "slot_reservations"), ("time_off", "time_off")],
)
def test_deleting_a_cause_frees_its_time(
    request: pytest.FixtureRequest, superuser: Connection, cause: str, table: str
) -> None:
    identifier = request.getfixturevalue(cause)["id"]
    superuser.execute(f"delete from clinic.{table} where id = %s", [identifier])  # type: ignore[arg-type]
    assert not superuser.execute("select from clinic.occupancy where id = %s", [identifier]).rowcount
    assert violations(superuser) == []


def test_an_appointment_takes_over_the_hold_of_its_id_wherever_it_lies(
    superuser: Connection, hold: Row, riverside: Clinic
) -> None:
    patient = superuser.execute(
        "insert into clinic.patients (clinic_id, full_name) values (%s, 'Walk-in') returning id",
        [riverside.id],
    ).fetchone()
    assert patient is not None
    superuser.execute(
        "insert into clinic.appointments (id, clinic_id, dentist_id, patient_id, appointment_type_id,"
        " starts_at, ends_at, buffer_before, buffer_after, source)"
        " select id, clinic_id, dentist_id, %s, appointment_type_id, starts_at + interval '4 hours',"
        " ends_at + interval '4 hours', buffer_before, buffer_after, 'desk'"
        " from clinic.slot_reservations where id = %s",
        [patient["id"], hold["id"]],
    )
    assert superuser.execute(
        "select outcome from clinic.slot_reservations where id = %s", [hold["id"]]
    ).fetchone() == {"outcome": "confirmed"}
    assert violations(superuser) == []


@pytest.mark.parametrize(
    "thief",
    [
        "insert into clinic.slot_reservations (id, clinic_id, dentist_id, appointment_type_id, starts_at,"
        " ends_at, buffer_before, buffer_after, expires_at)"
        " select id, clinic_id, dentist_id, appointment_type_id,"
        " starts_at + interval '4 hours', ends_at + interval '4 hours', buffer_before, buffer_after,"
        " now() + interval '5 minutes' from clinic.appointments where id = %s",
        "insert into clinic.time_off (id, clinic_id, resource_id, during) select id, clinic_id, dentist_id,"
        " tstzrange(ends_at + interval '4 hours', ends_at + interval '5 hours')"
        " from clinic.appointments where id = %s",
    ],
)
def test_nothing_else_takes_over_a_claim(superuser: Connection, appointment: Row, thief: str) -> None:
    refuses(superuser, thief, appointment["id"])


def test_a_cause_that_is_not_written_claims_nothing(
    superuser: Connection, appointment: Row, riverside: Clinic
) -> None:
    again = COPY_APPOINTMENT.replace("(clinic_id", "(id, clinic_id").replace(
        "select clinic_id", "select id, clinic_id"
    )
    written = superuser.execute(
        f"{again} on conflict on constraint appointments_pkey do nothing",
        [riverside.other, appointment["id"]],  # type: ignore[arg-type]
    )
    assert written.rowcount == 0
    assert violations(superuser) == []


@pytest.mark.parametrize("cause", ["hold", "appointment", "time_off"])
def test_a_claim_without_a_cause_is_refused(superuser: Connection, riverside: Clinic, cause: str) -> None:
    refuses(
        superuser,
        "insert into clinic.occupancy (id, clinic_id, resource_id, cause, during, expires_at)"
        " values (%s, %s, %s, %s, tstzrange(%s, %s),"
        " case when %s = 'hold' then now() + interval '1 hour' end)",
        uuid4(),
        riverside.id,
        riverside.lee,
        cause,
        riverside.at("09:00"),
        riverside.at("09:30"),
        cause,
    )


@pytest.mark.parametrize(
    ("cause", "change"),
    [
        ("slot_reservations", "expires_at = expires_at + interval '1 hour'"),
        ("slot_reservations", "starts_at = starts_at - interval '15 minutes'"),
        ("slot_reservations", "buffer_after = '1 hour'"),
        ("slot_reservations", COLLEAGUE),
        ("slot_reservations", "id = gen_random_uuid()"),
        ("appointments", "id = gen_random_uuid()"),
        ("appointments", "ends_at = starts_at"),
        ("appointments", "buffer_after = '-1 minute'"),
        ("appointments", "status = 'no such status'"),
        ("appointments", "cancelled_at = now()"),
        ("time_off", "id = gen_random_uuid()"),
        ("time_off", "during = 'empty'"),
    ],
)
@pytest.mark.usefixtures("appointment", "hold", "time_off")
def test_a_cause_cannot_part_from_its_claim(superuser: Connection, cause: str, change: str) -> None:
    """Either the claim follows, or the change is refused: never is the one without the other."""
    try:
        superuser.execute(f"update clinic.{cause} as c set {change}")  # type: ignore[arg-type]
    except psycopg.DatabaseError as error:
        assert (error.sqlstate or "").startswith(("23", "PGRST")), error
    assert violations(superuser) == []


@pytest.mark.usefixtures("appointment", "hold", "time_off")
def test_moving_an_appointment_by_hand_moves_its_claim(
    superuser: Connection, appointment: Row, riverside: Clinic
) -> None:
    superuser.execute(
        "update clinic.appointments set dentist_id = %s where id = %s", [riverside.other, appointment["id"]]
    )
    assert violations(superuser) == []


@pytest.mark.parametrize("table", ["occupancy", "appointments", "slot_reservations", "time_off"])
@pytest.mark.usefixtures("appointment", "hold", "time_off")
def test_the_ledger_and_its_causes_cannot_be_truncated(superuser: Connection, table: str) -> None:
    with pytest.raises(psycopg.DatabaseError):
        superuser.execute(f"truncate clinic.{table} cascade")  # type: ignore[arg-type]
    assert violations(superuser) == []


@pytest.mark.parametrize("table", ["dentists", "patients", "appointment_types"])
def test_no_row_points_into_another_clinic(
    superuser: Connection, appointment: Row, sakura: Clinic, table: str
) -> None:
    column = {"dentists": "dentist_id", "patients": "patient_id", "appointment_types": "appointment_type_id"}[
        table
    ]
    superuser.execute(
        "insert into clinic.patients (clinic_id, full_name) values (%s, 'Elsewhere')", [sakura.id]
    )
    foreign = f"(select id from clinic.{table} where clinic_id = %s limit 1)"
    refuses(
        superuser,
        f"update clinic.appointments set {column} = {foreign} where id = %s",
        sakura.id,
        appointment["id"],
    )


def test_the_proof_sees_a_violation_when_the_guards_are_off(superuser: Connection, appointment: Row) -> None:
    """The proof is no ornament: with triggers disabled, a lost claim shows up as a row."""
    with superuser.transaction():
        superuser.execute("set local session_replication_role = replica")
        superuser.execute("delete from clinic.occupancy where id = %s", [appointment["id"]])
    found = violations(superuser)
    # The dentist's claim, and the chair's.
    assert [(row["violation"], row["entity_id"], row["details"]["part"]) for row in found] == [
        ("cause_without_claim", appointment["id"], part) for part in (0, 1)
    ]


@pytest.mark.parametrize(
    "window",
    [("09:30", "10:00"), ("08:00", "09:15"), ("11:59", "12:01"), ("10:00", "10:00"), ("11:00", "10:00")],
)
def test_weekly_windows_neither_overlap_nor_run_backwards(
    superuser: Connection, riverside: Clinic, window: tuple[str, str]
) -> None:
    refuses(
        superuser,
        "insert into clinic.working_hours (clinic_id, dentist_id, weekday, opens, closes)"
        " values (%s, %s, 1, %s, %s)",
        riverside.id,
        riverside.lee,
        *window,
    )


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("time_zone", "Mars/Olympus"),
        ("time_zone", ""),
        ("slot_interval", "0"),
        ("slot_interval", "-15 minutes"),
        ("hold_duration", "0"),
        ("min_notice", "-1 hour"),
        ("booking_horizon", "0"),
        ("max_active_holds", "0"),
        ("slug", "Not A Slug"),
        ("slug", "sakura"),
        ("name", ""),
    ],
)
def test_a_clinics_policy_makes_sense(
    superuser: Connection, riverside: Clinic, column: str, value: str
) -> None:
    refuses(superuser, f"update clinic.clinics set {column} = %s where id = %s", value, riverside.id)


@pytest.mark.parametrize(
    "name", ["PST", "EST5EDT4", "<+03>-3", "Mars/Olympus", "Foo/Bar+5", "UTC+3", "europe/zurich"]
)
def test_what_the_server_would_take_for_a_time_zone_is_none_unless_it_has_its_name(
    superuser: Connection, riverside: Clinic, name: str
) -> None:
    refuses(superuser, "update clinic.clinics set time_zone = %s where id = %s", name, riverside.id)


def test_a_zone_that_came_with_a_newer_server_is_taken_in(superuser: Connection, riverside: Clinic) -> None:
    superuser.execute("delete from clinic.time_zones where name = 'Asia/Kathmandu'")
    superuser.execute("update clinic.clinics set time_zone = 'Asia/Kathmandu' where id = %s", [riverside.id])
    known = superuser.execute("select from clinic.time_zones where name = 'Asia/Kathmandu'")
    assert known.rowcount == 1
