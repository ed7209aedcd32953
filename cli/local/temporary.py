"""What lasts as long as a block: folders and servers that are gone however it ends, but by SIGKILL."""

from __future__ import annotations

import secrets
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

from cli.local.ports import free_port
from cli.local.postgres import PostgresServer, remove

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def signals(handlers: Mapping[signal.Signals, Any]) -> Iterator[None]:
    """Handle signals differently for a while; those of a program come to its first thread only."""
    if current_thread() is not main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def interrupt(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, whichever signal it is."""
    raise KeyboardInterrupt


@contextmanager
def temporary_folder(prefix: str) -> Iterator[Path]:
    """Yield a folder, removed afterwards. Meanwhile signals that end a program raise KeyboardInterrupt."""
    with signals(dict.fromkeys(ENDING, interrupt)):
        # Its name is known before it is there, as `mkdtemp` would not have it: no signal comes in between.
        folder = Path(gettempdir(), prefix + secrets.token_hex(8))
        try:
            folder.mkdir(mode=0o700)
            yield folder
        finally:
            with signals(dict.fromkeys(ENDING, signal.SIG_IGN)):
                remove(folder)


@contextmanager
def temporary_server(prefix: str, settings: Mapping[str, str]) -> Iterator[PostgresServer]:
    """Yield a running server with data of its own; both are gone afterwards. Raises PostgresError."""
    with temporary_folder(prefix) as folder:
        server = PostgresServer(folder / "data", free_port(), folder / "log", settings)
        try:
            server.start()
            yield server
        finally:
            with signals(dict.fromkeys(ENDING, signal.SIG_IGN)):
                server.end_earlier()
