"""Visits that take chairs, at the desk's terminal: with anybody, next, moved, corrected, drawn."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.cli.program import Program
from tests.support.actors import call
from tests.support.build import MadeClinic, make_clinic
from tests.support.stacks import PASSWORD, Stack

NOBODY = "6b1f0000-0000-4000-8000-000000000000"


@pytest.fixture
def clinic(stack: Stack) -> MadeClinic:
    """A clinic of one's own: two dentists, two chairs, and cleanings with ten minutes of a dentist."""
    actors = stack.actors()
    clinic = make_clinic(actors.superuser())
    admin = actors.user(f"{clinic.users['admin']}@made.test")
    for chair in ("Chair 1", "Chair 2"):
        call(admin, "create_resource", clinic_id=clinic.id, name=chair, kind="chair")
    about = {"clinic_id": clinic.id, "full_name": "Hannah", "profession": "hygienist"}
    hannah = call(admin, "create_dentist", **about)["id"]
    week = [{"weekday": day, "opens": "09:00", "closes": "17:00"} for day in range(1, 6)]
    call(admin, "set_availability", dentist_id=hannah, weekly=week)
    cleaning = {"appointment_type_id": clinic.cleaning, "duration": "60 minutes", "buffer_after": "0"}
    call(admin, "update_appointment_type", **cleaning, dentist_ids=f"{{{hannah}}}")
    chair, exam = (
        {"needs": "chair"},
        {"needs": "dentist", "starts_after": "30 minutes", "lasts": "10 minutes"},
    )
    for type_, parts in ((clinic.checkup, [chair]), (clinic.cleaning, [chair, exam])):
        call(admin, "set_visit_parts", appointment_type_id=type_, parts=parts)
    actors.close()
    return clinic


def when(clinic: MadeClinic, clock: str) -> str:
    return clinic.at(clock).strftime("%Y-%m-%dT%H:%M")


def patient(desk: Program, clinic: MadeClinic, name: str) -> str:
    row = desk.json("admin", "patient", "create", clinic.slug, name, "--phone", "+1 212 555 0177")
    return str(row["id"])


def book(
    desk: Program, clinic: MadeClinic, clock: str, name: str, *options: str, type_: str = "check"
) -> dict[str, Any]:
    """Book for somebody new."""
    who = ("--patient", patient(desk, clinic, name))
    booked: dict[str, Any] = desk.json("book", clinic.slug, type_, when(clinic, clock), *who, *options)
    return booked


def board(desk: Program, clinic: MadeClinic, *options: str) -> str:
    return desk.ok("day", clinic.slug, "--on", clinic.weekday(1).isoformat(), *options, LINES="80").out


def test_whoever_is_free_sees_a_patient_who_named_nobody(desk: Program, clinic: MadeClinic) -> None:
    first, second = book(desk, clinic, "09:00", "Ada"), book(desk, clinic, "09:00", "Bo")
    assert {first["dentist_id"], second["dentist_id"]} == {str(clinic.lee), str(clinic.other)}
    assert first["assigned"] == second["assigned"] == "any"
    refused = desk("book", clinic.slug, "check", when(clinic, "09:00"), "--patient", "ada", "--json")
    assert (refused.code, refused.error["code"]) == (1, "slot_taken")
    assert "with" in refused.error["hint"]


def test_what_is_full_says_which_part_is_missing(desk: Program, clinic: MadeClinic) -> None:
    asked = ("explain", clinic.slug, "check", when(clinic, "09:00"), "--dentist", "other")
    assert desk.json(*asked)["bookable"] is True
    assert "With Other" in desk.ok(*asked).out
    book(desk, clinic, "09:00", "Ada", "--dentist", "lee")
    book(desk, clinic, "09:00", "Bo", "--dentist", "lee", "--squeeze-in")
    answer = desk.json(*asked)
    assert (answer["bookable"], answer["code"]) == (False, "slot_taken")
    assert "No chair is free from 09:00 to 09:30" in desk.ok(*asked).out


def test_who_does_not_do_it_is_told_apart_from_what_is_not_for_one(desk: Program, clinic: MadeClinic) -> None:
    asked = ("explain", clinic.slug, "cleaning", when(clinic, "09:00"), "--dentist", "lee")
    assert desk.json(*asked)["code"] == "not_offered"
    assert "This dentist does not do this" in desk.ok(*asked).out
    booking = ("book", clinic.slug, "cleaning", when(clinic, "09:00"), "--dentist", "lee", "--json")
    refused = desk(*booking, "--patient", patient(desk, clinic, "Ada"))
    assert (refused.code, refused.error["code"]) == (1, "not_offered")
    assert refused.error["hint"]


