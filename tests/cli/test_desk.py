"""The desk's commands against the running stack: both renderings, and what goes wrong."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from zoneinfo import TZPATH

import pytest

from tests.cli.program import Done, Program
from tests.support.build import MadeClinic, make_clinic
from tests.support.stacks import PASSWORD, Stack


@pytest.fixture
def clinic(stack: Stack) -> Iterator[MadeClinic]:
    """A clinic of one's own."""
    actors = stack.actors()
    yield make_clinic(actors.superuser())
    actors.close()


@pytest.fixture
def patient(desk: Program, clinic: MadeClinic) -> str:
    """A patient of this clinic, recorded at the desk."""
    row = desk.json("admin", "patient", "create", clinic.slug, "Zoe Quill", "--email", "zoe@quill.test")
    identifier: str = row["id"]
    return identifier


def when(clinic: MadeClinic, clock: str) -> str:
    return clinic.at(clock).strftime("%Y-%m-%dT%H:%M")


def test_slots_are_listed_in_the_clinics_time(desk: Program, clinic: MadeClinic) -> None:
    day = clinic.weekday(1).isoformat()
    arguments = ("slots", clinic.slug, "check", "--from", day, "--days", "1", "--dentist", "lee")
    rows = desk.json(*arguments)
    assert {row["dentist"] for row in rows} == {"Lee"}
    assert datetime.fromisoformat(rows[0]["starts_at"]) == clinic.at("09:00")
    drawn = desk.ok(*arguments).out
    assert "09:00" in drawn
    assert "Lee" in drawn


@pytest.fixture
def other_zones(tmp_path: Path) -> dict[str, str]:
    """A machine that knows New York's clock wrongly, as one knows a new law that has old tzdata: as UTC."""
    (tmp_path / "America").mkdir()
    for folder in TZPATH:
        if (Path(folder) / "Etc" / "UTC").exists():
            shutil.copy(Path(folder) / "Etc" / "UTC", tmp_path / "America" / "New_York")
    assert (tmp_path / "America" / "New_York").exists()
    return {"PYTHONTZPATH": str(tmp_path)}


def test_wall_times_are_the_servers_whatever_this_machine_knows_of_zones(
    desk: Program, clinic: MadeClinic, patient: str, other_zones: dict[str, str]
) -> None:
    booked = desk.json(
        *("book", clinic.slug, "check", when(clinic, "09:00"), "--dentist", "lee", "--patient", patient),
        **other_zones,
    )
    assert datetime.fromisoformat(booked["starts_at"]) == clinic.at("09:00")
    day = clinic.weekday(1).isoformat()
    listing = ("slots", clinic.slug, "check", "--from", day, "--days", "1", "--dentist", "lee")
    first = desk.json(*listing, **other_zones)[0]["starts_at"]
    assert datetime.fromisoformat(first) == clinic.at("09:30")
    assert "09:30" in desk.ok(*listing, **other_zones).out
    drawn = desk.ok("day", clinic.slug, "--on", day, **other_zones).out
    assert " 09:00" in drawn
    assert " 14:00" not in drawn.split("16:30")[1]


def test_more_slots_than_one_answer_has_room_for_are_all_listed(
    desk: Program, clinic: MadeClinic, stack: Stack
) -> None:
    actors = stack.actors()
    actors.superuser().execute(
        "update clinic.clinics set slot_interval = '5 minutes' where id = %s", [clinic.id]
    )
    actors.close()
    day = clinic.weekday(1).isoformat()
    rows = desk.json("slots", clinic.slug, "check", "--from", day, "--days", "21")
    # Two dentists, fifteen days, 31 starts in the morning and 43 in the afternoon.
    assert len(rows) == len({(row["dentist"], row["starts_at"]) for row in rows}) == 2 * 15 * (31 + 43)


def test_a_visitor_may_list_slots(desk: Program, clinic: MadeClinic) -> None:
    day = clinic.weekday(1).isoformat()
    rows = desk.json("slots", clinic.slug, "check", "--from", day, "--days", "1", SUPABASE_SECRET_KEY="")
    assert rows


