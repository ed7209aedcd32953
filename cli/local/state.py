"""The state folder of an embedded stack, `.chairtime`: its data, its logs, and what it says of itself."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

STATUS_BYTES = 8192  # more than a description takes, so that it can be renewed in place
LOG_LIMIT = 10_000_000  # bytes; there is one older log of each
LOCK_PATIENCE = 0.5  # seconds; longer than anybody who only looks holds the lock


@dataclass(frozen=True)
class State:
    """Paths in the folder, the lock that only one supervisor can hold, and the description it leaves."""

    folder: Path

    @property
    def data_dir(self) -> Path:
        """Postgres' data."""
        return self.folder / "postgres"

    @property
    def replica_dir(self) -> Path:
        """The data of Postgres' replica, if there is one."""
        return self.folder / "replica"

    @property
    def mail_dir(self) -> Path:
        """What lies in the mailbox: a file a mail."""
        return self.folder / "mail"

    @property
    def keys_file(self) -> Path:
        """The secrets; they survive a reset."""
        return self.folder / "keys.json"

    def log(self, part: str) -> Path:
        """Return the log file of a part."""
        return self.folder / "logs" / f"{part}.log"

    def make(self) -> None:
        """Make the folder, closed to others, and put the previous run's logs aside."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        logs = self.folder / "logs"
        logs.mkdir(exist_ok=True)
        for log in logs.glob("*.log"):
            log.rename(log.with_suffix(".previous.log" if log.suffixes == [".log"] else ".log"))

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Try to become the folder's supervisor; yields whether that succeeded."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "lock").open("a") as file:
            deadline = time.monotonic() + LOCK_PATIENCE
            while not (mine := _try_lock(file.fileno())) and time.monotonic() < deadline:
                time.sleep(0.02)
            yield mine

    @property
    def is_running(self) -> bool:
        """Whether a supervisor lives."""
        if not (self.folder / "lock").exists():
            return False
        with (self.folder / "lock").open("a") as file:
            return not _try_lock(file.fileno())

    def read_status(self) -> dict[str, Any]:
        """Return what the last supervisor wrote; `{}` if there was none."""
        try:
            return dict(json.loads((self.folder / "status.json").read_text()))
        except (FileNotFoundError, json.JSONDecodeError):
            return {}

    def note(self, text: str) -> None:
        """Write a line into the stack's own log, if the disk has room for it."""
        with suppress(OSError), self.log("stack").open("a") as file:
            file.write(f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} {text}\n")

    def write_status(self, **status: Any) -> None:
        """Replace the description in one step. It is its owner's alone, for it holds the keys."""
        text = (json.dumps(status, indent=2) + "\n").ljust(STATUS_BYTES)
        unfinished = self.folder / "status.json.unfinished"
        try:
            unfinished.touch(mode=0o600)
            unfinished.write_text(text)
        except OSError:
            # The disk is full: the room that the file has already will do.
            unfinished.unlink(missing_ok=True)
            with (self.folder / "status.json").open("r+") as file:
                file.write(text)
        else:
            unfinished.rename(self.folder / "status.json")


def rotate(log: Path) -> None:
    """Put a log aside that has grown large. Who writes it need not know, for it only ever appends."""
    if log.stat().st_size < LOG_LIMIT:
        return
    try:
        shutil.copy(log, log.with_suffix(".previous.log"))
    finally:
        os.truncate(log, 0)


def _try_lock(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
