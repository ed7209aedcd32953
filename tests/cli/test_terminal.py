"""The terminal: names and notes show, and never steer it, whoever typed them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cli import output
from cli.commands.stack import render_status
from cli.day_board import draw
from cli.terminal import SafeConsole, visible

NASTY = (
    "Ada\x1b[2J\x1b]0;owned\x07\x9b31m\u202e\u2066\r[bold red]Lovelace[/] [link=https://x.test]here[/link]"
)


def drawn(renderable: Any) -> str:
    """Return what a terminal would be sent."""
    console = SafeConsole(file=StringIO(), force_terminal=True, width=400, highlight=False)
    console.print(renderable)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


@pytest.mark.parametrize(
    "renderable",
    [
        output.table(("Name", "Id"), [(NASTY, 1)], title=NASTY),
        output.fields([("name", NASTY)]),
        NASTY.replace("[", "("),
    ],
    ids=["table", "fields", "markup"],
)
def test_what_steers_is_written_out(renderable: Any) -> None:
    text = drawn(renderable)
    for character in ("\x07", "\x9b", "\u202e", "\u2066", "\r", "\x1b]"):
        assert character not in text
    assert "\x1b[2J" not in text
    assert r"\x1b" in text
    assert r"\u202e" in text


def test_markup_in_a_name_is_its_text() -> None:
    text = drawn(output.table(("Name",), [(NASTY,)]))
    assert "[bold red]Lovelace[/]" in text
    assert "https://x.test" in text
    assert "\x1b]8" not in text, "no links"


def test_the_status_shows_no_markup() -> None:
    texts = ("api_url", "web_url", "realtime_url", "worker_url", "db_url", "publishable_key", "secret_key")
    died = {"state": "restarting", "last": "was [ended] by SIGKILL", "restarts": 2}
    parts = {"lite": {"state": "running", "last": None, "restarts": 0}, "worker": died}
    status = dict.fromkeys((*texts, "jwt_secret", "log", "mailbox_url", "web_dir"), "x") | {"parts": parts}
    text = re.sub(r"\x1b\[[0-9;]*m", "", drawn(render_status(status)))
    assert re.search(r"Lite +answers +\n", text)
    assert "does not answer (restarting); was [ended] by SIGKILL, 2 restarts" in text
    assert "[green]" not in text


def test_the_status_says_where_links_in_messages_lead_nowhere(tmp_path: Path) -> None:
    texts = ("api_url", "web_url", "realtime_url", "worker_url", "db_url", "publishable_key", "secret_key")
    status = dict.fromkeys((*texts, "jwt_secret", "log", "mailbox_url"), "x") | {"parts": {}}
    status["web_dir"] = str(tmp_path)
    told = "until `make web`, links in messages lead nowhere"
    assert told in drawn(render_status(status))
    (tmp_path / "index.html").touch()
    assert told not in drawn(render_status(status))


def test_the_day_board_shows_names_and_obeys_none() -> None:
    times = {"starts_at": "2031-01-06T14:00:00+00:00", "ends_at": "2031-01-06T15:00:00+00:00"}
    blocked = {"blocked_from": times["starts_at"], "blocked_until": times["ends_at"]}
    part = {"part": 1, "needs": "chair", "resource_id": "2", "name": NASTY, **times}
    visit = {"patient_name": NASTY, "appointment_type": NASTY, **times}
    appointment = {"status": "booked", "is_squeezed": False, "parts": [part], **visit, **blocked}
    dentist = {"dentist_id": "1", "full_name": NASTY, "appointments": [appointment], "holds": [], "hours": []}
    dentist |= {"participations": [{"dentist_id": "1", "part": 2, **visit}], "elsewhere": []}
    off = {"starts_at": "2031-01-06T16:00:00+00:00", "ends_at": "2031-01-06T17:00:00+00:00"}
    off |= {"reason": NASTY, "closure_id": None}
    board = {
        "time_zone": "UTC",
        "starts_at": "2031-01-06T00:00:00+00:00",
        "ends_at": "2031-01-07T00:00:00+00:00",
        "dentists": [dentist | {"time_off": [off]}],
        "resources": [{"resource_id": "2", "name": NASTY, "is_active": False, "time_off": [off]}],
    }
    text = drawn(draw(board, NASTY, datetime(2031, 1, 6, 12, tzinfo=UTC), 60, lambda time: time))
    for character in ("\x07", "\x9b", "\u202e", "\r", "\x1b]", "\x1b[2J"):
        assert character not in text
    assert text.count(r"\x1b[2J") >= 4


def test_colours_and_lines_stay() -> None:
    assert drawn("[green]Booked[/]\nfor Ünïcödé 🦷") == "\x1b[32mBooked\x1b[0m\nfor Ünïcödé 🦷\n"
    plain = Console(file=StringIO(), force_terminal=True, width=400, highlight=False)
    plain.print("[green]Booked[/]")
    assert plain.file.getvalue() == drawn("[green]Booked[/]")  # type: ignore[attr-defined]


def test_json_says_the_same_and_steers_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output.use_json(True)
    try:
        output.emit({"name": NASTY})
        output.emit_line({"name": NASTY}, str)
    finally:
        output.use_json(False)
    text = capsys.readouterr().out
    assert visible(text) == text
    first, end = json.JSONDecoder().raw_decode(text)
    assert first == json.loads(text[end:]) == {"name": NASTY}