def test_a_day_off_has_no_slots_and_says_so(desk: Program, clinic: MadeClinic) -> None:
    day = clinic.weekday(7).isoformat()
    arguments = ("slots", clinic.slug, "check", "--from", day, "--days", "1")
    assert desk.json(*arguments) == []
    assert "No free slots" in desk.ok(*arguments).out


def test_a_clinic_without_dentists_says_so(desk: Program, clinic: MadeClinic) -> None:
    for dentist in clinic.dentists.values():
        desk.ok("admin", "dentist", "update", clinic.slug, str(dentist), "--inactive")
    assert desk.json("slots", clinic.slug, "check") == []
    assert "no dentists" in desk.ok("slots", clinic.slug, "check").out


@pytest.mark.parametrize("said", ["monday 09:00", "Monday 09:00", "mondayT09:00", "tuesday  13:30"])
def test_a_weekday_is_the_next_one_of_the_clinics_calendar(
    desk: Program, clinic: MadeClinic, patient: str, said: str
) -> None:
    made = desk.json("hold", clinic.slug, "check", said, "--dentist", "lee", "--patient", patient)
    starts = datetime.fromisoformat(made["starts_at"]).astimezone(clinic.zone)
    assert f"{starts:%A %H:%M}".lower().split() == said.lower().replace("t09", " 09").split()
    assert 1 <= (starts.date() - datetime.now(clinic.zone).date()).days <= 7


def test_book_then_cancel(desk: Program, clinic: MadeClinic, patient: str) -> None:
    arguments = ("book", clinic.slug, "check", when(clinic, "09:00"), "--dentist", "lee", "--patient", "zoe")
    booked = desk.json(*arguments, "--notes", "first visit")
    assert (booked["status"], booked["patient_id"], booked["notes"]) == ("booked", patient, "first visit")
    assert datetime.fromisoformat(booked["starts_at"]) == clinic.at("09:00")
    refused = desk("cancel", booked["id"], "--json")
    assert (refused.code, refused.error["code"]) == (2, "invalid_argument")
    cancelled = desk.json("cancel", booked["id"], "--reason", "ill", "--yes")
    assert (cancelled["status"], cancelled["cancellation_reason"]) == ("cancelled", "ill")
    assert "Cancelled" in desk.ok("cancel", booked["id"], "--yes").out


def test_a_booking_is_drawn_in_words(desk: Program, clinic: MadeClinic, patient: str) -> None:
    where = ("book", clinic.slug, "cleaning", when(clinic, "10:00"), "--dentist", "lee", "--patient", patient)
    drawn = desk.ok(*where).out
    assert "10:00 to 10:45" in drawn
    assert "Zoe Quill" in drawn
    assert "Cleaning" in drawn


def test_a_taken_slot_is_refused_with_what_is_free_instead(
    desk: Program, clinic: MadeClinic, patient: str
) -> None:
    where = ("check", when(clinic, "09:00"), "--dentist", "lee", "--patient", patient)
    desk.ok("book", clinic.slug, *where)
    refused = desk("book", clinic.slug, *where, "--json")
    assert (refused.code, refused.error["code"]) == (1, "slot_taken")
    assert refused.error["details"]
    assert "09:30" in refused.error["hint"]
    drawn = desk("book", clinic.slug, *where)
    assert drawn.out == ""
    assert "error slot_taken" in drawn.err
    assert "09:30" in drawn.err


