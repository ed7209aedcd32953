"""`chairtime admin recall` and `chairtime series`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from tests.cli.program import Program
from tests.support.actors import Connection
from tests.support.build import MadeClinic, make_clinic
from tests.support.messages import patient, visit
from tests.support.stacks import Stack


@pytest.fixture
def superuser(stack: Stack) -> Iterator[Connection]:
    """Somebody who passes every policy."""
    actors = stack.actors()
    yield actors.superuser()
    actors.close()


@pytest.fixture
def clinic(superuser: Connection) -> MadeClinic:
    """A clinic of one's own."""
    return make_clinic(superuser)


@pytest.fixture
def zoe(superuser: Connection, clinic: MadeClinic) -> UUID:
    """Somebody who was there almost a year ago."""
    who = patient(superuser, clinic, full_name="Zoe Quill")
    visit(superuser, clinic, who, -timedelta(days=300), status="fulfilled")
    return who


def test_what_patients_come_back_for_is_added_changed_and_removed(
    desk: Program, clinic: MadeClinic, zoe: UUID
) -> None:
    name = ("admin", "recall", "type", clinic.slug, "Check-up")
    (made,) = desk.json(*name, "--after", "check-up", "--every", "6 months")
    assert (made["name"], made["after_type_ids"]) == ("Check-up", [str(clinic.checkup)])
    desk.json("admin", "recall", "type", clinic.slug, "Roots", "--after", "root", "--every", "1 year")
    changed = desk.json(*name, "--step", "7 days", "--ask-before", "3 days")
    assert [row["name"] for row in changed] == ["Check-up", "Roots"]
    assert (changed[0]["id"], changed[0]["steps"], changed[0]["every"]) == (
        made["id"], ["7 days"], made["every"],
    )  # fmt: skip
    assert "Check-up" in desk.ok("admin", "recall", "list", clinic.slug).out
    (row,) = desk.json("admin", "recall", "due", clinic.slug)
    assert (row["patient_id"], row["asked"]) == (str(zoe), 0)
    assert "Zoe Quill" in desk.ok("admin", "recall", "due", clinic.slug).out
    assert [row["name"] for row in desk.json(*name, "--remove")] == ["Roots"]
    assert desk.json("admin", "recall", "due", clinic.slug) == []
    assert desk(*name, "--remove").code == 2


def test_a_patient_is_due_on_another_day_or_is_not_asked_for_a_while(
    desk: Program, clinic: MadeClinic, zoe: UUID
) -> None:
    desk.json(
        "admin", "recall", "type", clinic.slug, "Check-up", "--after", "check-up", "--every", "6 months"
    )
    who = ("admin", "recall", "set", clinic.slug, str(zoe), "check")
    due_on = (clinic.today() - timedelta(days=3)).isoformat()
    assert desk.json(*who, "--due", due_on)["due_on"] == due_on
    until = (clinic.today() + timedelta(days=3)).isoformat()
    assert desk.json(*who, "--pause", until)["paused_until"] == until
    assert desk.json("admin", "recall", "due", clinic.slug) == []
    assert len(desk.json("admin", "recall", "due", clinic.slug, "--until", until)) == 1
    row = desk.json(*who, "--resume")
    assert (row["paused_until"], row["due_on"]) == (None, due_on)
    assert desk(*who, "--resume", "--pause", until).code == 2


def test_a_series_is_looked_at_booked_and_cancelled(desk: Program, clinic: MadeClinic, zoe: UUID) -> None:
    start = clinic.at("09:00").strftime("%Y-%m-%dT%H:%M")
    wanted = ("series", "book", clinic.slug, "check", start, "--every", "1 week", "--times", "4")
    wanted = (*wanted, "--dentist", "lee", "--patient", str(zoe))
    assert desk.json(*wanted, "--dry-run")["series_id"] is None
    made = desk.json(*wanted)
    assert [len(made["appointments"]), made["refused"]] == [4, []]
    taken = desk(*wanted, "--json")
    assert (taken.code, taken.error["code"]) == (1, "slot_taken")
    assert "Free instead" in taken.error["hint"]
    assert "instead" in desk.ok(*wanted, "--on-conflict", "nearest", "--dry-run").out
    later = clinic.at("00:00", clinic.weekday(1, 7)).strftime("%Y-%m-%dT%H:%M")
    ended = desk.json("series", "cancel", made["series_id"], "--from", later, "--yes")
    assert len(ended["appointments"]) == 2
    assert "Cancelled" in desk.ok("series", "cancel", made["series_id"], "--yes").out
    assert desk("series", "cancel", str(zoe), "--yes").code == 5
