"""`chairtime waitlist`: join, look, leave, and answer what is offered; for oneself and for the desk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.cli.program import Program
from tests.support.build import MadeClinic
from tests.support.stacks import PASSWORD, Stack
from tests.support.waitlist import awake


@pytest.fixture
def clinic(stack: Stack) -> Iterator[MadeClinic]:
    """A clinic of one's own, where nobody sleeps."""
    actors = stack.actors()
    yield awake(actors.superuser())
    actors.close()


def known(desk: Program, clinic: MadeClinic, name: str) -> str:
    patient: str = desk.json("admin", "patient", "create", clinic.slug, name, "--force")["id"]
    return patient


def book(desk: Program, clinic: MadeClinic, clock: str, *more: str) -> dict[str, Any]:
    start = clinic.at(clock).strftime("%Y-%m-%dT%H:%M")
    booked: dict[str, Any] = desk.json("book", clinic.slug, "check", start, "--dentist", "lee", *more)
    return booked


def join(desk: Program, clinic: MadeClinic, *more: str) -> dict[str, Any]:
    row: dict[str, Any] = desk.json("waitlist", "join", clinic.slug, "check", "--dentist", "lee", *more)
    return row


def free(desk: Program, clinic: MadeClinic, clock: str) -> dict[str, Any]:
    """Book a time for somebody and cancel it; return what it was."""
    visit = book(desk, clinic, clock, "--patient", known(desk, clinic, "Fae Frees"))
    desk.ok("cancel", visit["id"], "--yes")
    return visit


def test_the_desk_says_what_somebody_waits_for_and_sees_the_list_in_order(
    desk: Program, clinic: MadeClinic
) -> None:
    patients = {name: known(desk, clinic, name) for name in ("Ada First", "Bo Second", "Cy Urgent")}
    day = clinic.weekday(1).isoformat()
    days = ("--from", day, "--until", day, "--weekday", "mon", "--weekday", "friday")
    row = join(desk, clinic, "--patient", "ada", *days, "--after", "09:30", "--before", "12:00")
    assert (row["patient_id"], row["dentist_ids"]) == (patients["Ada First"], [str(clinic.lee)])
    assert (row["from_date"], row["to_date"], row["weekdays"]) == (day, day, [1, 5])
    assert (row["from_time"], row["to_time"], row["priority"]) == ("09:30:00", "12:00:00", 0)
    join(desk, clinic, "--patient", "bo")
    join(desk, clinic, "--patient", "urgent", "--priority", "9")
    waiting = desk.json("waitlist", "list", clinic.slug)
    order = [patients[name] for name in ("Cy Urgent", "Ada First", "Bo Second")]
    assert [one["patient_id"] for one in waiting] == order
    assert [one["id"] for one in desk.json("waitlist", "list", clinic.slug, "--patient", "ada")] == [
        row["id"]
    ]
    drawn = desk.ok("waitlist", "list", clinic.slug).out
    for said in ("Ada First", "Mon Fri, after 09:30 before 12:00", "priority 9", "not yet", row["id"]):
        assert said in drawn
    again = join(desk, clinic, "--patient", "ada")
    assert (again["id"], again["weekdays"]) == (row["id"], None)


def test_what_is_offered_is_accepted(desk: Program, clinic: MadeClinic) -> None:
    wish = join(desk, clinic, "--patient", known(desk, clinic, "Ada First"))
    freed = free(desk, clinic, "10:00")
    (waiting,) = desk.json("waitlist", "list", clinic.slug)
    assert waiting["offer"]["starts_at"] == freed["starts_at"]
    assert "10:00, until" in desk.ok("waitlist", "list", clinic.slug).out
    visit = desk.json("waitlist", "accept", wish["id"])
    assert (visit["status"], visit["patient_id"]) == ("booked", wish["patient_id"])
    assert (visit["id"], visit["starts_at"]) == (waiting["offer"]["reservation_id"], freed["starts_at"])
    assert desk.json("waitlist", "list", clinic.slug) == []
    (ended,) = desk.json("waitlist", "list", clinic.slug, "--ended")
    assert (ended["id"], ended["outcome"]) == (wish["id"], "accepted")
    refused = desk("waitlist", "accept", wish["id"], "--json")
    assert (refused.code, refused.error["code"]) == (5, "not_found")
    assert "accepted" in refused.error["message"]


