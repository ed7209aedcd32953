"""`chairtime admin` of visits: chairs, parts, who does what, rules, rotas, absences, closures, contact."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from cli.commands.admin_hours import outside, windows
from cli.errors import ChairtimeError
from tests.cli.program import Program
from tests.support.build import MadeClinic, make_clinic
from tests.support.stacks import Stack


@pytest.fixture
def clinic(stack: Stack) -> Iterator[MadeClinic]:
    """A clinic of one's own, without chairs so far."""
    actors = stack.actors()
    yield make_clinic(actors.superuser())
    actors.close()


def when(clinic: MadeClinic, clock: str, weekday: int = 1) -> str:
    return clinic.at(clock, clinic.weekday(weekday)).strftime("%Y-%m-%dT%H:%M")


def book(desk: Program, clinic: MadeClinic, type_: str, clock: str) -> dict[str, Any]:
    """Book for a new patient."""
    patient = desk.json("admin", "patient", "create", clinic.slug, "Zoe Quill", "--force")
    where = ("book", clinic.slug, type_, when(clinic, clock), "--dentist", "lee", "--patient", patient["id"])
    booked: dict[str, Any] = desk.json(*where)
    return booked


def test_chairs_and_equipment_are_made_renamed_and_taken_out_of_use(
    desk: Program, clinic: MadeClinic
) -> None:
    made = desk.json("admin", "resource", "create", clinic.slug, "Chair 1")
    assert (made["kind"], made["name"], made["is_active"]) == ("chair", "Chair 1", True)
    desk.ok("admin", "resource", "create", clinic.slug, "X-ray", "--kind", "equipment")
    renamed = desk.json(
        "admin", "resource", "update", clinic.slug, "chair", "--name", "Chair A", "--inactive"
    )
    assert (renamed["id"], renamed["name"], renamed["is_active"]) == (made["id"], "Chair A", False)
    rows = desk.json("admin", "resource", "list", clinic.slug)
    assert [(row["name"], row["kind"], row["is_active"]) for row in rows] == [
        ("Chair A", "chair", False), ("X-ray", "equipment", True),
    ]  # fmt: skip
    assert "Chair A" in desk.ok("admin", "resource", "list", clinic.slug).out


def test_a_chair_that_is_booked_goes_only_on_purpose(desk: Program, clinic: MadeClinic) -> None:
    desk.ok("admin", "resource", "create", clinic.slug, "Chair 1")
    desk.ok("admin", "type", "parts", clinic.slug, "check", "--part", "chair")
    book(desk, clinic, "check", "09:00")
    going = ("admin", "resource", "update", clinic.slug, "chair 1", "--inactive")
    refused = desk(*going, "--json")
    assert (refused.code, refused.error["code"]) == (1, "appointments_in_the_way")
    assert "--keep" in refused.error["hint"]
    assert "on_conflict" not in refused.error["hint"]
    assert desk.json(*going, "--keep")["is_active"] is False


def test_parts_are_set_in_short_or_as_the_apis_json(desk: Program, clinic: MadeClinic) -> None:
    chairs = [
        desk.json("admin", "resource", "create", clinic.slug, f"Chair {number}")["id"] for number in (1, 2)
    ]
    parts = ("admin", "type", "parts", clinic.slug, "cleaning")
    assert desk.json(*parts) == []
    desk.ok("admin", "dentist", "create", clinic.slug, "Hannah", "--profession", "hygienist")
    short = desk.json(
        *parts,
        *("--part", "leader:0m+30m", "--part", "chair::Chair 1, chair 2", "--part", "hygienist:10m"),
        *("--part", "chair:5m+10m"),
    )
    told = [
        (row["part"], row["needs"], row["starts_after"], row["lasts"], row["only_resources"]) for row in short
    ]
    assert told == [
        (0, "leader", "00:00:00", "00:30:00", None),
        (1, "chair", "00:00:00", None, told[1][4]),
        (2, "hygienist", "00:10:00", None, None),
        (3, "chair", "00:05:00", "00:10:00", None),
    ]
    assert sorted(told[1][4]) == sorted(chairs)
    drawn = desk.ok(*parts).out
    assert "Chair 1" in drawn
    assert "until the end" in drawn
    wanted = [{"needs": "chair", "only_resources": [chairs[0]]}]
    [row] = desk.json(*parts, "--parts", json.dumps(wanted))
    assert (row["needs"], row["only_resources"], row["lasts"]) == ("chair", [chairs[0]], None)
    assert desk.json(*parts, "--none") == []


