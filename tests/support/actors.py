"""Connections that act as PostgREST does: as `authenticator`, switched to the caller's role and claims."""

from __future__ import annotations

import json
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from tests.support import sessions
from tests.support.sessions import Connection

Row = dict[str, Any]


def connect_as(url: str, role: str, claims: Row) -> Connection:
    """Open an autocommit connection with this role and these JWT claims, as the Data API would have it.

    Every statement is a transaction of its own, as every request is.
    """
    connection = sessions.take(url)
    connection.execute("set session authorization authenticator")
    connection.execute(sql.SQL("set role {}").format(sql.Identifier(role)))
    connection.execute(
        "select set_config('request.jwt.claims', %s, false)", [json.dumps(claims | {"role": role})]
    )
    return connection


def value(connection: Connection, query: str, *parameters: Any) -> Any:
    """Return the one value of a query."""
    row = connection.execute(query, parameters).fetchone()  # type: ignore[arg-type]
    assert row is not None, query
    return next(iter(row.values()))


class Actors:
    """Everybody who calls the API of one database, each with connections of their own.

    `url` must be a superuser's, for that is how one becomes somebody else.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._open = ExitStack()

    def close(self) -> None:
        """Give back every connection this object opened."""
        self._open.close()

    def _keep(self, connection: Connection) -> Connection:
        self._open.callback(sessions.give_back, self.url, connection)
        return connection

    def superuser(self) -> Connection:
        """Open a connection that passes every policy: for arranging, for looking behind, for raw SQL."""
        return self._keep(sessions.take(self.url))

    def user_id(self, email: str) -> UUID:
        """Return the id of a signed-up user."""
        row = self.superuser_row("select id from auth.users where email = %s", email)
        identifier: UUID = row["id"]
        return identifier

    def superuser_row(self, statement: str, *parameters: Any) -> Row:
        """Return the one row of a superuser's query."""
        with sessions.session(self.url) as connection:
            row = connection.execute(statement, parameters).fetchone()  # type: ignore[arg-type]
        assert row is not None, statement
        return row

    def user(self, email: str, **claims: Any) -> Connection:
        """Open a connection for a signed-in user; `aal="aal2"` is one with a second factor."""
        claims = {"sub": str(self.user_id(email)), "email": email, "aud": "authenticated"} | claims
        return self._keep(connect_as(self.url, "authenticated", claims))

    def guest(self) -> Connection:
        """Sign somebody in anonymously, as Supabase Auth does, and open a connection for them."""
        user = uuid4()
        with sessions.session(self.url) as connection:
            connection.execute(
                "insert into auth.users (id, aud, role, created_at, updated_at, is_anonymous)"
                " values (%s, 'authenticated', 'authenticated', now(), now(), true)",
                [user],
            )
        claims = {"sub": str(user), "aud": "authenticated", "is_anonymous": True}
        return self._keep(connect_as(self.url, "authenticated", claims))

    def anon(self) -> Connection:
        """Open a connection for somebody who has not signed in."""
        return self._keep(connect_as(self.url, "anon", {}))

    def service_role(self) -> Connection:
        """Open a connection for a trusted server that holds the secret key."""
        return self._keep(connect_as(self.url, "service_role", {}))

    def sign_up(self, email: str, full_name: str = "") -> Connection:
        """Make a new user, as Supabase Auth does, and open a connection for them."""
        with sessions.session(self.url) as connection:
            connection.execute(
                "insert into auth.users"
                " (id, aud, role, email, email_confirmed_at, created_at, updated_at, raw_user_meta_data)"
                " values (%s, 'authenticated', 'authenticated', %s, now(), now(), now(), %s)",
                [uuid4(), email, Jsonb({"full_name": full_name} if full_name else {})],
            )
        return self.user(email)


@dataclass(frozen=True)
class _Shape:
    """How PostgREST treats a function: what it returns, and whether it may write."""

    many: bool
    rows: bool
    writes: bool
    arrays: list[str]


_shapes: dict[str, _Shape] = {}


def _shape(connection: Connection, name: str) -> _Shape:
    if name not in _shapes:
        row = connection.execute(
            """
            select
              p.proretset as many, t.typtype = 'c' or t.typname = 'record' as rows,
              p.provolatile = 'v' as writes,
              array(
                select p.proargnames[a.number]
                from unnest(p.proargtypes::oid[]) with ordinality as a (type, number)
                join pg_catalog.pg_type as t on t.oid = a.type
                where t.typcategory = 'A'
              ) as arrays
            from pg_catalog.pg_proc as p join pg_catalog.pg_type as t on t.oid = p.prorettype
            where p.pronamespace = 'api'::regnamespace and p.proname = %s
            """,
            [name],
        ).fetchone()
        assert row is not None, f"there is no function api.{name}"
        _shapes[name] = _Shape(**row)
    return _shapes[name]


def _sent(value: Any, is_array: bool) -> Any:
    if isinstance(value, date):  # which a datetime is, too
        return value.isoformat()
    if (
        isinstance(value, list)
        and value
        and all(isinstance(item, UUID) or (is_array and isinstance(item, int)) for item in value)
    ):
        return value
    return Jsonb(value) if isinstance(value, dict | list) else value


def call(connection: Connection, name: str, /, **arguments: Any) -> Any:
    """Call an RPC by named arguments, as its JSON body would.

    Returns what HTTP would: rows for a set, one row for a composite, a value otherwise; with Python's types.
    Dicts and lists are sent as jsonb, but lists of ids, and of numbers where arrays are wanted, as arrays;
    days and instants as text, everything else untyped. A function that is not volatile runs in a read-only
    transaction, as PostgREST runs it.
    """
    shape = _shape(connection, name)
    named = sql.SQL(", ").join(
        sql.SQL("{} => {}").format(sql.Identifier(key), sql.Placeholder(key)) for key in arguments
    )
    query = sql.SQL("select * from api.{}({}) as result").format(sql.Identifier(name), named)
    values = {key: _sent(value, key in shape.arrays) for key, value in arguments.items()}
    alone = connection.info.transaction_status is TransactionStatus.IDLE
    with connection.transaction() if alone else nullcontext():
        if alone and not shape.writes:
            connection.execute("set transaction read only")
        rows = connection.execute(query, values).fetchall()
    if shape.rows:
        return rows if shape.many else rows[0]
    return [row["result"] for row in rows] if shape.many else rows[0]["result"]
