"""What the stack consists of: Postgres, and on it Data API, Auth, gateway and worker; and a mailbox."""

from __future__ import annotations

import json
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
from cli.local.gateway_settings import PRIMARY, REPLICA, GatewaySettings
from cli.local.keeper import Keeper
from cli.local.keys import Keys
from cli.local.parts import Part
from cli.local.ports import HOST
from cli.local.postgres import PostgresServer
from cli.local.prepare import DATABASE, WORKER
from cli.local.replica import ReplicaServer
from cli.local.state import State

# Servers of the mailbox, as they are named to who asks which ports are in use.
MAILBOX, SMTP = "the mailbox", "the mailbox's SMTP server"
SMS_FROM = "+12125550190"  # nobody's: a reply to a clinic's own number is for that clinic alone

REPLICA_API = "replica-api"  # the part that serves the Data API from the replica


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
    replica: ReplicaServer | None
    gateway: socket
    start: Callable[[Part], Keeper]
    reserve: Callable[[str], int]

    def start_postgres(self) -> Keeper:
        """Start the database, making it if there is none."""
        self.server.create()
        return self._start_server("postgres", self.server)

    def start_replica(self) -> Keeper:
        """Start the database's replica, as a copy made now. Raises ChairtimeError."""
        assert self.replica is not None  # noqa: S101 - called where there is one
        self.replica.renew()
        return self._start_server("replica", self.replica)

    def _start_server(self, name: str, server: PostgresServer) -> Keeper:
        return self.start(
            Part(
                name,
                server.command,
                server.log_path,
                probe=server.superuser_url(DATABASE),
                cwd=Path("/"),
                end_with=signal.SIGINT,
                make_way=server.make_way,
                trouble=server.trouble,
            )
        )

    def start_others(self, lite_folder: Path) -> list[Keeper]:
        """Start what stands on the database; `lite_folder` holds server.mjs and its packages."""
        rests = [self._rest(lite_folder, server) for server in (self.server, self.replica) if server]
        auth, auth_url = self._lite(lite_folder, "auth", self.server)
        gateway = self._gateway([url for _, url in rests], auth_url)
        others = (auth, self._mailbox(lite_folder), gateway, self._worker())
        return [self.start(part) for part in (*(part for part, _ in rests), *others)]

    def _rest(self, folder: Path, server: PostgresServer) -> tuple[Part, str]:
        """Describe the Data API on the database or on its replica, and say at which URL it is served."""
        binary = postgrest.find_postgrest()
        return self._postgrest(binary, server) if binary else self._lite(folder, "rest", server)

    def _lite(self, folder: Path, part: str, server: PostgresServer) -> tuple[Part, str]:
        """Describe lite as the Data API (`rest`) or as Auth (`auth`), and say at which URL it serves that."""
        name, role = lite.PARTS[part]
        if server is self.replica:
            name = REPLICA_API
        port = self.reserve(name)
        url = f"http://{HOST}:{port}"
        settings = lite.render_settings(
            self.config,
            self.keys,
            part,
            port,
            server.url(DATABASE, role),
            listen_url=self.server.url(DATABASE, role),
            site_url=self._api_url,
            smtp_url=self._smtp_url,
        )
        env = {"CHAIRTIME_LITE": settings, "LITE_TELEMETRY": "0", **lite.ENVIRONMENT}
        command = [str(lite.NODE), "--max-http-header-size=65536", "server.mjs"]
        return Part(name, command, self.state.log(name), f"{url}/health", env, folder), f"{url}/{part}/v1"

    def _mailbox(self, folder: Path) -> Part:
        """Describe where all mails and text messages end, to be read in a browser."""
        settings = {
            "port": self.reserve(MAILBOX),
            "smtp_port": self.reserve(SMTP),
            "mail_dir": str(self.state.mail_dir),
            "sms_secret": self.keys.sms_secret,
        }
        command = [str(lite.NODE), "mailbox.mjs"]
        log, probe = self.state.log("mailbox"), f"{self._mailbox_url}/api/healthz"
        env = {"CHAIRTIME_MAILBOX": json.dumps(settings), **lite.ENVIRONMENT}
        return Part("mailbox", command, log, probe, env, folder)

    def _postgrest(self, binary: Path, server: PostgresServer) -> tuple[Part, str]:
        """Describe PostgREST, and say at which URL it serves the Data API."""
        name = REPLICA_API if server is self.replica else "postgrest"
        port, admin_port = self.reserve(name), self.reserve(f"{name}'s admin server")
        path = self.state.folder / f"{name}.conf"
        path.touch(mode=0o600)
        content = postgrest.render_config(
            self.config,
            self.keys,
            port,
            admin_port,
            server.url(DATABASE, "authenticator"),
            public_url=f"{self._api_url}/rest/v1",
            listens=server is self.server,
        )
        path.write_text(content)
        probe = f"http://{HOST}:{admin_port}/live"
        return Part(name, [str(binary), str(path)], self.state.log(name), probe), f"http://{HOST}:{port}"

    def _gateway(self, rest_urls: list[str], auth_url: str) -> Part:
        """Describe the one origin that clients know. A second Data API is the replica's."""
        settings = GatewaySettings(
            socket=self.gateway.fileno(),
            rest_url=rest_urls[0],
            replica_url=rest_urls[1] if self.replica else None,
            auth_url=auth_url,
            realtime_database_url=self.server.superuser_url(DATABASE),
            keys=self.keys,
            web_dir=self._web_dir,
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
            "CHAIRTIME_WORKER_SITE_URL": self._api_url,
            "CHAIRTIME_WORKER_EMAIL_FROM": "visits@chairtime.test",
            "CHAIRTIME_WORKER_SMTP_HOST": HOST,
            "CHAIRTIME_WORKER_SMTP_PORT": str(self.reserve(SMTP)),
            "CHAIRTIME_WORKER_SMTP_TLS": "none",
            "CHAIRTIME_WORKER_SMS_URL": f"{self._mailbox_url}/sms",
            "CHAIRTIME_WORKER_SMS_FROM": SMS_FROM,
            "CHAIRTIME_WORKER_SMS_SECRET": self.keys.sms_secret,
            "CHAIRTIME_WORKER_REPLIES_SECRET": self.keys.sms_secret,
        }
        command = [sys.executable, "-m", "worker"]
        log, probe = self.state.log("worker"), f"{self._worker_url}/healthz"
        return Part("worker", command, log, probe, env, self.root)

    @property
    def _api_url(self) -> str:
        return f"http://{HOST}:{self.gateway.getsockname()[1]}"

    @property
    def _web_dir(self) -> Path:
        return self.root / "web" / "dist"

    @property
    def _worker_url(self) -> str:
        return f"http://{HOST}:{self.reserve('worker')}"

    @property
    def _mailbox_url(self) -> str:
        return f"http://{HOST}:{self.reserve(MAILBOX)}"

    @property
    def _smtp_url(self) -> str:
        return f"smtp://{HOST}:{self.reserve(SMTP)}"

    def status(self) -> dict[str, Any]:
        """Return what `chairtime status --json` prints, but for the state of the parts."""
        url, keys, replica = self._api_url, self.keys, self.replica
        replicated = (
            {
                "primary_url": f"{url}/{PRIMARY}",
                "replica_url": f"{url}/{REPLICA}",
                "replica_db_url": replica.url(DATABASE),
            }
            if replica
            else {}
        )
        return {
            "state": "running",
            "api_url": url,
            "rest_url": f"{url}/rest/v1",
            "auth_url": f"{url}/auth/v1",
            "realtime_url": f"{url.replace('http', 'ws', 1)}/realtime/v1",
            "web_url": url,
            "web_dir": str(self._web_dir),
            "worker_url": self._worker_url,
            "mailbox_url": self._mailbox_url,
            "smtp_url": self._smtp_url,
            "db_url": self.server.url(DATABASE),
            **replicated,
            "publishable_key": keys.publishable_key,
            "secret_key": keys.secret_key,
            "anon_key": keys.anon_key,
            "service_role_key": keys.service_role_key,
            "jwt_secret": keys.jwt_secret,
            "sms_secret": keys.sms_secret,
            "schemas": self.config.schemas,
            "log": str(self.state.log("stack")),
            "pid": os.getpid(),
            "data_dir": str(self.state.data_dir),
            "started_at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
