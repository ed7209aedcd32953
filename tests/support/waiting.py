"""Callers who have to wait for a calendar, and what happens to it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

from tests.support.actors import Actors, Connection

PATIENCE = 30.0  # seconds


def wait_for_older(connection: Connection) -> None:
    """Wait for every transaction that began before now, anywhere on the server, as events do."""
    deadline = time.monotonic() + 2 * PATIENCE
    query = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest, "
    row = connection.execute(
        query + "pg_snapshot_xmax(pg_current_snapshot())::text::bigint as next"
    ).fetchone()
    assert row is not None
    now = row["next"]
    while row is not None and row["oldest"] < now:
        assert time.monotonic() < deadline, "some transaction on this server does not end"
        time.sleep(0.01)
        row = connection.execute(query + "0 as next").fetchone()


def act_behind_lock(
    actors: Actors,
    resource: UUID,
    caller: Connection,
    action: Callable[[], Any],
    meanwhile: Callable[[Connection], Any] = lambda _: None,
) -> Future[Any]:
    """Let a caller act while somebody else has the calendar; return how that ended.

    Fails unless the caller waits for the calendar. `meanwhile` is done, with every right, while it does.
    """
    keeper = actors.superuser()
    with ThreadPoolExecutor(1) as pool:
        with keeper.transaction():
            keeper.execute("select clinic.lock_calendars(%s)", [resource])
            future = pool.submit(action)
            see_it_wait(keeper, caller, future)
            meanwhile(keeper)
        future.exception()
    return future


def see_it_wait(observer: Connection, caller: Connection, future: Future[Any]) -> None:
    """Return once what the caller does waits for a calendar; fail if it does not."""
    deadline = time.monotonic() + PATIENCE
    while not waits(observer, caller):
        assert not future.done(), "it did not wait for the calendar"
        assert time.monotonic() < deadline, "it waits for something else than the calendar"
        time.sleep(0.005)


def waits(observer: Connection, caller: Connection) -> bool:
    """Whether the caller waits for a calendar or a patient."""
    query = "select from pg_catalog.pg_locks where pid = %s and locktype = 'advisory' and not granted"
    return bool(observer.execute(query, [caller.info.backend_pid]).rowcount)
