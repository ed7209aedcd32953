"""Debian's Chromium without windows, and how the tests start it.

It draws the same with a third of the work of the one that could open windows.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

PACKAGE = "chromium-headless-shell"
CHROMIUM = Path("/usr/bin", PACKAGE)
FLAGS = [
    "--blink-settings=prefersReducedTransparency=true",  # drawing a blur costs most of all
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def install() -> None:
    """Install Chromium where we may; else say what is missing."""
    if CHROMIUM.exists():
        return
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise RuntimeError(f"the Debian package {PACKAGE} is needed and cannot be installed here")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", PACKAGE]):
        apt = ["apt-get", "-o", "DPkg::Lock::Timeout=300", *command]
        done = subprocess.run(apt, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(apt)} failed:\n{done.stderr}")
