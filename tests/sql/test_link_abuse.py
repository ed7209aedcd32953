"""Who has no business with a link, or too much: guesses, strangers, many at once, and what is no input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

import pytest

from tests.support.actors import Actors, Connection, Row, call, value
from tests.support.clinics import Clinic
from tests.support.messages import delivered, token_of, use
from tests.support.people import record
from tests.support.races import race
from tests.support.refusals import denied, refused
from tests.support.slots import book

WRONG = "A" * 22


@dataclass
class Linked:
    """A visit, its patient, and the token of the link in the message that told of it."""

    superuser: Connection
    id: UUID
    patient_id: UUID
    token: str

    def row(self) -> Row:
        row = self.superuser.execute("select * from clinic.appointments where id = %s", [self.id]).fetchone()
        assert row is not None
        return row

    def events(self, event: str) -> int:
        query = """
        select count(distinct payload ->> 'version') from clinic.realtime_events
        where event = %s and payload ->> 'appointment_id' = %s::text
        """
        return int(value(self.superuser, query, event, self.id))


@pytest.fixture
def linked(superuser: Connection, desk: Connection, riverside: Clinic) -> Callable[..., Linked]:
    """Register somebody, book for them, and let a worker send the message."""

    def make(name: str = "Zoe Quist", clock: str = "10:00") -> Linked:
        patient = record(desk, riverside, name, email=f"{name.partition(' ')[0].lower()}@made.test")
        visit = book(desk, riverside, riverside.at(clock), patient_id=patient["id"])
        (envelope,) = delivered(superuser, "email")
        return Linked(superuser, visit["id"], patient["id"], token_of(envelope))

    return make


@pytest.fixture
def link(linked: Callable[..., Linked]) -> Linked:
    """A visit of Zoe's with its link."""
    return linked()


def test_who_guesses_is_stopped_and_a_right_link_works_meanwhile(anon: Connection, link: Linked) -> None:
    codes: list[str] = []
    while "booking_limit" not in codes:
        assert len(codes) < 200, "also if a minute ends meanwhile"
        with refused("not_found", "booking_limit") as refusal:
            call(anon, "open_link", token=f"{len(codes):022d}")
        codes.append(refusal.code)
    assert len(codes) > 60
    assert call(anon, "open_link", token=link.token)["appointment"]["id"] == str(link.id)
    assert use(anon, link.token, "confirm")["appointment"]["state"] == "confirmed"
    value(link.superuser, "select setval('clinic.link_minute', last_value - 1) from clinic.link_minute")
    with refused("not_found"):
        call(anon, "open_link", token=WRONG)


@pytest.mark.parametrize(
    "token", [None, "", "x", WRONG, "A" * 65, "A" * 1_000_000, "é" * 22, "' or true --" * 2]
)
@pytest.mark.parametrize("action", ["confirm", "cancel", "stop", "nosuch", None])
def test_what_is_no_token_does_nothing_and_is_never_found(
    anon: Connection, token: str | None, action: str | None
) -> None:
    with refused("not_found"):
        call(anon, "open_link", token=token)
    with refused("not_found"):
        use(anon, token, action)
    with refused("not_found"):
        call(anon, "link_slots", token=token, from_date="2030-01-01")


@pytest.mark.parametrize(
    ("action", "more"),
    [
        (None, {}),
        ("", {}),
        ("CONFIRM", {}),
        ("delete", {}),
        ("move", {}),
        ("move", {"starts_at": "tomorrow"}),
        ("move", {"starts_at": "2030-01-01T10:00:00"}),
        ("move", {"starts_at": "9" * 100_000}),
        ("note", {}),
        ("note", {"note": "  \n "}),
        ("note", {"note": "x" * 1001}),
        ("note", {"note": "x" * 1_000_000}),
        ("note", {"note": "a\x07b"}),
    ],
)
def test_what_is_no_use_changes_nothing(
    anon: Connection, link: Linked, action: str | None, more: dict[str, Any]
) -> None:
    before = link.row()
    with refused("invalid_argument"):
        use(anon, link.token, action, **more)
    assert link.row() == before


def test_links_are_not_taken_from_addresses(anon: Connection, link: Linked) -> None:
    for token in (link.token, WRONG):
        with anon.transaction(), refused("invalid_argument"), anon.transaction():
            anon.execute("set transaction read only")
            call(anon, "open_link", token=token)


def test_nobody_reads_links_or_makes_them(actors: Actors, link: Linked) -> None:
    for who in (actors.anon(), actors.user("ana@patients.test"), actors.user("admin@riverside.test")):
        for statement in (
            "select from clinic.message_links",
            "select clinic.make_link(null, null)",
            "select clinic.link_of('x')",
            "select clinic.stop_messages(null, 'sms', null)",
            "select last_value from clinic.link_misses",
        ):
            with denied():
                who.execute(statement)  # type: ignore[call-overload]
    whole = "select l::text from clinic.message_links as l where appointment_id = %s"
    assert link.token not in value(link.superuser, whole, link.id)


