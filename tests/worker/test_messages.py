"""The worker sends what is due, once, through real servers, and says what became of it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.slots import book
from tests.worker.carriers import (
    SITE,
    Asked,
    Mailbox,
    carrier,
    mailing,
    posting,
    smtp_server,
    taken,
)
from tests.worker.processes import WorkerProcess
from tests.worker.support import book_by_phone, ended, messages, wait_until
from tests.worker.test_metrics import sample
from worker.database import Database
from worker.messages import Pace
from worker.senders.base import now

Start = Callable[..., WorkerProcess]


@pytest.mark.parametrize("repeatable", [True, False])
def test_what_nobody_knows_is_sent_again_only_where_a_repeated_key_is_known(
    start_worker: Start, actors: Actors, texting: Connection, riverside: Clinic, repeatable: bool
) -> None:
    book_by_phone(actors, riverside)

    def doubtful(asked: Asked) -> tuple[int, dict[str, str], Any] | None:
        return None if len(running.asked) == 1 else (202, {}, {})

    with carrier(doubtful) as running:
        start_worker(**posting(running, sms_repeatable=repeatable))
        row = ended(texting, "sms")
        assert row["state"] == "unknown"
        texting.execute("update clinic.messages set next_at = clock_timestamp() where state = 'unknown'")
        if repeatable:
            wait_until(lambda: messages(texting, "sms", kind="booked", state="sent"), "the repetition")
            assert len(running.asked) == 2
            assert len({asked.key for asked in running.asked}) == 1
        else:
            other = book_by_phone(actors, riverside, "11:00")
            wait_until(
                lambda: messages(texting, "sms", state="sent", appointment_id=other["id"]), "the other"
            )
            assert messages(texting, "sms", state="unknown")
            assert len(running.asked) == 2


def test_a_hanging_api_holds_up_nobody_else(
    start_worker: Start, mailbox: Mailbox, actors: Actors, texting: Connection, riverside: Clinic
) -> None:
    release = threading.Event()
    with carrier(lambda asked: release.wait(30) and (202, {}, {})) as hanging:  # type: ignore[return-value]
        book_by_phone(actors, riverside)
        start_worker(**posting(hanging, message_timeout=25) | mailing(mailbox))
        wait_until(lambda: hanging.asked, "the request")
        book(actors.user("ana@patients.test"), riverside, riverside.at("10:00"))
        wait_until(lambda: mailbox.letters, "the letter")
        assert messages(texting, "sms", state="leased"), "it hangs still"
        release.set()
        wait_until(lambda: messages(texting, "sms", state="sent"), "the text message")


def test_a_hanging_api_leaves_doubt_after_a_while(
    start_worker: Start, actors: Actors, texting: Connection, riverside: Clinic
) -> None:
    release = threading.Event()
    with carrier(lambda asked: release.wait(30) and (202, {}, {})) as hanging:  # type: ignore[return-value]
        book_by_phone(actors, riverside)
        start_worker(**posting(hanging, message_timeout=0.5))
        row = ended(texting, "sms")
        release.set()
    assert row["state"] == "unknown"
    assert row["error"].startswith(("http TimeoutError", "http ReadTimeout"))


def test_a_paused_worker_sends_nothing_late(
    start_worker: Start, actors: Actors, root: Connection, riverside: Clinic
) -> None:
    """Its lease runs out while it waits for the server's answer, stopped; by then the visit was moved."""
    ana = actors.user("ana@patients.test")
    visit = book(ana, riverside, riverside.at("09:00"))
    gate = threading.Event()
    with smtp_server(gate=gate) as box:
        worker = start_worker(**mailing(box, message_lease=2, lease_lifetime=30))
        wait_until(lambda: box.recipients, "the worker to name a recipient")
        worker.signal(signal.SIGSTOP)
        call(ana, "reschedule_appointment", appointment_id=visit["id"], starts_at=riverside.at("10:00"))
        gate.set()
        wait_until(lambda: lease_over(root), "the lease to end")
        worker.signal(signal.SIGCONT)
        ended(root, "email", "moved")
        root.execute(
            "update clinic.messages set next_at = clock_timestamp() where state = 'planned' and attempts = 1"
        )
        wait_until(
            lambda: messages(root, "email", kind="booked", state="skipped", reason="moved"), "the judgement"
        )
        assert [letter["subject"].split(" for ")[0] for letter in box.letters] == ["New time"]


