"""Records: how a patient is found and changed, and who may be the same person."""

# ruff: noqa: RUF001 - people write in many scripts

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.people import heard, login, record
from tests.support.refusals import refused
from tests.support.slots import book


@pytest.fixture
def people(desk: Connection, riverside: Clinic) -> dict[str, Row]:
    """Some patients who are hard to find, by what one calls them here."""
    rows: dict[str, Row] = {
        "elodie": {
            "full_name": "Élodie D’Ángelo-Müller",
            "phone": "+41 79 123 45 67",
            "email": "e.d.m@post.test",
            "birth_date": "1984-02-29",
        },
        "patrick": {"full_name": "Patrick O'Brien", "phone": "020 7946 0958", "email": "pat_100%@post.test"},
        "percent": {"full_name": "Percy 100% Sure_Thing", "phone": "(212) 555-0177"},
        "ali": {"full_name": "علي حسن", "phone": "٠٧٩ ٦٥٤ ٣٢ ١٠"},
    }
    return {name: record(desk, riverside, **row) for name, row in rows.items()}


def found(connection: Connection, clinic: Clinic, query: str, **more: Any) -> list[str]:
    """Return the names of those who are found."""
    rows = call(connection, "search_patients", clinic_id=clinic.id, query=query, **more)
    return [row["full_name"] for row in rows]


SAID = {
    "elodie": (
        "elodie", "ÉLODIE", "Müller", "muller elodie", "d'angelo", "D’Angelo", "dangelo", "ang elo",
        "angelo-mul", "odie ller", "el mu", "1984-02-29", "elodie 1984-02-29", "1984-02-29 mul",
        "E.D.M@post", "@post mull", "079 123 45 67", "0041791234567", "+41 (0)79 123 45 67",
        "791234567", "123 45 67", "elodie 079 123", "079 123 45 67 élodie", "０７９１２３４５６７",
        "٠٧٩١٢٣٤٥٦٧", "079–123–45–67", "+41-79-123.45/67", "e\u0301lodie",
        "Müller, Élodie", "angelo-müller,elodie", "“Élodie”; «Müller»", "elodie.", "(Élodie)",
        "<e.d.m@post.test>", "elodie, 079 123 45 67,",
    ),
    "patrick": (
        "o'brien", "O’Brien patrick", "obrien", "OʼBRIEN", "+44 20 7946 0958", "0044 20 7946 0958",
        "02079460958", "+44 (0) 20 7946 0958", "pat_100%", "PAT_100%@POST", "7946",
    ),
    "percent": ("100% sure", "sure_thing", "+1 212 555 0177", "555.0177", "percy 555 0177"),
    "ali": ("علي", "حسن علي", "حسن، علي", "079 654 32 10", "+41 79 654 32 10", "٦٥٤٣٢"),
}  # fmt: skip
NOBODY = (
    "elodie brien", "e_odie", "el%die", "\\", "1984-02-28", "198402", "99999999", "lodi z", "", " ", "-", "+",
    ",", "(.)",
)  # fmt: skip


def test_a_patient_is_found_by_what_one_types(
    desk: Connection, riverside: Clinic, people: dict[str, Row], subtests: pytest.Subtests
) -> None:
    for who, queries in SAID.items():
        for query in queries:
            with subtests.test(query):
                assert found(desk, riverside, query) == [people[who]["full_name"]]


@pytest.mark.usefixtures("people")
def test_what_is_nobodys_finds_nobody(desk: Connection, riverside: Clinic, subtests: pytest.Subtests) -> None:
    """Signs that mean something to LIKE mean themselves."""
    for query in NOBODY:
        with subtests.test(query):
            assert found(desk, riverside, query) == []
    assert found(desk, riverside, "%") == [], "no word begins so"
    assert found(desk, riverside, "0%") == [], "nor so"
    assert found(desk, riverside, "00%") == ["Patrick O'Brien", "Percy 100% Sure_Thing"]


@pytest.mark.usefixtures("people")
def test_one_or_two_letters_are_beginnings_and_who_begins_so_comes_first(
    desk: Connection, riverside: Clinic
) -> None:
    for name in ("Zoe Patel", "Pat Adams"):
        record(desk, riverside, name)
    assert found(desk, riverside, "pa") == ["Pat Adams", "Patrick O'Brien", "Zoe Patel"]
    assert found(desk, riverside, "pat", max_results=1) == ["Pat Adams"]
    assert "Élodie D’Ángelo-Müller" not in found(desk, riverside, "lo")
    for wrong in (0, 101, None):
        with refused("invalid_argument"):
            found(desk, riverside, "pat", max_results=wrong)
    with refused("invalid_argument"):
        call(desk, "search_patients", clinic_id=riverside.id, query=None)


