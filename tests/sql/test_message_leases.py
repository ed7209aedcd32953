"""The outbox: when nobody is woken, who leases a message, and what becomes of it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import psycopg
import pytest

from tests.support.actors import Actors, Connection, value
from tests.support.clinics import Clinic
from tests.support.messages import (
    EVERYTHING,
    WORKER,
    cancel,
    delivered,
    epoch,
    leased,
    make_due,
    move,
    never_quiet,
    outbox,
    patient,
    rules,
    run_out,
    settle,
    states,
    visit,
)
from tests.support.refusals import denied

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _awake(superuser: Connection, riverside: Clinic) -> None:
    never_quiet(superuser)
    rules(superuser, riverside, *EVERYTHING)


# Quiet hours


def quiet_until(
    superuser: Connection, clinic: Clinic, wall: str, start: str, end: str, kind: str = "reminder",
    channel: str = "sms", day: date = date(2027, 1, 12), zone: str = "Europe/Berlin",
) -> str | None:  # fmt: skip
    """Return when a message that is due at a wall time of the clinic may be sent; None: at once."""
    superuser.execute(
        "update clinic.clinics set quiet_from = %s, quiet_until = %s, time_zone = %s where id = %s",
        [start, end, zone, clinic.id],
    )
    as_of = datetime.combine(day, time.fromisoformat(wall), ZoneInfo(zone))
    ends_at = value(
        superuser,
        "select clinic.quiet_ends_at(jsonb_populate_record(null::clinic.messages, jsonb_build_object("
        "'clinic_id', %s::uuid, 'kind', %s::text, 'channel', %s::text)), %s)",
        *(clinic.id, kind, channel, as_of),
    )
    return ends_at and ends_at.astimezone(ZoneInfo(zone)).strftime("%d %H:%M %z")


NIGHTS = [
    ("20:59", "21:00", "08:00", None),
    ("21:00", "21:00", "08:00", "13 08:00 +0100"),
    ("23:59", "21:00", "08:00", "13 08:00 +0100"),
    ("00:00", "21:00", "08:00", "12 08:00 +0100"),
    ("07:59", "21:00", "08:00", "12 08:00 +0100"),
    ("08:00", "21:00", "08:00", None),
    ("12:30", "12:00", "14:00", "12 14:00 +0100"),
    ("11:59", "12:00", "14:00", None),
    ("14:00", "12:00", "14:00", None),
    ("03:00", "08:00", "08:00", None),
    ("08:00", "08:00", "08:00", None),
    ("23:00", "22:00", "00:00", "13 00:00 +0100"),
]


def test_nobody_is_woken(superuser: Connection, riverside: Clinic) -> None:
    seen = [quiet_until(superuser, riverside, *night[:3]) for night in NIGHTS]
    assert seen == [night[3] for night in NIGHTS]


def test_mornings_come_by_the_clinics_clock(superuser: Connection, riverside: Clinic) -> None:
    for day, until, expected in (
        (date(2027, 3, 27), "08:00", "28 08:00 +0200"),  # the clock goes forward in this night
        (date(2027, 3, 27), "02:30", "28 03:00 +0200"),  # and has no half past two
        (date(2027, 10, 30), "08:00", "31 08:00 +0100"),  # back
        (date(2027, 10, 30), "02:30", "31 02:30 +0200"),  # the first of two
    ):
        assert quiet_until(superuser, riverside, "22:00", "21:00", until, day=day) == expected


def test_letters_about_what_was_just_done_and_answers_do_not_wait(
    superuser: Connection, riverside: Clinic
) -> None:
    waiting = {
        (kind, channel)
        for kind in ("booked", "moved", "cancelled", "reminder", "recall", "offer", "answer", "test")
        for channel in ("email", "sms")
        if quiet_until(superuser, riverside, "23:00", "21:00", "08:00", kind, channel)
    }
    letters = {(kind, "email") for kind in ("reminder", "recall", "offer")}
    assert waiting == letters | {
        (kind, "sms") for kind in ("booked", "moved", "cancelled", "reminder", "recall", "offer")
    }


def test_it_waits_for_the_morning_and_is_skipped_if_the_visit_is_before(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    superuser.execute(
        "update clinic.clinics set time_zone = 'UTC',"
        " quiet_from = (now() - interval '1 hour') at time zone 'UTC',"
        " quiet_until = (now() + interval '3 hours') at time zone 'UTC'"
    )
    rules(superuser, riverside, "reminder sms 1 day", "reminder sms 12 hours")
    soon = visit(superuser, riverside, mia, 2 * HOUR)
    later = visit(superuser, riverside, patient(superuser, riverside), 10 * HOUR)
    assert not leased(superuser)
    assert "reminder sms skipped quiet_hours" in states(superuser, soon)
    (waiting,) = [r for r in outbox(superuser, later) if r["state"] == "planned"]
    assert timedelta(hours=2, minutes=58) < waiting["next_at"] - datetime.now(UTC) <= 3 * HOUR
    never_quiet(superuser)
    assert [e["message_id"] for e in leased(superuser)] == [waiting["id"]]


# Leases


def test_who_has_waited_longest_goes_first(superuser: Connection, riverside: Clinic, mia: UUID) -> None:
    visits = [visit(superuser, riverside, mia, timedelta(days=20, hours=number)) for number in range(3)]
    for made, ago in zip(visits, ("1 minute", "3 minutes", "2 minutes"), strict=True):
        make_due(superuser, made, ago, kind="booked")
    sent = [delivered_one(superuser) for _ in visits]
    assert sent == [visits[1], visits[2], visits[0]]


def delivered_one(superuser: Connection) -> UUID:
    (envelope,) = leased(superuser, limit=1)
    settle(superuser, envelope)
    return UUID(envelope["calendar"]["uid"])


def test_two_who_lease_at_once_get_each_message_once(
    actors: Actors, superuser: Connection, riverside: Clinic
) -> None:
    for number in range(6):
        visit(superuser, riverside, patient(superuser, riverside), timedelta(days=20, hours=number))
    other = actors.superuser()
    led = epoch(superuser)
    with superuser.transaction():
        mine = leased(superuser, limit=3, led=led)
        theirs = leased(other, led=led)
    ids = [e["message_id"] for e in (*mine, *theirs)]
    assert (len(mine), len(theirs)) == (3, 3)
    assert len(set(ids)) == 6
    assert not leased(superuser)


def test_a_visit_that_is_being_changed_is_left_alone_and_holds_nobody_up(
    actors: Actors, superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    keeper = actors.superuser()
    superuser.execute("set lock_timeout = '1s'")
    for locked in ("appointments where id = %s", "patients where id = %s"):
        with keeper.transaction():
            keeper.execute(
                f"select from clinic.{locked} for update".encode(), [made if "app" in locked else mia]
            )
            assert not leased(superuser)
        make_due(superuser, made, kind="booked")
    assert [e["kind"] for e in leased(superuser)] == ["booked"]


def test_a_lease_that_ran_out_is_unknown_and_repeated_only_where_a_key_is_known(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    rules(superuser, riverside, "booked email", "booked sms")
    made = visit(superuser, riverside, mia)
    first = {e["channel"]: e for e in leased(superuser)}
    assert not leased(superuser, repeatable=("sms",)), "not while the lease lasts"
    run_out(superuser)
    (again,) = leased(superuser, repeatable=("sms",))
    assert (again["channel"], again["message_id"]) == ("sms", first["sms"]["message_id"]), "by the same key"
    assert (first["sms"]["attempt"], again["attempt"]) == (1, 2)
    assert states(superuser, made) == ["booked email unknown", "booked sms leased"]
    run_out(superuser)
    assert [e["channel"] for e in leased(superuser, repeatable=("sms",))] == ["sms"]
    # A worker that was asleep comes back: what happened, happened.
    assert settle(superuser, first["email"])
    assert not settle(superuser, first["sms"]), "its lease is another's by now"
    assert states(superuser, made) == ["booked email sent", "booked sms leased"]


@pytest.mark.parametrize("ends", ["often", "yesterday"])
def test_what_nobody_knows_is_not_repeated_for_ever(
    superuser: Connection, riverside: Clinic, mia: UUID, ends: str
) -> None:
    made = visit(superuser, riverside, mia)
    assert leased(superuser, "email")
    change = {"often": "attempts = 10", "yesterday": "due_at = due_at - interval '25 hours'"}[ends]
    superuser.execute(f"update clinic.messages set {change} where state = 'leased'".encode())
    run_out(superuser)
    assert not leased(superuser, "email", repeatable=("email",))
    (row,) = outbox(superuser, made, kind="booked")
    assert (row["state"], row["next_at"]) == ("unknown", None)


def test_what_perhaps_arrived_ends_as_sent_or_unknown(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    """A first attempt was lost sight of; whatever becomes of the second says nothing of that."""
    for number, outcome in enumerate(("failed", "retry")):
        made = visit(superuser, riverside, mia, timedelta(days=20, hours=number))
        assert leased(superuser, "email")
        run_out(superuser)
        (again,) = leased(superuser, "email", repeatable=("email",))
        assert settle(superuser, again, outcome)
        cancel(superuser, made)
        assert "booked email unknown" in states(superuser, made), outcome
        delivered(superuser)


def test_who_hears_late_that_the_only_attempt_was_not_taken_is_in_no_doubt(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    (only,) = leased(superuser, "email")
    run_out(superuser)
    assert not leased(superuser, "email")
    assert settle(superuser, only, "retry")
    cancel(superuser, made)
    assert "booked email skipped cancelled" in states(superuser, made)


@pytest.mark.parametrize("meanwhile", ["nothing", "run_out", "moved"])
def test_what_was_sent_is_sent_however_late_one_hears_of_it(
    superuser: Connection, riverside: Clinic, mia: UUID, meanwhile: str
) -> None:
    made = visit(superuser, riverside, mia)
    (envelope,) = leased(superuser)
    if meanwhile == "moved":
        move(superuser, made, riverside.at("09:00"))
        superuser.execute("update clinic.messages set state = 'sent', next_at = null where kind = 'moved'")
    if meanwhile != "nothing":
        run_out_one(superuser, envelope["message_id"])
        assert not leased(superuser, "email", repeatable=("email",) if meanwhile == "moved" else ())
        assert "booked email unknown" in states(superuser, made)
    superuser.execute("update clinic.worker_leases set epoch = epoch + 1")
    assert settle(superuser, envelope, reference="ref-1")
    assert not settle(superuser, envelope, "failed"), "once"
    (row,) = [r for r in outbox(superuser, made) if r["id"] == envelope["message_id"]]
    assert (row["state"], row["reason"], row["provider_ref"], row["next_at"]) == ("sent", None, "ref-1", None)


def test_a_retry_waits_longer_each_time_at_least_as_told_and_ends_after_ten(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    waits = []
    for attempt in range(1, 11):
        (envelope,) = leased(superuser)
        assert envelope["attempt"] == attempt
        told = {2: "2 hours", 3: "-1 hour", 4: "1000 years"}.get(attempt)
        assert settle(superuser, envelope, "retry", error="busy" * 1000, retry_after=told)
        (row,) = [r for r in outbox(superuser, made) if r["kind"] == "booked"]
        if row["next_at"]:
            waits.append(round((row["next_at"] - datetime.now(UTC)).total_seconds() / 15))
            assert not leased(superuser)
        run_out_one(superuser, envelope["message_id"])
    assert (row["state"], row["error"][:8], len(row["error"])) == ("failed", "busybusy", 500)
    assert waits == [1, 480, 4, 5760, 16, 32, 64, 128, 240]


def run_out_one(superuser: Connection, message: UUID) -> None:
    superuser.execute(
        "update clinic.messages set next_at = now() where id = %s and next_at is not null", [message]
    )


def test_what_is_tried_again_is_judged_again(superuser: Connection, riverside: Clinic, mia: UUID) -> None:
    made = visit(superuser, riverside, mia)
    (envelope,) = leased(superuser)
    move(superuser, made, riverside.at("09:00"))
    assert settle(superuser, envelope, "retry")
    run_out_one(superuser, envelope["message_id"])
    assert [e["kind"] for e in leased(superuser)] == ["moved"]
    assert "booked email skipped moved" in states(superuser, made)


def test_a_message_ends_as_sent_retried_failed_or_unknown(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    (envelope,) = leased(superuser)
    for outcome in ("planned", "leased", "skipped", "nonsense", None):
        with pytest.raises(psycopg.Error, match="invalid_argument"):
            settle(superuser, envelope, outcome)  # type: ignore[arg-type]
    assert "booked email leased" in states(superuser, made)


def test_who_does_not_lead_any_more_leases_nothing(
    actors: Actors, superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    old = epoch(superuser)
    superuser.execute(
        "update clinic.worker_leases set renewed_at = renewed_at - lifetime - interval '1 second'"
    )
    assert epoch(actors.superuser(), uuid4()) is not None
    query = "select * from clinic.lease_messages(%s, %s, '{email,sms}', '{}', 9, '1 minute', '')"
    with pytest.raises(psycopg.Error) as caught:
        superuser.execute(query, [WORKER, old])
    assert caught.value.sqlstate == "CT001"
    assert "booked email planned" in states(superuser, made)


def test_who_sends_through_one_channel_hears_of_the_next_message_there(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    due = {r["channel"]: r["due_at"] for r in reversed(outbox(superuser, made))}

    def upcoming(*channels: str) -> datetime | None:
        at: datetime | None = value(superuser, "select clinic.next_message(%s)", list(channels))
        return at

    assert upcoming("email") == upcoming("sms", "email") == due["email"]
    assert upcoming("sms") == due["sms"]
    assert upcoming() is None
    assert {e["channel"] for e in leased(superuser, "sms")} == set()


# Afterwards


def totals(superuser: Connection) -> dict[tuple[str, str, str], int]:
    rows = superuser.execute("select * from clinic.message_totals").fetchall()
    return {(r["kind"], r["channel"], r["outcome"]): r["total"] for r in rows}


def test_each_end_is_counted(superuser: Connection, riverside: Clinic, mia: UUID) -> None:
    rules(superuser, riverside, "booked email", "booked sms", "reminder email 2 days", "reminder sms 2 days")
    visit(superuser, riverside, mia, 20 * HOUR)
    envelopes = {e["channel"]: e for e in leased(superuser)}
    settle(superuser, envelopes["email"])
    run_out(superuser)
    (again,) = leased(superuser, repeatable=("sms",))
    settle(superuser, again, "retry")
    assert totals(superuser) == {
        ("booked", "email", "sent"): 1, ("booked", "sms", "unknown"): 1, ("booked", "sms", "retried"): 1,
        ("reminder", "email", "skipped_superseded"): 1, ("reminder", "sms", "skipped_superseded"): 1,
    }  # fmt: skip


def answer(superuser: Connection, clinic: Clinic, ago: str) -> UUID:
    """Plan an answer to somebody who texted some time ago."""
    identifier = uuid4()
    superuser.execute(
        "insert into clinic.messages (id, clinic_id, kind, channel, due_at, next_at, body, address, locale)"
        " select %s, %s, 'answer', 'sms', t, t, 'Behind the house.', '+12125550142', 'en'"
        " from (select now() - %s::interval) as late (t)",
        [identifier, clinic.id, ago],
    )
    return identifier


def test_an_answer_is_sent_today_or_never_and_forgotten_once_it_is_sent(
    superuser: Connection, riverside: Clinic
) -> None:
    late, today = answer(superuser, riverside, "25 hours"), answer(superuser, riverside, "23 hours")
    assert [envelope["body"] for envelope in delivered(superuser, "sms")] == ["Behind the house."]
    rows = {row["id"]: (row["state"], row["reason"], row["body"]) for row in outbox(superuser)}
    assert rows == {late: ("skipped", "late", "Behind the house."), today: ("sent", None, None)}


def test_what_nobody_sent_in_time_is_swept_and_old_links_and_addresses_are_forgotten(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    delivered(superuser)
    move(superuser, made, riverside.at("09:00"))
    make_due(superuser, made, "25 hours", kind="moved")
    make_due(superuser, made, "25 hours", channel="sms")
    superuser.execute("update clinic.message_links set expires_at = now() - interval '29 days'")
    sweep = "select clinic.sweep_messages()"
    assert value(superuser, sweep) == 1
    assert "moved email skipped late" in states(superuser, made)
    assert "reminder sms planned" in states(superuser, made), "there is time yet"
    assert totals(superuser)["moved", "email", "skipped_late"] == 1
    superuser.execute(
        "insert into clinic.reply_questions (number, means, appointment_ids, asked_at)"
        " values ('1', 'cancel', '{}', now() - interval '25 hours'), ('2', 'cancel', '{}', now())"
    )
    superuser.execute("update clinic.message_links set expires_at = now() - interval '31 days'")
    assert value(superuser, sweep) == 1
    assert not superuser.execute("select from clinic.message_links").rowcount
    assert {row["address"] for row in outbox(superuser, made)} == {None}
    assert value(superuser, "select array_agg(number) from clinic.reply_questions") == ["2"]


# Rights


def test_the_worker_leases_and_settles_and_reads_nothing(
    actors: Actors, superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    visit(superuser, riverside, mia)
    number = epoch(superuser)
    worker = actors.superuser()
    worker.execute("set role chairtime_worker")
    query = "select * from clinic.lease_messages(%s, %s, '{email}', '{}', 9, '1 minute', 'https://x.test')"
    (envelope,) = worker.execute(query, [WORKER, number]).fetchall()
    assert settle(worker, envelope)
    assert worker.execute("select clinic.next_message('{email}')").rowcount == 1
    for table in ("messages", "message_links", "message_replies", "message_rules", "stopped_addresses"):
        with denied():
            worker.execute(f"select from clinic.{table}")  # type: ignore[arg-type]
    for function in ("clinic.try_to_lease(null, null, null, null)", "clinic.make_link(null, null)",
                   "clinic.stop_messages(null, null, null)"):  # fmt: skip
        with denied():
            worker.execute(f"select {function}".encode())


def test_nobody_else_leases_settles_or_edits(ana: Connection, admin: Connection, bot: Connection) -> None:
    for deed in (
        "select clinic.lease_messages(gen_random_uuid(), 1, '{email}', '{}', 1, '1 s', '')",
        "select clinic.settle_message(gen_random_uuid(), 'sent')",
        "select clinic.sweep_messages()",
        "update clinic.messages set state = 'sent'",
        "delete from clinic.message_rules",
        "select body from clinic.messages",
        "select token_hash from clinic.message_links",
        "select * from clinic.stopped_addresses",
    ):
        for caller in (ana, admin, bot):
            with denied():
                caller.execute(deed.encode())
