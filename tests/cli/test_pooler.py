"""Behind a pooler in transaction mode: migrations hold their lock, and the doctor says what does not."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from cli.doctor.inside import check_pooler
from cli.local.ports import free_port
from cli.migrations import apply_pending
from tests.worker.debian import find_program, unprivileged
from tests.worker.support import wait_until

CONFIGURATION = """
[databases]
{dbname} = host={host} port={port} dbname={dbname} user={user} password={password}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {listen_port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
max_client_conn = 100
"""


@pytest.fixture
def pooler(empty_database: str) -> Iterator[str]:
    """The URL of the empty database behind pgbouncer: three connections, handed out per transaction."""
    program = find_program("pgbouncer")
    parts = psycopg.conninfo.conninfo_to_dict(empty_database)
    port = free_port()
    folder = Path(tempfile.mkdtemp(prefix="chairtime-pgbouncer-"))
    folder.chmod(0o755)
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(CONFIGURATION.format(listen_port=port, **parts))
    url = f"postgresql://{parts['user']}@127.0.0.1:{port}/{parts['dbname']}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(unprivileged(program, str(configuration)), stdout=log, stderr=log)
        try:
            wait_until(lambda: _answers(url), "pgbouncer")
            yield url
        finally:
            process.terminate()
            process.wait()
            shutil.rmtree(folder)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=1).close()
    except psycopg.OperationalError:
        return False
    return True


def test_ten_at_once_apply_each_file_once_through_a_pooler(
    project: Path, pooler: str, empty_database: str
) -> None:
    folder = project / "supabase" / "migrations"
    (folder / "20260101000000_one.sql").write_text("create table t (a int);")
    (folder / "20260102000000_two.sql").write_text("insert into t values (1);")
    with ThreadPoolExecutor(10) as pool:
        runs = [pool.submit(apply_pending, pooler, folder) for _ in range(10)]
        applied = [migration.version for run in runs for migration in run.result(timeout=60)]
    assert applied.count("20260101000000") == applied.count("20260102000000") == 1
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("select a from t").fetchall() == [(1,)]


def test_the_doctor_tells_a_pooler_from_a_session(pooler: str, empty_database: str) -> None:
    assert check_pooler(empty_database).state == "ok"
    assert check_pooler(pooler).state == "problem"
