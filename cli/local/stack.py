"""The embedded stack: Postgres, Data API and Auth, gateway with Realtime and the web app, mailbox, worker."""

from __future__ import annotations

import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from socket import socket
from types import FrameType
from typing import Any

from cli.errors import ChairtimeError
from cli.local.config import read_config
from cli.local.keeper import Keeper
from cli.local.keys import load_keys
from cli.local.launch import MAILBOX, SMTP, Launcher
from cli.local.lite import Installation
from cli.local.parts import Part, Processes
from cli.local.ports import Reservation, listen, listen_near, reserve, reserve_near
from cli.local.postgres import PostgresServer
from cli.local.prepare import Say, prepare
from cli.local.replica import PRIMARY_SETTINGS, ReplicaServer
from cli.local.state import State
from cli.local.temporary import ENDING, interrupt, signals

WORKER_PORT = 9464
RESET = signal.SIGUSR1


class Reset(Exception):
    """Somebody asked the running stack to start over with fresh data."""


class Stack:
    """The stack of the project in `root`. `say` is told what it does while it starts, and what happens later.

    `port` and `db_port` are the gateway's and Postgres'; None takes config.toml's, or a free one near it.
    `folder` is where its state is kept: the project's `.chairtime` if it is None. With `replica` the database
    has a replica, to which the gateway sends what is only read.
    """

    def __init__(
        self,
        root: Path,
        say: Say,
        port: int | None = None,
        db_port: int | None = None,
        folder: Path | None = None,
        *,
        replica: bool = False,
    ) -> None:
        self._root = root
        self._say = say
        self._state = State(folder or root / ".chairtime")
        self._config = read_config(root / "supabase")
        self._port = port
        self._db_port = db_port
        self._has_replica = replica
        self._ports: dict[str, Reservation] = {}

    def run(self, on_ready: Callable[[Mapping[str, Any]], None]) -> None:
        """Start everything, call `on_ready` with the status, and stay until interrupted.

        Ends on KeyboardInterrupt, SIGTERM and SIGHUP. SIGUSR1 makes it start over with fresh data. A part
        that dies does not end it. Raises ChairtimeError: `already_running`, `port_in_use`, `not_ready`, and
        what starting can raise.
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
        with self._parts() as parts, suppress(Reset), signals_raise():
            started = time.monotonic()
            status = self._start(parts, gateway)
            self._write_status(status, parts)
            self._say(f"Ready after {time.monotonic() - started:.1f} s")
            on_ready(status | parts.status())
            while True:
                parts.processes.check()
                self._write_status(status, parts)
                time.sleep(0.25)
        return True

    def rebuild(self) -> None:
        """Replace the data of a stack that does not run by a fresh database. Raises ChairtimeError."""
        with self._locked(), self._parts() as parts, signals_raise(), socket() as unused:
            self._delete_data()
            self._start_database(parts, unused)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._state.lock() as mine:
            if not mine:
                raise ChairtimeError(
                    "a stack is running here already", "already_running", "See `chairtime status`."
                )
            self._state.make()
            # A stack that was killed together with its guard may have left its database, on the port we want.
            for data_dir, log in ((self._state.replica_dir, "replica"), (self._state.data_dir, "postgres")):
                PostgresServer(data_dir, 0, self._state.log(log)).stop()
            yield

    @contextmanager
    def _parts(self) -> Iterator[Parts]:
        """Yield a place for parts. They are ended however the block ends; a second signal is ignored."""
        parts = Parts(self._tell)
        try:
            yield parts
        finally:
            with signals(dict.fromkeys((*ENDING, RESET), signal.SIG_IGN)):
                parts.close()

    def _tell(self, text: str) -> None:
        self._state.note(text)
        self._say(text)

    def _write_status(self, status: Mapping[str, Any], parts: Parts) -> None:
        """Write the status file if it would change; a full disk is not the stack's end."""
        if self._state.read_status() != (now := {**status, **parts.status()}):
            with suppress(OSError):
                self._state.write_status(**now)

    def _delete_data(self) -> None:
        for folder in (self._state.data_dir, self._state.replica_dir, self._state.mail_dir):
            shutil.rmtree(folder, ignore_errors=True)

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

    def _reserve(self, who: str) -> int:
        """Return the port of a server of ours; the same one whenever it is asked for."""
        if who not in self._ports:
            self._ports[who] = self._choose(who)
        return self._ports[who].port

    def _choose(self, who: str) -> Reservation:
        if who == "Postgres" and self._db_port is not None:
            given = reserve(self._db_port)
            if given is None:
                raise _in_use(self._db_port)
            return given
        usual = {"worker": WORKER_PORT, MAILBOX: self._config.mailbox_port, SMTP: self._config.smtp_port}
        # Who names ports runs several stacks: they should not fight over the others.
        wanted = self._config.db_port if who == "Postgres" else 0 if self._port else usual.get(who, 0)
        found = reserve_near(wanted) if wanted else Reservation(0)
        self._tell_port(found.port, wanted or found.port, who)
        return found

    def _tell_port(self, port: int, wanted: int, who: str) -> None:
        if port != wanted:
            self._say(f"Port {wanted} is in use: {who} listens on {port}")

    def _start(self, parts: Parts, gateway: socket) -> dict[str, Any]:
        packages = Installation(parts.processes, self._state.log("npm"))
        if packages.needed:
            self._say("Installing @supabase/lite and MailDev (once; the log is .chairtime/logs/npm.log)")
        launcher = self._start_database(parts, gateway)
        if self._has_replica:
            self._say("Copying the database to its replica")
            launcher.start_replica().await_ready()
        folder = packages.finish()
        self._say("Starting the API, Auth, Realtime, the mailbox and the worker")
        for keeper in launcher.start_others(folder):
            keeper.await_ready()
        return launcher.status()

    def _start_database(self, parts: Parts, gateway: socket) -> Launcher:
        """Start Postgres and bring its database up to date with the project."""
        fresh = not self._state.data_dir.exists()
        self._say("Creating the database" if fresh else "Starting Postgres")
        server, replica = self._servers()
        keys = load_keys(self._state.keys_file)
        launcher = Launcher(
            self._root, self._state, self._config, keys, server, replica, gateway, parts.start, self._reserve
        )
        launcher.start_postgres().await_ready()
        prepare(server, self._root / "supabase", self._config, self._say)
        return launcher

    def _servers(self) -> tuple[PostgresServer, ReplicaServer | None]:
        """Return the database's server, and that of its replica, if it has one."""
        state, port = self._state, self._reserve("Postgres")
        if not self._has_replica:
            return PostgresServer(state.data_dir, port, state.log("postgres")), None
        server = PostgresServer(state.data_dir, port, state.log("postgres"), PRIMARY_SETTINGS)
        replica = ReplicaServer(server, state.replica_dir, self._reserve("the replica"), state.log("replica"))
        replica.refuse_promoted()
        return server, replica


