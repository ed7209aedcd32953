"""What a chatbot may see, and what nobody learns by asking it."""

from __future__ import annotations

import pytest

from tests.chatbot.talk import PHONE, book, cancel, confirm, find, hold, offer
from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.refusals import denied, refused
from tests.support.slots import book as book_online

KNOWN = ("Walter Inman", "+1 212 555 0131")  # a walk-in of the seed


def patient_of(superuser: Connection, appointment_id: str) -> dict[str, object]:
    row = superuser.execute(
        "select p.* from clinic.patients as p"
        " join clinic.appointments as a on a.patient_id = p.id where a.id = %s",
        [appointment_id],
    ).fetchone()
    assert row is not None
    return row


def test_a_chatbot_sees_what_it_booked_and_nothing_else(
    bot: Connection, foreign_bot: Connection, ana: Connection, riverside: Clinic
) -> None:
    book_online(ana, riverside, riverside.at("15:00"))
    booked = book(bot, riverside)
    seen = [str(row["id"]) for row in bot.execute("select id from api.appointments")]
    assert seen == [booked["appointment_id"]]
    assert not foreign_bot.execute("select from api.appointments").rowcount
    for view in ("patients", "time_off", "realtime_events", "daily_metrics", "job_runs"):
        assert not bot.execute(f"select from api.{view}").rowcount, view  # type: ignore[arg-type]


def test_a_chatbot_sees_its_own_holds_alone(bot: Connection, ana: Connection, riverside: Clinic) -> None:
    call(
        ana,
        "reserve_slot",
        dentist_id=riverside.lee,
        appointment_type_id=riverside.checkup,
        starts_at=riverside.at("15:00"),
    )
    held = hold(bot, offer(bot, riverside))
    assert [str(row["id"]) for row in bot.execute("select id from api.slot_reservations")] == [
        held["reservation_id"]
    ]


def test_the_tables_are_nobodys_to_read(
    bot: Connection, ana: Connection, desk: Connection, actors: Actors, subtests: pytest.Subtests
) -> None:
    for table in (
        "slot_offers",
        "chatbot_patients",
        "chatbot_wishes",
        "confirmation_codes",
        "cancel_attempts",
    ):
        for caller in (bot, ana, desk, actors.anon()):
            with subtests.test(table):
                with denied():
                    caller.execute(f"select from clinic.{table}")  # type: ignore[arg-type]
                with denied():
                    caller.execute(f"delete from clinic.{table}")  # type: ignore[arg-type]


def test_a_former_chatbot_may_nothing(
    bot: Connection, superuser: Connection, actors: Actors, riverside: Clinic
) -> None:
    booked = book(bot, riverside)
    token = offer(bot, riverside)
    superuser.execute("delete from clinic.staff where user_id = %s", [actors.user_id("bot@riverside.test")])
    with refused("forbidden"):
        hold(bot, token)
    with refused("forbidden"):
        cancel(bot, booked["confirmation_code"])
    assert not bot.execute("select from api.appointments").rowcount


def test_the_desks_patients_are_never_booked_for(
    bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    booked = book(bot, riverside, *KNOWN)
    patient = patient_of(superuser, booked["appointment_id"])
    assert patient["id"] not in {
        row["id"]
        for row in superuser.execute("select id from clinic.patients where id::text like 'e0000000-%'")
    }


def test_people_with_an_account_are_never_booked_for(
    bot: Connection, ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    book_online(ana, riverside, riverside.at("15:00"))
    mine = ana.execute("select id, full_name, phone from api.patients").fetchone()
    assert mine is not None
    booked = book(bot, riverside, mine["full_name"], mine["phone"])
    assert patient_of(superuser, booked["appointment_id"])["user_id"] is None
    assert ana.execute("select from api.appointments").rowcount == 1


def test_a_record_that_got_a_login_is_not_booked_for_again(
    bot: Connection, superuser: Connection, actors: Actors, riverside: Clinic
) -> None:
    first = patient_of(superuser, book(bot, riverside)["appointment_id"])
    superuser.execute(
        "update clinic.patients set user_id = %s where id = %s",
        [actors.user_id("ben@patients.test"), first["id"]],
    )
    second = patient_of(superuser, book(bot, riverside)["appointment_id"])
    third = patient_of(superuser, book(bot, riverside)["appointment_id"])
    assert first["id"] != second["id"] == third["id"]


SPELLINGS = [
    ("Casey Caller", "+1 212 555 0199"),
    ("casey caller", "(212) 555-0199"),
    ("  CASEY\u00a0 Caller ", "０１２１２ 555 0199"),  # noqa: RUF001
    ("Ｃａｓｅｙ Caller", "٢١٢ ٥٥٥ ٠١٩٩"),  # noqa: RUF001
    ("Casey\u200b Caller", "212 555 0199 ext. 7"),
]


def test_the_same_person_is_one_record_however_they_are_written(
    bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    bookings = [book(bot, riverside, name, phone) for name, phone in SPELLINGS]
    records = {patient_of(superuser, booked["appointment_id"])["id"] for booked in bookings}
    assert len(records) == 1
    assert (
        len({patient_of(superuser, book(bot, riverside, *one)["appointment_id"])["id"] for one in ACCENTS})
        == 1
    )


ACCENTS = [("Zoë Ünal", "+90 212 555 01 77"), ("ZOE\u0308 ÜNAL", "0212 555 0177")]


def test_a_name_comes_back_as_it_was_said_whoever_is_known(bot: Connection, riverside: Clinic) -> None:
    book(bot, riverside, "Casey Caller", "+1 212 555 0199")
    held = hold(bot, offer(bot, riverside), "casey CALLER", "212 555 0199")
    assert held["patient_name"] == "casey CALLER"
    booked = confirm(bot, held)
    assert booked["patient_name"] == "casey CALLER"
    assert cancel(bot, booked["confirmation_code"], "212 555 0199")["patient_name"] == "casey CALLER"


def test_people_who_share_a_phone_are_two(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    records = {
        patient_of(superuser, book(bot, riverside, name)["appointment_id"])["id"]
        for name in ("Mia", "Mia's mother")
    }
    assert len(records) == 2


def test_holding_for_somebody_known_looks_like_holding_for_anybody(
    bot: Connection, ana: Connection, riverside: Clinic
) -> None:
    book_online(ana, riverside, riverside.at("09:00"))
    people = [KNOWN, ("Ana Ferreira", "+1 212 555 0121"), ("Nobody Known", "+1 212 555 0177")]
    answers = []
    for name, phone in people:
        # Ana is busy at nine: whoever is not her must not learn it.
        token = offer(bot, riverside, dentist=str(riverside.other))
        answers.append(hold(bot, token, name, phone))
        confirm(bot, answers[-1])
    assert len({frozenset(answer) for answer in answers}) == 1
    assert [answer["patient_name"] for answer in answers] == [name for name, _ in people]


def test_refusals_name_nobody(bot: Connection, riverside: Clinic) -> None:
    tokens = [find(bot, riverside)["offers"][0]["offer"] for _ in range(2)]
    hold(bot, tokens[0], *KNOWN)
    with refused("slot_taken") as refusal:
        hold(bot, tokens[1], "Somebody Else", PHONE)
    assert KNOWN[0] not in str(refusal.raw)
    assert KNOWN[1] not in str(refusal.raw)