@pytest.mark.parametrize(
    ("options", "exit_code", "code"),
    [
        (("--part", "chair"), 2, "invalid_argument"),  # there is none: it could never be booked
        (("--part", "throne"), 2, "invalid_argument"),
        (("--part", "dentist:40m+30m"), 2, "invalid_argument"),  # outside of the visit
        (("--part", "dentist:soon"), 2, "invalid_argument"),
        (("--part", "dentist::Nobody"), 5, "not_found"),
        (("--parts", "["), 2, "invalid_argument"),
        (("--parts", "{}"), 2, "invalid_argument"),
        (("--part", "dentist", "--none"), 2, "invalid_argument"),
    ],
)
def test_parts_that_make_no_sense_are_refused(
    desk: Program, clinic: MadeClinic, options: tuple[str, ...], exit_code: int, code: str
) -> None:
    refused = desk("admin", "type", "parts", clinic.slug, "cleaning", *options, "--json")
    assert (refused.code, refused.error["code"]) == (exit_code, code)
    assert desk.json("admin", "type", "parts", clinic.slug, "cleaning") == []


def test_who_does_what_is_shown_and_set(desk: Program, clinic: MadeClinic) -> None:
    made = desk.json(
        *("admin", "dentist", "create", clinic.slug, "Hannah Cole", "--profession", "hygienist"),
        *("--leads", "cleaning", "--leads", "check"),
    )
    assert made["profession"] == "hygienist"
    types = ("admin", "dentist", "types", clinic.slug)
    led = {row["appointment_type_id"] for row in desk.json(*types, "hannah")}
    assert led == {str(clinic.cleaning), str(clinic.checkup)}
    [row] = desk.json(*types, "hannah", "cleaning=50m")
    assert (row["appointment_type_id"], row["duration"]) == (str(clinic.cleaning), "00:50:00")
    assert "50 min" in desk.ok(*types, "hannah").out
    assert desk.json(*types, "hannah", "--none") == []
    assert "nothing" in desk.ok(*types, "hannah").out
    assert len(desk.json(*types, "lee")) == 3
    refused = desk(*types, "lee", "cleaning=a while", "--json")
    assert (refused.code, refused.error["code"]) == (2, "invalid_argument")


def test_somebody_who_works_at_two_clinics_is_one(desk: Program, clinic: MadeClinic, stack: Stack) -> None:
    actors = stack.actors()
    other = make_clinic(actors.superuser())
    actors.close()
    made = desk.json("admin", "dentist", "create", other.slug, "Dr. Lee", "--same-as", str(clinic.lee))
    assert (made["id"], made["clinic_id"]) == (str(clinic.lee), str(other.id))
    updated = desk.json("admin", "dentist", "update", other.slug, "dr. lee", "--specialty", "Implants")
    assert updated["clinic_id"] == str(other.id)
    listed = {row["id"]: row["specialty"] for row in desk.json("admin", "dentist", "list", clinic.slug)}
    assert listed[str(clinic.lee)] is None


def test_a_type_has_rules_of_its_own_until_they_are_cleared(desk: Program, clinic: MadeClinic) -> None:
    rules = {
        "--audience": "known_patients",
        "--min-notice": "2 days",
        "--booking-horizon": "30 days",
        "--slot-interval": "30 minutes",
        "--max-per-day": "4",
        "--dentist": "lee",
    }
    options = [word for pair in rules.items() for word in pair]
    made = desk.json("admin", "type", "create", clinic.slug, "Whitening", "60 minutes", *options)
    assert (made["audience"], made["min_notice"], made["max_per_day"]) == ("known_patients", "2 days", 4)
    assert len(desk.json("admin", "dentist", "types", clinic.slug, "lee")) == 4
    assert len(desk.json("admin", "dentist", "types", clinic.slug, "other")) == 3
    drawn = desk.ok("admin", "type", "list", clinic.slug).out
    assert "known patients, notice 2 days, horizon 30 days, grid 30 min, 4 a day" in drawn
    update = ("admin", "type", "update", clinic.slug, "whit")
    changed = desk.json(*update, "--clear", "min-notice", "--clear", "max_per_day", "--dentist", "other")
    assert (changed["min_notice"], changed["max_per_day"], changed["slot_interval"]) == (
        None,
        None,
        "00:30:00",
    )
    assert len(desk.json("admin", "dentist", "types", clinic.slug, "lee")) == 3
    refused = desk(*update, "--clear", "name", "--json")
    assert (refused.code, refused.error["code"]) == (2, "invalid_argument")


