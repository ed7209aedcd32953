"""Through the front door: calls over HTTP beside one that does nothing, and how soon a commit is heard."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import count
from statistics import median
from typing import Any

import httpx
import psycopg
from websockets.asyncio.client import ClientConnection, connect

from cli.bench.arena import furnish, md5_id
from cli.bench.ground import Ground
from cli.bench.rounds import Chapter, Line, Spread, beside, take_turns
from cli.local.keys import access_token
from cli.local.postgres import superuser_url_of
from cli.local.supervisor import temporary_stack

CROWDS = (1, 8)
LISTENERS = (1, 50, 500)
CALLS = 12  # of each client in a round
PATIENCE = 60  # seconds that a message or an answer may take

NOTHING = """
create function api.do_nothing() returns boolean language sql as 'select true';
grant execute on function api.do_nothing to authenticated;
"""


@dataclass
class Front:
    """A running stack with the measured clinic in it, and somebody at its desk."""

    status: dict[str, Any]
    superuser_url: str
    monday: date
    _halves: Iterator[int] = field(default_factory=count)

    def call(self, function: str, client: int) -> dict[str, Any]:
        """Return the arguments of a client's next call."""
        about = {"dentist_id": md5_id(f"dentist {client}"), "appointment_type_id": md5_id("type 0")}
        if function == "available_slots":
            return about | {
                "from_date": f"{self.monday}",
                "to_date": f"{self.monday + timedelta(days=2)}",
            }
        midnight = datetime.combine(self.monday, datetime.min.time(), UTC)
        starts_at = midnight + timedelta(minutes=30) * next(self._halves)
        booked = {"starts_at": starts_at.isoformat(), "patient_id": md5_id(f"patient {client}")}
        return about | booked if function == "book_appointment" else {}

    async def answered(self, function: str, clients: int) -> float:
        """Let so many clients call at once; return the median of the milliseconds."""
        token = access_token(self.status["jwt_secret"], md5_id("desk 0"))
        key = self.status["publishable_key"]
        headers = {"apikey": key, "Authorization": f"Bearer {token}", "Content-Profile": "api"}
        base = f"{self.status['rest_url']}/rpc/"
        async with httpx.AsyncClient(
            base_url=base, headers=headers, timeout=PATIENCE, trust_env=False
        ) as http:
            took = await asyncio.gather(*(self._client(http, function, number) for number in range(clients)))
        return median(one for each in took for one in each)

    async def _client(self, http: httpx.AsyncClient, function: str, client: int) -> list[float]:
        took = []
        for _ in range(CALLS):
            began = time.perf_counter()
            answer = await http.post(function, json=self.call(function, client))
            took.append(1000 * (time.perf_counter() - began))
            answer.raise_for_status()
        return took[1:]  # the first connects


def serving(ground: Ground) -> Chapter:
    """Call over HTTP, and listen, on a stack of one's own."""
    with temporary_stack(ground.root, ground.say) as status:
        url = superuser_url_of(status)
        with psycopg.connect(url) as connection:
            connection.execute(NOTHING)
        front = Front(status, url, furnish(url))
        lines = [*_http(front, ground), *asyncio.run(_delivery(front, ground))]
    return Chapter(
        "serving",
        "Over HTTP, and from commit to client",
        "Milliseconds on the embedded stack, whose parts and clients share this machine's cores. HTTP through gateway and Data"
        " API, beside a function that does nothing; delivery from the beginning of COMMIT to the client, beside a bare LISTEN.",
        lines,
    )


def _http(front: Front, ground: Ground) -> Iterator[Line]:
    for clients in CROWDS:
        ground.say(f"Calling over HTTP, {clients} at once")
        functions = ("do_nothing", "book_appointment", "available_slots")
        samples = take_turns({name: _answers(front, name, clients) for name in functions}, ground.rounds)
        prefix = f"{clients} client{'s' if clients > 1 else ''}: "
        for name in functions[1:]:
            yield beside(samples, name, "do_nothing", "ms", prefix=prefix)


