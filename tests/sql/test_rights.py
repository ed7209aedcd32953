"""Rights that end, and functions that nobody needs to execute."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from tests.api.arguments import ARGUMENTS
from tests.api.walk import Walk
from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.people import record
from tests.support.refusals import Refusal, parse_refusal, refused
from tests.support.slots import book, reserve


@pytest.fixture
def former(
    actors: Actors,
    ana: Connection,
    lee: Connection,
    admin: Connection,
    superuser: Connection,
    riverside: Clinic,
) -> Connection:
    """Lee, who is no longer on the clinic's staff but still linked to a calendar with visits and time off."""
    book(ana, riverside, riverside.at("09:00"))
    reserve(ana, riverside, riverside.at("10:00"))
    off = {"starts_at": riverside.at("13:00"), "ends_at": riverside.at("14:00")}
    call(admin, "add_time_off", clinic_id=riverside.id, dentist_id=riverside.lee, **off)
    for view in ("appointments", "slot_reservations", "time_off", "patients"):
        assert lee.execute(f"select from api.{view}").rowcount == 1  # type: ignore[arg-type]
    superuser.execute("delete from clinic.staff where user_id = %s", [actors.user_id("lee@riverside.test")])
    return lee


def test_who_is_no_longer_staff_has_no_calendar(former: Connection, riverside: Clinic) -> None:
    for view in ("appointments", "slot_reservations", "time_off", "patients"):
        assert former.execute(f"select from api.{view}").rowcount == 0, view  # type: ignore[arg-type]
    assert "time_off" not in call(former, "get_availability", dentist_id=riverside.lee)
    with refused("not_found"):
        call(former, "events_since", topic=f"dentist:{riverside.lee}", after_id=0)
    with refused("not_found"):
        call(former, "clinic_day", clinic_id=riverside.id, day=riverside.weekday(1))
    with refused("not_found"):
        call(former, "set_availability", dentist_id=riverside.lee, weekly=[])


def test_a_dentist_acts_in_their_own_calendar_alone(
    ana: Connection, desk: Connection, lee: Connection, riverside: Clinic
) -> None:
    start = riverside.at("09:00")
    walk_in = call(desk, "create_patient", clinic_id=riverside.id, full_name="Walk In")["id"]
    hold = reserve(desk, riverside, start, dentist_id=riverside.other, patient_id=walk_in)
    visit = book(ana, riverside, riverside.at("10:00"), dentist_id=riverside.other)
    with refused("not_found"):
        call(lee, "release_reservation", reservation_id=hold["id"])
    with refused("not_found"):
        call(lee, "confirm_reservation", reservation_id=hold["id"])
    with refused("not_found"):
        call(lee, "cancel_appointment", appointment_id=visit["id"])
    with refused("not_found"):
        call(lee, "set_appointment_status", appointment_id=visit["id"], status="checked_in")
    with refused("forbidden"):
        book(lee, riverside, start, dentist_id=riverside.other, patient_id=walk_in)


def mentioned(texts: list[str]) -> set[str]:
    """Return the functions of `clinic` that SQL texts call."""
    return {name for text in texts for name in re.findall(r"\bclinic\.(\w+)\(", text)}


# These say who the caller is, and count what the caller is refused: nothing is lent.
HARMLESS = {"my_role", "refuse", "require_user"}


def test_clients_borrow_rights_only_where_the_api_needs_it(superuser: Connection) -> None:
    """A security definer function is open to clients only if what runs with their own rights calls it.

    That is: the API's functions and views, the policies, and what these call in turn.
    """
    texts = superuser.execute(
        "select prosrc as text from pg_proc where pronamespace = 'api'::regnamespace"
        " union all select pg_get_viewdef(oid) from pg_class"
        " where relnamespace = 'api'::regnamespace and relkind = 'v'"
        " union all select concat(qual, with_check) from pg_policies"
        " union all select pg_get_constraintdef(oid) from pg_constraint where contype = 'c'"
    ).fetchall()
    bodies = superuser.execute(
        "select proname, prosrc, prosecdef from pg_proc where pronamespace = 'clinic'::regnamespace"
    ).fetchall()
    needed: set[str] = set()
    found = mentioned([row["text"] for row in texts])
    while found - needed:
        needed |= found
        found |= mentioned([b["prosrc"] for b in bodies if b["proname"] in needed and not b["prosecdef"]])
    granted = superuser.execute(
        "select distinct p.proname from pg_proc as p, unnest(array['anon', 'authenticated']) as role"
        " where p.pronamespace = 'clinic'::regnamespace and p.prosecdef"
        " and has_function_privilege(role, p.oid, 'execute')"
    ).fetchall()
    assert {row["proname"] for row in granted} - needed <= HARMLESS


