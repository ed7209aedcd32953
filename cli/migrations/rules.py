"""What no linter knows: statements that Supabase refuses, that lock large tables, that open a door."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cli.migrations.files import NO_TRANSACTION, Migration, Statement

_PLATFORM = r"(?:auth|realtime|storage|vault|graphql|graphql_public|pgbouncer|net|cron|supabase_functions)"
_OBJECT = r"(?:table|view|materialized view|type|domain|sequence|function|procedure|aggregate)"
_IF = r"(?: if (?:not )?exists)?"
_SPACE = re.compile(r"\s+")
_QUOTED = re.compile(r'"([a-z_][a-z0-9_]*)"')
_LITERAL = re.compile(
    r"""--[^\r\n]* | /\*.*?\*/ | '(?:[^']|'')*' | (?P<tag>\$(?:[^\W\d]\w*)?\$)(?P<body>.*?)(?P=tag)""",
    re.VERBOSE | re.DOTALL,
)
_ALONE = re.compile(
    r"(?:(?:create (?:unique )?|drop )index concurrently|reindex .*concurrently|vacuum|cluster|alter system)"
    r"\b"
)
_MADE = re.compile(r"create (?:unlogged )?table (?:if not exists )?([\w.]+)")
_SECURED = re.compile(r"alter table (?:only )?([\w.]+) enable row level security")
_ALLOWED = re.compile(r"--\s*lint: allow ([\w, ]+)")


class Broken(NamedTuple):
    """A rule that a statement breaks: its name, what is wrong, and what to do instead."""

    rule: str
    message: str
    hint: str


@dataclass(frozen=True)
class Pattern:
    """A rule that is one regular expression over a statement's plain form."""

    rule: str
    breaks: re.Pattern[str]
    message: str
    hint: str

    def __call__(self, plain: str, context: "Context") -> Iterator[Broken]:
        """Yield once if the statement breaks the rule."""
        if self.breaks.search(plain):
            yield Broken(self.rule, self.message, self.hint)


class Context(NamedTuple):
    """What a rule may know beside the statement.

    `created` are the tables that are still empty: those made by migrations of the same day. `secured` are
    those for which this file turns row level security on.
    """

    created: frozenset[str]
    secured: frozenset[str]
    transactional: bool


def _pattern(rule: str, expression: str, message: str, hint: str) -> Pattern:
    return Pattern(rule, re.compile(expression), message, hint)


_PATTERNS = [
    _pattern(
        "refused_by_supabase",
        rf"^(?:create(?: or replace)?|alter|drop|comment on) (?:unlogged |foreign )?"
        rf"{_OBJECT}{_IF} (?:only )?{_PLATFORM}\."
        rf"|^create .*\bpartition of {_PLATFORM}\.",
        "hosted Supabase owns this schema and refuses objects of yours in it",
        "Put it into a schema of your own; policies and triggers on the platform's tables are allowed.",
    ),
    _pattern(
        "refused_by_supabase",
        rf"^create (?:unique )?index .*?\bon (?:only )?{_PLATFORM}\.",
        "hosted Supabase refuses indexes on the platform's tables",
        "Keep the column in a table of your own and index that.",
    ),
    _pattern(
        "refused_by_supabase",
        rf"^(?:create|alter|drop) schema{_IF} {_PLATFORM}\b",
        "hosted Supabase owns this schema",
        "It exists already; leave it alone.",
    ),
    _pattern(
        "refused_by_supabase",
        r"^(?:alter system|create (?:tablespace|subscription|(?:or replace )?(?:trusted )?language))\b",
        "needs a superuser, which `postgres` is not on Supabase",
        "Use the dashboard's settings, or `alter role … set …`.",
    ),
    _pattern(
        "refused_by_supabase",
        r"^(?:create|alter) (?:role|user) .*\b(?<!no)(?:superuser)\b",
        "only a superuser makes superusers, and `postgres` is none on Supabase",
        "Grant the rights that are needed, one by one.",
    ),
    _pattern(
        "refused_by_supabase",
        r"^copy .* (?:from|to) (?:program )?''",
        "reads or writes the server's files, which Supabase refuses",
        "Insert the rows in the migration, or load them with psql's \\copy.",
    ),
    _pattern(
        "extension_schema",
        r"^create extension (?!.*\bschema extensions\b)",
        "the extension would land in the first schema of the search path",
        "Add `with schema extensions`.",
    ),
    _pattern(
        "search_path",
        r"^(?!.*\bset search_path (?:=|to) '').*\bsecurity definer\b",
        "a security definer function without a fixed search_path runs whatever its caller puts in the way",
        "Add `set search_path = ''` and qualify every name.",
    ),
    _pattern(
        "definer_exposed",
        r"^create (?:or replace )?function api\..*\bsecurity definer\b",
        "a security definer function in the exposed schema bypasses RLS for every client",
        "Make it `security invoker` and let it call a checked function in a private schema.",
    ),
    _pattern(
        "view_bypasses_rls",
        r"^create (?:or replace )?view api\.(?!.*\bsecurity_invoker ?= ?(?:true|on)\b)",
        "the view reads with its owner's rights and so past RLS",
        "Add `with (security_invoker = true)`.",
    ),
    _pattern(
        "policy_for_everybody",
        r"^create policy (?!.*\bto (?!public\b)\w)",
        "the policy names no role, so it is evaluated for all",
        "Add `to authenticated`, or whoever it is meant for.",
    ),
    _pattern(
        "auth_per_row",
        r"^create policy .*(?<!select )\bauth\.(?:uid|role|jwt)\(\)",
        "auth.uid() is evaluated once a row",
        "Write `(select auth.uid())`, which is evaluated once a query.",
    ),
]


