"""A whole run: the ground, the data, the measurements in their order, and what they were made on."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import psycopg

from cli.bench import booking, contention, listing, reading, serving, weight
from cli.bench.ground import HISTORY, MEASURING, Ground, Say, ground
from cli.bench.load import fill
from cli.bench.pgbench import CORES
from cli.bench.rounds import Chapter

Measurement = Callable[[Ground], Chapter]

MEASUREMENTS: dict[str, Measurement] = {
    "booking": booking.booking,
    "listing": listing.listing,
    "lists": reading.lists,
    "proofs": reading.proofs,
    "search": reading.search,
    "events": reading.events,
    "weight": weight.weight,
    "serving": serving.serving,
    "contention": contention.contention,
}
OF_HISTORIES = {"listing", "lists", "proofs"}

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
BYTES = 1500  # of disk for each simulated appointment, with its claims, indexes and the log


@dataclass(frozen=True)
class Plan:
    """How long a run may take, and how much it looks at."""

    quick: bool
    only: frozenset[str]
    largest: int
    seed: int = 1

    @property
    def rounds(self) -> int:
        """How often each thing is measured."""
        return 3 if self.quick else 5

    @property
    def pouring(self) -> float:
        """Return the seconds that the largest history may take; a machine on which it would take longer does without."""
        return 40 if self.quick else 600

    @property
    def last_start(self) -> float:
        """Return the seconds after which no further measurement begins."""
        return 95 if self.quick else 960


def measure(root: Path, plan: Plan, say: Say) -> dict[str, Any]:
    """Measure on a server of one's own; return what a report shows. `root` holds supabase/."""
    began = time.monotonic()
    left_out: list[str] = []
    chapters: list[Chapter] = []
    with ground(root, say, quick=plan.quick, rounds=plan.rounds, seed=plan.seed) as here:
        say("Migrating")
        here.migrate()
        about = _machine(here)
        poured = _pour(here, plan, left_out)
        here.restart(MEASURING)
        for name, chapter in MEASUREMENTS.items():
            # Without any history, which `_pour` has named, nothing can be asked of histories.
            if name not in plan.only or (name in OF_HISTORIES and not here.sizes):
                continue
            if time.monotonic() - began > plan.last_start:
                left_out.append(f"{name}: there was no time left")
                continue
            chapters.append(chapter(here))
    return {
        "machine": about,
        "mode": "quick" if plan.quick else "full",
        "rounds": plan.rounds,
        "seed": plan.seed,
        "histories": poured,
        "chapters": [asdict(chapter) for chapter in chapters],
        "left_out": left_out,
        "seconds": round(time.monotonic() - began, 1),
    }


def _pour(here: Ground, plan: Plan, left_out: list[str]) -> list[dict[str, float]]:
    """Simulate the histories, as long as the next is expected in time and has room."""
    poured: list[dict[str, float]] = []
    if not OF_HISTORIES & plan.only:
        return poured
    for size in SIZES:
        if size > plan.largest:
            break
        last = poured[-1] if poured else {"appointments": 1, "seconds": 0}
        # Of little data one learns nothing but how long it takes to begin.
        expected = size / last["appointments"] * last["seconds"] if last["appointments"] > SIZES[0] else 0
        free = shutil.disk_usage(here.server.data_dir).free
        if expected > plan.pouring or free < size * BYTES:
            why = (
                f"would take {expected:.0f} s"
                if expected > plan.pouring
                else f"needs {size * BYTES / 1e9:.0f} GB"
            )
            left_out.append(f"the history of {size:,} appointments: it {why} here")
            break
        began = time.monotonic()
        here.say(f"Simulating {size:,} appointments")
        fill(here.create(HISTORY.format(size)), size, plan.seed, datetime.now(UTC).date(), here.say)
        poured.append({"appointments": size, "seconds": round(time.monotonic() - began, 1)})
        here.sizes += (size,)
    return poured


def _machine(here: Ground) -> dict[str, Any]:
    """Name what is measured on, and with what."""
    with psycopg.connect(here.url("postgres")) as connection:
        server = connection.execute("show server_version").fetchall()[0][0]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": CORES,
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "postgres": server,
        "python": platform.python_version(),
        "chairtime": version("chairtime"),
        "sync_ms": round(_sync_ms(here.server.data_dir.parent), 2),
        "load_before": round(os.getloadavg()[0], 2),
        "settings": MEASURING
        or "as the server comes: fsync and synchronous_commit on, 128 MB of shared buffers",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _sync_ms(folder: Path) -> float:
    """Return how long the disk takes to have eight kilobytes for good: what a lone commit waits for."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(50):
            began = time.perf_counter()
            file.write(b"x" * 8192)
            file.flush()
            os.fsync(file.fileno())
            took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)
