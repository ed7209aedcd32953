"""A crowd that books through the API without pause, and remembers each answer that it got."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import psycopg

from tests.support.build import make_clinic
from tests.support.stacks import PASSWORD, Stack

CLIENTS = 4
AWAY = {502, 503, 504}  # a server behind the gateway is away; whoever asks again gets an answer


@dataclass
class Crowd:
    """What was acknowledged, when, and everything else that was answered.

    `broken` counts requests that got no answer: a connection that was cut or refused.
    """

    acknowledged: list[str] = field(default_factory=list)
    latest: float = 0.0  # when that was last, by the monotonic clock
    statuses: Counter[int] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    odd: list[str] = field(default_factory=list)  # answers that nobody may get

    def note(self, answer: httpx.Response) -> Any:
        """Take an answer; return what it says if it was a success."""
        self.statuses[answer.status_code] += 1
        if answer.is_success:
            return answer.json()
        retry = is_away(answer) and "retry-after" in answer.headers
        taken = answer.status_code == 409
        internal = any(
            word in answer.text for word in ("Error", "127.0.0.1", "ECONN", "Traceback", "psycopg")
        )
        if internal or not (retry or taken):
            self.odd.append(f"{answer.status_code} {dict(answer.headers)} {answer.text[:300]}")
        return None


def is_away(answer: httpx.Response) -> bool:
    """Whether a server behind the gateway was away: the same may be asked again."""
    return answer.status_code in AWAY


def lost(stack: Stack, crowd: Crowd) -> set[str]:
    """Return the acknowledged appointments that the database does not have."""
    with psycopg.connect(stack.superuser_url) as connection:
        rows = connection.execute(
            "select id::text from clinic.appointments where id = any(%s)",
            [list(map(UUID, crowd.acknowledged))],
        )
        return set(crowd.acknowledged) - {name for (name,) in rows}


@contextmanager
def crowd(stack: Stack) -> Iterator[Crowd]:
    """Let some clients book, in a clinic of their own, and one sign in, until the block ends."""
    actors = stack.actors()
    clinic = make_clinic(actors.superuser(), "UTC", booking_horizon=timedelta(days=400))
    actors.close()
    seen, stop = Crowd(), threading.Event()
    threads = [threading.Thread(target=_book, args=(stack, clinic, seen, stop, n)) for n in range(CLIENTS)]
    threads.append(threading.Thread(target=_sign_in, args=(stack, seen, stop)))
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def _book(stack: Stack, clinic: Any, seen: Crowd, stop: threading.Event, number: int) -> None:
    """Book one half-hour after the other as the receptionist, each for somebody new."""
    first = (datetime.now(UTC) + timedelta(days=14)).replace(hour=9, minute=0, second=0, microsecond=0)
    days = (first + timedelta(days=n) for n in range(number, 380, CLIENTS))
    wishes = (
        {"dentist_id": str(dentist), "starts_at": (day + timedelta(minutes=30 * n)).isoformat()}
        for day in days
        if day.isoweekday() < 6
        for n in range(6)
        for dentist in clinic.dentists.values()
    )
    token = stack.token(clinic.users["desk"])
    common = {"appointment_type_id": str(clinic.types["Check-up"])}
    http = stack.http(token)
    someone = {"clinic_id": str(clinic.id), "full_name": "Somebody"}
    wish = next(wishes)
    while not stop.is_set():
        try:
            patient = seen.note(http.post("/rpc/create_patient", json=someone))
            if patient is None:
                stop.wait(0.05)
                continue
            booked = http.post("/rpc/book_appointment", json=common | wish | {"patient_id": patient["id"]})
            if (row := seen.note(booked)) is not None:
                seen.acknowledged.append(row["id"])
                seen.latest = time.monotonic()
            if not is_away(booked):
                wish = next(wishes)
        except httpx.HTTPError as error:
            seen.broken[type(error).__name__] += 1
            stop.wait(0.05)


def _sign_in(stack: Stack, seen: Crowd, stop: threading.Event) -> None:
    """Sign in again and again."""
    http = stack.http()
    who = {"email": "ana@patients.test", "password": PASSWORD}
    while not stop.wait(0.05):
        try:
            seen.note(http.post(f"{stack.api_url}/auth/v1/token?grant_type=password", json=who))
        except httpx.HTTPError as error:
            seen.broken[type(error).__name__] += 1
