"""The outbox: what is planned by each change, what is true when it is leased, and whom it reaches."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from tests.support.actors import Connection, call, value
from tests.support.build import insert, make_user
from tests.support.clinics import Clinic
from tests.support.messages import (
    EVERYTHING,
    cancel,
    delivered,
    leased,
    make_due,
    move,
    never_quiet,
    outbox,
    patient,
    rules,
    run_out,
    set_visit,
    settle,
    states,
    token_of,
    visit,
)
from tests.support.people import record
from tests.support.slots import book

HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def _awake(superuser: Connection, riverside: Clinic) -> None:
    never_quiet(superuser)
    rules(superuser, riverside, *EVERYTHING)


# What is planned


def test_a_booking_plans_what_the_rules_say_in_its_own_transaction(
    superuser: Connection, ana: Connection, riverside: Clinic
) -> None:
    start = riverside.at("09:00")
    booked = book(ana, riverside, start)["id"]
    rows = outbox(superuser, booked)
    assert [(r["kind"], r["channel"], r["state"]) for r in rows] == [
        ("booked", "email", "planned"),
        ("reminder", "email", "planned"),
        ("reminder", "sms", "planned"),
    ]
    assert [r["due_at"] for r in rows[1:]] == [start - 48 * HOUR, start - 24 * HOUR], "days have 24 hours"
    assert {r["starts_at"] for r in rows} == {start}
    with superuser.transaction(force_rollback=True):
        gone = visit(superuser, riverside, rows[0]["patient_id"], start + HOUR)
        assert outbox(superuser, gone)
    assert not outbox(superuser, gone)


@pytest.mark.parametrize("at", [timedelta(hours=-3), timedelta(seconds=-1)])
def test_a_walk_in_that_is_written_down_later_plans_nothing(
    superuser: Connection, riverside: Clinic, mia: UUID, at: timedelta
) -> None:
    assert not outbox(superuser, visit(superuser, riverside, mia, at))


def test_days_before_a_visit_have_24_hours_whatever_clock_the_session_goes_by(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    superuser.execute("set timezone = 'America/New_York'")
    change = next(
        noon
        for noon in (riverside.at("12:00", riverside.today() + timedelta(days=n)) for n in range(7, 300))
        if noon.utcoffset() != (noon - timedelta(days=1)).utcoffset()
    )
    made = visit(superuser, riverside, mia, change)
    (reminder,) = outbox(superuser, made, kind="reminder", channel="sms")
    assert change.astimezone(UTC) - reminder["due_at"] == 24 * HOUR


def test_a_move_skips_what_was_planned_and_plans_anew(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    delivered(superuser)
    before = {row["id"] for row in outbox(superuser, made)}
    move(superuser, made, riverside.at("09:00"))
    assert states(superuser, made) == [
        "booked email sent", "moved email planned", "reminder email planned", "reminder email skipped moved",
        "reminder sms planned", "reminder sms skipped moved",
    ]  # fmt: skip
    assert {r["starts_at"] for r in outbox(superuser, made) if r["id"] not in before} == {
        riverside.at("09:00")
    }


def test_a_visit_that_comes_back_is_reminded_of_once_more_and_only_once(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    first = riverside.at("09:00")
    made = visit(superuser, riverside, mia, first)
    for start in (first + HOUR, first):
        move(superuser, made, start)
    planned = [r for r in outbox(superuser, made) if r["state"] == "planned" and r["kind"] == "reminder"]
    assert sorted((r["channel"], r["starts_at"]) for r in planned) == [("email", first), ("sms", first)]
    make_due(superuser, made)
    assert sorted(e["channel"] for e in leased(superuser)) == ["email", "sms"]


def test_each_channel_hears_of_a_booking_first_and_then_of_moves(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    rules(superuser, riverside, "booked email", "booked sms", "moved email", "moved sms")
    made = visit(superuser, riverside, mia, riverside.at("09:00"))
    delivered(superuser, "email")
    move(superuser, made, riverside.at("10:00"))
    assert states(superuser, made) == [
        "booked email sent", "booked sms planned", "booked sms skipped moved", "moved email planned",
    ]  # fmt: skip


def test_who_was_told_of_a_booking_is_told_of_each_move_until_it_is_past(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia, riverside.at("09:00"))
    delivered(superuser)
    for clock in ("10:00", "11:00"):
        move(superuser, made, riverside.at(clock))
    assert [row["kind"] for row in outbox(superuser, made, state="planned", channel="email")].count(
        "moved"
    ) == 1
    move(superuser, made, datetime.now(UTC) - HOUR)
    assert not outbox(superuser, made, state="planned")


def test_another_dentist_is_a_move_and_a_longer_visit_is_none(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia, riverside.at("09:00"))
    delivered(superuser)
    set_visit(superuser, made, ends_at=riverside.at("09:45"), notes="Longer")
    assert "moved email planned" not in states(superuser, made)
    set_visit(superuser, made, dentist_id=riverside.other)
    assert "moved email planned" in states(superuser, made)


def test_a_cancellation_skips_all_and_says_so_once(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    delivered(superuser)
    cancel(superuser, made)
    cancel(superuser, made)
    assert states(superuser, made) == [
        "booked email sent", "cancelled email planned", "reminder email skipped cancelled",
        "reminder sms skipped cancelled",
    ]  # fmt: skip


def test_who_was_not_told_of_a_booking_is_not_told_of_its_end(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    rules(superuser, riverside, "booked email", "booked sms", "cancelled email", "cancelled sms")
    made = visit(superuser, riverside, mia)
    assert delivered(superuser, "email")
    cancel(superuser, made)
    assert [e["channel"] for e in leased(superuser)] == ["email"]


def test_who_was_perhaps_told_of_a_booking_is_told_of_its_move_and_its_end(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    rules(superuser, riverside, "booked sms", "moved sms", "cancelled sms")
    made, other = (visit(superuser, riverside, mia, riverside.at(clock)) for clock in ("09:00", "11:00"))
    leased(superuser)
    run_out(superuser)
    for envelope in leased(superuser, repeatable=("sms",)):
        assert settle(superuser, envelope, "retry"), "the first attempt may have arrived all the same"
    move(superuser, made, riverside.at("10:00"))
    cancel(superuser, other)
    assert states(superuser, made) == ["booked sms unknown", "moved sms planned"]
    assert states(superuser, other) == ["booked sms unknown", "cancelled sms planned"]


def test_a_past_visit_that_is_cancelled_is_not_spoken_of(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia, timedelta(hours=-1))
    cancel(superuser, made)
    assert not outbox(superuser, made)
    set_visit(superuser, made, status="booked", cancelled_at=None)
    assert not outbox(superuser, made), "nor that it was not cancelled after all"


def test_a_visit_that_is_booked_again_is_planned_again(
    superuser: Connection, desk: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia, riverside.at("09:00"))
    assert delivered(superuser), "who was not told of the booking is not told of its end"
    for status in ("cancelled", "booked"):
        call(desk, "set_appointment_status", appointment_id=made, status=status)
    planned = [row for row in states(superuser, made) if "planned" in row]
    assert planned.count("booked email planned") == 1
    assert planned.count("reminder sms planned") == 1
    assert {e["kind"] for e in leased(superuser)} == {"booked"}, "the cancellation is not true any more"
    assert "cancelled email skipped replaced" in states(superuser, made)


@pytest.mark.parametrize("status", ["checked_in", "no_show"])
def test_who_is_there_or_did_not_come_is_not_reminded(
    superuser: Connection, riverside: Clinic, mia: UUID, status: str
) -> None:
    made = visit(superuser, riverside, mia)
    delivered(superuser)
    set_visit(superuser, made, status="checked_in")
    if status == "no_show":
        set_visit(superuser, made, status="booked")
        set_visit(superuser, made, status=status)
    make_due(superuser, made)
    assert not leased(superuser)
    assert [s for s in states(superuser, made) if "reminder" in s] == [
        "reminder email skipped over", "reminder sms skipped over",
    ]  # fmt: skip


def test_a_deleted_visit_is_not_spoken_of(superuser: Connection, riverside: Clinic, mia: UUID) -> None:
    made = visit(superuser, riverside, mia)
    superuser.execute("delete from clinic.appointments where id = %s", [made])
    assert {row["reason"] for row in outbox(superuser, made)} == {"gone"}


# What is true when it is leased


UNTRUE = {
    "cancelled": "update clinic.appointments set status = 'cancelled', cancelled_at = now() where id = %s",
    "moved": "update clinic.appointments set starts_at = starts_at + interval '1 minute' where id = %s",
    "over": "update clinic.appointments set status = 'fulfilled' where id = %s",
    "gone": "delete from clinic.appointments where id = %s",
}


def test_what_raw_sql_made_untrue_behind_all_triggers_is_not_sent(
    superuser: Connection, riverside: Clinic
) -> None:
    for number, (reason, change) in enumerate(UNTRUE.items()):
        made = visit(superuser, riverside, patient(superuser, riverside), timedelta(days=20, hours=number))
        superuser.execute("set session_replication_role = replica")
        superuser.execute(change.encode(), [made])
        superuser.execute("reset session_replication_role")
        make_due(superuser, made)
        assert not leased(superuser)
        assert {row["reason"] for row in outbox(superuser, made)} == {reason}


def test_what_is_told_of_a_visit_goes_to_whose_it_is_now(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    heir = patient(superuser, riverside, email="heir@mail.test")
    set_visit(superuser, made, patient_id=heir)
    (envelope,) = leased(superuser)
    assert envelope["address"] == "heir@mail.test"


def test_a_visit_that_has_begun_and_news_of_yesterday_are_not_told(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    make_due(superuser, made, "25 hours", kind="booked")
    assert not leased(superuser)
    assert "booked email skipped late" in states(superuser, made)
    superuser.execute(
        "update clinic.messages set starts_at = now() - interval '1 second', due_at = now(), next_at = now()"
        " where state = 'planned'"
    )
    superuser.execute("set session_replication_role = replica")
    superuser.execute("update clinic.appointments set starts_at = (select max(starts_at) from clinic.messages"
                      " where state = 'planned') where id = %s", [made])  # fmt: skip
    superuser.execute("reset session_replication_role")
    assert not leased(superuser)
    assert "reminder sms skipped over" in states(superuser, made)


def test_of_several_reminders_that_are_due_the_closest_says_it_all(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    leads = ("2 days", "1 day", "23 hours", "2 hours")
    rules(superuser, riverside, *(f"reminder sms {lead}" for lead in leads), "reminder email 2 days")
    made = visit(superuser, riverside, mia, 20 * HOUR)
    assert len(leased(superuser)) == 2
    rows = {(r["channel"], r["starts_at"] - r["due_at"]): r for r in outbox(superuser, made)}
    sms = {lead: (row["state"], row["reason"]) for (channel, lead), row in rows.items() if channel == "sms"}
    assert sms == {
        48 * HOUR: ("skipped", "superseded"),
        24 * HOUR: ("skipped", "superseded"),
        23 * HOUR: ("leased", None),
        2 * HOUR: ("planned", None),
    }
    assert rows["email", 48 * HOUR]["state"] == "leased", "each channel by itself"


def test_who_was_just_told_when_to_come_is_not_reminded_of_it(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    rules(
        superuser, riverside, "booked email", "moved email", "reminder email 2 days", "reminder email 2 hours"
    )
    made = visit(superuser, riverside, mia, 20 * HOUR)
    assert [e["kind"] for e in delivered(superuser)] == ["booked"]
    move(superuser, made, datetime.now(UTC) + 21 * HOUR)
    assert [e["kind"] for e in delivered(superuser)] == ["moved"]
    assert sorted(s for s in states(superuser, made) if "reminder" in s) == [
        "reminder email planned", "reminder email skipped moved", "reminder email skipped superseded",
        "reminder email skipped superseded",
    ]  # fmt: skip


def test_only_what_was_sent_supersedes(superuser: Connection, riverside: Clinic, mia: UUID) -> None:
    rules(superuser, riverside, "booked email", "reminder email 2 days")
    made = visit(superuser, riverside, mia, 20 * HOUR)
    superuser.execute("update clinic.messages set state = 'failed', next_at = null where kind = 'booked'")
    assert [e["kind"] for e in leased(superuser)] == ["reminder"]
    assert states(superuser, made) == ["booked email failed", "reminder email leased"]


# Whom it reaches


def address(superuser: Connection, person: UUID, clinic: Clinic, channel: str) -> str | None:
    query = "select (clinic.recipient(%s, %s, %s)).address"
    found: str | None = value(superuser, query, person, clinic.id, channel)
    return found


@pytest.mark.parametrize("channel", ["email", "sms"])
def test_the_record_comes_before_its_login_and_that_before_who_acts_for_it(
    superuser: Connection, riverside: Clinic, channel: str
) -> None:
    column = {"email": "email", "sms": "phone"}[channel]
    said = {
        "own": {"email": "own@mail.test", "sms": "+12125567001"}[channel],
        "login": {"email": "login@mail.test", "sms": "+12125567002"}[channel],
        "guardian": {"email": "guardian@mail.test", "sms": "+12125567003"}[channel],
    }
    login, guardian = make_user(superuser), make_user(superuser)
    person = patient(superuser, riverside, user_id=login, **{column: said["own"]})
    insert(superuser, "guardians", clinic_id=riverside.id, patient_id=person, user_id=guardian)
    for user, name in ((login, "login"), (guardian, "guardian")):
        superuser.execute(
            f"update clinic.profiles set {column} = %s where user_id = %s",
            [said[name], user],  # type: ignore[arg-type]
        )
    assert address(superuser, person, riverside, channel) == said["own"]
    superuser.execute(f"update clinic.patients set {column} = null where id = %s", [person])  # type: ignore[arg-type]
    assert address(superuser, person, riverside, channel) == said["login"]
    superuser.execute("update clinic.patients set user_id = null where id = %s", [person])
    assert address(superuser, person, riverside, channel) == said["guardian"]
    superuser.execute("update clinic.guardians set until = current_date - 1 where patient_id = %s", [person])
    assert address(superuser, person, riverside, channel) is None, "who does not act for them any more"


def test_who_cannot_or_will_not_be_reached_is_left_alone(superuser: Connection, riverside: Clinic) -> None:
    rules(superuser, riverside, "booked email", "booked sms")
    for number, (row, reason) in enumerate(
        [
            ({"email": None, "phone": None}, "no_contact"),
            ({"email": "nobody", "phone": "12"}, "no_contact"),
            ({"muted_channels": ["email", "sms"]}, "opted_out"),
        ]
    ):
        person = patient(superuser, riverside, **row)
        made = visit(superuser, riverside, person, timedelta(days=20, hours=number))
        assert not leased(superuser)
        assert [row["reason"] for row in outbox(superuser, made)] == [reason] * 2


def test_stop_holds_for_an_address_at_one_clinic_and_one_channel(
    superuser: Connection, riverside: Clinic, sakura: Clinic, mia: UUID
) -> None:
    superuser.execute("update clinic.patients set phone = '(212) 555-7001' where id = %s", [mia])
    superuser.execute(
        "select clinic.stop_messages(%s, 'sms', '+12125557001')",
        [riverside.id],
    )
    twin = patient(superuser, sakura, phone="+1 212 555 7001")
    rules(superuser, riverside, "booked sms", "booked email")
    rules(superuser, sakura, "booked sms")
    visit(superuser, riverside, mia)
    visit(superuser, sakura, twin, dentist_id=sakura.lee)
    assert sorted((e["clinic_id"] == riverside.id, e["channel"]) for e in leased(superuser)) == [
        (False, "sms"), (True, "email"),
    ]  # fmt: skip


def test_it_is_written_in_the_language_of_who_reads_it(superuser: Connection, riverside: Clinic) -> None:
    for number, (own, login, clinic, expected) in enumerate(
        [
            ("ja", "fr", "de", "ja"),
            ("pt-BR", "fr-CA", "de", "fr"),
            (None, None, "de-AT", "de"),
            (None, "AR", "pt", "ar"),
            (None, None, "pt", "en"),
        ]
    ):
        user = make_user(superuser)
        superuser.execute("update clinic.profiles set locale = %s where user_id = %s", [login, user])
        superuser.execute("update clinic.clinics set locale = %s where id = %s", [clinic, riverside.id])
        person = patient(superuser, riverside, user_id=user, locale=own)
        visit(superuser, riverside, person, timedelta(days=20, hours=number))
        (envelope,) = leased(superuser)
        assert (envelope["locale"], envelope["is_rtl"]) == (expected, expected == "ar")


def test_an_envelope_has_all_that_a_sender_needs(superuser: Connection, riverside: Clinic, mia: UUID) -> None:
    made = visit(superuser, riverside, mia, riverside.at("14:30"))
    (envelope,) = leased(superuser)
    assert len(token_of(envelope)) == 22
    assert envelope["link"] in envelope["body"]
    assert "{" not in envelope["body"] + envelope["subject"]
    calendar = envelope["calendar"]
    assert (calendar["uid"], calendar["sequence"], calendar["method"]) == (str(made), 1, "REQUEST")
    assert settle(superuser, envelope)
    cancel(superuser, made)
    (gone,) = leased(superuser)
    assert (gone["calendar"]["sequence"], gone["calendar"]["method"]) == (2, "CANCEL")
    assert token_of(gone) != token_of(envelope)
    stored = superuser.execute(
        "select m::text || l::text as t from clinic.messages m, clinic.message_links l"
    ).fetchall()
    assert not [row for row in stored if token_of(envelope) in row["t"] or token_of(gone) in row["t"]]


def test_a_name_is_no_template_and_no_second_line(superuser: Connection, riverside: Clinic) -> None:
    insert(
        superuser, "message_templates", clinic_id=riverside.id, kind="booked", channel="email", locale="en",
        subject="For {patient}, {clinic_address}", body="{patient}: {{date}}",
    )  # fmt: skip
    superuser.execute("update clinic.clinics set address = e'1 River Street\\nNew York'")
    visit(superuser, riverside, patient(superuser, riverside, full_name="Eve {clinic_phone} {{link}}"))
    (envelope,) = leased(superuser)
    assert envelope["subject"] == "For Eve {clinic_phone} {{link}}, 1 River Street New York"
    assert envelope["body"] == "Eve {clinic_phone} {{link}}: {date}"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("See https://evil.example/x now", "See https evil example x now"),
        ("write me@evil.example", "write me evil example"),
        ("Dr. J. R. O'Neil-Smith, Jr.", "Dr. J. R. O'Neil-Smith, Jr."),
    ],
)
def test_a_name_is_no_link(superuser: Connection, riverside: Clinic, name: str, said: str) -> None:
    rules(superuser, riverside, "booked sms")
    visit(superuser, riverside, patient(superuser, riverside, full_name=name))
    (envelope,) = leased(superuser)
    assert said in envelope["body"]
    assert "evil." not in envelope["body"]


def test_two_records_that_are_merged_keep_what_was_planned_and_its_links(
    superuser: Connection, admin: Connection, desk: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia)
    delivered(superuser)
    keep = record(desk, riverside, "Mia Mail", email="kept@mail.test")["id"]
    call(admin, "merge_patients", keep_id=keep, merge_id=mia)
    assert {row["patient_id"] for row in outbox(superuser, made)} == {keep}
    assert superuser.execute("select from clinic.message_links where patient_id = %s", [keep]).rowcount == 1
    make_due(superuser, made)
    superuser.execute(
        "update clinic.messages set due_at = due_at + interval '1 second' where channel = 'sms'"
    )
    move(superuser, made, riverside.at("10:00"))
    assert [e["address"] for e in leased(superuser, "email")] == ["kept@mail.test"]
