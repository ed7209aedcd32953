"""What changes while somebody waits: their wish, the visit it would move, and how often a clinic asks."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support.actors import Connection, Row, call, value
from tests.support.build import MadeClinic
from tests.support.refusals import refused
from tests.support.slots import book
from tests.support.waitlist import free, join, offer, offered, outcome, wish


def offers(superuser: Connection, waits: Row) -> tuple[datetime | None, int]:
    """What a wish is offered now, and how often that was refused or is."""
    held = offer(superuser, waits["id"])
    return held and held["starts_at"], wish(superuser, waits["id"])["offers"]


def decline(waiter: Connection, superuser: Connection, waits: Row) -> None:
    call(waiter, "release_reservation", reservation_id=offered(superuser, waits["id"])["id"])


def test_who_waits_for_something_else_from_now_on_leaves_what_they_were_offered_to_the_next(
    superuser: Connection, clinic: MadeClinic, booker: Connection, waiter: Connection, after: Connection
) -> None:
    waits, behind = join(waiter, clinic), join(after, clinic)
    free(booker, clinic)
    join(waiter, clinic)
    assert offers(superuser, waits) == (clinic.at("09:00"), 1), "asking for the same again changes nothing"
    superuser.execute("update clinic.waitlist set from_date = from_date - 1")
    join(waiter, clinic)
    assert offers(superuser, waits) == (clinic.at("09:00"), 1), "nor does asking on another day"
    changed = join(waiter, clinic, from_time="14:00")
    assert changed["id"] == waits["id"]
    assert offers(superuser, waits) == (None, 0)
    assert offers(superuser, behind) == (clinic.at("09:00"), 1)
    join(waiter, clinic)
    decline(after, superuser, behind)
    assert offers(superuser, waits) == (clinic.at("09:00"), 1), "they never refused it"


@pytest.mark.parametrize("other", ["day", "weekday", "dentist"])
def test_an_offer_of_a_day_or_a_dentist_that_is_not_wanted_any_more_is_withdrawn(
    superuser: Connection, clinic: MadeClinic, booker: Connection, waiter: Connection, other: str
) -> None:
    waits = join(waiter, clinic)
    free(booker, clinic)
    assert offers(superuser, waits) == (clinic.at("09:00"), 1)
    tuesday = clinic.weekday(2, weeks=6)
    wanted = {"day": {"from_date": tuesday, "to_date": tuesday}, "weekday": {"weekdays": [7]}}
    join(waiter, clinic, **wanted.get(other, {"dentist_ids": [clinic.other]}))
    assert offers(superuser, waits) == (None, 0)


def test_what_a_visit_does_not_fit_into_any_more_is_offered_no_more(
    superuser: Connection, clinic: MadeClinic, booker: Connection, waiter: Connection, clerk: Connection
) -> None:
    late = book(waiter, clinic, clinic.at("15:00"))
    waits = join(waiter, clinic, appointment_id=late["id"])
    free(booker, clinic)
    assert offers(superuser, waits) == (clinic.at("09:00"), 1)
    longer = (late["ends_at"] + timedelta(minutes=30)).isoformat()
    call(clerk, "resize_appointment", appointment_id=late["id"], ends_at=longer)
    held = offered(superuser, waits["id"])
    assert held["ends_at"] - held["starts_at"] == late["ends_at"] - late["starts_at"] + timedelta(minutes=30)
    assert offers(superuser, waits) == (clinic.at("09:00"), 1), "they refused nothing"


def test_nobody_is_offered_the_time_that_their_visit_has_just_left(
    superuser: Connection, clinic: MadeClinic, booker: Connection, waiter: Connection, after: Connection
) -> None:
    late = book(waiter, clinic, clinic.at("15:00"))
    waits = join(waiter, clinic, appointment_id=late["id"], to_date=clinic.weekday(5))
    behind = join(after, clinic, from_time="15:00", to_time="15:30")
    call(waiter, "reschedule_appointment", appointment_id=late["id"], starts_at=clinic.at("16:00"))
    assert offers(superuser, waits) == (None, 0)
    assert offers(superuser, behind) == (clinic.at("15:00"), 1)
    free(booker, clinic, "14:00")
    assert offers(superuser, waits) == (clinic.at("14:00"), 1)


def test_a_clinic_that_asks_less_often_keeps_nobody_waiting_in_vain(
    superuser: Connection, clinic: MadeClinic, booker: Connection, waiter: Connection, after: Connection
) -> None:
    asked, never = join(waiter, clinic), join(after, clinic, clinic.cleaning, from_time="14:00")
    free(booker, clinic)
    decline(waiter, superuser, asked)
    present = join(after, clinic)
    free(booker, clinic)
    assert offers(superuser, present) == (clinic.at("09:00"), 1)
    superuser.execute("update clinic.clinics set max_waitlist_offers = 1 where id = %s", [clinic.id])
    ends = [outcome(superuser, waits["id"]) for waits in (asked, never, present)]
    assert ends == ["exhausted", None, None]
    decline(after, superuser, present)
    assert outcome(superuser, present["id"]) == "exhausted"


def test_when_anybody_accepted_what_is_freed_next_is_freed_then(
    superuser: Connection, clinic: MadeClinic, booker: Connection, waiter: Connection, after: Connection
) -> None:
    waits = join(waiter, clinic)
    free(booker, clinic)
    held = offered(superuser, waits["id"])
    visit = call(waiter, "confirm_reservation", reservation_id=held["id"])
    superuser.execute("update clinic.waitlist set freed_at = freed_at - interval '1 hour'")
    behind = join(after, clinic)
    call(waiter, "cancel_appointment", appointment_id=visit["id"])
    freed = superuser.execute(
        "select now() - freed_at < '1 minute' as lately from clinic.waitlist where id = %s", [behind["id"]]
    ).fetchone()
    assert freed == {"lately": True}


def judged(superuser: Connection, statement: str, *arguments: Any) -> int:
    """Do it, hand over what it frees, and return how often a day was judged for that."""
    with superuser.transaction():
        superuser.execute("set local track_functions = 'pl'")
        superuser.execute(statement.encode(), list(arguments))
        superuser.execute("set constraints all immediate")
        calls: int = value(
            superuser,
            "select coalesce(sum(calls), 0) from pg_stat_xact_user_functions where funcname = 'judge_slots'",
        )
    return calls


def test_no_day_is_judged_that_a_wish_does_not_reach(
    superuser: Connection, clinic: MadeClinic, waiter: Connection, after: Connection
) -> None:
    """Who waits for mornings is not looked for in afternoons, nor anybody beyond the clinic's horizon."""
    opens = (
        "insert into clinic.working_hours (clinic_id, dentist_id, weekday, opens, closes)"
        " values (%s, %s, 1, %s, %s)"
    )
    join(waiter, clinic, to_time="08:00", to_date=clinic.weekday(1, weeks=40))
    assert judged(superuser, opens, clinic.id, clinic.lee, "19:00", "20:00") == 0
    join(after, clinic, from_time="21:00", to_time="21:10", to_date=clinic.weekday(1, weeks=40))
    horizon = value(
        superuser, "select extract(days from booking_horizon) from clinic.clinics where id = %s", clinic.id
    )
    assert 0 < judged(superuser, opens, clinic.id, clinic.lee, "20:30", "22:00") <= horizon / 7 + 1


@pytest.mark.parametrize("weekdays", [[1] * 8, [1, 2, 3, 4, 5, 6, 7, 7]])
def test_a_week_has_seven_days(clinic: MadeClinic, waiter: Connection, weekdays: list[int]) -> None:
    with refused("invalid_argument"):
        join(waiter, clinic, weekdays=weekdays)