def test_hold_list_book_and_release(desk: Program, clinic: MadeClinic, patient: str) -> None:
    where = ("hold", clinic.slug, "check", when(clinic, "13:00"), "--dentist", "other", "--patient", patient)
    held = desk.json(*where)
    assert held["expires_at"] > held["server_now"]
    assert [row["id"] for row in desk.json("reservations", "list", clinic.slug)] == [held["id"]]
    assert held["id"] in desk.ok("reservations", "list", clinic.slug).out
    booked = desk.json("book", clinic.slug, "--reservation", held["id"])
    assert (booked["id"], booked["status"]) == (held["id"], "booked")
    assert "Nothing is on hold" in desk.ok("reservations", "list", clinic.slug).out

    drawn = desk.ok(
        "hold", clinic.slug, "check", when(clinic, "15:00"), "--dentist", "other", "--patient", patient
    )
    assert "--reservation" in drawn.out
    second = desk.json("reservations", "list", clinic.slug)[0]["id"]
    assert desk("reservations", "release", second).code == 2
    assert desk.json("reservations", "release", second, "--yes") == {"id": second, "released": True}
    assert "ended already" in desk.ok("reservations", "release", second, "--yes").out


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (("book", "{slug}", "check", "tea time", "--dentist", "lee"), 2, "invalid_argument"),
        (("book", "{slug}", "check", "2026-12-01T09:00", "--dentist", "nobody"), 5, "not_found"),
        (("book", "{slug}", "nonsense", "2026-12-01T09:00", "--dentist", "lee"), 5, "not_found"),
        (
            ("book", "{slug}", "check", "2026-12-01T09:00", "--dentist", "lee", "--patient", "x"),
            5,
            "not_found",
        ),
        (("book", "{slug}", "c", "2026-12-01T09:00", "--dentist", "lee"), 2, "ambiguous"),
        (("book", "{slug}"), 2, "invalid_argument"),
        (("book", "nowhere", "check", "2026-12-01T09:00", "--dentist", "lee"), 5, "not_found"),
        (("book", "{slug}", "--reservation", "not-a-uuid"), 2, "invalid_argument"),
        (("book", "{slug}", "check", "2020-01-01T09:00", "--dentist", "lee"), 2, "invalid_argument"),
        (("slots", "{slug}", "check", "--from", "someday"), 2, "invalid_argument"),
        (("book", "{slug}", "check", "someday 10:00", "--dentist", "lee"), 2, "invalid_argument"),
        (("book", "{slug}", "check", "monday", "--dentist", "lee"), 2, "invalid_argument"),
        (("book", "{slug}", "check", "monday 25:00", "--dentist", "lee"), 2, "invalid_argument"),
        (("slots", "{slug}", "check", "--days", "63"), 2, "usage"),
        (("day", "{slug}", "--on", "someday"), 2, "invalid_argument"),
        (("cancel", "6b1f0000-0000-4000-8000-000000000000", "--yes"), 5, "not_found"),
    ],
)
def test_bad_input_is_told_in_one_line(
    desk: Program, clinic: MadeClinic, arguments: tuple[str, ...], exit_code: int, code: str
) -> None:
    refused = desk(*(part.format(slug=clinic.slug) for part in arguments), "--json")
    assert (refused.code, refused.error["code"]) == (exit_code, code)
    assert refused.out == ""


def test_the_day_is_drawn_with_dentists_as_columns(desk: Program, clinic: MadeClinic, patient: str) -> None:
    day = clinic.weekday(1).isoformat()
    desk.ok("book", clinic.slug, "check", when(clinic, "09:00"), "--dentist", "lee", "--patient", patient)
    desk.ok(
        "hold", clinic.slug, "cleaning", when(clinic, "11:00"), "--dentist", "other", "--patient", patient
    )
    board = desk.json("day", clinic.slug, "--on", day)
    assert [dentist["full_name"] for dentist in board["dentists"]] == ["Lee", "Other"]
    lines = desk.ok("day", clinic.slug, "--on", day, LINES="60").out.splitlines()
    head = next(line for line in lines if "Lee" in line and "Other" in line)
    nine = next(line for line in lines if "09:00" in line)
    eleven = next(line for line in lines if "11:00" in line)
    assert nine.index("Zoe Quill") < head.index("Other")
    assert eleven.index("hold 4:") > head.index("Lee")
    assert "1 booked" in lines[-1]
    assert "1 hold" in lines[-1]
    assert "\x1b[" not in "".join(lines)


