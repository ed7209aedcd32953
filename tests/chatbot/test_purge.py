"""purge_slot_offers: what is forgotten, and what stays."""

from __future__ import annotations

from tests.chatbot.talk import NAME, book, cancel, hold, offer
from tests.support.actors import Connection
from tests.support.clinics import Clinic
from tests.support.slots import expire_hold

AGED = {
    "slot_offers": "expires_at",
    "cancel_attempts": "attempted_at",
    "chatbot_patients": "created_at",
}


def age(superuser: Connection) -> None:
    """Let two days pass."""
    for table, column in AGED.items():
        superuser.execute(f"update clinic.{table} set {column} = {column} - interval '2 days'")  # type: ignore[arg-type]


def purge(superuser: Connection, max_rows: int = 100) -> int:
    row = superuser.execute("select clinic.purge_slot_offers(%s) as n", [max_rows]).fetchone()
    assert row is not None
    count: int = row["n"]
    return count


def count(superuser: Connection, table: str) -> int:
    row = superuser.execute(f"select count(*) as n from clinic.{table}").fetchone()  # type: ignore[arg-type]
    assert row is not None
    number: int = row["n"]
    return number


def test_what_is_fresh_stays(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    offer(bot, riverside)
    cancel(bot, "ZZZZ-2345")
    assert purge(superuser) == 0
    assert count(superuser, "slot_offers") == 3


def test_old_offers_and_attempts_go_some_at_a_time(
    bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    offer(bot, riverside)
    cancel(bot, "ZZZZ-2345")
    age(superuser)
    assert [purge(superuser, 2), purge(superuser, 2), purge(superuser, 2)] == [2, 1, 0]
    assert (count(superuser, "slot_offers"), count(superuser, "cancel_attempts")) == (0, 0)


def test_who_never_booked_is_forgotten(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    held = hold(bot, offer(bot, riverside))
    age(superuser)
    purge(superuser)
    assert count(superuser, "chatbot_patients") == 1, "not while their hold is live"
    expire_hold(superuser, held["reservation_id"])
    superuser.execute("select clinic.expire_reservations()")
    assert purge(superuser) == 1
    assert count(superuser, "chatbot_patients") == 0
    assert not superuser.execute("select from clinic.patients where full_name = %s", [NAME]).rowcount


def test_who_booked_is_not_forgotten(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    code = book(bot, riverside)["confirmation_code"]
    age(superuser)
    purge(superuser)
    assert superuser.execute("select from clinic.patients where full_name = %s", [NAME]).rowcount == 1
    assert cancel(bot, code)["cancelled"]


def test_the_workers_job_does_it(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    offer(bot, riverside)
    age(superuser)
    superuser.execute("select clinic.do_job('purge_slot_offers', 100, null)")
    assert count(superuser, "slot_offers") == 0
