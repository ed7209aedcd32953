"""The Postgres server the tests run on: yours, the embedded one, or a Supabase container."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psutil

from cli.local.ports import free_port
from cli.local.postgres import PostgresServer
from tests.support.index_use import WITHOUT_SCANS
from tests.support.leftovers import MEMORY, VARIABLE, memory
from tests.support.shared import shared_resource

SUPABASE_IMAGE = "supabase/postgres:17.6.1.063"

ROOM = 4_000_000_000  # bytes of memory that must be free for the embedded server's data

# Nothing of a test must survive a crash, so nothing has to reach the disk.
THROWAWAY = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "1GB",
    "checkpoint_timeout": "1h",
    "log_min_messages": "warning",
    **WITHOUT_SCANS,
}


def with_database(url: str, database: str) -> str:
    """Return the same server's URL for another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{database}"))


@contextmanager
def running_server(shared: Path) -> Iterator[str]:
    """Yield a superuser's URL of the server that the environment asks for.

    In this order: `CHAIRTIME_TEST_DB_URL` (a superuser's), a Supabase container if `CHAIRTIME_TEST_BACKEND`
    is `docker`, else the embedded Postgres. What has to be started is started once for all processes.
    """
    given = os.environ.get("CHAIRTIME_TEST_DB_URL")
    if given:
        yield given
        return
    docker = os.environ.get("CHAIRTIME_TEST_BACKEND") == "docker"
    start, stop = (_start_container, _stop_container) if docker else (_start_embedded, _stop_embedded)
    with shared_resource(shared, "server", partial(start, shared), stop) as about:
        yield about["url"]


def _embedded(data_dir: str, log: str, port: int) -> PostgresServer:
    return PostgresServer(Path(data_dir), port, Path(log), THROWAWAY)


def _folder(shared: Path) -> Path:
    """Where the data are to be: in memory, if there is room.

    A database for each test is hundreds of files, which cost a disk ten times as much. Only for a run that is
    watched over: it leaves nothing there.
    """
    run = os.environ.get(VARIABLE)
    if run is None or not MEMORY.is_dir():
        return shared
    if min(shutil.disk_usage(MEMORY).free, psutil.virtual_memory().available) < ROOM:
        return shared
    folder = memory(run)
    folder.mkdir(exist_ok=True)
    return folder


def _start_embedded(shared: Path) -> dict[str, Any]:
    data_dir, log = _folder(shared) / "postgres", shared / "postgres.log"
    about: dict[str, Any] = {"data_dir": str(data_dir), "log": str(log), "port": free_port()}
    server = _embedded(**about)
    server.start()
    return about | {"url": server.superuser_url("postgres")}


def _stop_embedded(about: dict[str, Any]) -> None:
    _embedded(about["data_dir"], about["log"], about["port"]).stop()
    shutil.rmtree(about["data_dir"])


def _start_container(_shared: Path) -> dict[str, Any]:
    from testcontainers.core.config import testcontainers_config  # noqa: PLC0415 - imports the docker client
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy  # noqa: PLC0415

    # The reaper would remove the container when the process that started it ends, while others still test.
    testcontainers_config.ryuk_disabled = True
    password = "postgres"
    settings = [part for name, value in THROWAWAY.items() for part in ("-c", f"{name}={value}")]
    container = (
        DockerContainer(SUPABASE_IMAGE)
        .with_env("POSTGRES_PASSWORD", password)
        .with_exposed_ports(5432)
        .with_command(["postgres", "-D", "/etc/postgresql", *settings])
        # The image's first start serves its own initialisation before it serves anybody else.
        .waiting_for(LogMessageWaitStrategy("database system is ready to accept connections", times=2))
    )
    container.start()
    host, port = container.get_container_host_ip(), container.get_exposed_port(5432)
    url = f"postgresql://supabase_admin:{password}@{host}:{port}/postgres"
    return {"url": url, "container": container.get_wrapped_container().id}


def _stop_container(about: dict[str, Any]) -> None:
    import docker  # noqa: PLC0415 - only where there is one

    docker.from_env().containers.get(about["container"]).remove(force=True, v=True)
