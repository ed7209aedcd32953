"""Asking a part of the stack whether it lives: over HTTP, or as Postgres' clients do."""

from __future__ import annotations

from enum import Enum
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

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
    # Every part is asked every second: this costs a tenth of what a richer client does.
    where = urlsplit(url)
    connection = HTTPConnection(where.hostname or "", where.port, timeout=PATIENCE)
    try:
        connection.request("GET", where.path)
        status = connection.getresponse().status
        ready = HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES
        return Answer.READY if ready else Answer.BUSY
    except (OSError, HTTPException):
        return Answer.SILENT
    finally:
        connection.close()


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
