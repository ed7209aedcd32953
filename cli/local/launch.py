"""Starting what stands on the database: Data API, Auth, gateway, worker."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from cli.local import lite, postgrest
from cli.local.config import Config
from cli.local.gateway import GatewaySettings
from cli.local.keys import Keys
from cli.local.parts import Parts
from cli.local.ports import HOST
from cli.local.postgres import PostgresServer
from cli.local.prepare import DATABASE, WORKER
from cli.local.state import State


@dataclass(frozen=True)
class Ports:
    """The ports of one run. The first three are for everybody; the others only the gateway knows."""

    gateway: int
    postgres: int
    worker: int
    lite: int
    postgrest: int
    postgrest_admin: int


@dataclass(frozen=True)
class Launcher:
    """Starts what stands on the database, and describes the whole."""

    root: Path
    state: State
    config: Config
    keys: Keys
    ports: Ports
    server: PostgresServer
    parts: Parts

    def start_data_api(self, folder: Path) -> str:
        """Start lite, and PostgREST where there is one; return the base URL of the Data API."""
        base = f"http://{HOST}:{self.ports.lite}"
        authenticator = self.server.url(DATABASE, "authenticator")
        auth_admin = self.server.url(DATABASE, "supabase_auth_admin")
        settings = lite.render_settings(self.config, self.keys, self.ports.lite, authenticator, auth_admin)
        self.parts.start(
            "lite",
            [str(lite.NODE), "server.mjs"],
            self.state.log("lite"),
            env={"CHAIRTIME_LITE": settings},
            cwd=folder,
            ready=answers(f"{base}/health"),
        )
        binary = postgrest.find_postgrest()
        return self._start_postgrest(binary, authenticator) if binary else f"{base}/rest/v1"

    def _start_postgrest(self, binary: Path, authenticator: str) -> str:
        ports = self.ports
        path = self.state.folder / "postgrest.conf"
        path.touch(mode=0o600)
        path.write_text(
            postgrest.render_config(
                self.config, self.keys, ports.postgrest, ports.postgrest_admin, authenticator
            )
        )
        ready = answers(f"http://{HOST}:{ports.postgrest_admin}/ready")
        self.parts.start("postgrest", [str(binary), str(path)], self.state.log("postgrest"), ready=ready)
        return f"http://{HOST}:{ports.postgrest}"

    def start_gateway(self, rest_url: str) -> None:
        """Start the one origin that clients know."""
        settings = GatewaySettings(
            port=self.ports.gateway,
            rest_url=rest_url,
            auth_url=f"http://{HOST}:{self.ports.lite}/auth/v1",
            realtime_database_url=self.server.superuser_url(DATABASE),
            keys=self.keys,
            web_dir=self.root / "web" / "dist",
        )
        self.parts.start(
            "gateway",
            [sys.executable, "-m", "cli.local.gateway"],
            self.state.log("gateway"),
            env={"CHAIRTIME_GATEWAY": settings.to_json()},
            cwd=self.root,
            ready=answers(f"{self._api_url}/health"),
        )

    def start_worker(self) -> None:
        """Start the daemon, logged in as a role that may run its jobs and nothing else."""
        env = {
            "CHAIRTIME_WORKER_DATABASE_URL": self.server.url(DATABASE, WORKER),
            "CHAIRTIME_WORKER_HTTP_HOST": HOST,
            "CHAIRTIME_WORKER_HTTP_PORT": str(self.ports.worker),
            "CHAIRTIME_WORKER_SUPABASE_URL": self._api_url,
            "CHAIRTIME_WORKER_SUPABASE_KEY": self.keys.publishable_key,
        }
        command = [sys.executable, "-m", "worker"]
        ready = answers(f"{self._worker_url}/healthz")
        self.parts.start("worker", command, self.state.log("worker"), env=env, cwd=self.root, ready=ready)

    @property
    def _api_url(self) -> str:
        return f"http://{HOST}:{self.ports.gateway}"

    @property
    def _worker_url(self) -> str:
        return f"http://{HOST}:{self.ports.worker}"

    def status(self) -> dict[str, Any]:
        """Return what `chairtime status --json` prints."""
        url, keys = self._api_url, self.keys
        return {
            "state": "running",
            "api_url": url,
            "rest_url": f"{url}/rest/v1",
            "auth_url": f"{url}/auth/v1",
            "realtime_url": f"{url.replace('http', 'ws', 1)}/realtime/v1",
            "web_url": url,
            "worker_url": self._worker_url,
            "db_url": self.server.url(DATABASE),
            "publishable_key": keys.publishable_key,
            "secret_key": keys.secret_key,
            "anon_key": keys.anon_key,
            "service_role_key": keys.service_role_key,
            "jwt_secret": keys.jwt_secret,
            "schemas": self.config.schemas,
            "logs": {part.name: str(part.log) for part in self.parts.running},
            "pid": os.getpid(),
            "pids": {part.name: part.process.pid for part in self.parts.running},
            "data_dir": str(self.state.data_dir),
            "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }


def answers(url: str) -> Callable[[], bool]:
    """Return a probe: whether a GET of this URL succeeds."""

    def probe() -> bool:
        try:
            return httpx.get(url, trust_env=False, timeout=1).is_success
        except httpx.TransportError:
            return False

    return probe