def test_a_search_is_the_staffs_a_dentists_finds_their_own(
    actors: Actors, desk: Connection, lee: Connection, riverside: Clinic, people: dict[str, Row]
) -> None:
    assert found(lee, riverside, "elodie") == []
    start = riverside.at("09:00")
    booked = book(desk, riverside, start, patient_id=people["elodie"]["id"])
    (row,) = call(lee, "search_patients", clinic_id=riverside.id, query="elodie")
    assert (row["id"], row["next_visit"], row["last_visit"]) == (
        people["elodie"]["id"],
        booked["starts_at"],
        None,
    )
    assert found(lee, riverside, "obrien") == []
    strangers = ("desk@sakura.test", "admin@sakura.test", "lee@sakura.test", "ana@patients.test")
    for search in ("search_patients", "similar_patients"):
        arguments = (
            {"query": "elodie"}
            if search == "search_patients"
            else {"full_name": people["elodie"]["full_name"]}
        )
        for stranger in strangers:
            with refused("not_found"):
                call(actors.user(stranger), search, clinic_id=riverside.id, **arguments)
        with refused("forbidden"):
            call(actors.user("bot@riverside.test"), search, clinic_id=riverside.id, **arguments)
        with refused("not_authenticated"):
            call(actors.anon(), search, clinic_id=riverside.id, **arguments)


def test_visits_are_told_with_who_is_found_the_next_and_the_last(
    desk: Connection, superuser: Connection, riverside: Clinic, people: dict[str, Row]
) -> None:
    patient = people["elodie"]["id"]
    starts = [
        riverside.at(clock, riverside.weekday(1, weeks=week)) for week, clock in ((5, "09:00"), (6, "09:00"))
    ]
    first, second = (book(desk, riverside, start, patient_id=patient) for start in starts)
    superuser.execute("set session_replication_role = replica")
    superuser.execute(
        "insert into clinic.appointments (clinic_id, dentist_id, patient_id, appointment_type_id, starts_at,"
        " ends_at, buffer_before, buffer_after, parts, status, source)"
        " select clinic_id, dentist_id, patient_id, appointment_type_id, now() - n * interval '1 day',"
        " now() - n * interval '1 day' + interval '30 minutes', '0', '0', '{}', s, 'desk'"
        " from clinic.appointments"
        " cross join (values (1, 'no_show'), (3, 'fulfilled'), (9, 'fulfilled')) as v (n, s)"
        " where id = %s",
        [first["id"]],
    )
    superuser.execute("set session_replication_role = origin")
    call(desk, "cancel_appointment", appointment_id=first["id"])
    (row,) = call(desk, "search_patients", clinic_id=riverside.id, query="elodie")
    assert row["next_visit"] == second["starts_at"]
    assert row["last_visit"].date() == (superuser_now(superuser) - timedelta(days=3)).date()


def superuser_now(superuser: Connection) -> Any:
    row = superuser.execute("select now() as at").fetchone()
    assert row is not None
    return row["at"]


def test_who_is_merged_or_erased_is_not_found(
    admin: Connection, riverside: Clinic, people: dict[str, Row]
) -> None:
    twin = record(admin, riverside, "Elodie Muller", birth_date="1984-02-29")
    assert len(found(admin, riverside, "elodie")) == 2
    call(admin, "merge_patients", keep_id=people["elodie"]["id"], merge_id=twin["id"])
    assert found(admin, riverside, "elodie") == [people["elodie"]["full_name"]]
    call(admin, "erase_patient", patient_id=people["patrick"]["id"], reason="Asked for it")
    assert found(admin, riverside, "obrien") == []
    assert found(admin, riverside, "erased") == []
    for gone in (twin["id"], people["patrick"]["id"]):
        for function in ("update_patient", "invite_patient"):
            with refused("not_found"):
                call(admin, function, patient_id=gone)


