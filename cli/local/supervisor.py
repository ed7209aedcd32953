"""A stack in the background: `python -m cli.local.supervisor ROOT PORT DB_PORT`, and how to start that.

Until the stack is ready its output is a pipe to whoever started it, a JSON object a line: `{"say": TEXT}`,
then `{"ready": STATUS}` or `{"error": …}`. From then on it is the log `stack.log`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.errors import ChairtimeError, Exit, translate
from cli.local.prepare import Say
from cli.local.stack import Stack
from cli.local.state import State


def start_in_background(
    root: Path, say: Say, port: int | None = None, db_port: int | None = None
) -> dict[str, Any]:
    """Start the project's stack, return its status when it is ready. Raises ChairtimeError."""
    arguments = [str(root), str(port or ""), str(db_port or "")]
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.local.supervisor", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )
    assert process.stdout is not None  # noqa: S101 - it was made with a pipe
    with process.stdout:
        for line in process.stdout:
            message = _parse(line)
            if "ready" in message:
                process.returncode = 0  # it is not ours to wait for any more
                return dict(message["ready"])
            if "error" in message:
                process.wait()
                raise ChairtimeError(**message["error"])
            say(message["say"])
    raise ChairtimeError(
        f"the stack ended with exit code {process.wait()}", "failed", exit_code=Exit.UNREACHABLE
    )


def _parse(line: str) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except json.JSONDecodeError:
        return {"say": line.rstrip()}
    return message if isinstance(message, dict) else {"say": line.rstrip()}


def _tell(**message: Any) -> None:
    print(json.dumps(message), flush=True)


def main() -> int:
    """Run the stack until it is told to end; return the exit code."""
    root, port, db_port = (
        Path(sys.argv[1]),
        *((int(argument) if argument else None) for argument in sys.argv[2:4]),
    )
    log = State(root / ".chairtime").log("stack")

    def ready(status: Mapping[str, Any]) -> None:
        _tell(ready=status)
        with log.open("a") as file:
            os.dup2(file.fileno(), sys.stdout.fileno())
            os.dup2(file.fileno(), sys.stderr.fileno())

    try:
        Stack(root, lambda text: _tell(say=text), port, db_port).run(ready)
    except KeyboardInterrupt:
        return 0
    except Exception as error:
        known = translate(error)
        if known is None:
            raise
        _tell(
            error={
                "message": known.message,
                "code": known.code,
                "hint": known.hint,
                "exit_code": known.exit_code,
            }
        )
        return known.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
