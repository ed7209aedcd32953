"""What admins say is sent, in which words, and what the desk does about it."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.build import insert
from tests.support.clinics import Clinic
from tests.support.messages import (
    cancel,
    delivered,
    leased,
    make_due,
    move,
    never_quiet,
    outbox,
    patient,
    rules,
    set_visit,
    settle,
    states,
    visit,
)
from tests.support.races import race
from tests.support.refusals import refused
from tests.support.slots import book

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _awake(superuser: Connection, riverside: Clinic) -> None:
    never_quiet(superuser)
    rules(superuser, riverside, "booked email", "reminder sms 1 day")


# Rules


def rule(kind: Any, channel: Any = "email", lead: Any = None) -> Row:
    return {"kind": kind, "channel": channel} | ({} if lead is None else {"lead": lead})


def test_rules_are_replaced_and_hold_for_reminders_of_what_is_booked_already(
    superuser: Connection, admin: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    near = visit(superuser, riverside, mia, timedelta(hours=20))
    wanted = [
        rule("booked"),
        rule("booked"),
        rule("reminder", "email", "2 days"),
        rule("reminder", "sms", "3:00"),
    ]
    for _ in range(2):
        rows = call(admin, "set_message_rules", clinic_id=riverside.id, rules=wanted)
        assert [(r["kind"], r["channel"], r["lead"]) for r in rows] == [
            ("booked", "email", timedelta()), ("reminder", "email", 2 * DAY),
            ("reminder", "sms", timedelta(hours=3)),
        ]  # fmt: skip
        assert states(superuser, made) == [
            "booked email planned", "reminder email planned", "reminder sms planned",
            "reminder sms skipped rule_removed",
        ]  # fmt: skip
    assert "reminder email planned" not in states(superuser, near), "there is no time for that any more"
    assert "reminder sms skipped rule_removed" not in states(superuser, near), "that one is due"
    planned = [r for r in outbox(superuser, made) if r["state"] == "planned"]
    assert {r["starts_at"] - r["due_at"] for r in planned if r["kind"] == "reminder"} == {
        2 * DAY,
        timedelta(hours=3),
    }
    # One was lost sight of, and is to be tried again.
    superuser.execute(
        "update clinic.messages set in_doubt = true where appointment_id = %s and state = 'planned'"
        " and kind = 'reminder' and channel = 'sms'",
        [made],
    )
    assert call(admin, "set_message_rules", clinic_id=riverside.id, rules=[]) == []
    assert "reminder email skipped rule_removed" in states(superuser, made)
    assert "reminder sms unknown" in states(superuser, made), "perhaps it arrived"


def test_a_rule_that_goes_or_comes_concerns_its_own_reminders_alone(
    superuser: Connection, admin: Connection, riverside: Clinic, sakura: Clinic, mia: UUID
) -> None:
    day, hours = rule("reminder", "sms", "1 day"), rule("reminder", "sms", "3:00")
    letter = rule("reminder", "email", "1 day")
    for clinic in (riverside, sakura):
        rules(superuser, clinic, "reminder sms 1 day", "reminder sms 3:00", "reminder email 1 day")
    here, off = visit(superuser, riverside, mia), visit(superuser, riverside, mia, 21 * DAY)
    there = visit(superuser, sakura, patient(superuser, sakura), dentist_id=sakura.lee)
    cancel(superuser, off)
    call(admin, "set_message_rules", clinic_id=riverside.id, rules=[hours, letter])
    assert states(superuser, here) == [
        "reminder email planned", "reminder sms planned", "reminder sms skipped rule_removed",
    ]  # fmt: skip
    assert states(superuser, there) == ["reminder email planned", *["reminder sms planned"] * 2]
    call(admin, "set_message_rules", clinic_id=riverside.id, rules=[hours, letter, day])
    assert states(superuser, here).count("reminder sms planned") == 2
    assert states(superuser, there) == ["reminder email planned", *["reminder sms planned"] * 2]
    assert "planned" not in str(states(superuser, off))


WRONG_RULES: list[Any] = [
    None, {}, [1], [None], [[]], [{}], [rule("booked")] * 41, [rule("birthday")], [rule("booked", "fax")],
    [rule(None)], [rule("booked", None)], [rule("reminder")], [rule("booked", "email", "1 day")],
    [rule("reminder", "email", lead) for lead in ("9 minutes",)], [rule("reminder", "email", "61 days")],
    [rule("reminder", "email", "-1 day")], [rule("reminder", "email", "1 month")],
    [rule("reminder", "email", "soon")], [rule("reminder", "sms", "1 mon -29 days")],
    [rule("reminder", "email", "5")], [rule("reminder", "email", "infinity")],
    [rule("reminder", "email", {})],
    [rule("reminder", "email", "178000000 years")],
]  # fmt: skip


def test_what_is_no_rule_changes_nothing(admin: Connection, riverside: Clinic) -> None:
    query = "select kind, channel, lead from api.message_rules order by 1, 2, 3"
    before = admin.execute(query).fetchall()
    for wrong in WRONG_RULES:
        with refused("invalid_argument"):
            call(admin, "set_message_rules", clinic_id=riverside.id, rules=wrong)
    assert admin.execute(query).fetchall() == before


def test_a_new_clinic_confirms_and_reminds_by_email(actors: Actors) -> None:
    clinic = call(
        actors.service_role(), "create_clinic", slug="new-one", name="New", time_zone="Europe/Berlin"
    )
    rows = actors.superuser().execute(
        "select kind, lead from clinic.message_rules where clinic_id = %s and channel = 'email'",
        [clinic["id"]],
    )
    assert {(r["kind"], r["lead"]) for r in rows} >= {("booked", timedelta()), ("reminder", 2 * DAY)}


# Words


def template(admin: Connection, clinic: Clinic, **said: Any) -> Row:
    row: Row = call(
        admin, "set_message_template",
        **{"clinic_id": clinic.id, "kind": "booked", "channel": "email", "locale": "en"} | said,
    )  # fmt: skip
    return row


def test_a_clinics_own_words_are_sent_until_it_takes_them_back(
    superuser: Connection, admin: Connection, riverside: Clinic, mia: UUID
) -> None:
    default = template(admin, riverside)
    own = template(
        admin, riverside, subject="Dear {patient}", body="Come on {date}.\n{clinic_phone}\n{until}\nBye"
    )
    assert own["subject"] == "Dear {patient}"
    visit(superuser, riverside, mia)
    (envelope,) = leased(superuser)
    assert envelope["subject"] == "Dear Mia Mail"
    assert envelope["body"].splitlines()[1:] == ["+1 212 555 0100", "Bye"], "{until} says nothing here"
    assert template(admin, riverside) == default
    assert not admin.execute("select * from api.message_templates").fetchall()


@pytest.mark.parametrize("function", ["set_message_template", "preview_message", "send_test_message"])
def test_what_is_no_template_is_refused(admin: Connection, riverside: Clinic, function: str) -> None:
    right = {
        "clinic_id": riverside.id,
        "kind": "booked",
        "channel": "email",
        "locale": "en",
        "subject": "S",
        "body": "B",
    }
    for wrong in (
        {"body": "{name}"}, {"subject": "{date"}, {"body": "}"}, {"body": "{Date}"}, {"body": "{}"},
        {"body": "{{date}"}, {"subject": "two\nlines"}, {"subject": "x" * 201}, {"body": "x" * 5001},
        {"body": "\x07"}, {"kind": "answer"}, {"kind": "test"}, {"kind": None}, {"channel": "fax"},
        {"channel": None}, {"locale": "xx"}, {"locale": "EN"}, {"channel": "sms"},
        {"clinic_id": None}, {"body": "{clinic_address}\n {until} {clinic_phone}"},
    ):  # fmt: skip
        with refused("invalid_argument"):
            call(admin, function, **right | wrong)


def test_a_letter_needs_a_subject(admin: Connection, riverside: Clinic) -> None:
    for missing in (None, "", " "):
        with refused("invalid_argument"):
            template(admin, riverside, subject=missing, body="Come")


def test_a_preview_shows_what_would_be_sent(
    superuser: Connection, desk: Connection, riverside: Clinic, sakura: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia, riverside.at("14:30"))
    asked = {"clinic_id": riverside.id, "kind": "booked", "channel": "email"}
    shown = call(desk, "preview_message", **asked, appointment_id=made)
    (envelope,) = leased(superuser)
    link = envelope["link"]
    assert shown["subject"] == envelope["subject"]
    assert shown["body"].replace("https://example.org/a/…", link) == envelope["body"]
    assert call(desk, "preview_message", **asked, locale="ar")["is_rtl"] is True
    sms = call(desk, "preview_message", **asked | {"channel": "sms"}, body="Grüße {{€}}")
    assert {name: sms[name] for name in ("body", "encoding", "units", "segments")} == {
        "body": "Grüße {€}", "encoding": "GSM-7", "units": 12, "segments": 1,
    }  # fmt: skip
    there = visit(superuser, sakura, patient(superuser, sakura), dentist_id=sakura.lee)
    with refused("not_found"):
        call(desk, "preview_message", **asked, appointment_id=there)


def test_a_test_goes_to_oneself_twenty_times_an_hour(
    superuser: Connection, admin: Connection, actors: Actors, riverside: Clinic
) -> None:
    asked = {"clinic_id": riverside.id, "kind": "reminder", "channel": "email"}
    sent = call(admin, "send_test_message", **asked, subject="For {patient}", body="Come")
    assert sent["address"] == "admin@riverside.test"
    (envelope,) = leased(superuser)
    assert (envelope["address"], envelope["kind"], envelope["subject"]) == (
        sent["address"],
        "test",
        "For Alex Example",
    )
    assert envelope["link"] is None
    admin_id = actors.user_id("admin@riverside.test")
    for phone in (None, "none", "12"):
        superuser.execute("update clinic.profiles set phone = %s where user_id = %s", [phone, admin_id])
        with refused("invalid_argument"):
            call(admin, "send_test_message", **asked | {"channel": "sms"})
    superuser.execute("update clinic.profiles set phone = '+1 (212) 555-0177' where user_id = %s", [admin_id])
    assert call(admin, "send_test_message", **asked | {"channel": "sms"})["address"] == "+12125550177"
    for _ in range(18):
        call(admin, "send_test_message", **asked)
    with refused("booking_limit"):
        call(admin, "send_test_message", **asked)
    superuser.execute("update clinic.messages set due_at = due_at - interval '1 hour'")
    assert call(admin, "send_test_message", **asked)["address"] == sent["address"]


# Once more


def test_the_desk_sends_a_message_again_about_the_visit_as_it_is(
    superuser: Connection, desk: Connection, actors: Actors, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    (old,) = outbox(superuser, made, kind="booked")
    with refused("invalid_argument"):
        call(desk, "resend_message", message_id=old["id"])
    delivered(superuser)
    superuser.execute("update clinic.patients set email = 'new@mail.test' where id = %s", [mia])
    staff = [actors.user(f"{who}@riverside.test") for who in ("desk", "admin")]
    won = race([partial(call, one, "resend_message", message_id=old["id"]) for one in staff])
    assert (len(won.won), won.refused) == (1, ["invalid_argument"]), "two at once are one"
    assert (won.won[0]["kind"], won.won[0]["state"], won.won[0]["id"] != old["id"]) == (
        "booked",
        "planned",
        True,
    )
    (envelope,) = leased(superuser)
    assert envelope["address"] == "new@mail.test"
    with refused("invalid_argument"):
        call(desk, "resend_message", message_id=old["id"])
    settle(superuser, envelope, "failed")
    move(superuser, made, riverside.at("10:00"))
    call(desk, "resend_message", message_id=envelope["message_id"])
    starts = {row["starts_at"] for row in outbox(superuser, made, kind="booked", state="planned")}
    assert starts == {riverside.at("10:00")}
    assert len(delivered(superuser)) == 1
    cancel(superuser, made)
    with refused("invalid_argument"):
        call(desk, "resend_message", message_id=old["id"])
    for wrong in (uuid4(), None):
        with refused("not_found", "invalid_argument"):
            call(desk, "resend_message", message_id=wrong)


def test_only_messages_about_visits_are_sent_again(
    superuser: Connection, admin: Connection, riverside: Clinic
) -> None:
    asked = {"clinic_id": riverside.id, "kind": "reminder", "channel": "email"}
    test = call(admin, "send_test_message", **asked)["message_id"]
    delivered(superuser)
    with refused("invalid_argument"):
        call(admin, "resend_message", message_id=test)


@pytest.mark.parametrize("row", [{"muted_channels": ["email"]}, {"email": None}])
def test_nobody_is_written_to_again_who_does_not_want_it_or_cannot(
    superuser: Connection, desk: Connection, riverside: Clinic, mia: UUID, row: Row
) -> None:
    visit(superuser, riverside, mia)
    (sent,) = delivered(superuser)
    ((column, value),) = row.items()
    superuser.execute(f"update clinic.patients set {column} = %s where id = %s", [value, mia])  # type: ignore[arg-type]
    with refused("invalid_argument"):
        call(desk, "resend_message", message_id=sent["message_id"])


# Who wants messages, and who comes


def test_consent_is_the_patients_their_guardians_and_the_desks(
    superuser: Connection, ana: Connection, ben: Connection, desk: Connection, foreign_desk: Connection,
    lee: Connection, actors: Actors, riverside: Clinic,
) -> None:  # fmt: skip
    booked = book(ana, riverside, riverside.at("09:00"))
    said = {"patient_id": booked["patient_id"], "channel": "email", "is_wanted": False}
    for _ in range(2):
        assert call(ana, "set_message_consent", **said)["muted_channels"] == ["email"]
    assert not leased(superuser)
    assert "booked email skipped opted_out" in states(superuser, booked["id"])
    for who, code in ((ben, "not_found"), (foreign_desk, "not_found"), (lee, "forbidden")):
        with refused(code):
            call(who, "set_message_consent", **said | {"is_wanted": True})
    for wrong in ({"channel": "fax"}, {"channel": None}, {"is_wanted": None}, {"patient_id": None}):
        with refused("invalid_argument"):
            call(desk, "set_message_consent", **said | wrong)
    assert call(desk, "set_message_consent", **said | {"is_wanted": True})["muted_channels"] == []
    # A STOP of the address ends with the login that has it.
    superuser.execute(
        "select clinic.stop_messages(%s, 'email', 'ANA@patients.test')",
        [riverside.id],
    )
    call(ana, "set_message_consent", **said | {"is_wanted": True})
    assert not superuser.execute("select from clinic.stopped_addresses").rowcount


def confirmed(connection: Connection, appointment: UUID) -> Any:
    return call(connection, "confirm_attendance", appointment_id=appointment)["confirmed_at"]


def test_attendance_is_confirmed_once_and_taken_back_by_a_move(
    superuser: Connection, ana: Connection, ben: Connection, desk: Connection, riverside: Clinic
) -> None:
    booked = book(ana, riverside, riverside.at("09:00"))
    with refused("not_found"):
        confirmed(ben, booked["id"])
    first = confirmed(ana, booked["id"])
    assert first is not None
    assert confirmed(desk, booked["id"]) == first
    events = superuser.execute(
        "select distinct payload ->> 'appointment_id' as id from clinic.realtime_events"
        " where event = 'appointment_confirmed'"
    ).fetchall()
    assert [one["id"] for one in events] == [str(booked["id"])]
    actions = [row["action"] for row in call(desk, "appointment_history", appointment_id=booked["id"])]
    assert actions == ["booked", "confirmed"]
    call(desk, "update_appointment", appointment_id=booked["id"], notes="Window seat")
    assert confirmed(ana, booked["id"]) == first, "that is nothing about when"
    moved = call(ana, "reschedule_appointment", appointment_id=booked["id"], starts_at=riverside.at("10:00"))
    assert moved["confirmed_at"] is None
    confirmed(ana, booked["id"])
    assert call(ana, "cancel_appointment", appointment_id=booked["id"])["confirmed_at"] is None
    with refused("invalid_transition"):
        confirmed(ana, booked["id"])


def test_a_visit_that_has_begun_is_not_confirmed(
    superuser: Connection, desk: Connection, riverside: Clinic, mia: UUID
) -> None:
    with refused("invalid_transition"):
        confirmed(desk, visit(superuser, riverside, mia, timedelta(minutes=-5)))


def test_the_call_list_has_who_is_ahead_that_day_and_has_not_confirmed(
    superuser: Connection, desk: Connection, riverside: Clinic, sakura: Clinic, mia: UUID
) -> None:
    day = riverside.weekday(1)

    def waiting() -> list[UUID]:
        return [row["appointment_id"] for row in call(desk, "unconfirmed", clinic_id=riverside.id, day=day)]

    clocks = ("00:00", "09:00", "12:00", "15:00", "23:30")
    first, sure, off, here, last = (
        visit(superuser, riverside, mia, riverside.at(clock, day)) for clock in clocks
    )
    visit(superuser, riverside, mia, riverside.at("00:00", day + DAY))
    visit(superuser, riverside, mia, riverside.at("23:00", day - DAY))
    visit(superuser, sakura, patient(superuser, sakura), sakura.at("09:00", day), dentist_id=sakura.lee)
    confirmed(desk, sure)
    cancel(superuser, off)
    set_visit(superuser, here, status="checked_in")
    assert waiting() == [first, last]
    make_due(superuser, last, channel="sms")
    superuser.execute("update clinic.patients set phone = null where id = %s", [mia])
    assert {e["kind"] for e in delivered(superuser)} == {"booked"}
    row = call(desk, "unconfirmed", clinic_id=riverside.id, day=day)[1]
    assert (row["full_name"], row["phone"]) == ("Mia Mail", None)
    past = visit(superuser, riverside, mia, timedelta(minutes=-30))
    today = call(desk, "unconfirmed", clinic_id=riverside.id, day=riverside.today())
    assert past not in [row["appointment_id"] for row in today]


def test_a_guardians_phone_is_whom_the_desk_calls(
    superuser: Connection, desk: Connection, ana: Connection, actors: Actors, riverside: Clinic
) -> None:
    superuser.execute(
        "update clinic.profiles set phone = '+1 212 555 0166' where user_id = %s",
        [actors.user_id("ana@patients.test")],
    )
    kid = patient(superuser, riverside, phone=None)
    insert(
        superuser,
        "guardians",
        clinic_id=riverside.id,
        patient_id=kid,
        user_id=actors.user_id("ana@patients.test"),
    )
    visit(superuser, riverside, kid, riverside.at("09:00"))
    (row,) = call(desk, "unconfirmed", clinic_id=riverside.id, day=riverside.weekday(1))
    assert row["phone"] == "+12125550166"