# The same person -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "is_told"),
    [
        ({"full_name": "elodie dangelo muller"}, True),
        ({"full_name": "Élodie D’Ángelo-Müller", "birth_date": "1984-02-29"}, True),
        ({"full_name": "Élodie D’Ángelo-Müller", "birth_date": "1984-02-28"}, False),
        ({"full_name": "E. Mueller-D'Angelo", "phone": "079 123 45 67", "birth_date": "1984-02-29"}, True),
        (
            {"full_name": "Somebody Else", "email": "E.d.M@POST.test", "birth_date": "1984-02-29"},
            True,
        ),
        ({"full_name": "Somebody Else", "phone": "+41791234567"}, False),  # of the family
        ({"full_name": "Somebody Else", "birth_date": "1984-02-29"}, False),  # many people's birthday
        ({"full_name": "Elodie D'Angelo-Muler", "phone": "0791234567"}, True),  # misspelt
    ],
)
@pytest.mark.usefixtures("people")
def test_who_may_be_the_same_person_is_told_before_one_is_recorded(
    desk: Connection,
    riverside: Clinic,
    said: Row,
    is_told: bool,
) -> None:
    rows = call(desk, "similar_patients", clinic_id=riverside.id, **said)
    assert [row["phone"] for row in rows] == ["+41 79 123 45 67"] * is_told


def test_to_a_dentist_others_patients_are_names(
    desk: Connection, lee: Connection, riverside: Clinic, people: dict[str, Row]
) -> None:
    """They record patients, too, and are told that one is there; what is known of them is not theirs."""
    said = {"clinic_id": riverside.id, "full_name": people["elodie"]["full_name"]}
    (row,) = call(lee, "similar_patients", **said)
    known = {column for column, value in row.items() if value is not None}
    assert known == {"id", "clinic_id", "full_name"}
    book(desk, riverside, riverside.at("09:00"), patient_id=people["elodie"]["id"])
    (row,) = call(lee, "similar_patients", **said)
    assert (row["phone"], row["next_visit"]) == (people["elodie"]["phone"], riverside.at("09:00"))


# Changing --------------------------------------------------------------------------------------------------