def test_the_next_free_slots_are_listed_with_whoever_has_them(desk: Program, clinic: MadeClinic) -> None:
    asked = ("next", clinic.slug, "cleaning", "--from", when(clinic, "10:00"), "--count", "2")
    rows = desk.json(*asked)
    assert [datetime.fromisoformat(row["starts_at"]) for row in rows] == [
        clinic.at("10:00"), clinic.at("10:15"),
    ]  # fmt: skip
    assert {row["dentist"] for row in rows} == {"Hannah"}
    assert "Hannah" in desk.ok(*asked).out
    [evening] = desk.json(*asked[:3], "--part-of-day", "afternoon", "--count", "1")
    assert datetime.fromisoformat(evening["starts_at"]).hour >= 12
    refused = desk(*asked, "--part-of-day", "night", "--json")
    assert (refused.code, refused.error["code"]) == (2, "invalid_argument")


def test_an_appointment_moves_to_what_is_listed_for_it(desk: Program, clinic: MadeClinic) -> None:
    booked = book(desk, clinic, "09:00", "Ada", "--dentist", "lee")
    day = ("--from", clinic.weekday(1).isoformat(), "--days", "1")
    listed = desk.json("slots", clinic.slug, "check", *day, "--appointment", booked["id"], "--dentist", "lee")
    starts = {datetime.fromisoformat(row["starts_at"]) for row in listed}
    assert {clinic.at("09:00"), clinic.at("09:15")} <= starts, "its own time does not block it"
    moved = desk.json("move", booked["id"], "9:15")
    assert datetime.fromisoformat(moved["starts_at"]) == clinic.at("09:15")
    again = desk.json("move", booked["id"], when(clinic, "11:00"), "--dentist", "other")
    assert again["dentist_id"] == str(clinic.other)
    assert "Ada" in desk.ok("move", booked["id"], "10:00").out
    stale = desk("move", booked["id"], "10:30", "--version", "1", "--json")
    assert (stale.code, stale.error["code"]) == (1, "stale_version")
    book(desk, clinic, "13:00", "Bo", "--dentist", "other")
    taken = desk("move", booked["id"], "13:00", "--json")
    assert (taken.code, taken.error["code"]) == (1, "slot_taken")
    assert "Free instead" in taken.error["hint"]


def test_a_visit_grows_and_shrinks(desk: Program, clinic: MadeClinic) -> None:
    booked = book(desk, clinic, "09:00", "Ada", "--dentist", "lee")
    resized = desk.json("resize", booked["id"], "10:15")
    assert datetime.fromisoformat(resized["ends_at"]) == clinic.at("10:15")
    assert "09:00 to 09:20" in desk.ok("resize", booked["id"], "09:20").out
    refused = desk("resize", booked["id"], "08:00", "--json")
    assert (refused.code, refused.error["code"]) == (2, "invalid_argument")


def test_two_visits_change_places(desk: Program, clinic: MadeClinic) -> None:
    one = book(desk, clinic, "09:00", "Ada", "--dentist", "lee")
    other = book(desk, clinic, "11:00", "Bo", "--dentist", "other")
    rows = {row["id"]: row for row in desk.json("swap", one["id"], other["id"])}
    for row, place in ((rows[one["id"]], other), (rows[other["id"]], one)):
        assert (row["starts_at"], row["dentist_id"]) == (place["starts_at"], place["dentist_id"])
    assert "Ada" in desk.ok("swap", one["id"], other["id"]).out


def test_a_visit_gets_another_chair_or_dentist_for_its_part(desk: Program, clinic: MadeClinic) -> None:
    booked = book(desk, clinic, "09:00", "Ada", type_="cleaning")
    desk.ok("seat", booked["id"], "chair 2")
    desk.ok("seat", booked["id"], "other")
    day = desk.json("day", clinic.slug, "--on", clinic.weekday(1).isoformat())
    [visit] = [row for dentist in day["dentists"] for row in dentist["appointments"]]
    assert [part["name"] for part in visit["parts"]] == ["Chair 2", "Other"]
    assert "Given Chair 1" in desk.ok("seat", booked["id"], "chair 1", "--part", "1").out
    hygienist = desk("seat", booked["id"], "hannah", "--json")
    assert (hygienist.code, hygienist.error["code"]) == (2, "invalid_argument")
    assert "--part" in hygienist.error["hint"]
    book(desk, clinic, "09:00", "Bo", "--dentist", "lee")
    taken = desk("seat", booked["id"], "chair 2", "--json")
    assert (taken.code, taken.error["code"]) == (1, "slot_taken")


