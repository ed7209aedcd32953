"""Programs that come from Debian: the pooler, and Prometheus itself."""

from __future__ import annotations

import os
import shutil
import subprocess

from tests.support.templates import ROOT


def find_program(name: str) -> str:
    """Return the path of a program. The tools script installs it if it may, else says what is missing."""
    path = os.environ["PATH"] + ":/usr/sbin"
    if found := shutil.which(name, path=path):
        return found
    tools = subprocess.run([str(ROOT / ".ci" / "tools")], capture_output=True, text=True, check=False)
    if found := shutil.which(name, path=path):
        return found
    raise RuntimeError(f"{name} is needed\n{tools.stdout}{tools.stderr}")


def unprivileged(*command: str) -> list[str]:
    """Return a command that root runs as nobody, for some programs refuse to run as root."""
    if os.geteuid() != 0:
        return list(command)
    # Replaces itself by the command, so that signals reach it.
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", *command]