def test_what_is_declined_goes_to_who_waits_next(desk: Program, clinic: MadeClinic) -> None:
    first, second = (
        join(desk, clinic, "--patient", known(desk, clinic, name)) for name in ("Ada First", "Bo Second")
    )
    freed = free(desk, clinic, "10:00")
    declined = desk.json("waitlist", "decline", first["id"])
    assert (declined["id"], declined["offer"], declined["offers"]) == (first["id"], None, 1)
    offers = {one["id"]: one["offer"] for one in desk.json("waitlist", "list", clinic.slug)}
    assert offers[first["id"]] is None
    assert offers[second["id"]]["starts_at"] == freed["starts_at"]
    assert desk("waitlist", "decline", first["id"]).code == 5


def test_who_leaves_waits_no_more(desk: Program, clinic: MadeClinic) -> None:
    wish = join(desk, clinic, "--patient", known(desk, clinic, "Ada First"))
    assert desk("waitlist", "leave", wish["id"]).code == 2, "nobody is there to ask"
    assert desk.json("waitlist", "leave", wish["id"], "--yes")["outcome"] == "left"
    assert desk.json("waitlist", "leave", wish["id"], "--yes")["outcome"] == "left"
    assert "Nobody waits" in desk.ok("waitlist", "list", clinic.slug).out


def test_a_visit_moves_to_an_earlier_time(desk: Program, clinic: MadeClinic) -> None:
    later = book(desk, clinic, "15:00", "--patient", known(desk, clinic, "Ada First"))
    wish = desk.json("waitlist", "join", clinic.slug, "--appointment", later["id"])
    assert (wish["moves_appointment_id"], wish["appointment_type_id"]) == (later["id"], str(clinic.checkup))
    assert "earlier" in desk.ok("waitlist", "list", clinic.slug).out
    freed = free(desk, clinic, "10:00")
    told = desk.ok("waitlist", "accept", wish["id"]).out
    assert "Moved" in told
    day = ("--on", clinic.at("10:00").date().isoformat(), "--patient", "ada")
    (moved,) = desk.json("appointments", clinic.slug, *day)
    assert (moved["id"], moved["starts_at"]) == (later["id"], freed["starts_at"])


def test_a_patient_waits_and_accepts_for_themselves_alone(desk: Program, clinic: MadeClinic) -> None:
    other = join(desk, clinic, "--patient", known(desk, clinic, "Ada First"), "--after", "16:00")
    visit = book(desk, clinic, "10:00", "--patient", known(desk, clinic, "Fae Frees"))
    email = f"{uuid4().hex[:12]}@cli.test"
    desk.ok("admin", "user", "create", email, "--name", "Robin Berg", CHAIRTIME_PASSWORD=PASSWORD)
    desk.ok("login", email, CHAIRTIME_PASSWORD=PASSWORD)
    wish = join(desk, clinic)
    assert [one["id"] for one in desk.json("waitlist", "list", clinic.slug)] == [wish["id"]]
    assert desk("waitlist", "accept", other["id"]).code == 5
    refused = desk("waitlist", "leave", other["id"], "--yes", "--json")
    assert (refused.code, refused.error["code"]) == (5, "not_found")
    desk.ok("logout")
    desk.ok("cancel", visit["id"], "--yes")
    desk.ok("login", email, CHAIRTIME_PASSWORD=PASSWORD)
    assert desk.json("waitlist", "accept", wish["id"])["starts_at"] == visit["starts_at"]


@pytest.mark.parametrize(
    "wrong",
    [(), ("check", "--weekday", "t"), ("check", "--weekday", "noday"), ("check", "--from", "someday")],
    ids=["nothing", "two days", "no day", "no date"],
)
def test_what_cannot_be_meant_is_said(desk: Program, clinic: MadeClinic, wrong: tuple[str, ...]) -> None:
    assert desk("waitlist", "join", clinic.slug, *wrong).code == 2


def test_how_the_clinic_asks_is_its_policy(desk: Program, clinic: MadeClinic) -> None:
    options = ("--offer-duration", "45 minutes", "--max-waitlist-offers", "3", "--offer-lead", "3 hours")
    row = desk.json("admin", "clinic", "policy", clinic.slug, *options)
    shown = [row[name] for name in ("offer_duration", "max_waitlist_offers", "offer_lead")]
    assert shown == ["00:45:00", 3, "03:00:00"]
