"""Sessions that are kept from one test to the next, as the Data API keeps its own from request to request.

All that a session was told is reset. What it has learned of the schema stays: learning it anew is most of
what a call costs. Only where somebody asked for it; elsewhere a session ends when it is given back.
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.pq import TransactionStatus
from psycopg.pq.abc import PGconn
from psycopg.rows import dict_row

Connection = psycopg.Connection[dict[str, Any]]

# `discard all`, but for plans; and what was written is counted before somebody looks.
_RESET = b"""
    close all;
    set session authorization default;
    reset all;
    deallocate all;
    unlisten *;
    select pg_advisory_unlock_all();
    discard temp;
    discard sequences;
    select pg_stat_force_next_flush()
"""

_kept: dict[str, list[PGconn]] = {}


def keep(url: str) -> None:
    """Keep sessions of this database from now on."""
    _kept.setdefault(url, [])


def forget(url: str) -> None:
    """End those that are kept, and keep no more."""
    for session in _kept.pop(url, []):
        session.finish()


def kept(url: str) -> list[int]:
    """Return the process ids of a database's sessions that nobody uses."""
    return [session.backend_pid for session in _kept.get(url, [])]


def take(url: str) -> Connection:
    """Return a superuser's autocommit connection, the one that was given back last if there is one."""
    while sessions := _kept.get(url):
        session = sessions.pop()
        if select.select([session.socket], [], [], 0)[0]:  # nobody has asked anything: it was ended
            session.finish()
            continue
        connection = psycopg.Connection(session, dict_row)
        connection.prepare_threshold = None
        connection.autocommit = True
        return connection
    return psycopg.connect(url, autocommit=True, row_factory=dict_row, prepare_threshold=None)


def give_back(url: str, connection: Connection) -> None:
    """Take it from whoever has it still; end it if it is not for others."""
    session = connection.pgconn
    if url not in _kept or session.transaction_status != TransactionStatus.IDLE:
        connection.close()
        return
    del connection.pgconn
    # A role may not be one that can become a superuser again, but the session is a superuser's.
    session.exec_(_RESET)
    if session.transaction_status == TransactionStatus.IDLE:
        _kept[url].append(session)
    else:
        session.finish()


@contextmanager
def kept_open(url: str) -> Iterator[None]:
    """Keep sessions of this database as long as the block lasts."""
    keep(url)
    try:
        yield
    finally:
        forget(url)


@contextmanager
def session(url: str) -> Iterator[Connection]:
    """Yield a superuser's connection for a moment."""
    connection = take(url)
    try:
        yield connection
    finally:
        give_back(url, connection)
