"""What is done through the link of a message: what its patient may, and nothing by looking."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from tests.support.actors import Connection, call
from tests.support.clinics import Clinic
from tests.support.messages import (
    delivered,
    leased,
    never_quiet,
    outbox,
    patient,
    rules,
    states,
    token_of,
    use,
    visit,
)
from tests.support.refusals import refused

AHEAD = ["confirm", "move", "cancel", "note", "stop", "not_me"]


@pytest.fixture(autouse=True)
def _by_email(superuser: Connection, riverside: Clinic) -> None:
    never_quiet(superuser)
    rules(superuser, riverside, "booked email", "moved email", "cancelled email")


@pytest.fixture
def mia(superuser: Connection, riverside: Clinic) -> UUID:
    return patient(superuser, riverside, full_name="Mia Mail", locale="de")


@pytest.fixture
def made(superuser: Connection, riverside: Clinic, mia: UUID) -> UUID:
    return visit(superuser, riverside, mia, riverside.at("09:00"), notes="Afraid", staff_notes="Pays late")


@pytest.fixture
def token(superuser: Connection, made: UUID) -> str:
    (envelope,) = delivered(superuser)
    return token_of(envelope)


def traces(superuser: Connection) -> Any:
    return superuser.execute(
        "select (select string_agg(a::text, '' order by a.id) from clinic.appointments a),"
        " (select max(id) from clinic.audit_log), (select max(id) from clinic.realtime_events),"
        " (select count(*) from clinic.messages)"
    ).fetchone()


def test_looking_shows_the_visit_and_changes_nothing(
    superuser: Connection, anon: Connection, riverside: Clinic, made: UUID, token: str
) -> None:
    before = traces(superuser)
    for _ in range(3):
        shown = call(anon, "open_link", token=token)
    call(anon, "link_slots", token=token, from_date=riverside.weekday(1))
    assert traces(superuser) == before
    assert (shown["locale"], shown["is_rtl"], shown["actions"]) == ("de", False, AHEAD)
    appointment = shown["appointment"]
    assert (appointment["id"], appointment["patient"], appointment["time"]) == (str(made), "Mia", "09:00")
    ends_at = riverside.at("09:30")
    assert datetime.fromisoformat(shown["expires_at"]) == ends_at + timedelta(days=1), "a day after it"
    assert "Afraid" not in str(shown)
    assert "late" not in str(shown)


def test_the_visit_is_confirmed_moved_and_cancelled_as_by_its_patient(
    superuser: Connection, anon: Connection, desk: Connection, riverside: Clinic, made: UUID, token: str
) -> None:
    anon.execute("select set_config('request.path', '/rpc/use_link', false)")  # as PostgREST does
    for _ in range(2):
        shown = use(anon, token, "confirm")
        assert shown["appointment"]["confirmed_at"]
        assert shown["actions"] == AHEAD[1:]
    slots = [
        row["starts_at"] for row in call(anon, "link_slots", token=token, from_date=riverside.weekday(2))
    ]
    assert riverside.at("10:00", riverside.weekday(2)) in slots
    for _ in range(2):
        shown = use(anon, token, "move", starts_at=slots[0])
        assert shown["appointment"]["confirmed_at"] is None
    assert {row["dentist_id"] for row in superuser.execute("select dentist_id from clinic.appointments")} == {
        riverside.lee
    }
    assert [e["kind"] for e in leased(superuser)] == ["moved"]
    for _ in range(2):
        shown = use(anon, token, "cancel")
        assert (shown["appointment"]["status"], shown["actions"]) == ("cancelled", ["stop", "not_me"])
    assert states(superuser, made).count("cancelled email planned") == 1
    for action in ("confirm", "move", "note"):
        with refused("invalid_transition"):
            use(anon, token, action, starts_at=slots[1], note="Sorry")
    with refused("invalid_transition"):
        call(anon, "link_slots", token=token, from_date=riverside.weekday(2))
    log = call(desk, "appointment_history", appointment_id=made)[1:]
    assert [(row["action"], row["role"], row["via"]) for row in log] == [
        (action, "patient", "use_link") for action in ("confirmed", "moved", "cancelled")
    ]  # fmt: skip
    assert {row["actor"] for row in log} == {None}


def test_within_the_notice_one_calls(
    superuser: Connection, anon: Connection, riverside: Clinic, mia: UUID
) -> None:
    superuser.execute(
        "update clinic.clinics set cancellation_notice = '2 days', cancel_grace = '0' where id = %s",
        [riverside.id],
    )
    soon = visit(superuser, riverside, mia, timedelta(hours=47))
    token = token_of(delivered(superuser)[0])
    assert call(anon, "open_link", token=token)["actions"] == ["confirm", "note", "stop", "not_me"]
    for action in ("move", "cancel"):
        with refused("too_late_to_cancel"):
            use(anon, token, action, starts_at=riverside.at("10:00"))
    with refused("too_late_to_cancel"):
        call(anon, "link_slots", token=token, from_date=riverside.weekday(1))
    assert use(anon, token, "confirm")["appointment"]["id"] == str(soon)


def test_a_time_that_is_taken_off_the_grid_or_closed_is_refused(
    superuser: Connection, anon: Connection, riverside: Clinic, made: UUID, token: str
) -> None:
    visit(superuser, riverside, patient(superuser, riverside), riverside.at("10:00"))
    before = traces(superuser)
    for clock, code in (("10:00", "slot_taken"), ("10:07", "off_grid"), ("23:00", "outside_working_hours")):
        with refused(code):
            use(anon, token, "move", starts_at=riverside.at(clock))
    for wrong in (None, "tomorrow", "2027-02-29T10:00:00Z"):
        with refused("invalid_argument"):
            use(anon, token, "move", starts_at=wrong)
    assert traces(superuser) == before


def test_a_link_lasts_as_long_as_its_visit_is_ahead(anon: Connection, riverside: Clinic, token: str) -> None:
    later = riverside.at("09:00", riverside.weekday(3, weeks=6))
    shown = use(anon, token, "move", starts_at=later)
    until = later + timedelta(days=1, minutes=30)
    assert datetime.fromisoformat(shown["expires_at"]) == until
    shown = use(anon, token, "move", starts_at=riverside.at("10:00"))
    assert datetime.fromisoformat(shown["expires_at"]) == until, "nor does it end sooner"


def test_a_move_that_is_asked_for_twice_is_one(
    superuser: Connection, anon: Connection, riverside: Clinic, token: str
) -> None:
    use(anon, token, "move", starts_at=riverside.at("10:00"))
    before = traces(superuser)
    use(anon, token, "move", starts_at=riverside.at("10:00"))
    assert traces(superuser) == before


def test_to_when_it_can_move_is_said_for_a_week_and_at_most_a_month(
    anon: Connection, riverside: Clinic, token: str
) -> None:
    monday = riverside.weekday(1)

    def days(**more: Any) -> set[date]:
        rows = call(anon, "link_slots", token=token, from_date=monday, **more)
        return {row["starts_at"].astimezone(riverside.zone).date() for row in rows}

    assert max(days()) == riverside.weekday(5)
    assert max(days(to_date=monday + timedelta(days=30))) > riverside.weekday(5)
    assert days(to_date=monday) == {monday}
    for wrong in (monday - timedelta(days=1), monday + timedelta(days=31)):
        with refused("invalid_argument"):
            days(to_date=wrong)


def test_a_note_is_added_for_the_desk(
    superuser: Connection, anon: Connection, desk: Connection, made: UUID, token: str
) -> None:
    for wrong in (None, "", "x" * 1001, "\x07"):
        with refused("invalid_argument"):
            use(anon, token, "note", note=wrong)
    use(anon, token, "note", note="I come by wheelchair")
    row = desk.execute("select notes, staff_notes from api.appointments where id = %s", [made]).fetchone()
    assert row == {"notes": "Afraid\nI come by wheelchair", "staff_notes": "Pays late"}


@pytest.mark.parametrize("action", ["stop", "not_me"])
def test_who_is_not_meant_gets_nothing_more_and_the_desk_hears_of_it_once(
    superuser: Connection,
    anon: Connection,
    desk: Connection,
    riverside: Clinic,
    mia: UUID,
    token: str,
    action: str,
) -> None:
    use(anon, token, action)
    if action == "stop":
        use(anon, token, action)
    else:
        with refused("not_found"):
            use(anon, token, "confirm")
    again = visit(superuser, riverside, mia, riverside.at("11:00"))
    assert not leased(superuser)
    assert {row["reason"] for row in outbox(superuser, again)} == {"opted_out"}
    inbox = desk.execute(
        "select id, means, patient_id, phone from api.message_replies where outcome = 'desk'"
    ).fetchall()
    assert [row["means"] for row in inbox] == (["not_me"] if action == "not_me" else [])
    if inbox:
        with refused("invalid_argument"):
            call(desk, "handle_reply", reply_id=inbox[0]["id"], answer="Sorry!")
        assert call(desk, "handle_reply", reply_id=inbox[0]["id"])["handled_at"]
    superuser.execute("update clinic.patients set email = 'right@mail.test' where id = %s", [mia])
    visit(superuser, riverside, mia, riverside.at("12:00"))
    assert [e["address"] for e in leased(superuser)] == ["right@mail.test"], "the right address hears"


def test_each_message_has_a_link_of_its_own_to_its_visit_alone(
    superuser: Connection, anon: Connection, riverside: Clinic, made: UUID, token: str
) -> None:
    other = visit(superuser, riverside, patient(superuser, riverside), riverside.at("11:00"))
    theirs = token_of(delivered(superuser)[0])
    use(anon, theirs, "cancel")
    found = superuser.execute("select id from clinic.appointments where status = 'cancelled'").fetchall()
    assert [row["id"] for row in found] == [other]


def test_a_link_ends_for_an_address_that_was_corrected(
    superuser: Connection, anon: Connection, desk: Connection, made: UUID, mia: UUID, token: str
) -> None:
    assert call(anon, "open_link", token=token)["appointment"]["id"] == str(made)
    call(desk, "update_patient", patient_id=mia, email="right@mail.test")
    for name, more in (("open_link", {}), ("use_link", {"action": "cancel"})):
        with refused("not_found"):
            call(anon, name, token=token, **more)
    call(desk, "update_patient", patient_id=mia, email="left@mail.test")
    row = superuser.execute("select status from clinic.appointments where id = %s", [made]).fetchone()
    assert row == {"status": "booked"}


def test_a_cancelled_visit_does_not_move_to_where_it_was(
    anon: Connection, riverside: Clinic, token: str
) -> None:
    use(anon, token, "cancel")
    with refused("invalid_transition"):
        use(anon, token, "move", starts_at=riverside.at("09:00").isoformat())
