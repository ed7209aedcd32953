"""chatbot_cancel: with code and phone, one answer for everything else, and never by guessing."""

from __future__ import annotations

from datetime import datetime

import pytest

from tests.chatbot.talk import PHONE, book, cancel
from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import listed

# Of PHONE.
WAYS_TO_WRITE_IT = (
    "212 555 0199",
    "(212) 555-0199",
    "001 212 5550199",
    "+12125550199",
    "٠٢١٢٥٥٥٠١٩٩",
    "+۱ ۲۱۲ ۵۵۵ ۰۱۹۹",  # noqa: RUF001
    "२१२ ५५५ ०१९९",
    "２１２ ５５５ ０１９９",  # noqa: RUF001
    "+1 212 555 0199 x12",
    "212-555-0199 ext. 12",
    "212-555-0199 (Ext 4)",
    "212 555 0199 extension 1234",
    "212.555.0199#12",
    "tel:+1-212-555-0199;ext=12",
    "212 555 0199 ｅｘｔ．１２",  # noqa: RUF001
    "fax 212 555 0199",
    "212 555 0199 x١٢",  # noqa: RUF001
)
WRONG_CODE, WRONG_PHONE = "ZZZZ-2345", "+1 212 555 0999"


def later(superuser: Connection) -> None:
    """Let a quarter of an hour pass."""
    superuser.execute("update clinic.cancel_attempts set attempted_at = attempted_at - interval '15 minutes'")


def test_code_and_phone_cancel_and_free_the_time(bot: Connection, ana: Connection, riverside: Clinic) -> None:
    booked = book(bot, riverside)
    start = datetime.fromisoformat(booked["starts_at"])
    assert start not in listed(ana, riverside, start)
    answer = cancel(bot, booked["confirmation_code"])
    assert (answer["cancelled"], answer["status"]) == (True, "cancelled")
    assert answer["appointment_id"] == booked["appointment_id"]
    assert start in listed(ana, riverside, start)


def test_code_and_phone_may_be_written_in_any_way(
    bot: Connection, riverside: Clinic, subtests: pytest.Subtests
) -> None:
    for phone in WAYS_TO_WRITE_IT:
        with subtests.test(phone=phone):
            assert cancel(bot, book(bot, riverside)["confirmation_code"], phone)["cancelled"]
    for form in ("{0}-{1}", "{0}{1}", " {0} {1}\n"):
        with subtests.test(form=form):
            code = book(bot, riverside)["confirmation_code"].lower()
            assert cancel(bot, form.format(code[:4], code[5:]))["cancelled"]


def test_cancelling_again_changes_nothing(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    code = book(bot, riverside)["confirmation_code"]
    first, again = cancel(bot, code), cancel(bot, code)
    assert first["cancelled"] is again["cancelled"] is True
    assert superuser.execute(
        "select version from clinic.appointments where id = %s", [first["appointment_id"]]
    ).fetchone() == {"version": 2}


def test_wrong_code_wrong_phone_and_too_often_get_one_answer(
    bot: Connection, rival: Connection, foreign_bot: Connection, riverside: Clinic
) -> None:
    code = book(bot, riverside)["confirmation_code"]
    answers = [
        cancel(bot, WRONG_CODE),
        cancel(bot, code, WRONG_PHONE),
        cancel(bot, WRONG_CODE, WRONG_PHONE),
        cancel(bot, "'; drop table clinic.patients; --", "none"),
        cancel(foreign_bot, code),
        cancel(rival, code),
    ]
    answers += [cancel(bot, code, f"+1 212 555 09{n:02}") for n in range(8)]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0]["cancelled"] is False


def test_the_right_pair_always_works_whatever_was_guessed(bot: Connection, riverside: Clinic) -> None:
    code, other = book(bot, riverside)["confirmation_code"], book(bot, riverside)["confirmation_code"]
    for n in range(8):
        assert not cancel(bot, code, f"+1 212 555 09{n:02}")["cancelled"]
        assert not cancel(bot, f"ZZZZ-234{n + 2}")["cancelled"]
    assert cancel(bot, code)["cancelled"], "wrong numbers for this code keep nobody from cancelling"
    for n in range(70):
        assert not cancel(bot, f"ZZZZ-{n:04}", f"+1 212 556 {n:04}")["cancelled"]
    assert cancel(bot, other)["cancelled"], "nor do many guesses"


def test_guesses_are_noted_up_to_a_limit(bot: Connection, superuser: Connection) -> None:
    for n in range(70):
        cancel(bot, f"ZZZZ-{n:04}", f"+1 212 556 {n:04}")
    attempts = "select count(*) from clinic.cancel_attempts"
    assert superuser.execute(attempts).fetchone() == {"count": 60}
    later(superuser)
    cancel(bot, WRONG_CODE, WRONG_PHONE)
    assert superuser.execute(attempts).fetchone() == {"count": 61}


def test_right_pairs_are_not_noted(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    code = book(bot, riverside)["confirmation_code"]
    for _ in range(2):
        assert cancel(bot, code)["cancelled"]
    assert not superuser.execute("select from clinic.cancel_attempts").rowcount


def test_attempts_are_kept_only_as_hashes(bot: Connection, superuser: Connection) -> None:
    cancel(bot, WRONG_CODE, WRONG_PHONE)
    text = str(superuser.execute("select a::text as row from clinic.cancel_attempts as a").fetchall())
    assert "ZZZZ" not in text
    assert "2125550999" not in text


def test_patients_rules_hold(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    booked = book(bot, riverside)
    # The notice cannot be five weeks; so the booking comes nearer.
    superuser.execute("update clinic.clinics set cancellation_notice = '30 days', cancel_grace = '0'")
    moved = "starts_at = starts_at - interval '14 days', ends_at = ends_at - interval '14 days'"
    superuser.execute(f"update clinic.appointments set {moved} where id = %s", [booked["appointment_id"]])  # type: ignore[arg-type]
    with refused("too_late_to_cancel"):
        cancel(bot, booked["confirmation_code"])


def test_what_has_been_is_not_cancelled(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    booked = book(bot, riverside)
    for status in ("checked_in", "fulfilled"):
        superuser.execute(
            "update clinic.appointments set status = %s where id = %s", [status, booked["appointment_id"]]
        )
    with refused("invalid_transition"):
        cancel(bot, booked["confirmation_code"])


def test_a_booking_that_the_desk_moved_is_still_known(
    bot: Connection, desk: Connection, riverside: Clinic
) -> None:
    booked = book(bot, riverside)
    start = riverside.at("15:00", riverside.weekday(3))
    call(
        desk,
        "reschedule_appointment",
        appointment_id=booked["appointment_id"],
        starts_at=start,
        dentist_id=riverside.other,
    )
    answer = cancel(bot, booked["confirmation_code"])
    assert (answer["cancelled"], datetime.fromisoformat(answer["starts_at"])) == (True, start)


def test_only_a_chatbot_may(actors: Actors) -> None:
    for email in ("ana@patients.test", "desk@riverside.test", "admin@riverside.test"):
        with refused("forbidden"):
            cancel(actors.user(email), WRONG_CODE)


def test_what_cannot_be_right_is_refused(bot: Connection, subtests: pytest.Subtests) -> None:
    for code, phone in [("", PHONE), (WRONG_CODE, " "), ("x" * 41, PHONE), (WRONG_CODE, "1" * 41)]:
        with subtests.test(code=code, phone=phone), refused("invalid_argument"):
            cancel(bot, code, phone)