def _locks(plain: str, context: Context) -> Iterator[Broken]:
    """Statements that hold a lock on an existing table while they read or rewrite all of it."""
    index = re.match(r"create (?:unique )?index (?!concurrently)(?:.*? )?on (?:only )?([\w.]+)", plain)
    if index and index[1] not in context.created:
        hint = f"Use `create index concurrently` in a file of its own that begins with `{NO_TRANSACTION}`."
        yield Broken("index_locks_table", f"building the index locks {index[1]} against writes", hint)
    alter = re.match(r"alter table (?:if exists )?(?:only )?([\w.]+) (.*)", plain)
    if alter and alter[1] not in context.created:
        for action in re.split(r",(?![^(]*\))", alter[2]):
            yield from _locking_action(alter[1], action.strip())


def _locking_action(table: str, action: str) -> Iterator[Broken]:
    if (
        re.match(r"add (?:column )?(?!constraint)", action)
        and "not null" in action
        and " default " not in action
    ):
        hint = "Add it with a default, or nullable, fill it, and set not null in a later migration."
        yield Broken("not_null_without_default", f"fails as soon as {table} has a row", hint)
    if re.search(r"^add .* default (?:gen_random_uuid|clock_timestamp|random|nextval)\(", action):
        hint = "Add the column without the default, fill it in batches, then set the default."
        yield Broken("rewrites_table", f"a volatile default rewrites {table} under an exclusive lock", hint)
    if re.match(r"alter (?:column )?\w+ (?:set data )?type\b", action):
        hint = "Add a new column, copy in batches, and swap the names."
        yield Broken("rewrites_table", f"changing a type may rewrite {table} under an exclusive lock", hint)
    if re.match(r"alter (?:column )?\w+ set not null", action):
        hint = "Add `check (… is not null) not valid`, validate it, then set not null: the scan is skipped."
        yield Broken("scans_table", f"reads all of {table} under an exclusive lock", hint)
    if re.match(r"add constraint .* (?:foreign key|check)\b", action) and "not valid" not in action:
        hint = "Add it `not valid` and `validate constraint` in a later migration."
        yield Broken("scans_table", f"checks all of {table} while it blocks writes", hint)


def _without_rls(plain: str, context: Context) -> Iterator[Broken]:
    table = _MADE.match(plain)
    if table and " partition of " not in plain and table[1] not in context.secured:
        hint = f"Add `alter table {table[1]} enable row level security;`."
        yield Broken("no_rls", f"{table[1]} has no row level security", hint)


