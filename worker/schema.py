"""What the migrations beside this worker amount to, as the database says it of those that made it."""

import hashlib
from pathlib import Path

_IGNORED = dict.fromkeys(map(ord, " \t\r\n\f\v;"))


def digest(folder: Path, newest: str) -> str | None:
    """Hash the files up to version ``newest`` as clinic.schema_digest does; None if there are none here."""
    paths = sorted(path for path in folder.glob("*_*.sql") if path.name.partition("_")[0] <= newest)
    if not paths:
        return None
    parts = (path.name.partition("_")[0] + _text(path) for path in paths)
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8-sig").translate(_IGNORED)
