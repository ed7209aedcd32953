"""confirm_reservation: a hold becomes an appointment, in place."""

from __future__ import annotations

from uuid import uuid4

from tests.support.actors import Connection, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, expire_hold, listed, reserve


def confirm(connection: Connection, hold: dict[str, object], **more: object) -> dict[str, object]:
    row: dict[str, object] = call(connection, "confirm_reservation", reservation_id=hold["id"], **more)
    return row


def test_the_appointment_is_what_was_held(ana: Connection, riverside: Clinic) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"))
    appointment = confirm(ana, hold, notes="It hurts")
    for field in ("clinic_id", "dentist_id", "appointment_type_id", "starts_at", "ends_at"):
        assert appointment[field] == hold[field]
    assert appointment["status"] == "booked"
    assert appointment["version"] == 1
    assert appointment["notes"] == "It hurts"


def test_the_ledger_keeps_each_parts_claim_and_the_hold_is_gone(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"))
    appointment = confirm(ana, hold)
    claims = superuser.execute(
        "select id, part, cause from clinic.occupancy where clinic_id = %s and during @> %s order by part",
        [riverside.id, hold["starts_at"]],
    ).fetchall()
    assert claims == [{"id": appointment["id"], "part": part, "cause": "appointment"} for part in (0, 1)]
    assert not ana.execute("select from api.slot_reservations").rowcount


def test_a_patient_who_books_first_gets_a_record_from_their_profile(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    superuser.execute(
        "delete from clinic.patients as p using auth.users as u"
        " where u.id = p.user_id and u.email = 'ana@patients.test'"
    )
    call(ana, "update_me", full_name="Ana Anders", phone="+1 555 0100")
    appointment = confirm(ana, reserve(ana, riverside, riverside.at("09:00")))
    patient = superuser.execute(
        "select * from clinic.patients where id = %s", [appointment["patient_id"]]
    ).fetchone()
    assert patient is not None
    assert (patient["full_name"], patient["phone"]) == ("Ana Anders", "+1 555 0100")


def test_an_expired_hold_whose_time_is_still_free_is_confirmed_all_the_same(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"))
    expire_hold(superuser, hold["id"])
    assert confirm(ana, hold)["status"] == "booked"


def test_an_expired_hold_whose_time_is_taken_is_lost(
    ana: Connection, ben: Connection, superuser: Connection, riverside: Clinic
) -> None:
    start = riverside.at("09:00")
    hold = reserve(ana, riverside, start)
    expire_hold(superuser, hold["id"])
    book(ben, riverside, start)
    with refused("slot_taken") as refusal:
        confirm(ana, hold)
    assert 1 <= len(refusal.details) <= 3


def test_an_expired_hold_is_judged_anew(ana: Connection, superuser: Connection, riverside: Clinic) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"))
    expire_hold(superuser, hold["id"])
    superuser.execute("delete from clinic.working_hours where dentist_id = %s", [riverside.lee])
    with refused("outside_working_hours"):
        confirm(ana, hold)


def test_an_expired_hold_is_judged_for_whom_it_is_confirmed(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """It was held for Ana, who has gone elsewhere since; now it is for somebody else."""
    start = riverside.at("09:00")
    elsewhere = book(ana, riverside, start, dentist_id=riverside.other)
    call(ana, "cancel_appointment", appointment_id=elsewhere["id"])
    hold = reserve(desk, riverside, start, patient_id=elsewhere["patient_id"])
    expire_hold(superuser, hold["id"])
    book(ana, riverside, start, dentist_id=riverside.other)
    walk_in = call(desk, "create_patient", clinic_id=riverside.id, full_name="Walk In")
    with refused("patient_busy"):
        confirm(desk, hold)
    assert confirm(desk, hold, patient_id=walk_in["id"])["patient_id"] == walk_in["id"]
    kept = superuser.execute(
        "select patient_id from clinic.slot_reservations where id = %s", [hold["id"]]
    ).fetchone()
    assert kept == {"patient_id": walk_in["id"]}


def test_confirming_twice_gives_the_same_appointment(ana: Connection, riverside: Clinic) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"))
    assert confirm(ana, hold) == confirm(ana, hold)


def test_a_released_hold_is_over(ana: Connection, riverside: Clinic) -> None:
    hold = reserve(ana, riverside, riverside.at("09:00"))
    call(ana, "release_reservation", reservation_id=hold["id"])
    with refused("reservation_expired"):
        confirm(ana, hold)


def test_nobody_confirms_anothers_hold(
    ana: Connection, ben: Connection, foreign_desk: Connection, anon: Connection, riverside: Clinic
) -> None:
    start = riverside.at("09:00")
    hold = reserve(ana, riverside, start)
    for stranger in (ben, foreign_desk):
        with refused("not_found"):
            confirm(stranger, hold)
    with refused("not_authenticated"):
        confirm(anon, hold)
    confirm(ana, hold)


def test_the_desk_confirms_for_a_walk_in(desk: Connection, riverside: Clinic) -> None:
    patient = call(desk, "create_patient", clinic_id=riverside.id, full_name="Walk In")
    hold = reserve(desk, riverside, riverside.at("09:00"))
    appointment = confirm(desk, hold, patient_id=patient["id"])
    assert appointment["patient_id"] == patient["id"]


def test_staff_who_hold_for_nobody_must_say_for_whom_at_last(desk: Connection, riverside: Clinic) -> None:
    hold = reserve(desk, riverside, riverside.at("09:00"))
    with refused("invalid_argument"):
        confirm(desk, hold)


def test_a_patient_of_another_clinic_is_not_found(
    desk: Connection, foreign_desk: Connection, riverside: Clinic, sakura: Clinic
) -> None:
    foreigner = call(foreign_desk, "create_patient", clinic_id=sakura.id, full_name="Elsewhere")
    hold = reserve(desk, riverside, riverside.at("09:00"))
    with refused("not_found"):
        confirm(desk, hold, patient_id=foreigner["id"])


def test_confirming_while_the_patient_sits_elsewhere_is_refused(ana: Connection, sakura: Clinic) -> None:
    start = sakura.at("09:00")
    hold = reserve(ana, sakura, start)
    book(ana, sakura, start, dentist_id=sakura.other)
    with refused("patient_busy"):
        confirm(ana, hold)


def test_ones_hold_of_a_time_with_parts_makes_room_for_another_visit_then(
    ana: Connection, riverside: Clinic
) -> None:
    """The chair that one holds may be the one that the other visit needs."""
    start = riverside.at("09:00")
    hold = reserve(ana, riverside, start)
    book(ana, riverside, start, dentist_id=riverside.other)
    with refused("reservation_expired"):
        confirm(ana, hold)


def test_the_slot_is_never_listed_between_hold_and_appointment(
    ana: Connection, anon: Connection, riverside: Clinic
) -> None:
    start = riverside.at("09:00")
    hold = reserve(ana, riverside, start)
    assert start not in listed(anon, riverside, start)
    confirm(ana, hold)
    assert start not in listed(anon, riverside, start)


def test_what_never_was_held_is_not_found(ana: Connection) -> None:
    with refused("not_found"):
        confirm(ana, {"id": uuid4()})


def test_a_hold_that_becomes_a_visit_at_another_time_by_hand_takes_that_and_no_other(
    ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    held = reserve(ana, riverside, riverside.at("09:00"))
    superuser.execute(
        "insert into clinic.appointments"
        " (id, clinic_id, dentist_id, patient_id, appointment_type_id, buffer_before, buffer_after,"
        " leads_after, leads_for, parts, source, starts_at, ends_at)"
        " select id, clinic_id, dentist_id, patient_id, appointment_type_id, buffer_before, buffer_after,"
        " leads_after, leads_for, parts, 'desk', starts_at + interval '1 hour', ends_at + interval '1 hour'"
        " from clinic.slot_reservations where id = %s",
        [held["id"]],
    )
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []
    free = listed(ana, riverside, riverside.at("09:00"))
    assert riverside.at("09:00") in free
    assert riverside.at("10:00") not in free