def test_hours_are_set_and_a_rota_leaves_the_rest_as_it_is(desk: Program, clinic: MadeClinic) -> None:
    hours = ("admin", "hours", "set", clinic.slug, "lee")
    tried = desk.json(*hours, "mon,wed 08:00-12:00", "--dry-run")
    assert (tried["dry_run"], len(tried["added"]), len(tried["removed"])) == (True, 2, 10)
    assert len(desk.json("admin", "hours", "show", clinic.slug, "lee")["weekly"]) == 10
    desk.ok(*hours, "mon 08:00-12:00,13:00-18:00")
    rota = desk.json(*hours, "tue 10:00-14:00", "--from", "2031-03-01", "--until", "2031-03-31")
    assert len(rota["added"]) == 5
    shown = desk.json("admin", "hours", "show", clinic.slug, "lee")["weekly"]
    valid = {(row["weekday"], row.get("valid_from"), row.get("valid_until")) for row in shown}
    assert valid == {(1, None, "2031-02-28"), (2, "2031-03-01", "2031-03-31"), (1, "2031-04-01", None)}
    assert "2031-03-01" in desk.ok("admin", "hours", "show", clinic.slug, "lee").out
    assert desk(*hours).code == 2
    assert desk(*hours, "mon 08:00-12:00", "--none").code == 2
    desk.ok(*hours, "--none")
    assert desk.json("admin", "hours", "show", clinic.slug, "lee")["weekly"] == []


def test_who_would_be_outside_of_the_new_hours_is_named(desk: Program, clinic: MadeClinic) -> None:
    booked = book(desk, clinic, "check", "09:00")
    tried = ("admin", "hours", "set", clinic.slug, "lee", "fri 09:00-12:00", "--dry-run")
    [row] = desk.json(*tried)["appointments_outside_hours"]
    assert row["appointment_id"] == booked["id"]
    drawn = desk.ok(*tried).out
    assert "Zoe Quill" in drawn
    assert "nothing is changed" in drawn


def test_extra_hours_come_and_go(desk: Program, clinic: MadeClinic) -> None:
    start, end = when(clinic, "09:00", 6), when(clinic, "12:00", 6)
    added = desk.json("admin", "hours", "add", clinic.slug, "lee", start, end)
    assert added["id"] in desk.ok("admin", "hours", "show", clinic.slug, "lee").out
    assert desk.json("admin", "hours", "remove", added["id"])["removed"] is True
    assert desk.json("admin", "hours", "show", clinic.slug, "lee")["extra_hours"] == []


def test_hours_are_read_as_people_write_them() -> None:
    read = [
        (row["weekday"], row["opens"], row["closes"])
        for row in windows("Fri-Mon, wed 9:00-12:00,22:00-02:00")
    ]
    days = (5, 6, 7, 1, 3)
    assert read == [(day, *time) for day in days for time in (("9:00", "12:00"), ("22:00", "02:00"))]
    assert [row["weekday"] for row in windows("monday-friday 09:00-12:00")] == [1, 2, 3, 4, 5]
    for nonsense in ("", "mon", "09:00-12:00", "funday 09:00-12:00", "mon 09:00", "mon-tue-wed 9:00-12:00"):
        with pytest.raises(ChairtimeError):
            list(windows(nonsense))


@pytest.mark.parametrize(
    ("valid", "rota", "left"),
    [
        ((None, None), ("03-01", "03-31"), [(None, "02-28"), ("04-01", None)]),
        ((None, None), ("03-01", None), [(None, "02-28")]),
        ((None, None), (None, "03-31"), [("04-01", None)]),
        (("01-01", "02-10"), ("03-01", "03-31"), [("01-01", "02-10")]),
        (("05-01", None), ("03-01", "03-31"), [("05-01", None)]),
        (("03-05", "03-20"), ("03-01", "03-31"), []),
        (("03-05", "04-20"), ("03-01", "03-31"), [("04-01", "04-20")]),
    ],
)
def test_a_rota_cuts_what_is_there(
    valid: tuple[str | None, ...], rota: tuple[str | None, ...], left: list[tuple[str | None, ...]]
) -> None:
    def named(ends: tuple[str | None, ...]) -> dict[str, str]:
        pairs = zip(("valid_from", "valid_until"), ends, strict=True)
        return {name: f"2031-{day}" for name, day in pairs if day}

    first, last = (date.fromisoformat(f"2031-{day}") if day else None for day in rota)
    assert list(outside({"weekday": 1, **named(valid)}, first, last)) == [
        {"weekday": 1, **named(ends)} for ends in left
    ]


