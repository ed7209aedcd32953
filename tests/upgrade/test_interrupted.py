"""An upgrade that is interrupted: nothing has happened, and it can be run again."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from itertools import cycle
from typing import Any

import psycopg
import pytest

from cli.errors import ChairtimeError
from cli.migrations import apply_pending
from cli.migrations.leftovers import drop_leftovers
from cli.migrations.verify import drift, read_catalog
from tests.support.templates import MIGRATIONS

pytestmark = pytest.mark.long

# Schemas and tables, the history, and the users' triggers.
SEEN = """
    select
        (select array_agg(nspname::text) from pg_namespace where nspname ~ '^(clinic|api)'),
        (select max(oid) from pg_class where relnamespace = 'clinic'::regnamespace),
        (select array_agg(xmin::text) from supabase_migrations.schema_migrations),
        (select array_agg(tgfoid) from pg_trigger where tgrelid = 'auth.users'::regclass and not tgisinternal)
"""

Spy = Callable[[psycopg.Connection, int], None]


def spy_on(monkeypatch: pytest.MonkeyPatch, observer: psycopg.Connection, spy: Spy) -> None:
    """Call the spy before each statement of anybody but the observer, with its connection and number."""
    execute, number = psycopg.Connection.execute, 0

    def spied(self: psycopg.Connection, *arguments: Any, **options: Any) -> Any:
        nonlocal number
        if self is not observer:
            number += 1
            spy(self, number)
        return execute(self, *arguments, **options)

    monkeypatch.setattr(psycopg.Connection, "execute", spied)


def test_before_its_end_nobody_sees_anything_and_cut_off_anywhere_it_begins_anew(
    old_database: str, migrator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(old_database, autocommit=True) as observer:
        before = observer.execute(SEEN).fetchone()

        def see_nothing(_: psycopg.Connection, number: int) -> None:
            statements.append(number)
            assert observer.execute(SEEN).fetchone() == before

        # Each statement, and the last one is not let through.
        statements: list[int] = []
        with monkeypatch.context() as patched:
            spy_on(patched, observer, see_nothing)
            with monkeypatch.context() as late:
                late.setattr("cli.migrations.upgrade._refuse_outsiders", fail)
                with pytest.raises(InterruptedError):
                    apply_pending(migrator, MIGRATIONS)
        count = len(statements)
        assert count > 1000

        # The session is ended by the server: early, while building, under the lock, and at its end.
        for at in (12, count // 3, "_replace_policy", "_refuse_outsiders"):
            with monkeypatch.context() as patched:
                if isinstance(at, int):
                    spy_on(patched, observer, end_at(observer, at))
                else:
                    end_before(patched, observer, f"cli.migrations.upgrade.{at}")
                with pytest.raises((psycopg.OperationalError, ChairtimeError)):
                    apply_pending(migrator, MIGRATIONS)
            assert observer.execute(SEEN).fetchone() == before
        apply_pending(migrator, MIGRATIONS)
        assert observer.execute("select from clinic.check_invariants()").fetchall() == []
        assert observer.execute(SEEN).fetchone() != before


def fail(*_: Any) -> None:
    """Stand for whatever may happen."""
    raise InterruptedError


def end_at(observer: psycopg.Connection, at: int) -> Spy:
    """End a session before one of its statements."""

    def end(connection: psycopg.Connection, number: int) -> None:
        if number == at:
            observer.execute("select pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])

    return end


def end_before(monkeypatch: pytest.MonkeyPatch, observer: psycopg.Connection, step: str) -> None:
    """End a session before one of its steps."""
    module, _, name = step.rpartition(".")
    go_on = getattr(import_module(module), name)

    def ended(connection: psycopg.Connection, *arguments: Any) -> Any:
        observer.execute("select pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
        return go_on(connection, *arguments)

    monkeypatch.setattr(step, ended)


def test_finishing_goes_on_from_wherever_it_was_cut_off(
    old_database: str, migrator: str, template: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply_pending(migrator, MIGRATIONS)
    with psycopg.connect(old_database, autocommit=True) as observer:
        cuts = 0
        # It asks twice what there is; then each step is cut off twice, before it comes through.
        for at in cycle((3, 4, 5)):
            with monkeypatch.context() as patched, psycopg.connect(migrator, autocommit=True) as connection:
                spy_on(patched, observer, cut_at(at))
                try:
                    drop_leftovers(connection)
                    break
                except InterruptedError:
                    cuts += 1
        assert cuts > 20
        assert observer.execute("select from clinic.check_invariants()").fetchall() == []
        with psycopg.connect(template, autocommit=True) as fresh:
            assert [*drift(read_catalog(fresh), read_catalog(observer))] == []


def cut_at(at: int) -> Spy:
    """Interrupt before one of the statements."""

    def cut(_: psycopg.Connection, number: int) -> None:
        if number == at:
            raise InterruptedError

    return cut