class Parts:
    """The parts that are kept running. `tell` is told what happens to them."""

    def __init__(self, tell: Say) -> None:
        self.processes = Processes()
        self._keepers: list[Keeper] = []
        self._tell = tell

    def start(self, part: Part) -> Keeper:
        """Start a part and keep it running."""
        self._keepers.append(Keeper(part, self.processes, self._tell))
        return self._keepers[-1]

    def status(self) -> dict[str, Any]:
        """Return what the status file says of the parts."""
        parts = {keeper.part.name: keeper.status() for keeper in self._keepers}
        return {
            "parts": parts,
            "pids": {name: about["pid"] for name, about in parts.items() if about["pid"]},
            "logs": {keeper.part.name: str(keeper.part.log) for keeper in self._keepers},
        }

    def close(self) -> None:
        """End all parts, the latest first, and the guard."""
        for keeper in reversed(self._keepers):
            keeper.end()
        self.processes.close()


def _in_use(port: int) -> ChairtimeError:
    return ChairtimeError(f"port {port} is in use", "port_in_use", "Choose another, or leave it to us.")


def signals_raise() -> AbstractContextManager[None]:
    """Turn the signals that end a program into KeyboardInterrupt, and SIGUSR1 into Reset."""

    def reset(number: int, frame: FrameType | None) -> None:
        raise Reset

    return signals({**dict.fromkeys(ENDING, interrupt), RESET: reset})