def test_who_was_a_dentist_here_and_is_a_patient_now_is_told_of_no_calendar(
    former: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    patient = record(desk, riverside, "Grace Lee")["id"]
    me = call(former, "me")
    superuser.execute("update clinic.patients set user_id = %s where id = %s", [me["user_id"], patient])
    (membership,) = call(former, "me")["memberships"]
    assert (membership["role"], membership["patient_id"]) == ("patient", str(patient))
    assert membership["dentist_id"] is None


def test_no_refusal_tells_whether_there_is_what_is_not_ones_to_see(
    ana: Connection, desk: Connection, admin: Connection, lee: Connection,
    foreign_admin: Connection, foreign_desk: Connection, riverside: Clinic,
) -> None:  # fmt: skip
    patient = record(desk, riverside, "Nobody's Business")["id"]
    later = riverside.at("11:00")
    visit = book(desk, riverside, riverside.at("09:00"), dentist_id=riverside.other, patient_id=patient)["id"]
    hold = reserve(desk, riverside, later, dentist_id=riverside.other, patient_id=patient)["id"]
    invitation = call(desk, "invite_patient", patient_id=patient)["invitation_id"]
    team = call(admin, "invite_staff", clinic_id=riverside.id, email="x@made.test", role="receptionist")
    asked: list[tuple[str, str, UUID, dict[str, Any]]] = [
        ("update_patient", "patient_id", patient, {"phone": "1"}),
        ("invite_patient", "patient_id", patient, {}),
        ("erase_patient", "patient_id", patient, {"reason": "Asked"}),
        ("merge_patients", "keep_id", patient, {"merge_id": patient}),
        ("merge_patients", "merge_id", patient, {"keep_id": patient}),
        ("revoke_invitation", "invitation_id", invitation, {}),
        ("revoke_invitation", "invitation_id", team["invitation_id"], {}),
        ("appointment_history", "appointment_id", visit, {}),
        ("update_appointment", "appointment_id", visit, {"notes": "x"}),
        ("cancel_appointment", "appointment_id", visit, {}),
        ("reschedule_appointment", "appointment_id", visit, {"starts_at": later}),
        ("set_appointment_status", "appointment_id", visit, {"status": "checked_in"}),
        ("confirm_reservation", "reservation_id", hold, {}),
        ("release_reservation", "reservation_id", hold, {}),
    ]
    for name, parameter, there, more in asked:
        callers = [ana, foreign_admin, foreign_desk]
        if parameter in {"appointment_id", "reservation_id"}:
            callers.append(lee)
        for caller in callers:
            told = []
            for said in (there, uuid4()):
                with refused("not_found", "forbidden") as refusal:
                    call(caller, name, **more | {parameter: said})
                told.append(dict(vars(refusal)))
            assert told[0] == told[1], (name, parameter)


def answer(connection: Connection, function: str, arguments: dict[str, Any]) -> Refusal | None:
    """Return how a call was refused; None if it was not."""
    try:
        call(connection, function, **arguments)
    except psycopg.Error as error:
        return parse_refusal(error)
    return None


def ids_of(row: str, arguments: dict[str, Any]) -> list[str]:
    """Return which arguments are ids of what strangers may not know; whom and what one can book is public."""
    asks = row.startswith(("reserve_slot", "book_", "join_waitlist"))
    public = {"dentist_id", "appointment_type_id"} if asks else set()
    return [
        name for name, value in arguments.items() if name.endswith("_id") and value and name not in public
    ]


def test_no_function_tells_strangers_whether_there_is_what_they_name(actors: Actors) -> None:
    walk, compared = Walk(actors), set()
    stranger = f"{walk.world.users['stranger']}@made.test"
    for caller in (actors.user(stranger), actors.sign_up(f"{uuid4()}@made.test")):
        for row in (row for row in ARGUMENTS if row != "erase_me"):
            arguments, function = ARGUMENTS[row](walk.world), row.partition(":")[0]
            for name in ids_of(row, arguments):
                of_nothing = answer(caller, function, arguments | {name: uuid4()})
                told = answer(caller, function, arguments)
                if told and told.code in {"not_found", "forbidden"}:
                    compared.add(row)
                    assert told == of_nothing, (row, name)
    assert len(compared) > 60