def _answers(front: Front, function: str, clients: int) -> Callable[[], float]:
    return lambda: asyncio.run(front.answered(function, clients))


async def _delivery(front: Front, ground: Ground) -> list[Line]:
    lines = []
    topic = f"availability:{md5_id('clinic 0')}"
    rounds = 3 * ground.rounds
    async with await psycopg.AsyncConnection.connect(front.superuser_url) as connection:
        heard = [await _bare(connection, front.superuser_url) for _ in range(rounds)]
        for listeners in LISTENERS:
            ground.say(f"From commit to {listeners} subscribers")
            async with AsyncExitStack() as stack:
                sockets = [await _join(stack, front, topic, number) for number in range(listeners)]
                found = [await _arrivals(connection, topic, sockets) for _ in range(rounds + 1)][1:]
            typical, last = [median(one) for one in found], [max(one) for one in found]
            pairs = [mine / other for mine, other in zip(typical, heard, strict=True)]
            name = f"commit to {listeners} subscriber{'s' if listeners > 1 else ''}"
            more = {"last ms": median(last)}
            lines.append(
                Line(name, "ms", Spread.of(typical), "bare LISTEN", Spread.of(heard), Spread.of(pairs), more)
            )
    return lines


async def _bare(connection: psycopg.AsyncConnection[Any], dsn: str) -> float:
    """Return the milliseconds from a COMMIT to the notification on a connection that listens."""
    async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as listener:
        await listener.execute("listen bench")
        await connection.execute("select pg_notify('bench', repeat('x', 300))")

        async def arrival() -> float:
            async for _ in listener.notifies():
                break
            return time.perf_counter()

        return (await _committed(connection, [arrival()]))[0]


async def _join(stack: AsyncExitStack, front: Front, topic: str, number: int) -> ClientConnection:
    key = front.status["publishable_key"]
    url = f"{front.status['realtime_url']}/websocket?apikey={key}&vsn=1.0.0"
    # The gateway lets no address have many sockets; all of 127.0.0.0/8 is this machine, on Linux without further ado.
    address = (f"127.0.0.{2 + number // 40}", 0) if sys.platform == "linux" else None
    connecting = connect(url, ping_interval=None, open_timeout=PATIENCE, local_addr=address)
    socket = await stack.enter_async_context(connecting)
    about = {"config": {"private": True}, "access_token": key}
    joining = {
        "topic": f"realtime:{topic}",
        "event": "phx_join",
        "payload": about,
        "ref": "1",
        "join_ref": "1",
    }
    await socket.send(json.dumps(joining))
    while json.loads(await asyncio.wait_for(socket.recv(), PATIENCE))["event"] != "phx_reply":
        pass
    return socket


async def _arrivals(
    connection: psycopg.AsyncConnection[Any], topic: str, sockets: list[ClientConnection]
) -> list[float]:
    """Broadcast one message of an event's size; return each listener's milliseconds."""
    payload = "jsonb_build_object('starts_at', now(), 'ends_at', now(), 'text', repeat('x', 200))"
    await connection.execute(f"select realtime.send({payload}, 'slot_taken', %s)".encode(), [topic])

    async def arrival(socket: ClientConnection) -> float:
        while json.loads(await socket.recv())["event"] != "broadcast":
            pass
        return time.perf_counter()

    return await _committed(connection, [arrival(socket) for socket in sockets])


async def _committed(
    connection: psycopg.AsyncConnection[Any], arrivals: list[Coroutine[Any, Any, float]]
) -> list[float]:
    """Commit while somebody waits; return the milliseconds until each has heard."""
    waiting = [asyncio.create_task(arrival) for arrival in arrivals]
    await asyncio.sleep(0)
    began = time.perf_counter()
    await connection.commit()
    return [1000 * (at - began) for at in await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE)]
