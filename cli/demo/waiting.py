"""The story's waiting list: a visit that is cancelled becomes somebody else's, and is never free."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from cli.demo.audience import Audience
from cli.demo.stage import Person, Stage, expect, said

RIVALS = 3
PATIENCE = 30.0  # seconds
AT_MOST = 1.0  # seconds from cancelled to booked


def hand_over(stage: Stage, _: Audience) -> str:
    """Ben's visit becomes Dora's"""
    ben, dora = stage.people["ben"], stage.person("Dora Lind")
    dora.sign_up()
    [visit] = ben.rows("appointments", status="booked")
    wish = dora.call(
        "join_waitlist", appointment_type_id=stage.service["id"], dentist_ids=[stage.dentist["id"]]
    )
    with _coveted(stage, visit) as answers:
        cancelled = ben.call("cancel_appointment", appointment_id=visit["id"])
        offer = dora.rows("waitlist", id=wish["id"])[0]["offer"]
        expect(offer is not None, "his time to be held for her")
        expect(_instant(offer["starts_at"]) == _instant(visit["starts_at"]), "his very time", offer)
        booked = dora.call("confirm_reservation", reservation_id=offer["reservation_id"])
    refused = {str(answer) for answer in answers}
    expect(refused == {"409 slot_taken"}, "409 slot_taken for all others, all the while", refused)
    took = (_instant(booked["created_at"]) - _instant(cancelled["cancelled_at"])).total_seconds()
    expect(took < AT_MOST, f"her visit within {AT_MOST:.0f} s", took)
    return (
        f"she waits, he cancels: {said(visit['starts_at'])} is held for her, and hers {took * 1000:.0f} ms "
        f"later; {RIVALS} others asked for it {len(answers)} times: always {refused.pop()}"
    )


@contextmanager
def _coveted(stage: Stage, visit: dict[str, Any]) -> Iterator[list[Any]]:
    """Let others try to book the visit's time without a pause; yield what they are answered."""
    rivals = [stage.person(f"Rival {number}") for number in range(RIVALS)]
    answers: list[Any] = []
    over, line = threading.Event(), threading.Barrier(RIVALS + 1, timeout=PATIENCE)

    def ask(rival: Person) -> None:
        answers.append(rival.attempt("book_appointment", **stage.slot(visit["starts_at"])))

    def hammer(rival: Person) -> None:
        rival.sign_up()
        ask(rival)
        line.wait()
        while not over.is_set():
            ask(rival)
        ask(rival)

    with ThreadPoolExecutor(RIVALS) as pool:
        trying = [pool.submit(hammer, rival) for rival in rivals]
        try:
            line.wait()
            yield answers
        finally:
            over.set()
        for one in trying:
            one.result()


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)
