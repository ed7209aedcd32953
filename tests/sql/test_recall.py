"""Recall: who is due follows from visits, and who has a visit ahead is not asked."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from tests.support.actors import Actors, Connection, Row, call, value
from tests.support.build import insert
from tests.support.clinics import Clinic
from tests.support.messages import (
    delivered,
    leased,
    never_quiet,
    outbox,
    patient,
    rules,
    run_out,
    token_of,
    visit,
)
from tests.support.people import heard, record, saying
from tests.support.races import race
from tests.support.refusals import refused
from tests.support.slots import book

DAY = timedelta(days=1)
NIL = UUID(int=0)


@pytest.fixture(autouse=True)
def _by_email(superuser: Connection, riverside: Clinic) -> None:
    never_quiet(superuser)
    rules(superuser, riverside, "recall email")


@pytest.fixture
def checkup(superuser: Connection, riverside: Clinic) -> UUID:
    """The seed's recall: a check-up twice a year."""
    row = superuser.execute(
        "select id from clinic.recall_types where clinic_id = %s", [riverside.id]
    ).fetchone()
    assert row is not None
    identifier: UUID = row["id"]
    return identifier


def seen(superuser: Connection, clinic: Clinic, who: UUID, ago: timedelta, **more: Any) -> UUID:
    """Record a visit that has been, by raw SQL."""
    return visit(superuser, clinic, who, -ago, status="fulfilled", **more)


def due_again(superuser: Connection, who: UUID) -> dict[str, Any] | None:
    return superuser.execute("select * from clinic.recalls where patient_id = %s", [who]).fetchone()


def half_a_year_after(superuser: Connection, appointment: UUID) -> date:
    row = superuser.execute(
        "select ((a.starts_at at time zone c.time_zone)::date + interval '6 months')::date as day"
        " from clinic.appointments as a join clinic.clinics as c on c.id = a.clinic_id where a.id = %s",
        [appointment],
    ).fetchone()
    assert row is not None
    day: date = row["day"]
    return day


def ask(superuser: Connection) -> int:
    """Run the job's batch once."""
    row = superuser.execute("select clinic.ask_recalls() as n").fetchone()
    assert row is not None
    number: int = row["n"]
    return number


def look_again(superuser: Connection, later: timedelta = timedelta()) -> None:
    """Let it be so much later for who was asked, or put off."""
    superuser.execute(
        "update clinic.recalls set last_asked_at = last_asked_at - %(later)s, look_at = look_at - %(later)s",
        {"later": later},
    )


def due(desk: Connection, clinic: Clinic, until: date | None = None) -> list[Row]:
    rows: list[Row] = call(desk, "due_recalls", clinic_id=clinic.id, until=until)
    return rows


def asked(superuser: Connection, who: UUID) -> list[str]:
    """Return the states of the messages by which somebody was asked."""
    return [
        " ".join(filter(None, (m["channel"], m["state"], m["reason"])))
        for m in outbox(superuser, patient_id=who, kind="recall")
    ]


# Due dates


