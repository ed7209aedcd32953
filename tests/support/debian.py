"""A throwaway Postgres 15 cluster from Debian's packages, the oldest server Chairtime promises to run on.

`python -m tests.support.debian pytest tests/sql` runs a command with `CHAIRTIME_TEST_DB_URL` pointing to one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cli.local.ports import free_port
from tests.support.servers import THROWAWAY
from tests.support.templates import ROOT

BINARIES = Path("/usr/lib/postgresql/15/bin")
EXTENSIONS = Path("/usr/share/postgresql/15/extension")
PACKAGES = {
    "postgresql-15": BINARIES / "postgres",
    "postgresql-15-plpgsql-check": EXTENSIONS / "plpgsql_check.control",
}


def install_packages() -> None:
    """Install what is missing of Postgres 15 and plpgsql_check, if possible; else say what is missing."""
    if all(file.exists() for file in PACKAGES.values()):
        return
    tools = subprocess.run([str(ROOT / ".ci" / "tools")], capture_output=True, text=True, check=False)
    missing = [package for package, file in PACKAGES.items() if not file.exists()]
    if missing:
        raise RuntimeError(
            f"these Debian packages are needed: {' '.join(missing)}\n{tools.stdout}{tools.stderr}"
        )


def _run(*command: str) -> None:
    # A server refuses to run as root, so root becomes the user that Debian's package made.
    prefix = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    subprocess.run([*prefix, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")


@contextmanager
def cluster(settings: Mapping[str, str] = THROWAWAY) -> Iterator[str]:
    """Yield a superuser's URL of a fresh Postgres 15 cluster, gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="chairtime-pg15-"))
    data, port = folder / "data", free_port()
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    settings = {
        **settings,
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(folder),
    }
    options = " ".join(f"-c {name}={value}" for name, value in settings.items())
    initdb, pg_ctl = str(BINARIES / "initdb"), str(BINARIES / "pg_ctl")
    _run(
        initdb, "-D", str(data), "-U", "supabase_admin", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"
    )
    _run(pg_ctl, "-D", str(data), "-l", str(folder / "log"), "-o", options, "-w", "start")
    try:
        yield f"postgresql://supabase_admin@127.0.0.1:{port}/postgres"
    finally:
        _run(pg_ctl, "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


def main() -> int:
    """Run the command given as arguments against a fresh cluster; return its exit code."""
    install_packages()
    with cluster() as url:
        environment = {**os.environ, "CHAIRTIME_TEST_DB_URL": url}
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
