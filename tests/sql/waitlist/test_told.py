"""Who waits is told of what they are offered: by events, by messages, and by links that answer."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.build import MadeClinic
from tests.support.messages import delivered, leased, outbox, rules, states, token_of
from tests.support.people import heard
from tests.support.refusals import refused
from tests.support.slots import book, expire_hold
from tests.support.waitlist import free, join, offer, offered, outcome, sweep, wish


@pytest.fixture(autouse=True)
def _by_email(superuser: Connection, clinic: MadeClinic) -> None:
    rules(superuser, clinic, "offer email")


@pytest.fixture
def one(waiter: Connection, booker: Connection, clinic: MadeClinic) -> UUID:
    """A wish that is offered nine o'clock."""
    identifier: UUID = join(waiter, clinic)["id"]
    free(booker, clinic)
    return identifier


@pytest.fixture
def token(superuser: Connection, one: UUID) -> str:
    """The token of the link in the message that tells of the offer."""
    (envelope,) = delivered(superuser)
    return token_of(envelope)


def names(connection: Connection, topic: str | None = None) -> list[str]:
    return [
        event["event"] for event in heard(connection, topic=topic) if event["event"].startswith("waitlist")
    ]


def test_who_waits_and_the_desk_hear_of_each_step(
    superuser: Connection, clinic: MadeClinic, waiter: Connection, clerk: Connection, one: UUID
) -> None:
    held = offered(superuser, one)
    call(waiter, "confirm_reservation", reservation_id=held["id"])
    told = ["waitlist_changed", "waitlist_changed", "waitlist_offered", "waitlist_changed"]
    assert names(waiter) == names(clerk, f"clinic:{clinic.id}") == told
    event = next(e for e in heard(waiter) if e["event"] == "waitlist_offered")
    assert (event["waitlist_id"], event["reservation_id"]) == (str(one), str(held["id"]))
    assert event["starts_at"].startswith(f"{held['starts_at']:%Y-%m-%dT%H:%M}")
    assert heard(waiter)[-1]["outcome"] == "accepted"


def test_guardians_hear_of_what_their_dependants_are_offered(
    actors: Actors, superuser: Connection, clinic: MadeClinic, waiter: Connection, booker: Connection
) -> None:
    born = f"{clinic.today().year - 7}-02-28"
    child = call(waiter, "add_dependant", clinic_id=clinic.id, full_name="Kim Kid", birth_date=born)
    waits = join(waiter, clinic, patient_id=child["id"])
    free(booker, clinic)
    assert "waitlist_offered" in names(waiter)
    assert "waitlist_offered" not in names(booker)
    held = offered(superuser, waits["id"])
    booked = call(waiter, "confirm_reservation", reservation_id=held["id"])
    assert booked["patient_id"] == child["id"]
    assert outcome(superuser, waits["id"]) == "accepted"


def test_the_message_says_until_when_it_is_held_and_its_link_accepts(
    superuser: Connection, clinic: MadeClinic, anon: Connection, one: UUID
) -> None:
    (envelope,) = leased(superuser)
    held = offered(superuser, one)
    assert envelope["kind"] == "offer"
    until = held["expires_at"].astimezone(clinic.zone)
    assert f"{until.hour % 12 or 12}:{until:%M}" in envelope["body"]
    assert "{" not in envelope["body"]
    token = token_of(envelope)
    shown = call(anon, "open_link", token=token)
    assert (shown["appointment"]["state"], shown["actions"]) == (
        "offered",
        ["accept", "decline", "stop", "not_me"],
    )
    assert outcome(superuser, one) is None, "looking changes nothing"
    for action in ("confirm", "cancel", "book", "move"):
        with refused("invalid_transition"):
            call(anon, "use_link", token=token, action=action, starts_at=clinic.at("10:00"))
    with refused("invalid_transition"):
        call(anon, "link_slots", token=token, from_date=clinic.weekday(1))
    taken = call(anon, "use_link", token=token, action="accept")
    assert taken["appointment"]["state"] == "open"
    assert taken["actions"] == ["confirm", "move", "cancel", "note", "stop", "not_me"]
    again = call(anon, "use_link", token=token, action="accept")
    assert again["appointment"]["version"] == taken["appointment"]["version"] == 1
    assert outcome(superuser, one) == "accepted"
    for action in ("decline", "book"):
        with refused("invalid_transition"):
            call(anon, "use_link", token=token, action=action, starts_at=clinic.at("09:00"))
    # The link is the visit's now.
    assert call(anon, "use_link", token=token, action="confirm")["appointment"]["state"] == "confirmed"


def test_the_link_declines_and_the_next_one_is_told(
    superuser: Connection, clinic: MadeClinic, anon: Connection, after: Connection, one: UUID, token: str
) -> None:
    behind = join(after, clinic)
    answer = call(anon, "use_link", token=token, action="decline")
    assert (answer["appointment"]["state"], answer["actions"]) == ("lapsed", ["stop", "not_me"])
    assert offered(superuser, behind["id"])["starts_at"] == clinic.at("09:00")
    assert call(anon, "use_link", token=token, action="decline")["actions"] == answer["actions"]
    with refused("reservation_expired"):
        call(anon, "use_link", token=token, action="accept")
    assert [message["kind"] for message in delivered(superuser)] == ["offer"]


def test_the_link_of_an_offer_to_move_moves_the_visit(
    superuser: Connection, clinic: MadeClinic, anon: Connection, waiter: Connection, booker: Connection
) -> None:
    visit = book(waiter, clinic, clinic.at("15:00"))
    waits = join(waiter, clinic, appointment_id=visit["id"])
    free(booker, clinic)
    (envelope,) = delivered(superuser)
    answer = call(anon, "use_link", token=token_of(envelope), action="accept")
    assert answer["appointment"]["id"] == str(visit["id"])
    row = superuser.execute("select * from clinic.appointments where id = %s", [visit["id"]]).fetchone()
    assert row is not None
    assert (row["starts_at"], row["version"]) == (clinic.at("09:00"), 2)
    assert outcome(superuser, waits["id"]) == "accepted"


def test_the_link_of_an_offer_that_ran_out_takes_it_if_nobody_has(
    superuser: Connection, anon: Connection, one: UUID, token: str
) -> None:
    expire_hold(superuser, offered(superuser, one)["id"])
    assert call(anon, "open_link", token=token)["appointment"]["state"] == "lapsed"
    sweep(superuser)
    assert call(anon, "use_link", token=token, action="accept")["appointment"]["state"] == "open"
    assert outcome(superuser, one) == "accepted"


def test_an_offer_that_is_over_is_told_to_nobody(
    superuser: Connection, clinic: MadeClinic, waiter: Connection, booker: Connection, one: UUID
) -> None:
    held = offered(superuser, one)
    call(waiter, "release_reservation", reservation_id=held["id"])
    assert leased(superuser) == []
    assert states(superuser, held["id"]) == ["offer email skipped cancelled"]
    free(booker, clinic, "10:00")
    accepted = offered(superuser, one)
    call(waiter, "confirm_reservation", reservation_id=accepted["id"])
    assert leased(superuser) == []
    assert [m["state"] for m in outbox(superuser, accepted["id"])] == ["skipped"]


def test_who_is_erased_leaves_no_link_and_no_message(
    superuser: Connection, anon: Connection, chief: Connection, one: UUID, token: str
) -> None:
    patient = wish(superuser, one)["patient_id"]
    call(chief, "erase_patient", patient_id=patient, reason="Asked for it.")
    with refused("not_found"):
        call(anon, "open_link", token=token)
    assert outbox(superuser) == []
    assert offer(superuser, one) is None
