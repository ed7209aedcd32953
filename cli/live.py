"""Following a private Realtime channel from the command line."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from cli.errors import ChairtimeError, Exit

if TYPE_CHECKING:
    from cli.api import Api
    from cli.project import Project


CLINIC_EVENTS = (
    "appointment_booked",
    "appointment_rescheduled",
    "appointment_cancelled",
    "appointment_status_changed",
    "reservation_created",
    "reservation_released",
    "reservation_expired",
)


async def follow(
    project: "Project", api: "Api", topic: str, on_event: Callable[[dict[str, Any]], None]
) -> None:
    """Call `on_event` for every broadcast of a clinic's topic, until cancelled; reconnects by itself.

    Raises ChairtimeError: `unreachable`, or `forbidden` when the channel may not be joined.
    """
    from realtime import AsyncRealtimeClient, RealtimeSubscribeStates

    key = project.require("secret_key" if api.identity == "service" else "publishable_key")
    client = AsyncRealtimeClient(f"{project.require('api_url')}/realtime/v1", key, auto_reconnect=True)
    joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_state(state: RealtimeSubscribeStates, error: Exception | None) -> None:
        if joined.done():
            return
        if state == RealtimeSubscribeStates.SUBSCRIBED:
            joined.set_result(None)
        else:
            hint = "Admins and receptionists may follow their clinic: `chairtime login`."
            joined.set_exception(
                ChairtimeError(
                    f"cannot join {topic}: {error or state.value}", "forbidden", hint, Exit.FORBIDDEN
                )
            )

    try:
        await client.connect()
        session = api.client.auth.get_session()
        if session:
            await client.set_auth(session.access_token)
        channel = client.channel(topic, {"config": {"broadcast": None, "presence": None, "private": True}})
        for event in CLINIC_EVENTS:
            channel.on_broadcast(event, lambda message: on_event(message["payload"]))
        await channel.subscribe(on_state)
        await joined
        await asyncio.Event().wait()
    finally:
        await client.close()
