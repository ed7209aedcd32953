"""Mutants: the code with one line of it made wrong, and the tests that must notice."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

LIST = Path(__file__).with_name("mutants.toml")


class Stale(Exception):
    """The mutant does not apply to the code as it is: what it changes is not written exactly once."""


@dataclass(frozen=True)
class Mutant:
    """One entry of `mutants.toml`, whose head says what the fields mean."""

    name: str
    why: str
    place: str
    written: str
    instead: str
    killed_by: list[str]

    def apply(self, root: Path) -> tuple[Path, str]:
        """Return which file of this checkout changes, and its text with the mutation. Raises Stale."""
        found = [
            (path, span) for path, start, text in self._places(root) for span in self._spans(start, text)
        ]
        if len(found) != 1:
            raise Stale(
                f"{self.name}: {self.written!r} is written {len(found)} times in {self.place}, not once"
            )
        path, (start, end) = found[0]
        text = path.read_text()
        return path, text[:start] + self.instead + text[end:]

    def _places(self, root: Path) -> list[tuple[Path, int, str]]:
        """Return where to look: pieces of files, each with its offset."""
        if "/" in self.place:
            return [(path, 0, path.read_text()) for path in sorted(root.glob(self.place))]
        head = re.compile(rf"^create function {re.escape(self.place)}\(.*?^\$\$;", re.DOTALL | re.MULTILINE)
        return [
            (path, match.start(), match[0])
            for path in sorted(root.glob("supabase/schemas/*.sql"))
            for match in head.finditer(path.read_text())
        ]

    def _spans(self, start: int, text: str) -> list[tuple[int, int]]:
        words = r"\s+".join(map(re.escape, self.written.split()))
        return [(start + match.start(), start + match.end()) for match in re.finditer(words, text)]


def load() -> list[Mutant]:
    """Return all mutants, in the order in which they are written down."""
    return [Mutant(name=name, **fields) for name, fields in tomllib.loads(LIST.read_text()).items()]
