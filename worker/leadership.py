"""Who leads: one lease, renewed by whoever holds it, taken over when it runs out."""

import asyncio
import time
from datetime import timedelta
from uuid import UUID

import structlog

from worker.database import Database
from worker.errors import DatabaseUnavailable, StatementFailed

log = structlog.get_logger()


class Leadership:
    """This worker's view of the lease. ``epoch`` is None on a standby.

    The view may be late (a paused process knows nothing), which is why the database checks the epoch
    of everything a leader does. ``reachable`` says whether the last exchange with the database succeeded.
    """

    def __init__(self, database: Database, worker: UUID, lifetime: float, interval: float) -> None:
        self.worker = worker
        self.epoch: int | None = None
        self.changes = 0
        self.reachable = False
        self._database = database
        self._lifetime = lifetime
        self._interval = interval
        self._valid_until = 0.0
        self._changed = asyncio.Condition()

    async def run(self) -> None:
        """Renew or try for the lease until cancelled."""
        while True:
            await self._become(await self._ask())
            await asyncio.sleep(self._interval)

    async def gained(self) -> int:
        """Wait until this worker leads; return the epoch."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.epoch is not None)
            assert self.epoch is not None  # noqa: S101 - what was waited for
            return self.epoch

    async def lost(self, epoch: int) -> None:
        """Wait until this worker no longer leads in ``epoch``."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.epoch != epoch)

    async def step_down(self) -> None:
        """Give up leadership, telling the database if it can be told."""
        if self.epoch is not None:
            log.info("leadership_released", epoch=self.epoch)
            self.epoch = None
            try:
                await self._database.release_lease(self.worker)
            except (DatabaseUnavailable, StatementFailed) as error:
                log.warning("lease_not_released", error=str(error))

    async def _ask(self) -> int | None:
        asked_at = time.monotonic()
        try:
            epoch = await self._database.acquire_lease(self.worker, timedelta(seconds=self._lifetime))
        except (DatabaseUnavailable, StatementFailed) as error:
            await self._missed(error)
            return self.epoch if time.monotonic() < self._valid_until else None
        self._valid_until = asked_at + self._lifetime
        if not self.reachable:
            log.info("database_reached")
        self.reachable = True
        return epoch

    async def _missed(self, error: Exception) -> None:
        if self.reachable:
            log.warning("database_lost", error=str(error))
        self.reachable = False
        await self._database.forget_connections()

    async def _become(self, epoch: int | None) -> None:
        if epoch == self.epoch:
            return
        before, self.epoch = self.epoch, epoch
        if before is not None:
            log.warning("leadership_lost", epoch=before)
        if epoch is not None:
            self.changes += 1
            log.info("leadership_gained", epoch=epoch)
        async with self._changed:
            self._changed.notify_all()
