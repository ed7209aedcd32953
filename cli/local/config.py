"""What the embedded stack takes from `supabase/config.toml`, the Supabase CLI's own file."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cli.errors import usage_error


@dataclass(frozen=True)
class Config:
    """The settings that the embedded stack knows; the defaults are the Supabase CLI's."""

    api_port: int = 54321
    db_port: int = 54322
    mailbox_port: int = 54324
    smtp_port: int = 54325
    schemas: list[str] = field(default_factory=lambda: ["public"])
    extra_search_path: list[str] = field(default_factory=lambda: ["public", "extensions"])
    max_rows: int = 1000
    seeds: list[str] = field(default_factory=lambda: ["./seed.sql"])
    auth: dict[str, Any] = field(default_factory=dict)


def read_config(supabase_dir: Path) -> Config:
    """Read the file; without one everything has its default. Raises ChairtimeError if it is no TOML."""
    path = supabase_dir / "config.toml"
    try:
        content = tomllib.loads(path.read_text()) if path.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise usage_error(f"{path.name}: {error}") from error
    api, db, mailbox = (content.get(name, {}) for name in ("api", "db", "local_smtp"))
    seed = db.get("seed", {})
    found = {
        "api_port": api.get("port"),
        "db_port": db.get("port"),
        "mailbox_port": mailbox.get("port"),
        "smtp_port": mailbox.get("smtp_port"),
        "schemas": api.get("schemas"),
        "extra_search_path": api.get("extra_search_path"),
        "max_rows": api.get("max_rows"),
        "seeds": seed.get("sql_paths") if seed.get("enabled", True) else [],
        "auth": content.get("auth"),
    }
    return Config(**{name: value for name, value in found.items() if value is not None})
