"""What an operation costs in instructions, of which there are as many on a busy day as on a calm one.

`python -m tests.bench.instructions [OPERATION ...]` runs a single backend under callgrind (Debian's package
valgrind) on the clinic of `chairtime bench`, as its desk: the mean of calls 9 to 32, so with all plans made.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg

from cli.bench.arena import desk, furnish
from cli.bench.ground import MEASURING, Ground, ground
from cli.local.postgres import NOBODY, binary, unprivileged
from tests.support.templates import ROOT

SLOT = "dentist_id => bench.dentist(1), appointment_type_id => bench.type(), patient_id => bench.patient(1)"
OPERATIONS = {
    "book": f"api.book_appointment(starts_at => bench.at($1 * 6)::text, {SLOT})",
    "hold": f"api.confirm_reservation((api.reserve_slot(starts_at => bench.at($1 * 6)::text, {SLOT})).id)",
    "move": "api.reschedule_appointment(bench.id('move', 1), starts_at => bench.at(2100000 + $1 * 6)::text)",
    "cancel": "api.cancel_appointment(bench.id('cancel', $1 * 8 + 1))",
    "list": "count(*) from api.available_slots("
    "dentist_id => bench.dentist(1), appointment_type_id => bench.type(),"
    " from_date => bench.at(0)::date::text, to_date => bench.at(0)::date::text)",
}
NAMES = {"hold": "hold and confirm", "list": "list a dentist's day"}
WARM, CALLS = 8, 32
COUNTED = re.compile(r"Collected : (\d+)")


def main(*asked: str) -> None:
    """Print thousands of instructions for each operation."""
    if not shutil.which("valgrind"):
        sys.exit("valgrind is missing: apt-get install valgrind")
    with ground(ROOT, lambda _: None, quick=True, rounds=1, seed=1) as here:
        here.migrate()
        here.restart(MEASURING)
        furnish(here.create("arena"), 8 * (CALLS + 2))
        with psycopg.connect(here.url("arena"), autocommit=True) as connection:
            connection.execute("vacuum analyze")
        here.server.stop()
        for name in asked or OPERATIONS:
            warm, all_calls = (_instructions(here, name, calls) for calls in (WARM, CALLS))
            print(
                f"{NAMES.get(name, name):<24}{(all_calls - warm) / (CALLS - WARM) / 1000:>10,.0f} thousand",
                flush=True,
            )


def _instructions(here: Ground, name: str, calls: int) -> int:
    """Count a backend's instructions from its start to its end, on a copy of the data."""
    data_dir = here.server.data_dir
    folder = data_dir.with_name("counted")
    shutil.copytree(data_dir, folder)
    try:
        _give_away(folder)
        command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(binary("postgres"))]
        options = ["--single", "-F", "-D", str(folder), "arena"]
        done = subprocess.run(
            [*unprivileged(), *command, *options],
            input=_script(name, calls),
            capture_output=True,
            text=True,
            check=True,
            cwd="/",
        )
    finally:
        shutil.rmtree(folder)
    counted = COUNTED.search(done.stderr)
    if not counted or "ERROR" in done.stderr:
        sys.exit(done.stderr)
    return int(counted[1])


def _give_away(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        if path.owner() == "root":
            shutil.chown(path, NOBODY, NOBODY)


def _script(name: str, calls: int) -> str:
    """Write what the backend reads from its input, a statement a line."""
    settings = [f"set {key} to '{value}';" for key, value in desk().items()]
    # Prepared, as PostgREST's statements are.
    prepare = f"prepare operation (bigint) as select {OPERATIONS[name]};"
    return "\n".join([*settings, prepare, *(f"execute operation ({n});" for n in range(1, calls + 1)), ""])


if __name__ == "__main__":
    main(*sys.argv[1:])
