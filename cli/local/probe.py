"""Asking a part of the stack whether it lives: over HTTP, or as Postgres' clients do."""

from __future__ import annotations

from enum import Enum

import httpx
import psycopg

PATIENCE = 3.0  # seconds


class Answer(Enum):
    """What came of asking."""

    READY = "ready"
    BUSY = "busy"  # it lives, and cannot serve yet
    SILENT = "silent"

    def __bool__(self) -> bool:
        """Whether it lives."""
        return self is not Answer.SILENT


def ask(url: str) -> Answer:
    """Ask the server at this URL: a GET that should succeed, or a connection to Postgres."""
    return _ask_postgres(url) if url.startswith("postgresql:") else _ask_http(url)


def _ask_http(url: str) -> Answer:
    try:
        answer = httpx.get(url, trust_env=False, timeout=PATIENCE, verify=False)  # noqa: S501 - it is no TLS
        return Answer.READY if answer.is_success else Answer.BUSY
    except httpx.HTTPError:
        return Answer.SILENT


def _ask_postgres(url: str) -> Answer:
    try:
        with psycopg.connect(
            url, connect_timeout=int(PATIENCE), options="-c statement_timeout=3s"
        ) as session:
            session.execute("select")
    except psycopg.Error as error:
        # Only a server that lives says FATAL: it is starting, recovering or full.
        return Answer.BUSY if error.sqlstate or "FATAL" in str(error) else Answer.SILENT
    return Answer.READY