def test_a_visit_that_was_done_says_when_its_patient_is_due_and_undone_it_does_not(
    desk: Connection, superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    made = visit(superuser, riverside, mia, -timedelta(hours=1))
    assert due_again(superuser, mia) is None
    for status in ("checked_in", "fulfilled"):
        call(desk, "set_appointment_status", appointment_id=made, status=status)
    recall = due_again(superuser, mia)
    assert recall is not None
    assert recall["due_on"] == half_a_year_after(superuser, made)
    call(desk, "set_appointment_status", appointment_id=made, status="checked_in")
    assert due_again(superuser, mia) is None


def test_the_last_visit_counts_in_whatever_order_they_are_written_down(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    late = seen(superuser, riverside, mia, 30 * DAY)
    seen(superuser, riverside, mia, 400 * DAY)
    seen(superuser, riverside, mia, 3 * DAY, appointment_type_id=riverside.root_canal)
    visit(superuser, riverside, mia, -2 * DAY, status="no_show")
    recall = due_again(superuser, mia)
    assert recall is not None
    assert recall["due_on"] == half_a_year_after(superuser, late)
    superuser.execute("update clinic.appointments set status = 'checked_in' where id = %s", [late])
    assert due_again(superuser, mia)["due_on"] < recall["due_on"]  # type: ignore[index]


def test_the_day_is_the_clinics(superuser: Connection, sakura: Clinic, riverside: Clinic) -> None:
    who = patient(superuser, sakura)
    insert(
        superuser, "recall_types", clinic_id=sakura.id, name="Check-up", after_type_ids=[sakura.checkup],
        every="1 month", book_type_id=sakura.checkup,
    )  # fmt: skip
    night = datetime.combine(sakura.today() - 9 * DAY, datetime.min.time(), sakura.zone) + timedelta(
        minutes=5
    )
    visit(superuser, sakura, who, night, status="fulfilled")
    recall = due_again(superuser, who)
    assert recall is not None
    assert recall["last_visit_on"] == sakura.today() - 9 * DAY


def test_what_the_desk_sets_holds_until_the_next_visit(
    desk: Connection, superuser: Connection, riverside: Clinic, mia: UUID, checkup: UUID
) -> None:
    seen(superuser, riverside, mia, 30 * DAY)
    day = riverside.today() + 40 * DAY
    row = call(desk, "set_recall", patient_id=mia, recall_type_id=checkup, due_on=day)
    assert (row["due_on"], row["is_by_hand"], row["paused_until"]) == (day, True, None)
    seen(superuser, riverside, mia, 300 * DAY)
    assert due_again(superuser, mia)["due_on"] == day  # type: ignore[index]
    newest = seen(superuser, riverside, mia, DAY)
    assert due_again(superuser, mia)["due_on"] == half_a_year_after(superuser, newest)  # type: ignore[index]


def test_the_desk_says_who_is_due_and_who_is_not_asked_for_a_while(
    desk: Connection, superuser: Connection, riverside: Clinic, mia: UUID, checkup: UUID
) -> None:
    row = call(desk, "set_recall", patient_id=mia, recall_type_id=checkup)
    assert row["due_on"] == riverside.today()
    until = riverside.today() + 30 * DAY
    for _ in range(2):
        row = call(desk, "set_recall", patient_id=mia, recall_type_id=checkup, paused_until=until)
        assert (row["due_on"], row["paused_until"]) == (riverside.today(), until)
    assert due(desk, riverside) == []
    assert [r["patient_id"] for r in due(desk, riverside, until)] == [mia]
    assert ask(superuser) == 0
    row = call(desk, "set_recall", patient_id=mia, recall_type_id=checkup, paused_until=None)
    assert row["paused_until"] is None
    assert ask(superuser) == 1
    topic = f"clinic:{riverside.id}"
    told = [event for event in heard(desk, topic=topic) if event["event"] == "recall_changed"]
    assert [event["patient_id"] for event in told] == [str(mia)] * 4
    log = superuser.execute(
        "select after from clinic.audit_log where entity = 'recalls' and entity_id = %s order by id", [mia]
    ).fetchall()
    assert [entry["after"]["paused_until"] for entry in log if "paused_until" in entry["after"]] == [
        until.isoformat(),
        None,
    ]


def test_strangers_set_and_see_nothing(
    ana: Connection, lee: Connection, foreign_desk: Connection, superuser: Connection, riverside: Clinic,
    mia: UUID, checkup: UUID,
) -> None:  # fmt: skip
    for caller, code in ((ana, "not_found"), (lee, "forbidden"), (foreign_desk, "not_found")):
        with refused(code):
            call(caller, "set_recall", patient_id=mia, recall_type_id=checkup)
        with refused(code):
            due(caller, riverside)
    seen(superuser, riverside, mia, 300 * DAY)
    for caller in (ana, lee, foreign_desk):
        assert caller.execute("select from api.recalls").rowcount == 0


def test_one_sees_when_one_is_due_oneself(ana: Connection, superuser: Connection, riverside: Clinic) -> None:
    mine = book(ana, riverside, riverside.at("09:00"))["patient_id"]
    seen(superuser, riverside, mine, 30 * DAY)
    (row,) = ana.execute("select * from api.recalls").fetchall()
    assert row["patient_id"] == mine
    assert ana.execute("select name from api.recall_types").fetchall() == [{"name": "Check-up"}]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"due_on": "soon"}, "invalid_argument"), ({"paused_until": "2026-02-30"}, "invalid_argument"),
        ({"recall_type_id": NIL}, "not_found"), ({"recall_type_id": None}, "invalid_argument"),
        ({"patient_id": NIL}, "not_found"), ({"patient_id": None}, "invalid_argument"),
    ],
)  # fmt: skip
def test_what_says_nothing_of_anybody_is_refused(
    desk: Connection, mia: UUID, checkup: UUID, more: Row, code: str
) -> None:
    with refused(code):
        call(desk, "set_recall", **({"patient_id": mia, "recall_type_id": checkup} | more))


