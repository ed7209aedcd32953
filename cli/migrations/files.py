"""Migration files: their names, and their statements as the Supabase CLI splits them."""

import hashlib
import re
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

from cli.errors import ChairtimeError, Exit, usage_error

NO_TRANSACTION = "-- pg-delta: transaction=false"
"""First line of a file whose statements cannot run in a transaction; the Supabase CLI reads the same mark."""

_FILE_NAME = re.compile(r"([0-9]+)_(.*)\.sql")


@dataclass(frozen=True)
class Statement:
    """One statement as it is recorded, and where its first word stands in the file (lines from 1)."""

    text: str
    line: int


@dataclass(frozen=True)
class Migration:
    """One file of supabase/migrations."""

    version: str
    name: str
    path: Path

    @cached_property
    def source(self) -> str:
        """The file's text."""
        try:
            return self.path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise usage_error(
                f"{self.path.name} is not UTF-8: {error.reason}", "Save it as UTF-8."
            ) from error

    @cached_property
    def statements(self) -> list[Statement]:
        """The file's statements, in order."""
        return split_statements(self.source)

    @property
    def texts(self) -> list[str]:
        """What the history's column `statements` holds."""
        return [statement.text for statement in self.statements]

    @property
    def transactional(self) -> bool:
        """Whether the file runs in one transaction (it does unless its first line says otherwise)."""
        return self.source.partition("\n")[0].rstrip("\r") != NO_TRANSACTION


def digest(statements: list[str]) -> str:
    """Hash a migration's content: sha256 over its statements, so that blank space between them is free."""
    return hashlib.sha256("\0".join(statements).encode()).hexdigest()


def read_migrations(folder: Path) -> list[Migration]:
    """Read a migrations folder in order of version (as text). Files with other names are ignored.

    Raises ChairtimeError: `not_found` without the folder, `invalid_argument` when two files share a version.
    """
    if not folder.is_dir():
        hint = "`chairtime migrate new NAME` makes the folder and a first file."
        raise ChairtimeError(f"no folder {folder}", "not_found", hint, Exit.NOT_FOUND)
    matches = [(_FILE_NAME.fullmatch(path.name), path) for path in folder.iterdir() if path.is_file()]
    found = [Migration(match[1], match[2], path) for match, path in matches if match]
    found.sort(key=lambda migration: (migration.version, migration.path.name))
    for earlier, later in pairwise(found):
        if earlier.version == later.version:
            raise usage_error(f"{earlier.path.name} and {later.path.name} share a version", "Rename one.")
    return found


_TOKEN = re.compile(
    r"""
      (?P<line_comment>--[^\r\n]*)
    | (?P<block_open>/\*)
    | (?P<escape_string>(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*(?:'|\Z))
    | (?P<string>'[^']*(?:'|\Z))
    | (?P<identifier>"[^"]*(?:"|\Z))
    | (?P<dollar>(?<![\w$])(?P<tag>\$(?:[^\W\d]\w*)?\$).*?(?:(?P=tag)|\Z))
    | (?P<atomic>(?<![\w$])begin\s+atomic(?![\w$]))
    | (?P<word>[^\W\d][\w$]*)
    | (?P<mark>[;()])
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)
_BLOCK_MARK = re.compile(r"/\*|\*/")


def split_statements(source: str) -> list[Statement]:
    """Split at the semicolons that end statements, not those in strings, bodies, comments or parentheses."""
    statements, start, line = [], 0, 1
    for end in [*_statement_ends(source), len(source)]:
        piece = source[start:end]
        text = piece.rstrip(";").strip()
        if text:
            statements.append(Statement(text, line + piece.count("\n", 0, code_offset(piece))))
        start, line = end, line + piece.count("\n")
    return statements


def _statement_ends(source: str) -> list[int]:
    ends, position, depth, atomic, fresh = [], 0, 0, False, False
    while match := _TOKEN.search(source, position):
        position, word = match.end(), match[0].lower()
        if match["block_open"]:
            position = _block_end(source, position)
        if match["block_open"] or match["line_comment"]:
            continue
        if word in "()":
            depth = max(0, depth + (1 if word == "(" else -1))
        elif word == ";" and depth == 0 and not atomic:
            ends.append(position)
        opens_body = match["atomic"] is not None and depth == 0
        atomic = opens_body or (atomic and not (fresh and word == "end"))
        fresh = opens_body or word == ";"
    return ends


def _block_end(source: str, position: int) -> int:
    depth = 1
    while depth and (match := _BLOCK_MARK.search(source, position)):
        depth += 1 if match[0] == "/*" else -1
        position = match.end()
    return len(source) if depth else position


def code_offset(piece: str) -> int:
    """Skip what stands before a statement's first word: blank space and comments."""
    position = 0
    while match := re.compile(r"\s+|--[^\r\n]*|/\*").match(piece, position):
        position = _block_end(piece, match.end()) if match[0] == "/*" else match.end()
    return position if position < len(piece) else 0