def test_what_was_marked_by_mistake_is_undone(desk: Program, clinic: MadeClinic) -> None:
    booked = book(desk, clinic, "09:00", "Ada", "--dentist", "lee")
    too_soon = desk("mark", booked["id"], "checked-in", "--json")
    assert (too_soon.code, too_soon.error["code"]) == (1, "invalid_transition")
    assert desk("undo", booked["id"]).code == 2
    desk.ok("cancel", booked["id"], "--yes")
    assert desk.json("undo", booked["id"])["status"] == "booked"
    desk.ok("cancel", booked["id"], "--yes")
    book(desk, clinic, "09:00", "Bo", "--dentist", "lee")
    taken = desk("undo", booked["id"], "--json")
    assert (taken.code, taken.error["code"]) == (1, "slot_taken")


def test_who_is_in_the_chair_already_is_recorded_and_marked(desk: Program, clinic: MadeClinic) -> None:
    now = datetime.now(clinic.zone)
    walk_in = max(now - timedelta(minutes=20), now.replace(hour=0, minute=0))
    start, end = (f"{time:%Y-%m-%dT%H:%M}" for time in (walk_in, walk_in + timedelta(hours=2)))
    desk.ok("admin", "hours", "add", clinic.slug, "lee", start, end)
    who = ("--dentist", "lee", "--patient", patient(desk, clinic, "Ada"))
    booked = desk.json("book", clinic.slug, "check", start, *who)
    for status in ("checked_in", "fulfilled"):
        assert desk.json("mark", booked["id"], status)["status"] == status
    assert desk.json("undo", booked["id"])["status"] == "checked_in"
    assert desk.json("undo", booked["id"])["status"] == "booked"
    assert desk.json("mark", booked["id"], "no-show")["status"] == "no_show"
    assert "booked" in desk.ok("undo", booked["id"]).out


def test_appointments_are_listed_with_their_ids(desk: Program, clinic: MadeClinic) -> None:
    one = book(desk, clinic, "09:00", "Ada Byron", "--dentist", "lee")
    other = book(desk, clinic, "11:00", "Bo Diddley", "--dentist", "other")
    day = ("appointments", clinic.slug, "--on", clinic.weekday(1).isoformat())
    assert [row["id"] for row in desk.json(*day)] == [one["id"], other["id"]]
    assert [row["id"] for row in desk.json(*day, "--dentist", "other")] == [other["id"]]
    assert [row["id"] for row in desk.json(*day, "--patient", "byron")] == [one["id"]]
    drawn = desk.ok(*day).out
    assert "Ada Byron" in drawn
    assert one["id"] in drawn
    assert "no appointments" in desk.ok(*day[:2], "--on", clinic.weekday(7).isoformat()).out


def test_a_sick_dentists_patients_are_listed_with_where_they_could_go(
    desk: Program, clinic: MadeClinic
) -> None:
    led = book(desk, clinic, "09:00", "Ada", "--dentist", "lee")
    joined = book(desk, clinic, "10:00", "Bo", type_="cleaning")
    desk.ok("seat", joined["id"], "lee")
    book(desk, clinic, "11:00", "Cy", "--dentist", "other")
    asked = ("worklist", clinic.slug, "lee", "--on", clinic.weekday(1).isoformat())
    rows = desk.json(*asked)["appointments"]
    assert [row["id"] for row in rows] == [led["id"], joined["id"]], "also who only needs ten minutes of them"
    assert {row["phone"] for row in rows} == {"+1 212 555 0177"}
    assert all(row["alternatives"] for row in rows)
    drawn = desk.ok(*asked).out
    assert "+1 212 555 0177" in drawn
    assert "Other" in drawn
    nearest = rows[0]["alternatives"][0]
    desk.ok("move", led["id"], nearest["starts_at"], "--dentist", nearest["dentist_id"])
    assert [row["id"] for row in desk.json(*asked)["appointments"]] == [joined["id"]]
    assert "Nobody" in desk.ok("worklist", clinic.slug, "--on", clinic.weekday(7).isoformat()).out