# The list to call


def test_the_list_says_whom_to_call_the_longest_due_first(
    desk: Connection, superuser: Connection, riverside: Clinic, mia: UUID, checkup: UUID
) -> None:
    seen(superuser, riverside, mia, 200 * DAY)
    older = patient(superuser, riverside, full_name="Old Ed")
    seen(superuser, riverside, older, 500 * DAY)
    fresh = patient(superuser, riverside)
    seen(superuser, riverside, fresh, 20 * DAY)
    rows = due(desk, riverside)
    assert [row["patient_name"] for row in rows] == ["Old Ed", "Mia Mail"]
    row = rows[1]
    assert (row["recall_type"], row["recall_type_id"], row["appointment_type_id"]) == (
        "Check-up", checkup, riverside.checkup,
    )  # fmt: skip
    assert row["phone"].startswith("+1 212 556")
    assert (row["asked"], row["link"]) == (0, f"/desk/riverside/patients/{mia}")
    assert {row["patient_id"] for row in due(desk, riverside, riverside.today() + 200 * DAY)} == {
        mia,
        older,
        fresh,
    }
    with refused("invalid_argument"):
        call(desk, "due_recalls", clinic_id=riverside.id, until="soon")


def test_a_child_is_called_at_who_acts_for_it(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic, checkup: UUID
) -> None:
    call(ana, "update_me", phone="+1 212 555 0177")
    kit = call(ana, "add_dependant", clinic_id=riverside.id, full_name="Kit", birth_date="2020-02-29")["id"]
    call(desk, "set_recall", patient_id=kit, recall_type_id=checkup)
    (row,) = due(desk, riverside)
    assert row["phone"] == "+12125550177"


@pytest.mark.parametrize("meets", ["booked", "checked_in"])
def test_any_visit_of_the_type_ahead_meets_it_by_whatever_path(
    desk: Connection, superuser: Connection, riverside: Clinic, mia: UUID, meets: str
) -> None:
    seen(superuser, riverside, mia, 300 * DAY)
    at = timedelta(minutes=-20) if meets == "checked_in" else 20 * DAY
    made = visit(superuser, riverside, mia, at, status=meets)
    assert due(desk, riverside) == []
    ask(superuser)
    assert asked(superuser, mia) == []
    call(desk, "cancel_appointment", appointment_id=made)
    assert [row["patient_id"] for row in due(desk, riverside)] == [mia]
    look_again(superuser, 2 * DAY)
    ask(superuser)
    assert asked(superuser, mia) == ["email planned"]


