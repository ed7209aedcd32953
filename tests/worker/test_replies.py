"""Replies that are handed in at the worker's door: signed, once, and understood."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
from standardwebhooks import Webhook

from tests.support.actors import Actors, Connection
from tests.support.clinics import Clinic
from tests.worker.carriers import SECRET
from tests.worker.processes import WorkerProcess
from tests.worker.support import PHONE, book_by_phone, cut_off

Start = Callable[..., WorkerProcess]


@pytest.fixture
def worker(start_worker: Start) -> WorkerProcess:
    """A worker that knows who may hand in replies."""
    return start_worker(replies_secret=SECRET)


@pytest.fixture
def visit(actors: Actors, root: Connection, riverside: Clinic) -> Any:
    """A visit whose patient was written to."""
    visit = book_by_phone(actors, riverside)
    root.execute(
        "update clinic.messages set state = 'sent', next_at = null, address = %s, locale = 'en'"
        " where channel = 'sms' and appointment_id = %s",
        [PHONE, visit["id"]],
    )
    assert root.execute(
        "select clinic.make_link(m, a) from clinic.messages as m"
        " join clinic.appointments as a on m.appointment_id = a.id where m.state = 'sent'"
    ).rowcount
    return visit


def hand_in(
    worker: WorkerProcess, body: str, secret: str = SECRET, ago: float = 0, ref: str = "SM1", **more: Any
) -> httpx.Response:
    """Hand in a reply as its carrier would."""
    told = {"sender": "+12125550100", "message_ref": ref, "phone": PHONE, "body": body} | more
    content = json.dumps(told)
    key, at = str(uuid4()), datetime.now(UTC) - timedelta(seconds=ago)
    headers = {
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(key, at, content),
    }
    return post(worker, content, headers)


def post(worker: WorkerProcess, content: str, headers: dict[str, str]) -> httpx.Response:
    port = worker.wait_for("worker_started")["http_port"]
    return httpx.post(f"http://127.0.0.1:{port}/replies", content=content, headers=headers)


def status_of(root: Connection, visit: Any) -> Any:
    row = root.execute(
        "select status, confirmed_at from clinic.appointments where id = %s", [visit["id"]]
    ).fetchone()
    assert row is not None
    return row["status"], row["confirmed_at"] is not None


def test_a_signed_reply_confirms_and_another_cancels(
    worker: WorkerProcess, root: Connection, visit: Any
) -> None:
    answer = hand_in(worker, "C")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["outcome"], status_of(root, visit)) == ("confirmed", ("booked", True))
    assert hand_in(worker, "X", ref="SM2").json()["outcome"] == "cancelled"
    assert status_of(root, visit)[0] == "cancelled"
    assert PHONE not in worker.log.read_text()


def test_a_reply_counts_once(worker: WorkerProcess, root: Connection, visit: Any) -> None:
    assert hand_in(worker, "C").json()["repeated"] is False
    assert hand_in(worker, "C").json()["repeated"] is True
    assert root.execute("select from clinic.message_replies").rowcount == 1


@pytest.mark.parametrize(
    "how",
    [{"secret": "whsec_" + "A" * 32}, {"ago": 301}, {"ago": -330}],
    ids=["other secret", "old", "early"],
)
def test_a_wrong_or_old_signature_is_refused(
    worker: WorkerProcess, root: Connection, visit: Any, how: dict[str, Any]
) -> None:
    answer = hand_in(worker, "X", **how)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert status_of(root, visit) == ("booked", False)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-id": "1", "webhook-timestamp": "soon", "webhook-signature": "v1,x"},
        {"webhook-id": "1", "webhook-timestamp": "nan", "webhook-signature": "v1"},
        {"webhook-id": "1", "webhook-signature": "é"},
        {"webhook-id": "1", "webhook-signature": "v1,!"},
    ],
)  # fmt: skip
def test_what_is_no_signature_is_refused(worker: WorkerProcess, headers: dict[str, str]) -> None:
    now = str(int(datetime.now(UTC).timestamp()))
    sendable = {name: value.encode() for name, value in ({"webhook-timestamp": now} | headers).items()}
    assert post(worker, "{}", sendable).status_code == 401  # type: ignore[arg-type]


def test_without_a_secret_nobody_may(start_worker: Start) -> None:
    assert hand_in(start_worker(), "C").status_code == 401


@pytest.mark.parametrize("more", [{"phone": None}, {"phone": ""}, {"message_ref": 7}, {"message_ref": " "}])
def test_what_is_not_a_reply_is_refused(worker: WorkerProcess, more: dict[str, Any]) -> None:
    answer = hand_in(worker, "C", **more)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_argument")


def test_too_much_is_refused_unread(worker: WorkerProcess) -> None:
    assert hand_in(worker, "C" * 70_000).status_code == 413


def test_a_lost_database_asks_to_try_again(
    worker: WorkerProcess, root: Connection, database: str, visit: Any
) -> None:
    name = database.rpartition("/")[2]
    root.execute(f'alter database "{name}" connection limit 0')
    cut_off(root)
    answer = hand_in(worker, "C")
    root.execute(f'alter database "{name}" connection limit -1')
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")


def test_the_inner_function_is_nobodys(actors: Actors) -> None:
    for name in ("take_reply", "worker_receive_reply"):
        rows = actors.superuser().execute(
            "select r.rolname from pg_proc as p cross join pg_roles as r where p.proname = %s"
            " and r.rolname in ('anon', 'authenticated', 'service_role')"
            " and has_function_privilege(r.oid, p.oid, 'execute')",
            [name],
        )
        assert rows.fetchall() == []
