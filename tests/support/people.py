"""What is known of people: their records, what they heard, and every row that says something of them."""

from __future__ import annotations

from typing import Any

from psycopg import sql

from tests.support.actors import Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.waiting import wait_for_older


def record(connection: Connection, clinic: Clinic, full_name: str, **more: Any) -> Row:
    """Record a patient, as the desk does."""
    row: Row = call(connection, "create_patient", clinic_id=clinic.id, full_name=full_name, **more)
    return row


def login(connection: Connection) -> str:
    """Return the caller's user id."""
    return str(call(connection, "me")["user_id"])


def heard(connection: Connection, after: int = 0, topic: str | None = None) -> list[Row]:
    """Return the events of a topic, one's own unless told otherwise."""
    wait_for_older(connection)
    answer = call(connection, "events_since", topic=topic or f"patient:{login(connection)}", after_id=after)
    return [row["payload"] for row in answer]


def tables(superuser: Connection) -> list[str]:
    """Return every table of every schema that is not Postgres' own: partitions and the platform's, too."""
    rows = superuser.execute(
        "select c.oid::regclass::text as name from pg_catalog.pg_class as c"
        " join pg_catalog.pg_namespace as n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'm') and n.nspname !~ '^(pg_|information_schema)' order by 1"
    ).fetchall()
    return [row["name"] for row in rows]


def saying(superuser: Connection, *texts: str) -> set[str]:
    """Return the tables with a row that says one of these texts, in whatever column and case."""
    found = set()
    for name in tables(superuser):
        query = sql.SQL("select from {} as t where lower(t::text) like any (%s) limit 1").format(
            sql.SQL(name)
        )  # type: ignore[arg-type]
        if superuser.execute(query, [[f"%{text.lower()}%" for text in texts]]).rowcount:
            found.add(name)
    return found
