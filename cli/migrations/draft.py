"""Drafting the migration that leads from the migrations to the schemas, as far as a program can."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import sql

from cli.migrations.apply import apply_one
from cli.migrations.files import Migration, code_offset
from cli.migrations.rules import plain_form
from cli.migrations.schemas import build, read_all
from cli.migrations.verify import Catalog, scratch_database

_REPLACED = {
    "function": r"create (?:or replace )?function ([\w.]+)",
    "view": r"create (?:or replace )?view ([\w.]+)",
}
_MADE_ANEW = {
    "policy": r"create policy (\w+) on ([\w.]+)",
    "trigger": r"create (?:constraint )?trigger (\w+) .*? on ([\w.]+)",
}
Key = tuple[str, str]  # kind and name of an object in the catalog
_RELATIONS = ("table", "view", "materialized view")


@dataclass
class Draft:
    """Statements, each without its semicolon, and what they leave for a person to write."""

    statements: list[str] = field(default_factory=list)
    by_hand: list[str] = field(default_factory=list)

    def text(self, title: str) -> str:
        """Write the file."""
        told = "-- Drafted by `chairtime migrate new --from-schemas`: read it, and mend what is wrong.\n"
        if self.by_hand:
            told += "-- Write by hand, before what needs it:\n"
            told += "".join(f"--   {what}\n" for what in self.by_hand)
        return "\n".join((title + told, *(f"{_ended(statement)}\n" for statement in self.statements)))


def draft(schemas: list[Migration], migrations: list[Migration]) -> Draft:
    """Build both on a server of its own, and write what turns the one into the other.

    Raises ChairtimeError where a file fails.
    """
    with scratch_database() as url, psycopg.connect(url, autocommit=True) as connection:
        return draft_on(connection, schemas, migrations)


def draft_on(
    connection: psycopg.Connection[Any], schemas: list[Migration], migrations: list[Migration]
) -> Draft:
    """Draft in an empty database, which then is what the migrations and the draft lead to."""
    with connection.transaction(force_rollback=True):
        build(connection, schemas)
        wanted = read_all(connection)
    for migration in migrations:
        apply_one(connection, migration)
    return _Drafting(connection, wanted).run(schemas)


class _Drafting:
    """Tries each statement on what the migrations built, for what is said next depends on it."""

    def __init__(self, connection: psycopg.Connection[Any], wanted: Catalog) -> None:
        self._connection = connection
        self._wanted = wanted
        self._have = read_all(connection)
        self._made = Draft()
        self._untried: set[Key] = set()

    def run(self, schemas: list[Migration]) -> Draft:
        self._drop("policy", "trigger")
        for file in schemas:
            for statement in file.texts:
                self._follow(statement[code_offset(statement) :])
        self._drop("view", "function")
        self._have = read_all(self._connection)
        for key, statement in (*self._closed(), *self._grants(), *self._comments()):
            self._add([key], [statement])
        self._made.by_hand = [*self._left()]
        return self._made

    def _follow(self, statement: str) -> None:
        """Restate what defines something that differs."""
        plain = plain_form(statement)
        for kind, expression in _REPLACED.items():
            if (match := re.match(expression, plain)) and (names := self._differing(kind, match[1])):
                replacing = re.sub(r"^create (?!or replace)", "create or replace ", statement)
                gone = [f"drop {kind} {name}" for name in names if (kind, name) in self._have]
                self._add([(kind, name) for name in names], [replacing], [*gone, statement])
        for kind, expression in _MADE_ANEW.items():
            if (match := re.match(expression, plain)) and self._differing(kind, f"{match[2]} {match[1]}"):
                key = (kind, f"{match[2]} {match[1]}")
                self._add([key], [*([_drop(*key)] if key in self._have else []), statement])

    def _differing(self, kind: str, name: str) -> list[str]:
        """Names of that kind, whatever their arguments, that differ."""
        keys = {key for key in (*self._wanted, *self._have) if key[0] == kind}
        named = (key for key in keys if key[1].partition("(")[0] == name)
        return sorted(key[1] for key in named if self._wanted.get(key) != self._have.get(key))

    def _drop(self, *kinds: str) -> None:
        for kind in kinds:
            gone = [name for found, name in self._have if found == kind and (kind, name) not in self._wanted]
            for name in sorted(gone):
                self._add([(kind, name)], [_drop(kind, name)])

    def _add(self, keys: list[Key], *ways: list[str]) -> None:
        """Write down the first way that works, or, where none does yet, the first."""
        works = next((way for way in ways if self._works(way)), None)
        self._made.statements += works or ways[0]
        if works is None:
            self._untried.update(keys)

    def _works(self, statements: list[str]) -> bool:
        try:
            with self._connection.transaction():
                for statement in statements:
                    self._connection.execute(statement.encode())
        except psycopg.Error:
            return False
        return True

    def _closed(self) -> Iterator[tuple[Key, str]]:
        """Close functions that could not be made yet: everybody may call a new one."""
        for kind, name in sorted(self._wanted.keys() - self._have.keys()):
            key = ("grants", f"function {name}")
            if kind == "function" and "public: " not in self._wanted.get(key, ""):
                yield key, f"revoke all on function {name} from public"

    def _grants(self) -> Iterator[tuple[Key, str]]:
        for key in sorted(key for key in {*self._wanted, *self._have} if key[0] == "grants"):
            want, have = (set(it.get(key, "").splitlines()) for it in (self._wanted, self._have))
            on = self._object(key[1])
            for verb, to, lines in (("revoke", "from", have - want), ("grant", "to", want - have)):
                for line in sorted(lines) if on else ():
                    role, _, privilege = line.partition(": ")
                    what, option = re.match(r"(.*?)( with grant option)?$", privilege).groups("")  # type: ignore[union-attr]
                    yield key, f"{verb} {what}{on} {to} {role}" + (option if verb == "grant" else "")

    def _object(self, name: str) -> str | None:
        """Write on what a grant is; None where it went with what it was on."""
        if name.startswith(("schema ", "function ", "type ")):
            kind, _, rest = name.partition(" ")
            return f" on {name}" if (kind, rest) in self._wanted else None
        if ("sequence", name) in self._wanted:
            return f" on sequence {name}"
        if any((kind, name) in self._wanted for kind in _RELATIONS):
            return f" on {name}"
        table, _, column = name.rpartition(".")
        return (
            f" ({column}) on {table}" if any((kind, table) in self._wanted for kind in _RELATIONS) else None
        )

    def _comments(self) -> Iterator[tuple[Key, str]]:
        for key in sorted(key for key in {*self._wanted, *self._have} if key[0] == "comment"):
            want, on = self._wanted.get(key), _commented(key[1])
            goes = _key(on) in self._have and _key(on) not in self._wanted
            if want != self._have.get(key) and not goes:
                said = "null" if want is None else sql.Literal(want).as_string().strip()
                yield key, f"comment on {on} is\n{said}"

    def _left(self) -> Iterator[str]:
        """Name what still differs: tables and their like, and what could not be tried without them."""
        have = read_all(self._connection)
        for key in sorted(self._wanted.keys() | have.keys()):
            if self._wanted.get(key) == have.get(key):
                continue
            here, there = key in have, key in self._wanted
            verdict = "differs" if here and there else "is to go" if here else "is missing"
            tried = " (drafted, but not tried yet)" if key in self._untried else ""
            yield f"{key[0]} {key[1]} {verdict}{tried}"


def _ended(statement: str) -> str:
    """End a statement, also one whose last line ends in a comment."""
    return statement + ("\n;" if "--" in statement.rpartition("\n")[2] else ";")


def _key(on: str) -> Key:
    """Say which object of the catalog is named in a statement's `comment on`."""
    kind, _, name = on.partition(" ")
    own, _, table = name.partition(" on ")
    return kind, f"{table} {own}" if table else name


def _drop(kind: str, name: str) -> str:
    if kind in _MADE_ANEW:
        table, _, own = name.partition(" ")
        return f"drop {kind} {own} on {table}"
    return f"drop {kind} {name}"


def _commented(described: str) -> str:
    """Turn how Postgres describes an object into how it is named in a statement."""
    column = re.fullmatch(r"column (\S+) of (?:table|view|materialized view) (\S+)", described)
    if column:
        return f"column {column[2]}.{column[1]}"
    return re.sub(r"^((?:constraint|trigger|policy) \S+ on )table ", r"\1", described)
