"""Callers who have to wait for a calendar, and what happens to it meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID

from tests.support.actors import Actors, Connection, value

PATIENCE = 30.0  # seconds


def wait_for_older(connection: Connection) -> None:
    """Wait for every transaction that began before now, anywhere on the server, as events do."""
    deadline = time.monotonic() + 2 * PATIENCE
    query = "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint as oldest"
    newest = value(connection, "select pg_current_xact_id()::text::bigint")
    while value(connection, query) < newest:
        assert time.monotonic() < deadline, "some transaction on this server does not end"
        time.sleep(0.01)


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


def see_it_blocked(observer: Connection, caller: Connection, future: Future[Any]) -> None:
    """Return once what the caller does waits for another transaction, for whatever; fail if it does not."""
    deadline = time.monotonic() + PATIENCE
    while not value(observer, "select cardinality(pg_blocking_pids(%s))", caller.info.backend_pid):
        assert not future.done(), "it waited for nobody"
        assert time.monotonic() < deadline, "it waits for nobody"
        time.sleep(0.005)


def told(caller: Callable[[], Any], connection: Connection) -> Any:
    """Let somebody act; whatever Postgres counted of it is in its statistics afterwards."""
    try:
        return caller()
    finally:
        connection.execute("select pg_stat_force_next_flush()")


def deadlocks(connection: Connection) -> int:
    """Return how many deadlocks this database has had, as far as it was told of them: see `told`."""
    number: int = value(
        connection, "select deadlocks from pg_stat_database where datname = current_database()"
    )
    return number


def waits(observer: Connection, caller: Connection) -> bool:
    """Whether the caller waits for a calendar or a patient."""
    query = "select from pg_catalog.pg_locks where pid = %s and locktype = 'advisory' and not granted"
    return bool(observer.execute(query, [caller.info.backend_pid]).rowcount)
