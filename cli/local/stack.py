"""The embedded stack: Postgres, Data API and Auth, gateway with Realtime and the web app, worker."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from socket import socket
from types import FrameType
from typing import Any

import psutil

from cli.errors import ChairtimeError
from cli.local.config import read_config
from cli.local.keys import load_keys
from cli.local.launch import Launcher
from cli.local.lite import Installation
from cli.local.parts import Part, Parts
from cli.local.ports import free_port, free_port_near, is_free, listen, listen_near
from cli.local.postgres import PortInUseError, PostgresServer
from cli.local.prepare import Say, prepare
from cli.local.state import State

WORKER_PORT = 9464
ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RESET = signal.SIGUSR1


class Reset(Exception):
    """Somebody asked the running stack to start over with fresh data."""


class Stack:
    """The stack of the project in `root`. `say` is told what it does while it starts.

    `port` and `db_port` are the gateway's and Postgres'; None takes config.toml's, or a free one near it.
    """

    def __init__(self, root: Path, say: Say, port: int | None = None, db_port: int | None = None) -> None:
        self._root = root
        self._say = say
        self._state = State(root / ".chairtime")
        self._config = read_config(root / "supabase")
        self._port = port
        self._db_port = db_port

    def run(self, on_ready: Callable[[Mapping[str, Any]], None]) -> None:
        """Start everything, call `on_ready` with the status, and stay until interrupted or a part dies.

        Ends on KeyboardInterrupt, SIGTERM and SIGHUP. SIGUSR1 makes it start over with fresh data.
        Raises ChairtimeError: `already_running`, `port_in_use`, `part_died`, and what starting can raise.
        """
        with self._locked():
            self._state.write_status(state="starting", pid=os.getpid())
            try:
                with self._listen() as gateway:
                    while self._run_once(gateway, on_ready):
                        self._delete_data()
            except KeyboardInterrupt:
                self._state.write_status(state="stopped", pid=os.getpid())
                raise
            except Exception as error:
                self._state.write_status(state="failed", pid=os.getpid(), error=str(error))
                raise

    def _run_once(self, gateway: socket, on_ready: Callable[[Mapping[str, Any]], None]) -> bool:
        """Run until interrupted, or until a reset is asked for; then return True."""
        with running_parts() as parts, suppress(Reset), signals_raise():
            started = time.monotonic()
            status = self._start(parts, gateway)
            self._state.write_status(**status)
            self._say(f"Ready after {time.monotonic() - started:.1f} s")
            on_ready(status)
            while True:
                parts.check()
                time.sleep(0.25)
        return True

    def rebuild(self) -> None:
        """Replace the data of a stack that does not run by a fresh database. Raises ChairtimeError."""
        with self._locked(), running_parts() as parts, signals_raise():
            self._delete_data()
            prepare(self._start_postgres(parts), self._root / "supabase", self._config, self._say)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._state.lock() as mine:
            if not mine:
                raise ChairtimeError(
                    "a stack is running here already", "already_running", "See `chairtime status`."
                )
            self._state.make()
            self._end_leftover()
            yield

    def _end_leftover(self) -> None:
        """End the database that a stack left behind which was killed together with its guard."""
        PostgresServer(self._state.data_dir, 0, self._state.log("postgres")).stop()

    def _delete_data(self) -> None:
        shutil.rmtree(self._state.data_dir, ignore_errors=True)

    def _listen(self) -> socket:
        """Open the gateway's socket: from here on nobody can take its port, and who connects early waits."""
        if self._port is None:
            found = listen_near(self._config.api_port)
            self._tell_port(found.getsockname()[1], self._config.api_port, "the API")
            return found
        given = listen(self._port)
        if given is None:
            raise _in_use(self._port)
        return given

    @cached_property
    def _server(self) -> PostgresServer:
        return PostgresServer(self._state.data_dir, self._choose_db_port(), self._state.log("postgres"))

    def _choose_db_port(self) -> int:
        if self._db_port is None:
            port = free_port_near(self._config.db_port)
            self._tell_port(port, self._config.db_port, "Postgres")
            return port
        if not is_free(self._db_port):
            raise _in_use(self._db_port)
        return self._db_port

    @cached_property
    def _worker_port(self) -> int:
        if self._port is not None:
            return free_port()  # who names ports runs several stacks: they should not fight
        port = free_port_near(WORKER_PORT)
        self._tell_port(port, WORKER_PORT, "the worker")
        return port

    def _tell_port(self, port: int, wanted: int, who: str) -> None:
        if port != wanted:
            self._say(f"Port {wanted} is in use: {who} listens on {port}")

    def _start(self, parts: Parts, gateway: socket) -> dict[str, Any]:
        keys = load_keys(self._state.keys_file)
        packages = Installation(parts, self._state.log("npm"))
        if packages.needed:
            self._say("Installing @supabase/lite (once; the log is .chairtime/logs/npm.log)")
        server = self._start_postgres(parts)
        prepare(server, self._root / "supabase", self._config, self._say)
        folder = packages.finish()
        self._say("Starting the API, Auth, Realtime and the worker")
        launcher = Launcher(
            self._root, self._state, self._config, keys, server, gateway, self._worker_port, parts
        )
        launcher.start_all(folder)
        parts.await_ready()
        return launcher.status()

    def _start_postgres(self, parts: Parts) -> PostgresServer:
        fresh = not self._state.data_dir.exists()
        self._say("Creating the database" if fresh else "Starting Postgres")
        parts.watch_over(str(self._server.pid_file), signal.SIGINT)
        server = self._start_server()
        assert server.pid is not None  # noqa: S101 - start() returned
        process = psutil.Process(server.pid)
        parts.add(Part("postgres", process, server.log_path, str(server.pid_file), number=signal.SIGINT))
        return server

    def _start_server(self) -> PostgresServer:
        """Start Postgres, on another port if somebody took the chosen one before it could."""
        while True:
            try:
                self._server.start()
            except PortInUseError:
                del self._server
            else:
                return self._server


def _in_use(port: int) -> ChairtimeError:
    return ChairtimeError(f"port {port} is in use", "port_in_use", "Choose another, or leave it to us.")


@contextmanager
def running_parts() -> Iterator[Parts]:
    """Yield a place for running parts. They are ended however the block ends; a second signal is ignored."""
    parts = Parts()
    try:
        yield parts
    finally:
        with signals(dict.fromkeys((*ENDING, RESET), signal.SIG_IGN)):
            parts.close()


def signals_raise() -> AbstractContextManager[None]:
    """Turn the signals that end a program into KeyboardInterrupt, and SIGUSR1 into Reset."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    def reset(number: int, frame: FrameType | None) -> None:
        raise Reset

    return signals({**dict.fromkeys(ENDING, interrupt), RESET: reset})


@contextmanager
def signals(handlers: Mapping[signal.Signals, Any]) -> Iterator[None]:
    """Handle signals differently for a while."""
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