def test_a_session_has_its_users_rights_and_no_more(desk: Program, stack: Stack, clinic: MadeClinic) -> None:
    told = desk.json("login", "ana@patients.test", CHAIRTIME_PASSWORD=PASSWORD)
    assert told["email"] == "ana@patients.test"
    session = desk.folder / ".chairtime" / "session.json"
    assert stat.S_IMODE(session.stat().st_mode) == 0o600
    hidden = desk("day", clinic.slug, "--json")
    assert (hidden.code, hidden.error["code"]) in {(4, "forbidden"), (5, "not_found")}
    booked = desk.json("book", clinic.slug, "check", when(clinic, "16:00"), "--dentist", "lee")
    assert desk.json("cancel", booked["id"], "--yes")["status"] == "cancelled"
    assert desk.json("logout") == {"signed_out": True}
    assert "Nobody was signed in" in desk.ok("logout").out
    assert not session.exists()


def test_a_wrong_password_is_refused(desk: Program) -> None:
    refused = desk("login", "ana@patients.test", "--json", stdin="wrong\n")
    assert (refused.code, refused.error["code"]) == (4, "not_authenticated")
    assert desk("login", "ana@patients.test").code == 2  # nobody typed one


def test_an_ended_session_is_told(desk: Program) -> None:
    desk.ok("login", "ana@patients.test", CHAIRTIME_PASSWORD=PASSWORD)
    session = desk.folder / ".chairtime" / "session.json"
    head, _, tail = session.read_text().partition('"access_token": "')
    session.write_text(f'{head}"access_token": "x{tail}')
    refused = desk("reservations", "list", "riverside", "--json")
    assert (refused.code, refused.error["code"]) == (4, "not_authenticated")


@pytest.mark.parametrize("command", [("slots", "riverside", "clean"), ("day", "riverside"), ("health",)])
def test_a_wrong_key_is_not_allowed(desk: Program, command: tuple[str, ...]) -> None:
    wrong = {"SUPABASE_SECRET_KEY": "sb_secret_wrong", "SUPABASE_PUBLISHABLE_KEY": "sb_publishable_wrong"}
    refused = desk(*command, "--json", **wrong)
    assert refused.code == 4, refused.err


def test_a_dead_server_is_unreachable(desk: Program) -> None:
    """All commands at once: most ask again for seconds before they say so."""
    dead = {"SUPABASE_URL": "http://127.0.0.1:9", "CHAIRTIME_WORKER_URL": "http://127.0.0.1:9"}
    commands = [
        ("slots", "riverside", "clean"),
        ("day", "riverside"),
        ("health",),
        ("metrics",),
        ("admin", "clinic", "list"),
        ("login", "ana@patients.test"),
        ("admin", "user", "create", "new@patients.test"),
        ("events", "tail"),
        ("day", "riverside", "--watch"),
    ]

    def run(command: tuple[str, ...]) -> Done:
        return desk(*command, "--json", **dead, CHAIRTIME_PASSWORD=PASSWORD)

    with ThreadPoolExecutor(len(commands)) as threads:
        for command, refused in zip(commands, threads.map(run, commands), strict=True):
            assert (refused.code, refused.error["code"]) == (3, "unreachable"), command
            assert refused.error["hint"]


@pytest.mark.parametrize(
    ("address", "exit_code", "code"),
    [
        ("nonsense", 2, "invalid_argument"),
        ("http://[bad", 2, "invalid_argument"),
        ("{worker}", 3, "unreachable"),
    ],
)
def test_an_address_that_is_none_or_anothers_is_told(
    desk: Program, address: str, exit_code: int, code: str
) -> None:
    wrong = address.format(worker=desk.variables["CHAIRTIME_WORKER_URL"])
    refused = desk("slots", "riverside", "clean", "--json", SUPABASE_URL=wrong)
    assert (refused.code, refused.error["code"]) == (exit_code, code)


def test_without_any_key_it_says_how_to_get_one(desk: Program) -> None:
    refused = desk("reservations", "list", "riverside", "--json", SUPABASE_SECRET_KEY="")
    assert (refused.code, refused.error["code"]) == (4, "not_authenticated")
    assert "login" in refused.error["hint"]
    refused = desk("day", "riverside", "--json", SUPABASE_SECRET_KEY="")
    assert (refused.code, refused.error["code"]) == (4, "not_authenticated")
