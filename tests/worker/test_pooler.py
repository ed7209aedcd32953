"""Through a pooler in transaction mode, where no two statements need share a session."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from cli.local.ports import free_port
from tests.support.actors import Actors
from tests.support.clinics import Clinic
from tests.support.slots import reserve
from tests.worker.debian import find_program, unprivileged
from tests.worker.processes import WorkerProcess
from tests.worker.support import PASSWORD, USER, wait_until

pytestmark = pytest.mark.long

CONFIGURATION = """
[databases]
{database} = host={host} port={server_port} dbname={database} user={user} password={password}

[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
ignore_startup_parameters =
"""


@dataclass(frozen=True)
class Pooler:
    """A running pgbouncer: where it leads, and its process."""

    url: str
    process: subprocess.Popen[bytes]


@pytest.fixture
def pooler(worker_url: str) -> Iterator[Pooler]:
    """The test's database behind pgbouncer: three connections, handed out per transaction."""
    program = find_program("pgbouncer")
    parts = psycopg.conninfo.conninfo_to_dict(worker_url)
    port, database = free_port(), parts["dbname"]
    folder = Path(tempfile.mkdtemp(prefix="chairtime-pgbouncer-"))
    folder.chmod(0o755)
    configuration = folder / "pgbouncer.ini"
    configuration.write_text(
        CONFIGURATION.format(
            database=database,
            host=parts["host"],
            server_port=parts["port"],
            user=USER,
            password=PASSWORD,
            port=port,
        )
    )
    log = (folder / "log").open("wb")
    process = subprocess.Popen(unprivileged(program, str(configuration)), stdout=log, stderr=log)
    url = f"postgresql://{USER}@127.0.0.1:{port}/{database}"
    try:
        wait_until(lambda: _answers(url), "pgbouncer")
        yield Pooler(url, process)
    finally:
        process.kill()
        process.wait()
        log.close()
        shutil.rmtree(folder)


def _answers(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=1).close()
    except psycopg.OperationalError:
        return False
    return True


def test_two_workers_lead_in_turn_and_do_all_their_work(
    pooler: Pooler, start_worker: Callable[..., WorkerProcess], actors: Actors, riverside: Clinic
) -> None:
    settings = {"database_url": pooler.url, "lease_lifetime": 1, "lease_interval": 0.1}
    leader = start_worker(**settings)
    leader.wait_for("leadership_gained", epoch=1)
    standby = start_worker(**settings)
    assert standby.wait_ready()["role"] == "standby"
    for job in ("expire_reservations", "maintain_partitions", "refresh_daily_metrics", "verify_invariants"):
        leader.wait_for("job_finished", job=job, state="succeeded")
    leader.signal(signal.SIGSTOP)
    standby.wait_for("leadership_gained", epoch=2)
    leader.signal(signal.SIGCONT)
    leader.wait_for("leadership_lost", epoch=1)

    actors.superuser().execute("update clinic.clinics set hold_duration = '1 second'")
    row = reserve(actors.user("desk@riverside.test"), riverside, riverside.at("09:00"))
    standby.wait_for("event", event_event="reservation_expired", entity_id=str(row["id"]))
    assert standby.get("/metrics").text.count("chairtime_holds_live 0.0") == 1
    assert not standby.lines("job_failed")
    assert not standby.lines("tail_interrupted")


def test_the_standby_takes_over_when_the_leader_is_cut_off_from_its_database(
    pooler: Pooler, start_worker: Callable[..., WorkerProcess]
) -> None:
    """Not refused but left without an answer, as behind a firewall that drops packets."""
    leader = start_worker(database_url=pooler.url)
    leader.wait_for("leadership_gained", epoch=1)
    standby = start_worker()
    standby.wait_ready()
    pooler.process.send_signal(signal.SIGSTOP)
    standby.wait_for("leadership_gained", epoch=2)
    leader.wait_for("leadership_lost", epoch=1)
    pooler.process.send_signal(signal.SIGCONT)
    assert leader.wait_ready()["role"] == "standby"
