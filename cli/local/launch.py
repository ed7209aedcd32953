"""What the stack consists of: Postgres, and on it Data API, Auth, gateway and worker."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import socket
from typing import Any

from cli.local import lite, postgrest
from cli.local.config import Config
from cli.local.gateway import GatewaySettings
from cli.local.keeper import Keeper
from cli.local.keys import Keys
from cli.local.parts import Part
from cli.local.ports import HOST
from cli.local.postgres import PostgresServer
from cli.local.prepare import DATABASE, WORKER
from cli.local.state import State


@dataclass(frozen=True)
class Launcher:
    """Starts the parts, and describes the whole. `gateway` is its listening socket.

    `start` takes charge of a part; `reserve` gives a server that is named a port of its own.
    """

    root: Path
    state: State
    config: Config
    keys: Keys
    server: PostgresServer
    gateway: socket
    start: Callable[[Part], Keeper]
    reserve: Callable[[str], int]

    def start_postgres(self) -> Keeper:
        """Start the database, making it if there is none."""
        self.server.create()
        return self.start(
            Part(
                "postgres",
                self.server.command,
                self.server.log_path,
                probe=self.server.superuser_url(DATABASE),
                cwd=Path("/"),
                end_with=signal.SIGINT,
                make_way=self.server.make_way,
                trouble=self.server.trouble,
            )
        )

    def start_others(self, lite_folder: Path) -> list[Keeper]:
        """Start what stands on the database; `lite_folder` holds server.mjs and its packages."""
        binary = postgrest.find_postgrest()
        rest, rest_url = self._postgrest(binary) if binary else self._lite(lite_folder, "rest")
        auth, auth_url = self._lite(lite_folder, "auth")
        return [self.start(part) for part in (rest, auth, self._gateway(rest_url, auth_url), self._worker())]

    def _lite(self, folder: Path, part: str) -> tuple[Part, str]:
        """Describe lite as the Data API (`rest`) or as Auth (`auth`), and say at which URL it serves that."""
        name, role = lite.PARTS[part]
        port = self.reserve(name)
        url = f"http://{HOST}:{port}"
        settings = lite.render_settings(
            self.config,
            self.keys,
            part,
            port,
            self.server.url(DATABASE, role),
            site_url=self._api_url,
            mail_dir=self.state.mail_dir,
        )
        env = {"CHAIRTIME_LITE": settings, "LITE_TELEMETRY": "0", **lite.ENVIRONMENT}
        command = [str(lite.NODE), "--max-http-header-size=65536", "server.mjs"]
        return Part(name, command, self.state.log(name), f"{url}/health", env, folder), f"{url}/{part}/v1"

    def _postgrest(self, binary: Path) -> tuple[Part, str]:
        """Describe PostgREST, and say at which URL it serves the Data API."""
        port, admin_port = self.reserve("postgrest"), self.reserve("postgrest's admin server")
        path = self.state.folder / "postgrest.conf"
        path.touch(mode=0o600)
        url = self.server.url(DATABASE, "authenticator")
        public = f"{self._api_url}/rest/v1"
        path.write_text(
            postgrest.render_config(self.config, self.keys, port, admin_port, url, public_url=public)
        )
        probe = f"http://{HOST}:{admin_port}/live"
        part = Part("postgrest", [str(binary), str(path)], self.state.log("postgrest"), probe)
        return part, f"http://{HOST}:{port}"

    def _gateway(self, rest_url: str, auth_url: str) -> Part:
        """Describe the one origin that clients know."""
        settings = GatewaySettings(
            socket=self.gateway.fileno(),
            rest_url=rest_url,
            auth_url=auth_url,
            realtime_database_url=self.server.superuser_url(DATABASE),
            keys=self.keys,
            web_dir=self.root / "web" / "dist",
        )
        return Part(
            "gateway",
            [sys.executable, "-m", "cli.local.gateway"],
            self.state.log("gateway"),
            probe=f"{self._api_url}/health",
            env={"CHAIRTIME_GATEWAY": settings.to_json()},
            cwd=self.root,
            keep_open=(self.gateway.fileno(),),
        )

    def _worker(self) -> Part:
        """Describe the daemon, logged in as a role that may run its jobs and nothing else."""
        env = {
            "CHAIRTIME_WORKER_DATABASE_URL": self.server.url(DATABASE, WORKER),
            "CHAIRTIME_WORKER_HTTP_HOST": HOST,
            "CHAIRTIME_WORKER_HTTP_PORT": str(self.reserve("worker")),
            "CHAIRTIME_WORKER_SUPABASE_URL": self._api_url,
            "CHAIRTIME_WORKER_SUPABASE_KEY": self.keys.publishable_key,
            "CHAIRTIME_WORKER_MIGRATIONS_DIR": str(self.root / "supabase" / "migrations"),
        }
        command = [sys.executable, "-m", "worker"]
        log, probe = self.state.log("worker"), f"{self._worker_url}/healthz"
        return Part("worker", command, log, probe, env, self.root)

    @property
    def _api_url(self) -> str:
        return f"http://{HOST}:{self.gateway.getsockname()[1]}"

    @property
    def _worker_url(self) -> str:
        return f"http://{HOST}:{self.reserve('worker')}"

    def status(self) -> dict[str, Any]:
        """Return what `chairtime status --json` prints, but for the state of the parts."""
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
            "log": str(self.state.log("stack")),
            "pid": os.getpid(),
            "data_dir": str(self.state.data_dir),
            "mail_dir": str(self.state.mail_dir),
            "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
