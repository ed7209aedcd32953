"""The tests on other dates: with the clock set for them, and for the servers and workers that they start.

`python -m tests.support.dates [DATE…] -- pytest tests/sql` runs a command once for each date, in UTC.
"""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

# Every weekday; a year's last day, in Asia the next one's first; a leap day; the mornings on which New York's
# clocks change, before they do; the evening before Beirut's skip midnight.
DATES = (
    *(f"2027-06-{day:02}T12:00" for day in range(7, 14)),
    "2027-06-10T03:40",  # late in the evening in New York
    "2026-12-31T20:00",
    "2028-02-29T12:00",
    "2027-03-14T06:00",
    "2027-11-07T05:30",
    "2027-03-27T21:00",
)


def library() -> Path:
    """Return Debian's datefudge.

    It moves what programs are told of the date and nothing else. libfaketime 0.9.10 moves waiting, too: a
    signal that arrives in epoll_wait is handled at the real date, so that no timeout of Postgres ends a wait.
    """
    found = sorted(Path("/usr/lib").glob("*/datefudge/datefudge.so"))
    if not found:
        raise SystemExit("The Debian package datefudge is needed: make tools, as root, installs it.")
    return found[0]


def environment(date: str) -> dict[str, str]:
    """Return the environment in which it is this date now.

    An offset, not a start: all processes agree, whenever they begin.
    """
    back = datetime.now(UTC) - datetime.fromisoformat(date).replace(tzinfo=UTC)
    return {**os.environ, "LD_PRELOAD": str(library()), "DATEFUDGE": f"{back / timedelta(seconds=1):.0f}"}


def main() -> int:
    """Run the command on all dates; return 1 if it failed on one of them."""
    at = sys.argv.index("--")
    dates, command = sys.argv[1:at] or DATES, sys.argv[at + 1 :]
    failed = []
    for number, date in enumerate(dates, 1):
        print(f"== {date} UTC ({number} of {len(dates)})", flush=True)
        if subprocess.run(command, env=environment(date), check=False).returncode:
            failed.append(date)
    print(
        f"{len(dates) - len(failed)} of {len(dates)} dates passed"
        + "".join(f", not {date}" for date in failed)
    )
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
