"""Every example of docs/cli.md runs as it stands, in the order in which a reader meets them."""

from __future__ import annotations

import json
import re
from itertools import groupby
from urllib.parse import urlsplit

import pytest

from tests.docs.conftest import Workshop
from tests.support.templates import ROOT

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("docs")]  # they share a copy of the project

# Ends only when interrupted, or after minutes: running on for a while is what it should do.
ENDLESS = re.compile(r"--watch|events tail|chairtime worker$|chairtime mcp|chairtime bench")
WHILE = 5  # seconds
INTERRUPTED = 124

HOLD = "chairtime hold riverside check-up '{}' --dentist webb --patient walter --json"
BOOK = "chairtime book riverside check-up '{}' --dentist webb --patient walter --json"
AWAY = "chairtime admin {} '{}' '{}' --json | python3 -c 'import json, sys; print(json.dumps({}))'"
PATIENT = "chairtime admin patient create riverside '{}' --force --json"

# What came back by text, and nobody understood; a message that was sent about a visit ahead.
REPLY = (
    'curl -sS "$API_URL/rest/v1/rpc/receive_reply" -H "apikey: $SECRET_KEY" -H "Content-Profile: api"'
    ' -H "Content-Type: application/json" -d \'{"sender": "+12125550100", "message_ref": "docs",'
    ' "phone": "+12125550131", "body": "Is there parking?"}\' | '
)
SENT = "chairtime messages list riverside --appointment $visit --state sent --json"


def named(key: str) -> str:
    """Write the end of a pipe that calls `id` what a command's answer calls by this key."""
    return f"python3 -c 'import json, sys; print(json.dumps(dict(id=json.load(sys.stdin)[\"{key}\"])))'"


def code_for(email: str, invitation: str) -> str:
    """Write what gives out a code, with the secret key, and leaves somebody signed in who may use it."""
    lines = ("chairtime logout >&2", f"code=$({invitation} --json)", f"chairtime login {email} >&2")
    return "; ".join(lines) + f'; echo "$code" | {named("code")}'


# Rosa waits for the hour that Walter gives back.
WAIT = (
    "chairtime waitlist join riverside check-up --patient rosa --dentist webb --from {0} --until {0}"
    " --after 14:00 --before 15:00 --priority 9 --json"
)
OFFER = (
    "visit=$("
    + BOOK.format("{0} 14:00")
    + " | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"id\"])'); "
    + WAIT
    + "; chairtime cancel $visit --yes >&2"
)