def test_another_type_of_visit_does_not_meet_it(
    desk: Connection, superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    seen(superuser, riverside, mia, 300 * DAY)
    visit(superuser, riverside, mia, 20 * DAY, appointment_type_id=riverside.root_canal)
    visit(superuser, riverside, mia, -2 * DAY)  # nobody said whether they came
    assert len(due(desk, riverside)) == 1


# Asking


def test_who_is_due_is_asked_in_steps_and_then_no_more(
    desk: Connection, superuser: Connection, riverside: Clinic, mia: UUID, checkup: UUID
) -> None:
    seen(superuser, riverside, mia, 300 * DAY)
    for times, later in enumerate((timedelta(), 14 * DAY, 30 * DAY), 1):
        look_again(superuser, later - timedelta(hours=1))
        if times > 1:
            assert ask(superuser) == 0, "not before its time"
        look_again(superuser, timedelta(hours=1))
        assert ask(superuser) == 1
        (envelope,) = delivered(superuser)
        assert (envelope["kind"], envelope["link"].count("/a/")) == ("recall", 1)
        assert "Check-up" in envelope["body"]
        assert envelope["link"] in envelope["body"]
        (row,) = due(desk, riverside)
        assert row["asked"] == times
        assert row["last_asked_at"]
    look_again(superuser, 400 * DAY)
    assert ask(superuser) == 0
    # Nor after a pause.
    yesterday = riverside.today() - DAY
    call(desk, "set_recall", patient_id=mia, recall_type_id=checkup, paused_until=yesterday)
    assert ask(superuser) == 0
    assert asked(superuser, mia) == ["email sent"] * 3


def test_nobody_is_asked_long_before(superuser: Connection, riverside: Clinic, mia: UUID) -> None:
    made = seen(superuser, riverside, mia, 30 * DAY)
    recall = due_again(superuser, mia)
    assert recall is not None
    asks_on = half_a_year_after(superuser, made) - 14 * DAY
    assert recall["look_at"] == datetime.combine(asks_on, datetime.min.time(), riverside.zone)
    assert ask(superuser) == 0


def test_who_cannot_be_reached_stays_on_the_list_and_was_not_asked(
    desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    for row in ({"email": None, "phone": None}, {"muted_channels": ["email"]}):
        seen(superuser, riverside, patient(superuser, riverside, **row), 300 * DAY)
    assert ask(superuser) == 2
    assert ask(superuser) == 0, "tomorrow again"
    assert outbox(superuser, kind="recall") == []
    assert [row["asked"] for row in due(desk, riverside)] == [0, 0]
    superuser.execute("update clinic.patients set email = 'now@mail.test', muted_channels = '{}'")
    look_again(superuser, 2 * DAY)
    assert ask(superuser) == 2
    assert [row["asked"] for row in due(desk, riverside)] == [1, 1]


def test_a_clinic_without_a_rule_asks_nobody_and_one_with_two_by_both_channels(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    seen(superuser, riverside, mia, 300 * DAY)
    rules(superuser, riverside, "reminder email 1 day")
    ask(superuser)
    assert asked(superuser, mia) == []
    rules(superuser, riverside, "recall email", "recall sms")
    look_again(superuser, 2 * DAY)
    ask(superuser)
    assert asked(superuser, mia) == ["email planned", "sms planned"]
    assert due_again(superuser, mia)["asked"] == 1  # type: ignore[index]


@pytest.mark.parametrize(
    ("why", "change"),
    [
        ("met", "book"), ("met", "done"), ("paused", "pause"), ("gone", "type"), ("opted_out", "mute"),
        ("late", "late"),
    ],
)  # fmt: skip
def test_what_is_not_true_any_more_is_not_sent(
    superuser: Connection,
    desk: Connection,
    riverside: Clinic,
    mia: UUID,
    checkup: UUID,
    why: str,
    change: str,
) -> None:
    seen(superuser, riverside, mia, 300 * DAY)
    ask(superuser)
    if change == "book":
        visit(superuser, riverside, mia)
    elif change == "done":
        seen(superuser, riverside, mia, timedelta(hours=2))
    elif change == "pause":
        until = riverside.today() + 9 * DAY
        call(desk, "set_recall", patient_id=mia, recall_type_id=checkup, paused_until=until)
    elif change == "type":
        superuser.execute("update clinic.recall_types set is_active = false")
    elif change == "mute":
        superuser.execute("update clinic.patients set muted_channels = '{email}' where id = %s", [mia])
    else:
        superuser.execute("update clinic.messages set due_at = due_at - interval '2 days'")
    assert leased(superuser) == []
    assert asked(superuser, mia) == [f"email skipped {why}"]


def test_a_pause_ends_by_the_clinics_calendar(superuser: Connection, riverside: Clinic, mia: UUID) -> None:
    """At every hour one of these has another date than the server."""
    seen(superuser, riverside, mia, 300 * DAY)
    ask(superuser)
    why = (
        "select clinic.why_no_recall(m, row('mia@made.test', 'en', false)::clinic.recipient, now())"
        " from clinic.messages as m where m.kind = 'recall'"
    )
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        superuser.execute("update clinic.clinics set time_zone = %s where id = %s", [zone, riverside.id])
        today = datetime.now(ZoneInfo(zone)).date()
        for until, reason in ((today, None), (today + DAY, "paused")):
            superuser.execute("update clinic.recalls set paused_until = %s", [until])
            assert value(superuser, why) == reason, zone


def test_at_night_it_waits_for_the_morning(superuser: Connection, riverside: Clinic, mia: UUID) -> None:
    seen(superuser, riverside, mia, 300 * DAY)
    now = datetime.now(riverside.zone)
    superuser.execute(
        "update clinic.clinics set quiet_from = %s, quiet_until = %s",
        [(now - timedelta(hours=1)).time(), (now + timedelta(hours=1)).time()],
    )
    ask(superuser)
    assert leased(superuser) == []
    assert asked(superuser, mia) == ["email planned"]
    never_quiet(superuser)
    run_out(superuser)
    assert len(leased(superuser)) == 1


def test_nobody_is_asked_to_book_what_nobody_does(
    superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    seen(superuser, riverside, mia, 300 * DAY)
    superuser.execute(
        "update clinic.appointment_types set is_active = false where id = %s", [riverside.checkup]
    )
    ask(superuser)
    assert asked(superuser, mia) == []


def test_two_jobs_at_once_ask_once(actors: Actors, superuser: Connection, riverside: Clinic) -> None:
    people = [patient(superuser, riverside) for _ in range(12)]
    for who in people:
        seen(superuser, riverside, who, 300 * DAY)
    workers = [actors.superuser() for _ in range(3)]
    race([partial(ask, worker) for worker in workers])
    assert sorted(row["patient_id"] for row in outbox(superuser, kind="recall")) == sorted(people)


# What patients come back for


def kinds(admin: Connection, clinic: Clinic, *wanted: Row) -> list[Row]:
    rows: list[Row] = call(admin, "set_recall_types", clinic_id=clinic.id, recall_types=list(wanted))
    return rows


def test_types_are_replaced_by_name_and_due_dates_follow_at_once(
    admin: Connection, desk: Connection, superuser: Connection, riverside: Clinic, mia: UUID, checkup: UUID
) -> None:
    made = seen(superuser, riverside, mia, 300 * DAY)
    seen(superuser, riverside, mia, 40 * DAY, appointment_type_id=riverside.root_canal)
    yearly = {"name": "Check-up", "after_type_ids": [str(riverside.checkup)], "every": "1 year"}
    look = {
        "name": "Look at the root", "after_type_ids": [str(riverside.root_canal)], "every": "3 weeks",
        "book_type_id": str(riverside.checkup), "ask_before": "2 days", "steps": ["1 week"],
    }  # fmt: skip
    rows = kinds(admin, riverside, yearly, look)
    assert [(row["name"], row["is_reckoned"]) for row in rows] == [
        ("Check-up", True),
        ("Look at the root", True),
    ]
    assert rows[0]["id"] == checkup
    assert (rows[1]["book_type_id"], rows[1]["steps"]) == (riverside.checkup, [timedelta(weeks=1)])
    assert [row["recall_type"] for row in due(desk, riverside)] == ["Look at the root"]
    day = superuser.execute(
        "select due_on - last_visit_on as days from clinic.recalls where recall_type_id = %s", [checkup]
    ).fetchone()
    assert day is not None
    assert day["days"] in (365, 366)
    assert kinds(admin, riverside) == []
    assert due(desk, riverside) == []
    assert ask(superuser) == 0
    kinds(admin, riverside, yearly | {"every": "6 months"})
    assert [row["due_on"] for row in due(desk, riverside)] == [half_a_year_after(superuser, made)]


def test_what_the_desk_set_outlives_a_change_of_the_type(
    admin: Connection, desk: Connection, superuser: Connection, riverside: Clinic, mia: UUID, checkup: UUID
) -> None:
    seen(superuser, riverside, mia, 30 * DAY)
    day = riverside.today() + 3 * DAY
    call(desk, "set_recall", patient_id=mia, recall_type_id=checkup, due_on=day)
    kinds(
        admin, riverside, {"name": "Check-up", "after_type_ids": [str(riverside.checkup)], "every": "1 year"}
    )
    assert due_again(superuser, mia)["due_on"] == day  # type: ignore[index]


def test_a_large_clinics_due_dates_are_reckoned_by_the_job_batch_by_batch(
    admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    people = [patient(superuser, riverside) for _ in range(9)]
    superuser.execute("update clinic.recall_types set is_active = false")
    for who in people:
        seen(superuser, riverside, who, 300 * DAY)
    superuser.execute("update clinic.recall_types set is_active = true, reckoned_to = %s", [NIL])
    done, batches = 4, 0
    while done == 4:
        row = superuser.execute("select clinic.reckon_batch(4) as n").fetchone()
        assert row is not None
        done, batches = row["n"], batches + 1
    everybody = superuser.execute("select from clinic.patients where clinic_id = %s", [riverside.id]).rowcount
    assert batches == everybody // 4 + 1
    assert superuser.execute("select from clinic.recalls").rowcount == 9
    assert admin.execute("select is_reckoned from api.recall_types").fetchall() == [{"is_reckoned": True}]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"every": "1 day"}, "invalid_argument"), ({"every": "20 years"}, "invalid_argument"),
        ({"every": "6 months 1 hour"}, "invalid_argument"), ({"every": "twice"}, "invalid_argument"),
        ({"every": "1 month -20 days"}, "invalid_argument"),
        ({"every": None}, "invalid_argument"), ({"name": " "}, "invalid_argument"),
        ({"after_type_ids": []}, "invalid_argument"), ({"after_type_ids": "all"}, "invalid_argument"),
        ({"after_type_ids": ["x"]}, "invalid_argument"), ({"after_type_ids": [str(NIL)]}, "not_found"),
        ({"book_type_id": 7}, "invalid_argument"), ({"book_type_id": str(NIL)}, "not_found"),
        ({"ask_before": "-1 day"}, "invalid_argument"), ({"steps": "1 week"}, "invalid_argument"),
        ({"steps": ["1 hour"]}, "invalid_argument"), ({"steps": [None]}, "invalid_argument"),
        ({"steps": ["1 week"] * 6}, "invalid_argument"), ({"colour": "red"}, "invalid_argument"),
    ],
)  # fmt: skip
def test_a_type_that_is_none_is_refused_and_nothing_changes(
    admin: Connection, superuser: Connection, riverside: Clinic, change: Row, code: str
) -> None:
    sound = {"name": "Sound", "after_type_ids": [str(riverside.checkup)], "every": "6 months"}
    before = superuser.execute("select * from clinic.recall_types").fetchall()
    with refused(code):
        kinds(admin, riverside, sound, sound | {"name": "Other"} | change)
    with refused("invalid_argument"):
        kinds(admin, riverside, sound, sound)
    assert superuser.execute("select * from clinic.recall_types").fetchall() == before


def test_only_admins_say_what_patients_come_back_for(
    desk: Connection, foreign_admin: Connection, riverside: Clinic
) -> None:
    for caller, code in ((desk, "forbidden"), (foreign_admin, "not_found")):
        with refused(code):
            kinds(caller, riverside)


# People


def test_a_merged_record_is_due_as_both_were(
    admin: Connection, desk: Connection, superuser: Connection, riverside: Clinic, mia: UUID, checkup: UUID
) -> None:
    other = patient(superuser, riverside, full_name="Mia Twice")
    seen(superuser, riverside, mia, 500 * DAY)
    late = seen(superuser, riverside, other, 300 * DAY)
    until = riverside.today() + 3 * DAY
    call(desk, "set_recall", patient_id=other, recall_type_id=checkup, paused_until=until)
    call(admin, "merge_patients", keep_id=mia, merge_id=other)
    recall = due_again(superuser, mia)
    assert recall is not None
    assert (recall["due_on"], recall["paused_until"]) == (half_a_year_after(superuser, late), until)
    assert due_again(superuser, other) is None
    third = patient(superuser, riverside)
    call(desk, "set_recall", patient_id=third, recall_type_id=checkup, due_on=riverside.today())
    fourth = record(desk, riverside, "Nobody Yet")["id"]
    call(admin, "merge_patients", keep_id=fourth, merge_id=third)
    assert due_again(superuser, fourth)["due_on"] == riverside.today()  # type: ignore[index]


def test_nobody_who_was_erased_is_due_or_asked(
    admin: Connection, desk: Connection, superuser: Connection, riverside: Clinic, mia: UUID
) -> None:
    seen(superuser, riverside, mia, 300 * DAY)
    ask(superuser)
    delivered(superuser)
    call(admin, "erase_patient", patient_id=mia, reason="Asked for it.")
    assert due_again(superuser, mia) is None
    assert due(desk, riverside) == []
    assert saying(superuser, "Mia Mail") == set()
    assert superuser.execute("select from clinic.message_links").rowcount == 0


def test_an_export_says_when_one_is_due(ana: Connection, superuser: Connection, riverside: Clinic) -> None:
    mine = book(ana, riverside, riverside.at("09:00"))["patient_id"]
    seen(superuser, riverside, mine, 30 * DAY)
    (row,) = call(ana, "export_me")["recalls"]
    assert row["patient_id"] == str(mine)
    assert "look_at" not in row


# The link


@pytest.fixture
def token(superuser: Connection, riverside: Clinic, mia: UUID) -> str:
    """The token of a link by which Mia is asked."""
    seen(superuser, riverside, mia, 300 * DAY)
    ask(superuser)
    (envelope,) = delivered(superuser)
    return token_of(envelope)


def use(anon: Connection, token: str, action: str, **more: Any) -> Row:
    answer: Row = call(anon, "use_link", token=token, action=action, **more)
    return answer


def test_the_link_shows_what_is_due_and_changes_nothing(
    anon: Connection, superuser: Connection, riverside: Clinic, token: str
) -> None:
    shown = call(anon, "open_link", token=token)
    assert shown["appointment"] is None
    assert (shown["recall"]["state"], shown["recall"]["patient"]) == ("due", "Mia")
    assert (shown["recall"]["visit"], shown["recall"]["appointment_type_id"]) == (
        "Check-up", str(riverside.checkup),
    )  # fmt: skip
    assert shown["actions"] == ["book", "stop", "not_me"]
    assert shown["clinic"]["slug"] == "riverside"
    for action in ("accept", "decline", "confirm", "cancel"):
        with refused("invalid_transition"):
            use(anon, token, action)
    slots = call(anon, "link_slots", token=token, from_date=riverside.weekday(1))
    assert {riverside.lee, riverside.other} <= {row["dentist_id"] for row in slots}
    assert riverside.at("09:00") in {row["starts_at"] for row in slots}
    assert superuser.execute("select from clinic.appointments where status = 'booked'").rowcount == 0


@pytest.mark.parametrize("named", [True, False])
def test_the_link_books_once_and_is_that_visits_from_then_on(
    anon: Connection, desk: Connection, superuser: Connection, riverside: Clinic, mia: UUID, token: str,
    named: bool,
) -> None:  # fmt: skip
    anon.execute("select set_config('request.path', '/rpc/use_link', false)")
    start = riverside.at("09:00")
    more = {"dentist_id": riverside.other} if named else {}
    for _ in range(2):
        shown = use(anon, token, "book", starts_at=start, **more)
        assert datetime.fromisoformat(shown["appointment"]["starts_at"]) == start
        assert shown["actions"] == ["confirm", "move", "cancel", "note", "stop", "not_me"]
    (made,) = superuser.execute("select * from clinic.appointments where status = 'booked'").fetchall()
    assert (made["patient_id"], made["source"], made["booked_by"]) == (mia, "online", None)
    assert made["assigned"] == ("named" if named else "any")
    (log,) = call(desk, "appointment_history", appointment_id=made["id"])
    assert (log["role"], log["via"], log["actor"]) == ("patient", "use_link", None)
    assert due(desk, riverside) == []
    with refused("invalid_transition"):
        use(anon, token, "book", starts_at=start + DAY)
    assert use(anon, token, "cancel")["appointment"]["status"] == "cancelled"
    assert len(due(desk, riverside)) == 1


def test_a_link_books_nothing_beside_a_visit_that_is_ahead(
    anon: Connection, superuser: Connection, riverside: Clinic, mia: UUID, token: str
) -> None:
    visit(superuser, riverside, mia)
    shown = call(anon, "open_link", token=token)
    assert (shown["recall"]["state"], shown["actions"]) == ("met", ["stop", "not_me"])
    with refused("invalid_transition"):
        use(anon, token, "book", starts_at=riverside.at("09:00"))
    with refused("invalid_transition"):
        call(anon, "link_slots", token=token, from_date=riverside.weekday(1))


def test_a_link_keeps_to_what_its_patient_may(
    anon: Connection, ana: Connection, superuser: Connection, riverside: Clinic, token: str
) -> None:
    book(ana, riverside, riverside.at("09:00"))
    for start, code in (
        (riverside.at("09:00"), "slot_taken"), (riverside.at("09:07"), "off_grid"),
        (riverside.at("20:00"), "outside_working_hours"),
        (riverside.at("09:00", riverside.weekday(1, 40)), "beyond_horizon"),
        ("tomorrow", "invalid_argument"), (None, "invalid_argument"),
    ):  # fmt: skip
        with refused(code):
            use(anon, token, "book", starts_at=start, dentist_id=riverside.lee)
    for action in ("confirm", "cancel", "note", "move"):
        with refused("invalid_transition"):
            use(anon, token, action, note="Hello", starts_at=riverside.at("10:00"))
    with refused("invalid_argument"):
        use(anon, token, "burn")
    superuser.execute(
        "update clinic.appointment_types set audience = 'staff' where id = %s", [riverside.checkup]
    )
    assert call(anon, "open_link", token=token)["actions"] == ["stop", "not_me"]
    with refused("not_offered"):
        use(anon, token, "book", starts_at=riverside.at("10:00"))
    with refused("not_offered"):
        call(anon, "link_slots", token=token, from_date=riverside.weekday(1))


def test_a_link_that_ended_or_of_who_is_erased_is_none(
    anon: Connection, admin: Connection, superuser: Connection, mia: UUID, token: str
) -> None:
    superuser.execute("update clinic.message_links set expires_at = now() - interval '1 second'")
    with refused("not_found"):
        call(anon, "open_link", token=token)
    superuser.execute("update clinic.message_links set expires_at = now() + interval '1 day'")
    assert call(anon, "open_link", token=token)
    call(admin, "erase_patient", patient_id=mia, reason="Asked for it.")
    with refused("not_found"):
        call(anon, "open_link", token=token)


def test_the_same_link_pressed_at_once_books_one_visit(
    actors: Actors, superuser: Connection, riverside: Clinic, token: str
) -> None:
    callers = [actors.anon() for _ in range(4)]
    outcome = race(
        [partial(use, caller, token, "book", starts_at=riverside.at("09:00")) for caller in callers]
    )
    assert outcome.refused == []
    assert len({shown["appointment"]["id"] for shown in outcome.won}) == 1
    assert superuser.execute("select from clinic.appointments where status = 'booked'").rowcount == 1


def test_who_is_not_meant_stops_what_comes_and_the_desk_hears(
    anon: Connection, desk: Connection, superuser: Connection, token: str, mia: UUID
) -> None:
    use(anon, token, "not_me")
    (reply,) = desk.execute("select * from api.message_replies").fetchall()
    assert (reply["patient_id"], reply["means"]) == (mia, "not_me")
    look_again(superuser, 20 * DAY)
    ask(superuser)
    assert asked(superuser, mia) == ["email sent"]


@pytest.mark.usefixtures("token")
def test_a_message_about_what_is_due_is_not_sent_again_by_hand(
    desk: Connection, superuser: Connection, mia: UUID
) -> None:
    (message,) = outbox(superuser, patient_id=mia)
    with refused("invalid_argument"):
        call(desk, "resend_message", message_id=message["id"])