def test_a_chair_breaks_and_is_mended(desk: Program, clinic: MadeClinic) -> None:
    desk.ok("admin", "resource", "create", clinic.slug, "Chair 1")
    desk.ok("admin", "type", "parts", clinic.slug, "check", "--part", "chair")
    booked = book(desk, clinic, "check", "09:00")
    span = (when(clinic, "08:00"), when(clinic, "12:00"))
    add = ("admin", "absence", "add", clinic.slug, "chair 1", *span, "--reason", "broken")
    refused = desk(*add, "--json")
    assert (refused.code, refused.error["code"]) == (1, "appointments_in_the_way")
    assert "worklist" in refused.error["hint"]
    drawn = desk.ok(*add, "--dry-run").out
    assert "Zoe Quill" in drawn
    assert booked["id"] in drawn
    assert desk(*add, "--cancel", "--keep").code == 2
    kept = desk.json(*add, "--keep")
    [listed] = desk.json("worklist", clinic.slug, "chair 1", "--on", clinic.weekday(1).isoformat())[
        "appointments"
    ]
    assert (listed["id"], listed["status"], listed["stand_ins"]) == (booked["id"], "booked", [])
    desk.ok("admin", "resource", "create", clinic.slug, "Chair 2")
    drawn = desk.ok("worklist", clinic.slug, "chair 1", "--on", clinic.weekday(1).isoformat()).out
    assert "Chair 2, same time" in drawn
    desk.ok("admin", "absence", "remove", kept["time_off"][0]["id"])
    added = desk.json(*add, "--cancel")
    assert [row["appointment_id"] for row in added["appointments"]] == [booked["id"]]
    [row] = desk.json("admin", "absence", "list", clinic.slug)
    assert (row["id"], row["reason"], row["dentist_id"]) == (added["time_off"][0]["id"], "broken", None)
    assert "Chair 1" in desk.ok("admin", "absence", "list", clinic.slug).out
    board = desk.ok("day", clinic.slug, "--on", clinic.weekday(1).isoformat(), LINES="60").out
    assert "Out of order: Chair 1 from 08:00 to 12:00" in board
    assert desk.json("admin", "absence", "remove", row["id"])["removed"] is True
    assert desk.json("admin", "absence", "list", clinic.slug) == []


def test_a_closed_clinic_opens_again(desk: Program, clinic: MadeClinic) -> None:
    span = (when(clinic, "00:00"), when(clinic, "00:00", 2))
    add = ("admin", "closure", "add", clinic.slug, *span, "--reason", "Carnival")
    assert desk.json(*add, "--dry-run")["dry_run"] is True
    assert desk.json("admin", "closure", "list", clinic.slug) == []
    added = desk.json(*add)
    [row] = desk.json("admin", "closure", "list", clinic.slug)
    assert (row["id"], row["reason"]) == (added["closure_id"], "Carnival")
    assert "Carnival" in desk.ok("admin", "closure", "list", clinic.slug).out
    day = ("--from", clinic.weekday(1).isoformat(), "--days", "1")
    assert desk.json("slots", clinic.slug, "check", *day) == []
    assert desk.json("admin", "closure", "remove", row["id"])["removed"] is True
    assert desk.json("slots", clinic.slug, "check", *day)


def test_contact_and_zone_change_and_a_dry_run_shows_what_shifts(desk: Program, clinic: MadeClinic) -> None:
    booked = book(desk, clinic, "check", "09:00")
    update = ("admin", "clinic", "update", clinic.slug)
    zone = ("--time-zone", "America/Chicago", "--dry-run")
    tried = desk.json(*update, *zone)
    assert [row["appointment_id"] for row in tried["appointments_shifted"]] == [booked["id"]]
    drawn = desk.ok(*update, *zone).out
    assert "09:00" in drawn
    assert "08:00" in drawn
    changed = desk.json(
        *update, "--phone", "+1 212 555 0100", "--email", "hello@clinic.test", "--address", "1 Elm St"
    )
    assert changed["clinic"]["time_zone"] == "America/New_York"
    assert (changed["clinic"]["phone"], changed["clinic"]["address"]) == ("+1 212 555 0100", "1 Elm St")
    cleared = desk.json(*update, "--clear", "phone", "--clear", "email")["clinic"]
    assert [cleared[name] for name in ("phone", "email", "address")] == [None, None, "1 Elm St"]
    assert desk(*update).code == 2
    policy = desk.json("admin", "clinic", "policy", clinic.slug, "--max-upcoming", "5", "--cancel-grace", "0")
    assert (policy["max_upcoming"], policy["cancel_grace"]) == (5, "00:00:00")
