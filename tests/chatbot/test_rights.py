"""A chatbot that no longer serves a clinic, and one that waits for its calendar."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from tests.chatbot.talk import book, cancel, confirm, hold, offer
from tests.support.actors import Actors, Connection, Row
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.waiting import act_behind_lock


@pytest.fixture
def of_both(actors: Actors, superuser: Connection, bot: Connection, sakura: Clinic) -> Connection:
    """The chatbot of riverside, which serves sakura, too."""
    row = [sakura.id, actors.user_id("bot@riverside.test")]
    superuser.execute("insert into clinic.staff (clinic_id, user_id, role) values (%s, %s, 'chatbot')", row)
    return bot


def test_a_chatbot_that_left_a_clinic_touches_nothing_there(
    of_both: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """What it booked, held and was offered there is no longer its own, though it is still a chatbot."""
    booked = book(of_both, riverside)
    token, held = offer(of_both, riverside), hold(of_both, offer(of_both, riverside))
    superuser.execute("delete from clinic.staff where clinic_id = %s and role = 'chatbot'", [riverside.id])
    assert cancel(of_both, booked["confirmation_code"])["cancelled"] is False
    with refused("not_found"):
        hold(of_both, token)
    with refused("not_found"):
        confirm(of_both, held)
    assert of_both.execute("select from api.appointments").rowcount == 0


MOVES: dict[str, Callable[[Connection, Clinic], Callable[[], Row]]] = {
    "hold": lambda bot, clinic: partial(hold, bot, offer(bot, clinic)),
    "confirm": lambda bot, clinic: partial(confirm, bot, hold(bot, offer(bot, clinic))),
    "cancel": lambda bot, clinic: partial(cancel, bot, book(bot, clinic)["confirmation_code"]),
}


@pytest.mark.parametrize("move", MOVES)
def test_a_chatbot_waits_for_the_calendar_it_touches(
    actors: Actors, bot: Connection, riverside: Clinic, move: str
) -> None:
    act_behind_lock(actors, riverside.lee, bot, MOVES[move](bot, riverside)).result()


def test_hours_that_went_while_a_chatbot_waited_are_gone(
    actors: Actors, bot: Connection, riverside: Clinic
) -> None:
    outcome = act_behind_lock(
        actors, riverside.lee, bot, partial(hold, bot, offer(bot, riverside)),
        lambda keeper: keeper.execute("delete from clinic.working_hours"),
    )  # fmt: skip
    with refused("outside_working_hours"):
        outcome.result()


def test_a_hold_that_was_released_while_a_chatbot_waited_is_over(
    actors: Actors, bot: Connection, riverside: Clinic
) -> None:
    release = "update clinic.slot_reservations set outcome = 'released', ended_at = clock_timestamp()"
    outcome = act_behind_lock(
        actors, riverside.lee, bot, partial(confirm, bot, hold(bot, offer(bot, riverside))),
        lambda keeper: keeper.execute(release),
    )  # fmt: skip
    with refused("reservation_expired"):
        outcome.result()


def test_a_booking_that_moved_to_another_dentist_meanwhile_is_not_cancelled(
    actors: Actors, bot: Connection, riverside: Clinic
) -> None:
    booked = book(bot, riverside)
    move = "update clinic.appointments set dentist_id = %s where id = %s"
    outcome = act_behind_lock(
        actors, riverside.lee, bot, partial(cancel, bot, booked["confirmation_code"]),
        lambda keeper: keeper.execute(move, [riverside.other, booked["appointment_id"]]),
    )  # fmt: skip
    with refused("stale_version"):
        outcome.result()
