"""A stack in the background: `python -m cli.local.supervisor ROOT [PORT DB_PORT [replica]]`; how to start it.

Until the stack is ready its output is a pipe to whoever started it, a JSON object a line: `{"say": TEXT}`,
then `{"ready": STATUS}` or `{"error": …}`. From then on it is the log `stack.log`. If its standard input is a
pipe, the stack is temporary: it has data of its own, and ends with them when that pipe is closed.
"""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cli.errors import ChairtimeError, Exit, translate
from cli.local.prepare import Say
from cli.local.stack import Stack
from cli.local.temporary import temporary_folder


def start_in_background(
    root: Path, say: Say, port: int | None = None, db_port: int | None = None, *, replica: bool = False
) -> dict[str, Any]:
    """Start the project's stack, return its status when it is ready. Raises ChairtimeError."""
    arguments = (str(port or ""), str(db_port or ""), *(["replica"] if replica else []))
    process = _launch(root, *arguments, stdin=subprocess.DEVNULL)
    status = _await_ready(process, say)
    process.returncode = 0  # it is not ours to wait for any more
    return status


@contextmanager
def temporary_stack(root: Path, say: Say) -> Iterator[dict[str, Any]]:
    """Yield the status of a stack with fresh data. It ends with the block, or with this process, however."""
    process = _launch(root, stdin=subprocess.PIPE)
    assert process.stdin is not None  # noqa: S101 - it was made with a pipe
    try:
        yield _await_ready(process, say)
    finally:
        process.stdin.close()
        process.wait()


def _launch(root: Path, *arguments: str, stdin: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "cli.local.supervisor", str(root), *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
        text=True,
    )


def _await_ready(process: subprocess.Popen[str], say: Say) -> dict[str, Any]:
    assert process.stdout is not None  # noqa: S101 - it was made with a pipe
    with process.stdout:
        for line in process.stdout:
            message = _parse(line)
            if "ready" in message:
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


def _end_with_stdin() -> None:
    """End this process when whoever holds the other end of its standard input closes it, or dies."""
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _own_folder() -> Iterator[Path | None]:
    """Yield a folder for the state of a temporary stack, None for that of the project's."""
    if not stat.S_ISFIFO(os.fstat(sys.stdin.fileno()).st_mode):
        yield None
        return
    with temporary_folder("chairtime-") as folder:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
        yield folder


def _run(root: Path, port: int | None = None, db_port: int | None = None, *, replica: bool = False) -> None:
    """Run the stack until it is told to end. Once it is ready, it speaks through its log alone."""
    starting = True

    def say(text: str) -> None:
        if starting:
            _tell(say=text)

    def ready(status: Mapping[str, Any]) -> None:
        nonlocal starting
        if starting:
            _tell(ready=status)
            starting = False
            with Path(status["log"]).open("a") as file:
                os.dup2(file.fileno(), sys.stdout.fileno())
                os.dup2(file.fileno(), sys.stderr.fileno())

    with _own_folder() as folder:
        Stack(root, say, port, db_port, folder, replica=replica).run(ready)


def main() -> int:
    """Run the stack until it is told to end; return the exit code."""
    ports = [int(argument) if argument else None for argument in sys.argv[2:4]]
    try:
        _run(Path(sys.argv[1]), *ports, replica="replica" in sys.argv[4:])
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
