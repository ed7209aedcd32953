"""The embedded stack: Postgres, Data API and Auth, gateway with Realtime and the web app, worker."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import psutil

from cli.errors import ChairtimeError
from cli.local.config import read_config
from cli.local.keys import load_keys
from cli.local.launch import Launcher, Ports
from cli.local.lite import Installation
from cli.local.parts import Part, Parts
from cli.local.ports import free_port, free_port_near, is_free
from cli.local.postgres import PostgresServer
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
        self._given = (port, db_port)

    def run(self, on_ready: Callable[[Mapping[str, Any]], None]) -> None:
        """Start everything, call `on_ready` with the status, and stay until interrupted or a part dies.

        Ends on KeyboardInterrupt, SIGTERM and SIGHUP. SIGUSR1 makes it start over with fresh data.
        Raises ChairtimeError: `already_running`, `port_in_use`, `part_died`, and what starting can raise.
        """
        with self._locked():
            self._state.write_status(state="starting", pid=os.getpid())
            try:
                ports = self._choose_ports()
                while self._run_once(ports, on_ready):
                    self._delete_data()
            except KeyboardInterrupt:
                self._state.write_status(state="stopped")
                raise
            except Exception as error:
                self._state.write_status(state="failed", error=str(error))
                raise

    def _run_once(self, ports: Ports, on_ready: Callable[[Mapping[str, Any]], None]) -> bool:
        """Run until interrupted, or until a reset is asked for; then return True."""
        with running_parts() as parts, suppress(Reset), signals_raise():
            status = self._start(parts, ports)
            self._state.write_status(**status)
            on_ready(status)
            while True:
                parts.check()
                time.sleep(0.25)
        return True

    def rebuild(self) -> None:
        """Replace the data of a stack that does not run by a fresh database. Raises ChairtimeError."""
        with self._locked(), running_parts() as parts, signals_raise():
            self._delete_data()
            ports = self._choose_ports()
            prepare(self._start_postgres(parts, ports), self._root / "supabase", self._config, self._say)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._state.lock() as mine:
            if not mine:
                raise ChairtimeError(
                    "a stack is running here already", "already_running", "See `chairtime status`."
                )
            self._state.make()
            yield

    def _delete_data(self) -> None:
        shutil.rmtree(self._state.data_dir, ignore_errors=True)

    def _choose_ports(self) -> Ports:
        gateway, postgres = self._given
        for port in filter(None, self._given):
            if not is_free(port):
                raise ChairtimeError(
                    f"port {port} is in use", "port_in_use", "Choose another, or leave it to us."
                )
        return Ports(
            gateway or self._near(self._config.api_port, "the API"),
            postgres or self._near(self._config.db_port, "Postgres"),
            self._near(WORKER_PORT, "the worker"),
            *(free_port() for _ in range(3)),
        )

    def _near(self, preferred: int, what: str) -> int:
        port = free_port_near(preferred)
        if port != preferred:
            self._say(f"Port {preferred} is in use: {what} listens on {port}")
        return port

    def _start(self, parts: Parts, ports: Ports) -> dict[str, Any]:
        keys = load_keys(self._state.keys_file)
        packages = Installation(parts, self._state.log("npm"))
        if packages.needed:
            self._say("Installing @supabase/lite (once; the log is .chairtime/logs/npm.log)")
        server = self._start_postgres(parts, ports)
        prepare(server, self._root / "supabase", self._config, self._say)
        self._say("Starting the API, Auth, Realtime and the worker")
        launcher = Launcher(self._root, self._state, self._config, keys, ports, server, parts)
        rest_url = launcher.start_data_api(packages.finish())
        launcher.start_gateway(rest_url)
        launcher.start_worker()
        parts.await_ready()
        return launcher.status()

    def _start_postgres(self, parts: Parts, ports: Ports) -> PostgresServer:
        server = PostgresServer(self._state.data_dir, ports.postgres, self._state.log("postgres"))
        fresh = not self._state.data_dir.exists()
        self._say("Creating the database" if fresh else "Starting Postgres")
        parts.watch_over(str(server.pid_file), signal.SIGINT)
        server.start()
        assert server.pid is not None  # noqa: S101 - start() returned
        process = psutil.Process(server.pid)
        parts.add(Part("postgres", process, server.log_path, str(server.pid_file), number=signal.SIGINT))
        return server


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
