"""Runs `chairtime` in forks of a process that has its libraries, for importing them is most of what it costs.

Nothing of the project is imported before the fork: a run imports it with its own folder and variables.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time
import zoneinfo
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from socket import AF_UNIX, SOCK_SEQPACKET, recv_fds, send_fds, socket
from typing import Any

LIBRARIES = (
    *("psycopg", "pydantic", "supabase", "typer", "typer._adapters", "typer._click.decorators"),
    *("rich.console", "rich.live", "rich.markup", "rich.table", "rich._emoji_codes"),
    # What those import only when they are used.
    *("certifi", "encodings.idna", "encodings.utf_8_sig", "httpcore", "prometheus_client.parser"),
    *("concurrent.futures.thread", "tomllib"),
)
PATIENCE = 120  # seconds after which a run is killed
_STAND_IN = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.connect({address!r})
    job = dict(argv=[{program!r}, *sys.argv[1:]], folder=os.getcwd(), variables=dict(os.environ))
    socket.send_fds(server, [json.dumps(job).encode()], (0, 1, 2))
    code = int(server.recv(16))
sys.exit(code if code >= 0 else 128 - code)
"""


class Forks:
    """The process, which ends with this one."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self.address = f"{self._folder.name}/socket"
        with socket(AF_UNIX, SOCK_SEQPACKET) as listener:
            listener.bind(self.address)
            listener.listen()
            number = listener.fileno()
            command = [sys.executable, __file__, str(number)]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, pass_fds=[number])

    def run(
        self, program: Path, arguments: Sequence[str], folder: Path, variables: Mapping[str, str], stdin: str
    ) -> tuple[int, str, str]:
        """Run a Python program to its end; return its exit code, and what it wrote to stdout and stderr."""
        job = {
            "argv": [str(program), *arguments],
            "folder": str(folder),
            "variables": dict(variables),
        }
        with (
            tempfile.TemporaryFile("w+") as given,
            tempfile.TemporaryFile("w+") as out,
            tempfile.TemporaryFile("w+") as err,
            socket(AF_UNIX, SOCK_SEQPACKET) as server,
        ):
            given.write(stdin)
            given.seek(0)
            server.connect(self.address)
            send_fds(server, [json.dumps(job).encode()], [file.fileno() for file in (given, out, err)])
            code = int(server.recv(16))
            out.seek(0)
            err.seek(0)
            return code, out.read(), err.read()

    def stand_in(self, path: Path, program: Path) -> None:
        """Write a command that runs the program, as it is run by its own name."""
        text = _STAND_IN.format(python=sys.executable, address=self.address, program=str(program))
        path.write_text(text)
        path.chmod(0o755)


@cache
def forks() -> Forks:
    """Return the one of this process."""
    return Forks()


def _serve(listener: socket) -> None:
    for library in LIBRARIES:
        import_module(library)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        caller, _ = listener.accept()
        if os.fork() == 0:
            _run(caller)
        caller.close()


def _run(caller: socket) -> None:
    """Run what somebody asks for, tell them how it ended, and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    said, streams, _, _ = recv_fds(caller, 1_000_000, 3)
    pid = os.fork()
    if pid == 0:
        _become(streams, **json.loads(said))
    _, status = os.waitpid(pid, 0)
    caller.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(streams: list[int], argv: list[str], folder: str, variables: dict[str, Any]) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(3, 64)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    zoneinfo.reset_tzpath()
    os.chdir(folder)
    signal.alarm(PATIENCE)
    sys.argv = argv
    source = Path(argv[0])
    code = compile(source.read_text(), source, "exec")
    try:
        exec(code, {"__name__": "__main__", "__file__": str(source)})  # noqa: S102
    except SystemExit as end:
        if not isinstance(end.code, int | None):
            raise
        _end(end.code or 0)
    _end(0)


def _end(code: int) -> None:
    """End as Python does, but for giving back each object by itself: that copies all that is shared."""
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code & 0xFF)


if __name__ == "__main__":
    _serve(socket(fileno=int(sys.argv[1])))
