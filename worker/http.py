"""/metrics for Prometheus, /healthz and /readyz for whoever keeps it running, /replies for carriers."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Callable, Iterator

import structlog
import uvicorn
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from worker import VERSION
from worker.database import Database
from worker.errors import DatabaseUnavailable, SettingsError, StatementFailed
from worker.metrics import Metrics
from worker.replies import Replies

log = structlog.get_logger()

Readiness = Callable[[], tuple[bool, dict[str, object]]]


class Snapshots:
    """Keeps the database's numbers; asks at most once in ``max_age`` seconds, whoever scrapes."""

    def __init__(self, database: Database, metrics: Metrics, max_age: float) -> None:
        self._database = database
        self._metrics = metrics
        self._max_age = max_age
        self._taken_at = -max_age
        self._lock = asyncio.Lock()

    async def refresh(self) -> None:
        """Put numbers no older than ``max_age`` into the metrics; none when the database cannot be asked."""
        async with self._lock:
            started = time.monotonic()
            if started - self._taken_at < self._max_age:
                return
            try:
                self._metrics.snapshot = await self._database.snapshot()
                self._metrics.snapshot_seconds.set(time.monotonic() - started)
            except (DatabaseUnavailable, StatementFailed) as error:
                log.warning("snapshot_failed", error=str(error))
                self._metrics.snapshot = None
            self._taken_at = time.monotonic()


def create_app(metrics: Metrics, snapshots: Snapshots, readiness: Readiness, replies: Replies) -> Starlette:
    """Return the ASGI application. ``readiness`` gives (ready, report)."""

    async def show_metrics(request: Request) -> Response:
        await snapshots.refresh()
        encode, content_type = choose_encoder(request.headers.get("accept", ""))
        return Response(encode(metrics.registry), headers={"content-type": content_type})

    async def healthz(_: Request) -> Response:
        return JSONResponse({"status": "alive", "version": VERSION})

    async def readyz(_: Request) -> Response:
        ready, report = readiness()
        return JSONResponse(report, status_code=200 if ready else 503)

    routes = [
        Route("/metrics", show_metrics),
        Route("/healthz", healthz),
        Route("/readyz", readyz),
        Route("/replies", replies.receive, methods=["POST"]),
    ]
    return Starlette(routes=routes)


def listen(host: str, port: int) -> socket.socket:
    """Bind the port before anything else starts. Raises SettingsError when it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise SettingsError(f"cannot listen on {host}:{port}: {error.strerror}") from None


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the worker handles its own


async def serve(app: Starlette, bound: socket.socket) -> None:
    """Answer requests until cancelled."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=1
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[bound]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving
