"""Running pgbench, from the same wheel as the server."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import quantiles

from cli.errors import ChairtimeError
from cli.local.postgres import binary

CORES = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True)
class Result:
    """Latencies in milliseconds, one a transaction, and how long they took together in seconds."""

    latencies: list[float]
    seconds: float
    most: int  # transactions of the client that did most

    @property
    def per_second(self) -> float:
        """Transactions a second, of all clients together."""
        return len(self.latencies) / self.seconds

    def __add__(self, other: Result) -> Result:
        """Return both, as if one had followed the other."""
        return Result(self.latencies + other.latencies, self.seconds + other.seconds, self.most + other.most)

    def percentile(self, percent: int) -> float:
        """Return a percentile of the latencies, in milliseconds."""
        return quantiles(self.latencies, n=100, method="inclusive")[percent - 1]


def run(
    url: str,
    script: str,
    *,
    clients: int,
    options: Mapping[str, str],
    seconds: float = 0,
    transactions: int = 0,
    number: int = 0,
) -> Result:
    """Run a script for some seconds, or for some transactions a client; raise if any transaction fails.

    The script finds `:client_id`, and a variable `:number` that each client keeps from one transaction to the
    next, from this number on.
    """
    length = ["-T", str(max(1, round(seconds)))] if seconds else ["-t", str(transactions)]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "script.sql").write_text(script)
        crowd = ["-c", str(clients), "-j", str(min(clients, CORES))]
        command = [str(binary("pgbench")), "-n", "-M", "prepared", *crowd, *length, "-D", f"number={number}"]
        command += ["-f", "script.sql", "-l", "--log-prefix=latency", url]
        settings = " ".join(f"-c {name}={value}" for name, value in options.items())
        environment = {**os.environ, "PGOPTIONS": settings}
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
        if done.returncode or "number of failed transactions: 0 " not in done.stdout:
            raise ChairtimeError(f"pgbench failed: {done.stdout}{done.stderr}", "bench_failed")
        return _read(Path(folder))


def _read(folder: Path) -> Result:
    # client, transaction, microseconds, script, epoch seconds, microseconds of that second
    lines = [line.split() for log in folder.glob("latency.*") for line in log.read_text().splitlines()]
    ends = [int(line[4]) + int(line[5]) / 1e6 for line in lines]
    latencies = [int(line[2]) / 1000 for line in lines]
    # From the beginning of the first to the end of the last.
    began = min(end - took / 1000 for end, took in zip(ends, latencies, strict=True))
    most = Counter(line[0] for line in lines).most_common(1)[0][1]
    return Result(latencies, max(ends) - began, most)