def lease_over(root: Connection) -> bool:
    live = "select from clinic.messages where state = 'leased' and next_at > clock_timestamp()"
    return not root.execute(live).rowcount


def test_a_rate_is_kept() -> None:
    pace, sent, asked, began = Pace(50), 0, 0.0, now()
    while sent < 50:
        asked += (pause := pace.wait())
        time.sleep(pause)
        pace.take(room := pace.room())
        sent += room
    assert now() - began >= (sent - 6) / 50, "a tenth of a second's may go at once"
    assert asked <= 1, "nor longer than it takes, however busy the machine"


def test_sigterm_finishes_what_is_in_hand(
    start_worker: Start, actors: Actors, texting: Connection, riverside: Clinic
) -> None:
    gate = threading.Event()

    def slowly(asked: Asked) -> tuple[int, dict[str, str], Any]:
        gate.wait(20)
        return taken(asked)

    book_by_phone(actors, riverside)
    with carrier(slowly) as running:
        worker = start_worker(**posting(running))
        wait_until(lambda: running.asked, "the request")
        worker.signal(signal.SIGTERM)
        worker.wait_for("worker_stopping")
        gate.set()
        assert worker.wait_ended() == 0
    assert messages(texting, "sms", kind="booked")[0]["state"] == "sent"


def test_a_channel_without_a_sender_is_left_alone(
    start_worker: Start, mailbox: Mailbox, actors: Actors, texting: Connection, riverside: Clinic
) -> None:
    book_by_phone(actors, riverside)
    book(actors.user("ana@patients.test"), riverside, riverside.at("11:00"))
    worker = start_worker(**mailing(mailbox))
    wait_until(lambda: mailbox.letters, "the letter")
    assert len(worker.lines("sender_disabled", channel="sms")) == 1
    assert {row["attempts"] for row in messages(texting, "sms", state="planned")} == {0}
    assert sample(worker, "chairtime_message_sender_configured", channel="sms") == 0
    assert sample(worker, "chairtime_message_sender_configured", channel="email") == 1
    wait_until(lambda: (sample(worker, "chairtime_messages_late_seconds", channel="sms") or 0) > 0, "the lag")
    assert (sample(worker, "chairtime_messages_due", channel="sms") or 0) >= 1
    sent = {"kind": "booked", "channel": "email", "outcome": "sent"}
    wait_until(lambda: sample(worker, "chairtime_messages_total", **sent) == 1, "the count")
    assert sample(worker, "chairtime_message_send_duration_seconds_count", channel="email") == 1


async def test_who_changes_a_visit_and_who_leases_its_messages_do_not_wait_for_each_other(
    actors: Actors, db: Database, root: Connection, riverside: Clinic, database: str
) -> None:
    ana, worker = actors.user("ana@patients.test"), uuid4()
    changed = book(ana, riverside, riverside.at("09:00"))
    book(ana, riverside, riverside.at("11:00"))
    epoch = await db.acquire_lease(worker, timedelta(seconds=30))
    assert epoch is not None

    async def lease() -> list[str]:
        rows = await db.lease_messages(
            worker, epoch, "email", repeatable=False, most=10, seconds=5, site=SITE
        )
        return [row["calendar"]["starts_at"] for row in rows]

    with psycopg.connect(database, autocommit=True) as other, other.transaction():
        other.execute("select from clinic.appointments where id = %s for update", [changed["id"]])
        assert [datetime.fromisoformat(at) for at in await lease()] == [riverside.at("11:00")]
    root.execute("update clinic.messages set next_at = clock_timestamp() where kind = 'booked'")
    assert [datetime.fromisoformat(at) for at in await lease()] == [riverside.at("09:00")]