def test_what_is_omitted_stays_and_what_is_null_or_empty_is_removed(
    desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    whole = {
        "phone": "+1 212 555 0188",
        "email": "x@post.test",
        "birth_date": date(1990, 5, 6),
        "staff_notes": "Anxious",
    }
    row = record(desk, riverside, "Some One", **whole)
    for nothing in (None, "", "  "):
        call(desk, "update_patient", patient_id=row["id"], **whole)
        for column in whole:
            if column == "birth_date" and nothing == "  ":
                continue
            before = call(desk, "update_patient", patient_id=row["id"])
            after = call(desk, "update_patient", patient_id=row["id"], **{column: nothing})
            assert after == before | {column: None}
    assert call(desk, "update_patient", patient_id=row["id"], full_name=None)["full_name"] == "Some One"
    assert (
        call(desk, "update_patient", patient_id=row["id"], full_name=" New  Name ")["full_name"] == "New Name"
    )
    call(desk, "update_patient", patient_id=row["id"], birth_date="")
    assert superuser.execute("select search from clinic.patients where id = %s", [row["id"]]).fetchone() == {
        "search": " new name"
    }


@pytest.mark.parametrize(
    "wrong",
    [
        {"full_name": "x" * 201}, {"full_name": "Anna\u202e"}, {"phone": "1" * 41}, {"phone": "5\n5"},
        {"email": "nobody"}, {"birth_date": "1990"}, {"staff_notes": "x" * 4001}, {"staff_notes": "\x07"},
    ],
)  # fmt: skip
def test_a_change_that_makes_no_sense_is_invalid_and_changes_nothing(
    desk: Connection, riverside: Clinic, wrong: Row
) -> None:
    row = record(desk, riverside, "Some One", phone="5")
    with refused("invalid_argument"):
        call(desk, "update_patient", patient_id=row["id"], **{"phone": "6"} | wrong)
    assert call(desk, "update_patient", patient_id=row["id"]) == row


def test_a_record_is_the_desks_to_change(actors: Actors, desk: Connection, riverside: Clinic) -> None:
    row = record(desk, riverside, "Some One")
    for who, code in {
        "lee@riverside.test": "forbidden", "bot@riverside.test": "forbidden", "desk@sakura.test": "not_found",
        "admin@sakura.test": "not_found", "ana@patients.test": "not_found",
    }.items():  # fmt: skip
        with refused(code):
            call(actors.user(who), "update_patient", patient_id=row["id"], phone="6")
    for missing in (None, riverside.id):
        with refused("not_found", "invalid_argument"):
            call(desk, "update_patient", patient_id=missing)


NO_DAYS = (
    "1900-02-29", "2001-02-29", "1984-02-30", "1984-04-31", "1984-13-01", "1984-00-10", "1984-01-00",
    "0000-01-01", "1874-12-31", "29.02.1984", "02/29/1984", "1984-2-29", "19840229", "1984-02-29 ",
    "1984-02-29T00:00:00Z", "today", "yesterday", "epoch", "infinity", "J2445760", "９９９９-０１-０１",
    "1984-02-29 BC", "Feb 29 1984",
)  # fmt: skip


def test_what_is_no_birth_date_is_invalid(
    desk: Connection, riverside: Clinic, subtests: pytest.Subtests
) -> None:
    row = record(desk, riverside, "Some One", birth_date="1984-02-29")
    for function, arguments in {
        "create_patient": {"clinic_id": riverside.id, "full_name": "Some One"},
        "update_patient": {"patient_id": row["id"]},
        "similar_patients": {"clinic_id": riverside.id, "full_name": "Some One"},
        "claim_patient": {"code": "ABCD"},
        "add_dependant": {"clinic_id": riverside.id, "full_name": "Some Child"},
    }.items():
        for day in NO_DAYS:
            with subtests.test(f"{function}, {day}"), refused("invalid_argument"):
                call(desk, function, **arguments, birth_date=day)
    assert call(desk, "update_patient", patient_id=row["id"])["birth_date"] == date(1984, 2, 29)


def test_a_birth_date_is_a_day_that_has_been_somewhere(
    desk: Connection, superuser: Connection, riverside: Clinic
) -> None:
    """Where the day begins first it is tomorrow already; what a session's dates look like changes nothing."""
    today = superuser_now(superuser).date()
    days = ["1875-01-01", "2000-02-29", str(today)]
    for day in days:
        desk.execute("set datestyle = 'German, DMY'")
        desk.execute("select from api.create_patient(%s, 'Born', birth_date => %s)", [riverside.id, day])
        desk.execute("reset datestyle")
        assert found(desk, riverside, day) == ["Born"]
    with refused("invalid_argument"):
        record(desk, riverside, "Unborn", birth_date=str(today + timedelta(days=3)))


# The caller's own ------------------------------------------------------------------------------------------


def test_what_one_says_of_oneself_reaches_all_ones_records_and_their_desks(
    ana: Connection, desk: Connection, superuser: Connection, riverside: Clinic, sakura: Clinic
) -> None:
    for clinic in (riverside, sakura):
        book(ana, clinic, clinic.at("09:00"))
    walk_in = record(desk, riverside, "Ana Ferreira", phone="+1 212 555 0121")
    last = heard(ana)[-1]["event_id"]
    call(ana, "update_me", full_name="Ana New", phone="+41 79 000 00 00", email="new@post.test")
    rows = superuser.execute(
        "select full_name, phone, email from clinic.patients where user_id = %s", [login(ana)]
    ).fetchall()
    assert rows == [{"full_name": "Ana New", "phone": "+41 79 000 00 00", "email": "new@post.test"}] * 2
    assert call(desk, "update_patient", patient_id=walk_in["id"]) == walk_in
    told = heard(ana, after=last)
    assert [event["event"] for event in told] == ["patient_updated"] * 2
    assert {event["clinic_id"] for event in told} == {str(riverside.id), str(sakura.id)}
    for event in told:
        assert event["dentist_id"] is None
        assert event["dentist_seq"] is None
        assert "New" not in str(event)
        assert "212 555" not in str(event)
    (of_the_desk,) = heard(desk, after=last, topic=f"clinic:{riverside.id}")
    assert of_the_desk["event"] == "patient_updated"
    call(ana, "update_me", full_name="Ana New", locale="pt")
    assert heard(ana, after=told[-1]["event_id"]) == [], "nothing changed in the records"


def test_the_desk_hears_of_a_change_and_the_public_and_other_clinics_do_not(
    desk: Connection, anon: Connection, superuser: Connection, riverside: Clinic
) -> None:
    row = record(desk, riverside, "Some One")
    before = superuser.execute("select coalesce(max(id), 0) as n from clinic.realtime_events").fetchone()
    assert before is not None
    call(desk, "update_patient", patient_id=row["id"], staff_notes="Anxious")
    events = superuser.execute(
        "select topics, payload from clinic.realtime_events where id > %s", [before["n"]]
    ).fetchall()
    assert [event["topics"] for event in events] == [[f"clinic:{riverside.id}"]]
    assert events[0]["payload"]["patient_id"] == str(row["id"])
    assert heard(anon, before["n"], f"availability:{riverside.id}") == []