def test_a_link_ends_with_its_time_its_patient_and_their_record(
    anon: Connection, admin: Connection, linked: Callable[..., Linked], riverside: Clinic, desk: Connection
) -> None:
    late, given, gone = linked("Late Quist"), linked("Given Quist", "11:00"), linked("Gone Quist", "14:00")
    late.superuser.execute(
        "update clinic.message_links set expires_at = clock_timestamp() where appointment_id = %s", [late.id]
    )
    other = record(desk, riverside, "Other Person")
    given.superuser.execute(
        "update clinic.appointments set patient_id = %s where id = %s", [other["id"], given.id]
    )
    call(admin, "erase_patient", patient_id=gone.patient_id, reason="They asked for it.")
    messages = set()
    for token in (late.token, given.token, gone.token, WRONG):
        with refused("not_found") as refusal:
            use(anon, token, "cancel")
        messages.add((refusal.message, refusal.hint))
    assert len(messages) == 1
    assert [late.row()["status"], given.row()["status"]] == ["booked", "booked"]


def test_a_link_goes_with_a_record_that_was_merged(
    anon: Connection, admin: Connection, link: Linked, riverside: Clinic, desk: Connection
) -> None:
    keep = record(desk, riverside, "Zoe Quist-Marsh")
    call(admin, "merge_patients", keep_id=keep["id"], merge_id=link.patient_id)
    assert use(anon, link.token, "confirm")["appointment"]["patient"] == "Zoe"
    assert link.row()["patient_id"] == keep["id"]


def test_many_at_once_do_one_thing_once(actors: Actors, link: Linked) -> None:
    crowd = [actors.anon() for _ in range(8)]
    outcome = race([partial(use, each, link.token, "confirm") for each in crowd])
    assert len(outcome.won) == 8
    assert link.events("appointment_confirmed") == 1
    race([partial(use, each, link.token, "note", note="Once.") for each in crowd])
    assert link.row()["notes"] == "Once."
    race([partial(use, each, link.token, "not_me") for each in crowd])
    noted = "select count(*) from clinic.message_replies where appointment_id = %s"
    assert value(link.superuser, noted, link.id) == 1


def test_a_move_and_a_cancellation_at_once_leave_one_of_them(
    actors: Actors, link: Linked, riverside: Clinic
) -> None:
    crowd = [actors.anon() for _ in range(8)]
    wanted = riverside.at("15:00").isoformat()
    race(
        [
            partial(use, each, link.token, "cancel")
            if n % 2
            else partial(use, each, link.token, "move", starts_at=wanted)
            for n, each in enumerate(crowd)
        ]
    )
    assert link.row()["status"] == "cancelled"
    assert link.superuser.execute("select * from clinic.check_invariants()").fetchall() == []
    planned = link.superuser.execute(
        "select kind from clinic.messages where appointment_id = %s and state = 'planned'", [link.id]
    ).fetchall()
    assert [row["kind"] for row in planned] == ["cancelled"]


def test_a_note_said_twice_is_said_once_and_notes_have_an_end(anon: Connection, link: Linked) -> None:
    for note in ("First.", "First.", "Second.", "First."):
        use(anon, link.token, "note", note=note)
    assert link.row()["notes"] == "First.\nSecond.\nFirst."
    for letter in "abc":
        use(anon, link.token, "note", note=letter * 1000)
    with refused("invalid_argument"):
        use(anon, link.token, "note", note="d" * 1000)
    assert len(link.row()["notes"]) < 4000


def test_what_a_link_says_of_its_visit_is_no_more_than_its_message_said(
    anon: Connection, link: Linked
) -> None:
    link.superuser.execute(
        "update clinic.appointments set notes = 'Secret 1', staff_notes = 'Secret 2' where id = %s", [link.id]
    )
    said = str(call(anon, "open_link", token=link.token))
    assert "Zoe" in said
    for secret in ("Secret", "Quist", "zoe@made.test", str(link.patient_id)):
        assert secret not in said


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        (["status = 'cancelled', cancelled_at = now()"], "cancelled"),
        (["status = 'checked_in'"], "begun"),
        (["status = 'checked_in'", "status = 'fulfilled'"], "over"),
        (["status = 'no_show'"], "over"),
        (["confirmed_at = now()"], "confirmed"),
        (["starts_at = now() - interval '5 minutes', ends_at = now() + interval '5 minutes'"], "begun"),
        (["starts_at = now() - interval '5 minutes', ends_at = now()"], "over"),
        ([], "open"),
    ],
)
def test_a_link_says_how_its_visit_stands(
    anon: Connection, link: Linked, changes: list[str], state: str
) -> None:
    for change in changes:
        link.superuser.execute(f"update clinic.appointments set {change} where id = %s", [link.id])  # type: ignore[arg-type]
    said = call(anon, "open_link", token=link.token)
    assert said["appointment"]["state"] == state
    is_ahead = state in ("open", "confirmed")
    assert ("move" in said["actions"], "note" in said["actions"]) == (is_ahead, is_ahead)
