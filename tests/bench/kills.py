"""Kill each part of a stack while a crowd books, again and again: `python -m tests.bench.kills [N [PART]]`.

Prints, for each part, how long it was away, what the crowd was answered, and how many acknowledged
appointments the database has lost. Exits with 1 if it lost any, or if somebody got an answer that nobody
may get.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.cli.stack_home import Home
from tests.support.crowds import crowd, lost
from tests.support.kills import PARTS, kill_under_load
from tests.support.stacks import Stack


def main() -> int:
    """Kill every part so many times; return the exit code."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 20
    bad = 0
    with tempfile.TemporaryDirectory(prefix="chairtime-kills-") as folder:
        home = Home.make(Path(folder))
        stack = Stack(home.up())
        try:
            for part in sys.argv[2:] or PARTS:
                with crowd(stack) as seen:
                    away = kill_under_load(home, stack, seen, part, times)
                missing = lost(stack, seen)
                bad += len(missing) + len(seen.odd)
                typical = sorted(away)[len(away) // 2]
                print(
                    f"{part:9} away {typical:.2f} s typically, {max(away):.2f} s at most;"
                    f" {len(seen.acknowledged)} acknowledged, {len(missing)} lost;"
                    f" {dict(seen.statuses)} {dict(seen.broken)}; {len(seen.odd)} odd {seen.odd[:2]}",
                    flush=True,
                )
        finally:
            stack.close()
            home.down()
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
