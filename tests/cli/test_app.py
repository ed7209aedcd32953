"""What holds for every command, and for the program as a whole."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from cli.app import COMMANDS, load
from cli.errors import EXIT_CODES
from cli.reference import PATH, render, walk
from tests.cli.program import Program
from tests.support.stacks import CHAIRTIME
from tests.support.templates import ROOT

ALL = [(path, command) for name in COMMANDS for path, command in walk(name, load(name))]
HEAVY = {
    "psycopg",
    "supabase",
    "httpx",
    "sqlfluff",
    "starlette",
    "uvicorn",
    "worker",
    "mcp",
    "asyncio",
    "rich.markdown",
}


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """The program where no project is."""
    return Program(tmp_path)


@pytest.mark.parametrize(("path", "command"), ALL, ids=[path for path, _ in ALL])
def test_every_command_has_help_with_an_example_and_takes_json(path: str, command: Any) -> None:
    options = {name for param in command.params for name in param.opts}
    assert {"--json", "--workdir"} <= options
    assert command.help
    assert f"chairtime {path}" in command.help
    assert "Example" in command.help
    undocumented = [param.opts[0] for param in command.params if not param.help and param.opts[0] != "--help"]
    assert undocumented == []


def test_the_overview_names_every_command_and_imports_none_of_them() -> None:
    code = (
        "import sys; sys.argv = ['chairtime', '--help']\n"
        "from cli.app import main\n"
        "try:\n  main()\n"
        "finally:\n  print(*sorted(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert all(f" {name} " in done.stdout for name in COMMANDS)
    loaded = set(done.stderr.split())
    assert loaded & HEAVY == set()
    assert {module for module in loaded if module.startswith("cli.commands")} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_overview_says_what_the_commands_own_help_begins_with(name: str) -> None:
    assert load(name).help.startswith(COMMANDS[name].help.rstrip("."))


def test_the_reference_is_in_step_with_the_commands() -> None:
    assert PATH.read_text() == render(), "run: python -m cli.reference"


def test_the_reference_documents_every_exit_code() -> None:
    assert all(f"| {code} | {meaning} |" in render() for code, meaning in EXIT_CODES.items())


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("migrat",), "migrate"),
        (("migrate", "upp"), "up"),
        (("migrate", "up", "--nope"), "--help"),
        (("book",), "--help"),
        (("slots", "riverside", "clean", "--days", "many"), "--help"),
    ],
)
def test_a_typo_is_one_line_and_a_hint(program: Program, arguments: tuple[str, ...], hint: str) -> None:
    told = program(*arguments)
    assert told.code == 2
    assert told.out == ""
    assert told.err.startswith("error usage")
    assert hint in told.err
    assert program(*arguments, "--json").error["code"] == "usage"


@pytest.mark.parametrize(
    "arguments",
    [
        "admin absence remove 123",
        "admin audit riverside --by 123",
        "admin audit riverside --of 123",
        "admin closure remove 123",
        "admin hours remove 123",
        "admin staff revoke-invitation 123",
        "book riverside --reservation 123",
        "cancel 123",
        "confirm 123",
        "history 123",
        "mark 123 checked_in",
        "messages list riverside --appointment 123",
        "messages preview riverside reminder sms --appointment 123",
        "messages reply 123",
        "messages resend 123",
        "move 123 10:00",
        "next riverside cleaning --appointment 123",
        "reservations release 123",
        "resize 123 10:00",
        "seat 123 chair",
        "slots riverside cleaning --appointment 123",
        "swap 4c0c8f2e-5a1c-4a0e-9d4e-6f1f0a3f7f10 123",
        "undo 123",
    ],
)
def test_what_is_no_id_is_refused_with_the_command_that_lists_ids(program: Program, arguments: str) -> None:
    told = program(*arguments.split(), "--json")
    assert (told.code, told.error["code"]) == (2, "invalid_argument")
    assert told.error["message"] == "'123' is not an id"
    named = re.match("`chairtime ([a-z -]+) CLINIC", told.error["hint"])
    assert named
    assert named[1] in dict(ALL)


@pytest.mark.parametrize("arguments", ["up --port", "up --db-port", "mcp --http --port"])
def test_what_is_no_port_is_refused(program: Program, arguments: str) -> None:
    refused = program(*arguments.split(), "70000", "--json")
    assert (refused.code, refused.error["code"]) == (2, "usage")


def test_without_arguments_it_shows_the_overview(program: Program) -> None:
    assert "migrate" in program().err + program().out


def test_it_knows_its_version(program: Program) -> None:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert program.ok("--version").out == f"chairtime {written}\n"


@pytest.mark.parametrize(
    ("variables", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False)],
)
def test_colours_where_they_are_wanted(program: Program, variables: dict[str, str], coloured: bool) -> None:
    told = program("migrate", "status", **variables)
    assert ("\x1b[31" in told.err or "\x1b[1;31" in told.err) is coloured


def test_a_reader_that_leaves_early_is_no_error(program: Program) -> None:
    command = f"{CHAIRTIME} --help | head -n 1"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("chairtime mig", "migrate"),
        ("chairtime migrate ver", "verify"),
        ("chairtime migrate up --dry", "--dry-run"),
    ],
)
def test_the_shell_completes_commands_and_options(program: Program, typed: str, completed: str) -> None:
    words = typed.split()
    done = subprocess.run(
        [str(CHAIRTIME)],
        env=os.environ
        | {"_CHAIRTIME_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert completed in done.stdout.split()
