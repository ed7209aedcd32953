"""Worker processes as an operator runs them: started, watched through their logs, killed and paused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from tests.worker.support import wait_until

Line = dict[str, Any]

DEFAULTS = {"http_host": "127.0.0.1", "http_port": 0, "log_level": "debug", "snapshot_max_age": 0}
PORT_OF_ITS_CHOICE = {"CHAIRTIME_WORKER_HTTP_HOST": "127.0.0.1", "CHAIRTIME_WORKER_HTTP_PORT": "0"}


class WorkerProcess:
    """`python -m worker` with these settings. What it logs goes to a file; leaving the context kills it."""

    def __init__(self, log: Path, settings: Mapping[str, object]) -> None:
        self.log = log
        given = {**DEFAULTS, **settings}
        ours = {f"CHAIRTIME_WORKER_{name.upper()}": str(value) for name, value in given.items()}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SUPABASE_")}
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "worker"],
                stdout=output,
                stderr=output,
                env=inherited | ours,
                cwd=log.parent,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def lines(self, event: str, **fields: object) -> list[Line]:
        """Return what was logged under this event name with these fields so far."""
        return [
            line
            for line in map(json.loads, self.complete_lines())
            if line["event"] == event and fields.items() <= line.items()
        ]

    def complete_lines(self) -> list[str]:
        """Return every line logged so far; a line still being written is none."""
        return self.log.read_text().split("\n")[:-1]

    def wait_for(self, event: str, **fields: object) -> Line:
        """Return the newest line of this event once there is one."""

        def newest() -> Line | None:
            assert self.process.poll() is None, f"the worker ended: {self.log.read_text()[-2000:]}"
            return next(reversed(self.lines(event, **fields)), None)

        line = wait_until(newest, f"{event} {fields}")
        assert line is not None
        return line

    def wait_ended(self) -> int:
        """Return the exit code once the process has ended."""
        return self.process.wait(timeout=30)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def get(self, path: str) -> httpx.Response:
        """Ask the worker's HTTP side."""
        port = self.wait_for("worker_started")["http_port"]
        return httpx.get(f"http://127.0.0.1:{port}{path}")

    def leads(self) -> bool:
        """Whether the worker believes that it leads, as far as its log tells."""
        events = [line["event"] for line in map(json.loads, self.complete_lines())]
        turns = [event for event in events if event.startswith("leadership_")]
        return turns[-1:] == ["leadership_gained"]

    def wait_ready(self) -> Line:
        """Return what /readyz says once it says yes."""

        def ready() -> httpx.Response | None:
            answer = self.get("/readyz")
            return answer if answer.status_code == httpx.codes.OK else None

        answer = wait_until(ready, "the worker to be ready")
        assert answer is not None
        report: Line = answer.json()
        return report
