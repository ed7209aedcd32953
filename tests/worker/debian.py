"""Programs that come from Debian: the pooler, and Prometheus itself."""

from __future__ import annotations

import os
import shutil
import subprocess


def install(package: str, program: str) -> str:
    """Return the path of a program, installing its Debian package where we may; else say what is missing."""
    path = os.environ["PATH"] + ":/usr/sbin"
    if found := shutil.which(program, path=path):
        return found
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise RuntimeError(f"the Debian package {package} is needed and cannot be installed here")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", package]):
        apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", *command]
        done = subprocess.run(apt, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(apt)} failed:\n{done.stderr}")
    found = shutil.which(program, path=path)
    assert found is not None
    return found


def unprivileged(*command: str) -> list[str]:
    """Return a command that root runs as nobody, for some programs refuse to run as root."""
    if os.geteuid() != 0:
        return list(command)
    # Replaces itself by the command, so that signals reach it.
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--", *command]