def test_the_board_shows_parts_who_takes_part_and_what_was_squeezed_in(
    desk: Program, clinic: MadeClinic
) -> None:
    cleaning = book(desk, clinic, "09:00", "Ada", type_="cleaning")
    desk.ok("seat", cleaning["id"], "lee")
    book(desk, clinic, "09:15", "Bo", "--dentist", "other")
    book(desk, clinic, "09:15", "Cy", "--dentist", "other", "--squeeze-in")
    lines = board(desk, clinic).splitlines()
    row = _row(lines, "09:00")
    quarter, half = lines[row + 1], lines[row + 2]
    assert "Ada · Chair" in lines[row]
    assert "Bo" in quarter
    assert "+ Cy" in quarter, "beside what was there"
    assert "║" in quarter
    assert "→ Ada · Cleaning of Hannah" in half
    assert "1 squeezed in" in lines[-1]


def _row(lines: list[str], clock: str) -> int:
    return next(number for number, line in enumerate(lines) if clock in line)


def test_the_board_can_have_chairs_as_columns(desk: Program, clinic: MadeClinic) -> None:
    booked = book(desk, clinic, "09:00", "Ada", type_="cleaning")
    desk.ok("seat", booked["id"], "chair 2")
    hold = ("hold", clinic.slug, "check", when(clinic, "09:00"), "--dentist", "lee")
    desk.ok(*hold, "--patient", patient(desk, clinic, "Bo"))
    lines = board(desk, clinic, "--chairs").splitlines()
    head = next(line for line in lines if "Chair 1" in line)
    nine = lines[_row(lines, "09:00")]
    assert nine.index("Ada · Hannah") > head.index("Chair 2") - 3
    assert nine.index("hold 4:") < head.index("Chair 2")


def test_time_taken_by_another_clinic_is_shown_and_no_more(
    desk: Program, clinic: MadeClinic, stack: Stack
) -> None:
    actors = stack.actors()
    other = make_clinic(actors.superuser())
    actors.close()
    desk.ok("admin", "dentist", "create", other.slug, "Lee Too", "--same-as", str(clinic.lee))
    desk.ok("admin", "hours", "set", other.slug, "lee too", "mon-fri 09:00-17:00")
    booked = book(desk, clinic, "09:00", "Ada", "--dentist", "lee")
    drawn = board(desk, other)
    assert "at another clinic" in drawn
    assert "Ada" not in drawn
    taken = ("explain", other.slug, "check", when(clinic, "09:00"), "--dentist", "lee too")
    assert desk.json(*taken)["code"] == "slot_taken"
    desk.ok("cancel", booked["id"], "--yes")
    assert desk.json(*taken)["bookable"] is True


@pytest.mark.parametrize(
    "command",
    [
        ("move", NOBODY, "10:00"),
        ("resize", NOBODY, "10:00"),
        ("swap", NOBODY, NOBODY),
        ("seat", NOBODY, "chair 1"),
        ("mark", NOBODY, "booked"),
        ("undo", NOBODY),
    ],
)
def test_an_appointment_that_is_none_is_not_found(desk: Program, command: tuple[str, ...]) -> None:
    refused = desk(*command, "--json")
    assert (refused.code, refused.error["code"]) == (5, "not_found")


def test_a_patient_corrects_nothing(desk: Program) -> None:
    booked = desk.json("next", "riverside", "check", "--count", "1")
    assert booked
    desk.ok("login", "ana@patients.test", CHAIRTIME_PASSWORD=PASSWORD)
    for command in (("worklist", "riverside"), ("admin", "resource", "create", "riverside", "Chair 9")):
        refused = desk(*command, "--json")
        assert (refused.code, refused.error["code"]) in {(4, "forbidden"), (5, "not_found")}
    squeezed = desk("book", "riverside", "check", "monday 10:00", "--squeeze-in", "--json")
    assert (squeezed.code, squeezed.error["code"]) == (4, "forbidden")


def test_the_tail_says_that_a_chair_concerns_the_whole_clinic(
    desk: Program, clinic: MadeClinic, stack: Stack
) -> None:
    actors = stack.actors()
    latest = actors.superuser_row("select max(id) as id from clinic.realtime_events")["id"]
    actors.close()
    book(desk, clinic, "09:00", "Ada", "--dentist", "lee")
    topic = ("--topic", f"availability:{clinic.slug}")
    shown = desk.ok("events", "tail", *topic, "--after", str(latest), "--count", "2").out.splitlines()
    assert [("slot_taken" in line, " Lee " in line, clinic.slug in line) for line in shown] == [
        (True, True, False), (False, False, True),
    ]  # fmt: skip
