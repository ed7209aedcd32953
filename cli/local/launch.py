"""Starting what stands on the database: Data API, Auth, gateway, worker."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import socket
from typing import Any

import httpx

from cli.local import lite, postgrest
from cli.local.config import Config
from cli.local.gateway import GatewaySettings
from cli.local.keys import Keys
from cli.local.parts import Parts
from cli.local.ports import HOST, free_port
from cli.local.postgres import PostgresServer
from cli.local.prepare import DATABASE, WORKER
from cli.local.state import State


@dataclass(frozen=True)
class Launcher:
    """Starts what stands on the database, and describes the whole. `gateway` is its listening socket."""

    root: Path
    state: State
    config: Config
    keys: Keys
    server: PostgresServer
    gateway: socket
    worker_port: int
    parts: Parts

    def start_all(self, lite_folder: Path) -> None:
        """Start everything; `lite_folder` holds server.mjs and its packages."""
        binary = postgrest.find_postgrest()
        rest_url = self._start_postgrest(binary) if binary else self._start_lite(lite_folder, "rest")
        self._start_gateway(rest_url, self._start_lite(lite_folder, "auth"))
        self._start_worker()

    def _start_lite(self, folder: Path, part: str) -> str:
        """Start lite as the Data API (`rest`) or as Auth (`auth`); return the URL of that part."""
        name, role = lite.PARTS[part]
        port = free_port()
        url = f"http://{HOST}:{port}"
        settings = lite.render_settings(self.config, self.keys, part, port, self.server.url(DATABASE, role))
        env = {"CHAIRTIME_LITE": settings, "LITE_TELEMETRY": "0", **lite.ENVIRONMENT}
        command = [str(lite.NODE), "--max-http-header-size=65536", "server.mjs"]
        log, ready = self.state.log(name), answers(f"{url}/health")
        self.parts.start(name, command, log, env=env, cwd=folder, ready=ready)
        return f"{url}/{part}/v1"

    def _start_postgrest(self, binary: Path) -> str:
        """Start PostgREST; return the URL of the Data API."""
        port, admin_port = free_port(), free_port()
        path = self.state.folder / "postgrest.conf"
        path.touch(mode=0o600)
        url = self.server.url(DATABASE, "authenticator")
        public = f"{self._api_url}/rest/v1"
        path.write_text(
            postgrest.render_config(self.config, self.keys, port, admin_port, url, public_url=public)
        )
        log, ready = self.state.log("postgrest"), answers(f"http://{HOST}:{admin_port}/ready")
        self.parts.start("postgrest", [str(binary), str(path)], log, ready=ready)
        return f"http://{HOST}:{port}"

    def _start_gateway(self, rest_url: str, auth_url: str) -> None:
        """Start the one origin that clients know."""
        settings = GatewaySettings(
            socket=self.gateway.fileno(),
            rest_url=rest_url,
            auth_url=auth_url,
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
            keep_open=(self.gateway.fileno(),),
        )

    def _start_worker(self) -> None:
        """Start the daemon, logged in as a role that may run its jobs and nothing else."""
        env = {
            "CHAIRTIME_WORKER_DATABASE_URL": self.server.url(DATABASE, WORKER),
            "CHAIRTIME_WORKER_HTTP_HOST": HOST,
            "CHAIRTIME_WORKER_HTTP_PORT": str(self.worker_port),
            "CHAIRTIME_WORKER_SUPABASE_URL": self._api_url,
            "CHAIRTIME_WORKER_SUPABASE_KEY": self.keys.publishable_key,
        }
        command = [sys.executable, "-m", "worker"]
        log, ready = self.state.log("worker"), answers(f"{self._worker_url}/healthz")
        self.parts.start("worker", command, log, env=env, cwd=self.root, ready=ready)

    @property
    def _api_url(self) -> str:
        return f"http://{HOST}:{self.gateway.getsockname()[1]}"

    @property
    def _worker_url(self) -> str:
        return f"http://{HOST}:{self.worker_port}"

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
