"""The worker is ready only where the database was built from the migrations that it was shipped with."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.actors import Connection
from tests.support.templates import MIGRATIONS
from tests.worker.processes import WorkerProcess
from tests.worker.support import wait_until
from worker.app import REQUIRED_SCHEMA
from worker.database import Database
from worker.schema import digest

Start = Callable[..., WorkerProcess]


async def test_database_and_files_agree_on_a_digest(db: Database, root: Connection, tmp_path: Path) -> None:
    ours = digest(MIGRATIONS, REQUIRED_SCHEMA)
    assert ours is not None
    assert await db.schema_digest(REQUIRED_SCHEMA) == ours
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    (folder / "29990101000000_later.sql").write_text("select 1;\n")
    root.execute(
        "insert into supabase_migrations.schema_migrations (version, statements)"
        " values ('29990101000000', '{select 1}')"
    )
    assert await db.schema_digest(REQUIRED_SCHEMA) == digest(folder, REQUIRED_SCHEMA) == ours
    assert await db.schema_digest("29990101000000") == digest(folder, "29990101000000") != ours


async def test_a_digest_counts_every_word_and_no_blank_space(db: Database, tmp_path: Path) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    file = sorted(folder.glob("*.sql"))[0]
    text = file.read_text()
    file.write_text("\n\n" + text.replace(";\n", " ;\n\n"))
    assert digest(folder, REQUIRED_SCHEMA) == await db.schema_digest(REQUIRED_SCHEMA)
    file.write_text(text.replace("create", "create  -- !", 1))
    assert digest(folder, REQUIRED_SCHEMA) != await db.schema_digest(REQUIRED_SCHEMA)


@pytest.mark.parametrize("edited", [False, True])
def test_readyz_tells_migrations_that_were_edited_since_they_were_applied(
    start_worker: Start, tmp_path: Path, edited: bool
) -> None:
    folder = tmp_path / "migrations"
    shutil.copytree(MIGRATIONS, folder)
    if edited:
        file = sorted(folder.glob("*.sql"))[0]
        file.write_text(file.read_text() + "select 1;")
    worker = start_worker(migrations_dir=folder)
    wanted = "edited since they were applied" if edited else "as applied"
    wait_until(lambda: worker.get("/readyz").json()["migrations"] == wanted, "the worker to compare")
    assert (worker.get("/readyz").status_code == 503) is edited


def test_a_history_that_holds_no_text_is_not_compared(start_worker: Start, root: Connection) -> None:
    root.execute("update supabase_migrations.schema_migrations set statements = null")
    worker = start_worker(migrations_dir=MIGRATIONS)
    assert worker.wait_ready()["migrations"] == "unknown"