def _not_in_transaction(plain: str, context: Context) -> Iterator[Broken]:
    if context.transactional and _ALONE.match(plain):
        hint = f"Move it into a file of its own whose first line is `{NO_TRANSACTION}`."
        yield Broken("needs_no_transaction", "cannot run inside a transaction", hint)


_BODY_PATTERNS = [
    _pattern(
        "refused_by_supabase",
        rf"\b(?:create(?: or replace)?|alter|drop) {_OBJECT}{_IF} (?:only )?{_PLATFORM}\."
        rf"|\bcreate (?:unique )?index [^;]*?\bon (?:only )?{_PLATFORM}\.",
        "hosted Supabase owns this schema and refuses to have it changed, by dynamic SQL and DO blocks, too",
        "Keep what you need in a schema of your own.",
    ),
    _pattern(
        "no_notify",
        r"\bpg_notify\b|(?m:^\s*notify\b)",
        "NOTIFY takes a lock that all committing transactions share",
        "Send through realtime.send, or let a reader poll.",
    ),
    _pattern(
        "no_serialization_failure",
        r"'40001'|\bserialization_failure\b",
        "older PostgREST retries 40001 without end",
        "Raise one of the API's own codes.",
    ),
    _pattern("no_tabs", r"\t", "a tab in a body", "Indent with two spaces."),
    _pattern(
        "lower_case",
        r"(?m:^\s*)(?:SELECT|INSERT|UPDATE|DELETE|BEGIN|END|DECLARE|RETURN|PERFORM|RAISE|FROM|WHERE|IF)\b",
        "keywords are lower case, in bodies too",
        "Write them in lower case.",
    ),
]

_RULES: list[Callable[[str, Context], Iterator[Broken]]] = [
    *_PATTERNS,
    _locks,
    _without_rls,
    _not_in_transaction,
]


def check(migration: Migration, others: list[Migration]) -> Iterator[tuple[int, Broken]]:
    """Yield (line in the file, broken rule) but for what the statement allows with `-- lint: allow RULE`.

    `others` are the folder's migrations.
    """
    context = _context(migration, others)
    for statement in migration.statements:
        plain = plain_form(statement.text)
        allowed = {name for match in _ALLOWED.findall(statement.text) for name in re.split(r"[, ]+", match)}
        broken = [
            *(found for rule in _RULES for found in rule(plain, context)),
            *_check_body(statement, context),
        ]
        yield from ((statement.line, one) for one in broken if one.rule not in allowed)


def _check_body(statement: Statement, context: Context) -> Iterator[Broken]:
    for _, body in bodies(statement.text):
        without_comments = re.sub(r"--[^\r\n]*", "", body)
        for rule in _BODY_PATTERNS:
            yield from rule(without_comments, context)


def bodies(text: str) -> Iterator[tuple[int, str]]:
    """Yield (offset, text) of everything a statement holds between dollar quotes."""
    for match in _LITERAL.finditer(text):
        if match["tag"]:
            yield match.start("body"), match["body"]


def plain_form(text: str) -> str:
    """Reduce a statement to what rules look at: no comments, no needless quotes, one space, lower case."""
    return _QUOTED.sub(r"\1", _SPACE.sub(" ", _LITERAL.sub(_reduced, text)).strip().lower())


def _reduced(match: re.Match[str]) -> str:
    return "''" if match[0].startswith("'") else "$$" if match["tag"] else " "


def _context(migration: Migration, others: list[Migration]) -> Context:
    # Versions are times to the second; the short numbers of schemas, all of one day.
    sameday = [other for other in others if other.version[:-6] == migration.version[:-6]]
    return Context(
        frozenset(table for other in sameday for table in _tables(_MADE, other)),
        frozenset(_tables(_SECURED, migration)),
        migration.transactional,
    )


def _tables(expression: re.Pattern[str], migration: Migration) -> Iterator[str]:
    matches = (expression.match(plain_form(text)) for text in migration.texts)
    return (match[1] for match in matches if match)
