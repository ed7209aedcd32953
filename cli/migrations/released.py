"""Which migrations are released, never to be edited again: supabase/migrations.lock, as by sha256sum."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from cli.errors import usage_error
from cli.migrations.files import Migration

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")
_HINT = "Take the file as the last release has it: nothing else says what may not be edited."


class Fault(NamedTuple):
    """What is wrong with a released file, or with one that is to follow it."""

    file: str
    rule: str
    message: str
    hint: str


def read_lock(path: Path) -> dict[str, str]:
    """Return the digests of released files by name; none before the first release.

    Raises ChairtimeError `invalid_argument` without a line, or where one is no digest or comes twice.
    """
    if not path.exists():
        return {}
    lines = path.read_text(errors="replace").splitlines()
    if not lines:
        raise usage_error(f"{path.name} is empty", _HINT)
    lock: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        name, digest = _read_line(path, number, line)
        if name in lock:
            raise usage_error(f"{path.name}, line {number}: {name} is there twice", _HINT)
        lock[name] = digest
    return lock


def _read_line(path: Path, number: int, line: str) -> tuple[str, str]:
    match = _LINE.fullmatch(line)
    if match is None:
        raise usage_error(f"{path.name}, line {number}: not a digest and a file's name", _HINT)
    return Path(match[2]).name, match[1]


def write_lock(path: Path, migrations: list[Migration]) -> None:
    """Record all files as released."""
    lines = (f"{_digest(file.path)}  {file.path.parent.name}/{file.path.name}\n" for file in migrations)
    path.write_text("".join(lines))


def check_released(lock: dict[str, str], migrations: list[Migration]) -> Iterator[Fault]:
    """Find released files that were edited or are gone, and new ones that stand before them."""
    files = {file.path.name: file for file in migrations}
    undo = "Undo that, and write what it should do as a new migration: `chairtime migrate new NAME`."
    for name, digest in lock.items():
        if name not in files:
            yield Fault(name, "released", "was released, but is gone", "Bring it back: databases have it.")
        elif _digest(files[name].path) != digest:
            yield Fault(name, "released", "was edited after it was released", undo)
    newest = max(lock, key=_version, default="")
    for name, file in files.items():
        if name not in lock and file.version < _version(newest):
            hint = "Rename it to the end: databases that are ahead would never see it in its place."
            yield Fault(name, "order", f"is new, yet older than {newest}, which is released", hint)


def _version(name: str) -> str:
    return name.partition("_")[0]


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
