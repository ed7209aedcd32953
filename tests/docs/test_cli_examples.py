"""Every example of docs/cli.md runs as it stands, in the order in which a reader meets them."""

from __future__ import annotations

import json
import re
from itertools import groupby
from urllib.parse import urlsplit

import pytest

from tests.docs.conftest import Workshop
from tests.support.templates import ROOT

pytestmark = pytest.mark.xdist_group("docs")  # they share a copy of the project

# Ends only when interrupted: running on for a while is what it should do.
ENDLESS = re.compile(r"--watch|events tail|chairtime worker$|chairtime mcp")
WHILE = 5  # seconds
INTERRUPTED = 124

HOLD = "chairtime hold riverside cleaning '{time}' --dentist webb --patient walter --json"
BOOK = "chairtime book riverside check-up '{time}' --dentist webb --patient walter --json"
# What makes the thing whose ID a reader fills in.
MAKES = {
    "chairtime book riverside --reservation ID": HOLD.format(time="tuesday 09:00"),
    "chairtime reservations release ID": HOLD.format(time="wednesday 09:00"),
    "chairtime cancel ID": BOOK.format(time="thursday 09:00"),
}


def examples() -> list[tuple[str, str]]:
    """List the examples with the heading of the part in which they stand."""
    found = []
    for part in re.split(r"^## ", (ROOT / "docs" / "cli.md").read_text(), flags=re.MULTILINE)[1:]:
        for line in re.findall(r"^Examples?: (.*)$", part, re.MULTILINE):
            found += [(part.partition("\n")[0], command) for command in re.findall(r"`(.+?)`", line)]
    return found


PARTS = {part: [command for _, command in these] for part, these in groupby(examples(), lambda it: it[0])}


def test_every_command_has_an_example() -> None:
    commands = re.findall(r"^### `", (ROOT / "docs" / "cli.md").read_text(), re.MULTILINE)
    assert len(examples()) >= len(commands) > 30


@pytest.mark.parametrize("part", PARTS)
def test_the_examples_of_a_part_work(workshop: Workshop, part: str) -> None:
    migrations = workshop.root / "supabase" / "migrations"
    before = set(migrations.iterdir())
    try:
        wrong = [told for command in PARTS[part] if (told := complaint(workshop, command))]
    finally:
        for made in set(migrations.iterdir()) - before:
            made.unlink()
    assert wrong == []


def complaint(workshop: Workshop, command: str) -> str | None:
    """Run an example; say what is wrong with how it ended."""
    endless = ENDLESS.search(command)
    done = workshop.run(
        for_a_while(command) if endless else f"set -euo pipefail\n{filled(workshop, command)}"
    )
    if command == "chairtime down":
        up_again(workshop)
    if done.returncode == (INTERRUPTED if endless else 0):
        return None
    return f"{command}: {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"


def for_a_while(command: str) -> str:
    """Write a script that runs a command until it is interrupted, with somebody at its standard input."""
    variables = re.match(r"((?:\w+=\S+ )*)(.*)", command)
    assert variables is not None
    return f"{variables[1]}timeout --signal INT {WHILE} {variables[2]} < <(sleep {WHILE + 2})"


def filled(workshop: Workshop, command: str) -> str:
    """Put an id where the example says ID."""
    make = next((make for start, make in MAKES.items() if command.startswith(start)), None)
    if make is None:
        return command
    made = workshop.run(make)
    assert made.returncode == 0, made.stderr
    return re.sub(r"\bID\b", json.loads(made.stdout)["id"], command)


def up_again(workshop: Workshop) -> None:
    """Start the stack where it was."""
    port = urlsplit(workshop.status["api_url"]).port
    db_port = urlsplit(workshop.status["db_url"]).port
    done = workshop.run(f"chairtime up --detach --port {port} --db-port {db_port}")
    assert done.returncode == 0, done.stderr