# What makes the things whose ID, and OTHER one, a reader fills in.
MAKES = {
    "chairtime book riverside --reservation ID": [HOLD.format("tuesday 09:00")],
    "chairtime reservations release ID": [HOLD.format("wednesday 09:00")],
    "chairtime cancel ID": [BOOK.format("thursday 09:00")],
    "chairtime series cancel ID": [
        "chairtime series book riverside check-up 'friday 14:00' --every '1 week' --times 2 --dentist webb"
        " --patient walter --on-conflict nearest --json | " + named("series_id")
    ],
    "chairtime waitlist join riverside --appointment ID": [BOOK.format("friday 15:00")],
    "chairtime waitlist leave ID": [WAIT.format("wednesday")],
    "chairtime waitlist accept ID": [OFFER.format("thursday")],
    "chairtime waitlist decline ID": [OFFER.format("tuesday")],
    "chairtime move ID": [BOOK.format("thursday 10:00")],
    "chairtime resize ID": [BOOK.format("wednesday 10:00")],
    "chairtime swap ID OTHER": [
        BOOK.format("friday 09:00"),
        BOOK.format("friday 10:00").replace("walter", "rosa"),
    ],
    "chairtime seat ID": [BOOK.format("tuesday 10:00")],
    "chairtime mark ID checked_in": [
        "chairtime admin hours add riverside webb 'today 11:00' 'today 13:00' >&2;"
        + BOOK.format("today 12:00")
    ],
    "chairtime undo ID": [
        BOOK.format("thursday 11:00")
        + " | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"id\"])'"
        + " | xargs -I ID chairtime cancel ID --yes --json"
    ],
    "chairtime messages resend ID": [
        "visit=$("
        + BOOK.format("wednesday 11:00").replace("walter", "rosa")
        + " | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"id\"])'); "
        + f"until {SENT} | grep -q id; do sleep 0.5; done; {SENT} | "
        + "python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)[0]))'"
    ],
    "chairtime messages reply ID": [REPLY + named("reply_id")],
    # Nobody is signed in here, and the secret key has no address.
    "chairtime messages test": ["chairtime login admin@riverside.test --json | " + named("user_id")],
    "chairtime confirm ID": ["chairtime logout >&2; " + BOOK.format("friday 11:00")],
    "chairtime history ID": [BOOK.format("tuesday 11:00")],
    "chairtime admin patient merge riverside ID OTHER": [
        PATIENT.format("Jo Twice"),
        PATIENT.format("Jo Twice"),
    ],
    "chairtime admin patient erase riverside ID": [PATIENT.format("Jo Gone")],
    "chairtime admin staff revoke-invitation ID": [
        "chairtime admin staff invite riverside gil@riverside.test dentist --json | " + named("invitation_id")
    ],
    "chairtime me join CODE": [
        code_for(
            "desk@riverside.test", "chairtime admin staff invite riverside desk@riverside.test receptionist"
        )
    ],
    "chairtime me claim CODE": [
        PATIENT.format("Jo Claimed")
        + " --born 1984-02-29 >&2; "
        + code_for("desk@riverside.test", "chairtime admin patient invite riverside 'jo claimed'")
    ],
    "chairtime me erase --yes": [
        "chairtime admin user create jo@gone.test >&2; chairtime login jo@gone.test --json | "
        + named("user_id")
    ],
    "chairtime admin hours remove ID": [
        "chairtime admin hours add riverside webb 'sunday 19:00' 'sunday 20:00' --json"
    ],
    "chairtime admin absence remove ID": [
        AWAY.format(
            "absence add riverside webb",
            "sunday 08:00",
            "sunday 09:00",
            'json.load(sys.stdin)["time_off"][0]',
        )
    ],
    "chairtime admin closure remove ID": [
        AWAY.format(
            "closure add riverside",
            "sunday 06:00",
            "sunday 07:00",
            '{"id": json.load(sys.stdin)["closure_id"]}',
        )
    ],
}

# The baseline can be written anew before its release only; the example after it is of the release.
BEFORE = {"chairtime migrate baseline": "rm supabase/migrations.lock; "}


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
    supabase = workshop.root / "supabase"
    before = set(supabase.rglob("*"))
    try:
        wrong = [told for command in PARTS[part] if (told := complaint(workshop, command))]
    finally:
        for made in {path for path in supabase.rglob("*") if path.is_file()} - before:
            made.unlink()
    assert wrong == []


def complaint(workshop: Workshop, command: str) -> str | None:
    """Run an example; say what is wrong with how it ended."""
    endless = ENDLESS.search(command)
    if endless:
        done = workshop.run(for_a_while(command))
    else:
        filled_in = BEFORE.get(command, "") + filled(workshop, command)
        done = workshop.run(f"set -euo pipefail\n{filled_in}", forked=True)
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
    """Put ids where the example says ID and OTHER, and a code where it says CODE."""
    makes = next((makes for start, makes in MAKES.items() if command.startswith(start)), [])
    for name, make in zip(("CODE",) if "CODE" in command else ("ID", "OTHER"), makes, strict=False):
        made = workshop.run(f"set -euo pipefail\n{make}", forked=True)
        assert made.returncode == 0, made.stderr
        command = re.sub(rf"\b{name}\b", json.loads(made.stdout)["id"], command)
    return command


def up_again(workshop: Workshop) -> None:
    """Start the stack where it was."""
    port = urlsplit(workshop.status["api_url"]).port
    db_port = urlsplit(workshop.status["db_url"]).port
    done = workshop.run(f"chairtime up --detach --port {port} --db-port {db_port}")
    assert done.returncode == 0, done.stderr
