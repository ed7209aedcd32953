"""A real PostgREST in the embedded stack, where there is one: it then serves the Data API instead of lite.

No package that Chairtime can install brings PostgREST, so the tests judge the choice and the file, and run
neither.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from cli.errors import usage_error
from cli.local.config import Config
from cli.local.keys import Keys
from cli.local.ports import HOST

VARIABLE = "CHAIRTIME_POSTGREST"


def find_postgrest() -> Path | None:
    """Return the binary that CHAIRTIME_POSTGREST names, else one on PATH, else None.

    Raises ChairtimeError if the variable names nothing that can be run. Set to the empty string, it says no.
    """
    given = os.environ.get(VARIABLE)
    if given == "":
        return None
    found = shutil.which(given or "postgrest")
    if given and found is None:
        raise usage_error(f"{VARIABLE} is {given}, which cannot be run")
    return Path(found) if found else None


def render_config(
    config: Config,
    keys: Keys,
    port: int,
    admin_port: int,
    db_url: str,
    *,
    public_url: str,
    listens: bool = True,
) -> str:
    """Return the configuration file.

    `db_url` is the role `authenticator`'s: PostgREST switches from it. `public_url` is where clients find the
    API: its description names that address, not the one behind the gateway. Without `listens`, as on a
    replica, where nobody can, it learns of a changed schema when it is started again.
    """
    settings: dict[str, str | int] = {
        "db-uri": db_url,
        "db-schemas": ",".join(config.schemas),
        "db-extra-search-path": ",".join(config.extra_search_path),
        "db-anon-role": "anon",
        "db-max-rows": config.max_rows,
        "db-pre-request": "clinic.check_request",
        "db-pool": 20,
        "db-channel-enabled": "true" if listens else "false",
        "jwt-secret": keys.jwt_secret,
        "server-host": HOST,
        "server-port": port,
        "admin-server-port": admin_port,
        "openapi-server-proxy-uri": public_url,
        "log-level": "warn",
    }
    return "".join(f"{name} = {_value(value)}\n" for name, value in settings.items())


def _value(value: str | int) -> str:
    if isinstance(value, int) or value in {"true", "false"}:
        return str(value)
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
