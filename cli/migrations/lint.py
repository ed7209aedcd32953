"""Linting SQL files: sqlfluff with the project's configuration, SQL bodies included, and our own rules."""

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.migrations.files import Migration
from cli.migrations.released import check_released
from cli.migrations.rules import bodies, check
from cli.migrations.schemas import BASELINE, is_stale

if TYPE_CHECKING:
    from sqlfluff.core import Linter

_SQL_BODY = re.compile(r"\blanguage\s+sql\b", re.IGNORECASE)

# In a body parameters look like unknown tables (RF01, RF03), and where a line breaks is a matter of taste.
_NOT_IN_BODIES = ("RF01", "RF03", "AL03", "AM04", "LT08", "LT09", "LT14", "ST05")


@dataclass(frozen=True)
class Finding:
    """One thing to mend."""

    file: str
    line: int
    rule: str
    message: str
    hint: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The shape behind `--json`: `{"file", "line", "rule", "message", "hint"}`."""
        return asdict(self)


def lint(migrations: list[Migration], folder: list[Migration]) -> list[Finding]:
    """Check some of a folder's files and return what is wrong with them, in order of file and line."""
    found: list[Finding] = []
    for migration in migrations:
        found += [*_sqlfluff(migration), *_own_rules(migration, folder)]
    return sorted(found, key=lambda finding: (finding.file, finding.line, finding.rule))


def lint_history(
    schemas: list[Migration], migrations: list[Migration], lock: dict[str, str]
) -> list[Finding]:
    """Find what was done to released migrations, and a baseline that the schemas have left behind."""
    found = [Finding(it.file, 1, it.rule, it.message, it.hint) for it in check_released(lock, migrations)]
    if is_stale(schemas, migrations, frozenset(lock)):
        hint = "Write it anew: `chairtime migrate baseline`."
        found.append(Finding(BASELINE, 1, "baseline", "is not what supabase/schemas says", hint))
    return found


def _own_rules(migration: Migration, others: list[Migration]) -> Iterator[Finding]:
    for line, broken in check(migration, others):
        yield Finding(migration.path.name, line, broken.rule, broken.message, broken.hint)


def _sqlfluff(migration: Migration) -> Iterator[Finding]:
    """Run sqlfluff on the file, then on each body that is SQL, which it sees as a mere string."""
    yield from _lint_text(migration, migration.source, 1, ())
    position = 0
    for statement in migration.statements:
        start = migration.source.index(statement.text, position)
        position = start + len(statement.text)
        for offset, body in bodies(statement.text) if _SQL_BODY.search(statement.text) else ():
            lead = start + offset + len(body) - len(body.lstrip())
            line = migration.source.count("\n", 0, lead) + 1
            yield from _lint_text(migration, body.strip() + "\n", line, _NOT_IN_BODIES)


def _lint_text(migration: Migration, text: str, line: int, without: tuple[str, ...]) -> Iterator[Finding]:
    for violation in _linter(migration.path.parent).lint_string(text).get_violations():
        if violation.rule_code() not in without:
            where = line + violation.line_no - 1
            yield Finding(migration.path.name, where, violation.rule_code(), violation.desc())


@cache
def _linter(folder: Path) -> "Linter":
    from sqlfluff.core import FluffConfig, Linter

    config = FluffConfig.from_path(str(folder), overrides={"dialect": "postgres"})
    return Linter(config=config)
