"""Names and other texts that people see: tidy, short, visible, and harmless to a terminal, at every door."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from datetime import timedelta
from random import Random
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book

BLANK = [
    "",
    " ",
    "\t",
    "\u00a0",
    "\u200b",
    "\u3000\u2003 \n",
    "\ufeff\u2060",
    "\u200d\u200c",
    "\u2800",
    "\u3164",
]
HARMFUL = [
    "Ada\x1b[31m Lovelace",
    "Ada\x1b]0;owned\x07",
    "Ada\x9b2J",
    "Ada\nLovelace",
    "Ada\tLovelace",
    "Ada\rLovelace",
    "Ada\x7f",
    "Ada \u202eecalevoL",
    "Ada \u2067Lovelace\u2069",
    "Ada \u202aLovelace",
    "x" * 201,
    "🦷" * 201,
    "x" * 10_240,
]
TIDY = {
    "  Walk In ": "Walk In",
    "Ana\u00a0\u2003 Maria": "Ana Maria",
    "Zoe\u0308": "Zoë",
    "山田\u3000太郎": "山田 太郎",
    "A\u200bda": "Ada",
    "\ufeffBea\u200b": "Bea",
    "Cleo\u200f": "Cleo",
    "نی\u200cلوفر": "نی\u200cلوفر",
    "क्\u200d\u200dष": "क्\u200dष",
    "葛\U000e0100城": "葛\U000e0100城",
    "x" * 200: "x" * 200,
    "é" * 199: "é" * 199,
    "e\u0301" * 200: "é" * 200,
    "O'Neil-D\u2019Árcy 3rd (Jr.)": "O'Neil-D\u2019Árcy 3rd (Jr.)",
    "👩‍⚕️ Ada": "👩‍⚕️ Ada",
    "Zoe\u0308 👩‍⚕️": "Zoë 👩‍⚕️",
    "ᠨ\u180b\u180b": "ᠨ\u180b\u180b",
}
ids = "U+{:04X}".format


def codes(text: Any) -> str:
    """Name a test's text by its first code points: it may be invisible."""
    return " ".join(ids(ord(one)) for one in text[:8]) or "empty"


Door = Callable[[str], str]


@pytest.fixture(params=["update_me", "create_patient", "create_dentist", "create_type", "create_clinic"])
def door(request: pytest.FixtureRequest, actors: Actors, riverside: Clinic) -> Door:
    """A way in for a name: takes it, and returns what is stored."""
    admin, service = actors.user("admin@riverside.test"), actors.service_role()
    of_clinic: dict[str, Any] = {"clinic_id": riverside.id}
    doors: dict[str, Door] = {
        "update_me": lambda name: call(admin, "update_me", full_name=name)["profile"]["full_name"],
        "create_patient": lambda name: call(admin, "create_patient", **of_clinic, full_name=name)[
            "full_name"
        ],
        "create_dentist": lambda name: call(admin, "create_dentist", **of_clinic, full_name=name)[
            "full_name"
        ],
        "create_type": lambda name: call(
            admin, "create_appointment_type", **of_clinic, name=name, duration=timedelta(minutes=30)
        )["name"],
        "create_clinic": lambda name: call(
            service, "create_clinic", slug=f"c-{uuid4().hex}", name=name, time_zone="UTC"
        )["name"],
    }
    return doors[request.param]


def test_a_name_is_stored_tidy(door: Door, subtests: pytest.Subtests) -> None:
    for name, stored in TIDY.items():
        with subtests.test(codes(name)):
            assert door(name) == stored


def test_a_harmful_name_is_refused(door: Door, subtests: pytest.Subtests) -> None:
    for name in HARMFUL:
        with subtests.test(codes(name)), refused("invalid_argument"):
            door(name)


def test_a_blank_name_is_none(
    desk: Connection, ana: Connection, riverside: Clinic, subtests: pytest.Subtests
) -> None:
    before = call(ana, "me")["profile"]
    for name in BLANK:
        with subtests.test(codes(name)):
            with refused("invalid_argument"):
                call(desk, "create_patient", clinic_id=riverside.id, full_name=name)
            assert call(ana, "update_me", full_name=name)["profile"] == before


def test_a_name_of_what_nobody_sees_is_none(superuser: Connection) -> None:
    """Whatever Unicode calls ignorable by default, alone or between blanks."""
    ignorable = [
        *(0xAD, 0x34F, 0x61C, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFEFF, 0xFFA0),
        *(*range(0x180B, 0x1810), *range(0x200B, 0x2010), *range(0x2060, 0x2066), *range(0x206A, 0x2070)),
        *(*range(0xFE00, 0xFE10), *range(0xFFF0, 0xFFFC), *range(0x1BCA0, 0x1BCA4), *range(0x1D173, 0x1D17B)),
        *range(0xE0000, 0xE1000),
    ]
    names = [text for one in map(chr, ignorable) for text in (one, one * 3, f" {one} {one}")]
    rows = superuser.execute(
        "select n from unnest(%s::text[]) as n where clinic.tidy_name(n) is not null", [names]
    ).fetchall()
    assert [codes(row["n"]) for row in rows] == []


def test_tidying_twice_is_tidying_once_and_what_is_refused_has_a_reason(superuser: Connection) -> None:
    pool = "".join([*TIDY, *BLANK, *(one[:30] for one in HARMFUL), "a b", "\u0301\ufe0f\u1100\u1161"])
    chance = Random(7)  # noqa: S311 repeatable on purpose
    names = ["".join(chance.choices(pool, k=chance.randrange(1, 12))) for _ in range(2000)]
    rows = superuser.execute(
        "select n.name, t.tidy, clinic.tidy_name(t.tidy) as again, clinic.is_name(t.tidy) as fits"
        " from unnest(%s::text[]) as n (name), lateral clinic.tidy_name(n.name) as t (tidy)",
        [names],
    ).fetchall()
    assert len(rows) == len(names)
    for row in rows:
        tidy = row["tidy"]
        assert row["again"] == tidy, codes(row["name"])
        if tidy is None:
            continue
        assert tidy == unicodedata.normalize("NFC", tidy.strip()), codes(row["name"])
        steering = any(unicodedata.category(one) == "Cc" or ord(one) in _BIDI for one in tidy)
        assert row["fits"] is not steering, codes(row["name"])


_BIDI = {*range(0x202A, 0x202F), *range(0x2066, 0x206A)}


def test_the_tables_hold_it_too(superuser: Connection, riverside: Clinic, subtests: pytest.Subtests) -> None:
    tables = {
        "profiles": "update clinic.profiles set full_name = %(name)s",
        "dentists": "update clinic.dentists set full_name = %(name)s where id = %(lee)s",
        "patients": "insert into clinic.patients (clinic_id, full_name) values (%(id)s, %(name)s)",
        "types": "update clinic.appointment_types set name = %(name)s where id = %(checkup)s",
        "clinics": "update clinic.clinics set name = %(name)s where id = %(id)s",
    }
    ids = {"lee": riverside.lee, "id": riverside.id, "checkup": riverside.checkup}
    for table, statement in tables.items():
        for name in ("\u200b", " Ada", "A\x1b[0m", "x" * 201, "Zoe\u0308"):
            with subtests.test(f"{table} {codes(name)}"), pytest.raises(psycopg.errors.CheckViolation):
                superuser.execute(statement, ids | {"name": name})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", [*BLANK, *HARMFUL, *TIDY, "x" * 1_000_000], ids=codes)
def test_signing_up_never_fails_and_leaves_out_what_does_not_fit(
    actors: Actors, riverside: Clinic, name: str
) -> None:
    newcomer = actors.sign_up("odd@patients.test", name)
    told = call(newcomer, "me")["profile"]["full_name"]
    assert told == TIDY.get(name)
    assert book(newcomer, riverside, riverside.at("09:00"))["status"] == "booked"
    assert newcomer.execute("select full_name from api.patients").fetchall() == [{"full_name": told or "odd"}]


def test_signing_up_leaves_out_a_phone_that_does_not_fit(superuser: Connection) -> None:
    for phone, stored in {" +1 555 \n": "+1 555", "1\x1b[31m": None, "1" * 41: None, "\u00a0": None}.items():
        row = superuser.execute(
            "insert into auth.users (id, aud, role, email, raw_user_meta_data) values (%s, 'authenticated',"
            " 'authenticated', %s, jsonb_build_object('phone', %s::text)) returning id",
            [uuid4(), f"{uuid4()}@made.test", phone],
        ).fetchone()
        assert row is not None
        told = superuser.execute(
            "select phone from clinic.profiles where user_id = %s", [row["id"]]
        ).fetchone()
        assert told == {"phone": stored}


def test_an_address_that_is_no_name_does_not_keep_its_owner_from_booking(
    actors: Actors, riverside: Clinic
) -> None:
    for number, local in enumerate(("\u200b", "a\x1b[31m", "\u202eb")):
        newcomer = actors.sign_up(f"{local}@patients.test")
        book(newcomer, riverside, riverside.at("09:00") + timedelta(hours=number))
        assert newcomer.execute("select full_name from api.patients").fetchall() == [{"full_name": "Patient"}]


def test_one_line_texts_have_no_control_characters(
    ana: Connection, admin: Connection, desk: Connection, riverside: Clinic, subtests: pytest.Subtests
) -> None:
    of_clinic: dict[str, Any] = {"clinic_id": riverside.id, "full_name": "Somebody"}
    doors: dict[str, Callable[[str], Any]] = {
        "phone of mine": lambda text: call(ana, "update_me", phone=text),
        "phone": lambda text: call(desk, "create_patient", **of_clinic, phone=text),
        "email": lambda text: call(desk, "create_patient", **of_clinic, email=f"{text}@x.test"),
        "specialty": lambda text: call(admin, "create_dentist", **of_clinic, specialty=text),
    }
    for name, door in doors.items():
        for text in ("a\x1b[2Jb", "a\nb", "a\tb", "a\u202eb", "a\x9bb"):
            with subtests.test(f"{name} {codes(text)}"), refused("invalid_argument"):
                door(text)


def test_longer_texts_have_lines_and_no_other_control_characters(
    ana: Connection, admin: Connection, lee: Connection, riverside: Clinic, subtests: pytest.Subtests
) -> None:
    booked = book(ana, riverside, riverside.at("09:00"))
    off = {"starts_at": riverside.at("15:00"), "ends_at": riverside.at("16:00"), "dry_run": True}
    calendar = {"clinic_id": riverside.id, "dentist_id": riverside.lee}
    doors: dict[str, Callable[[str], Any]] = {
        "notes": lambda text: call(ana, "update_appointment", appointment_id=booked["id"], notes=text)[
            "notes"
        ],
        "bio": lambda text: call(admin, "update_dentist", dentist_id=riverside.lee, bio=text)["bio"],
        "reason of time off": lambda text: call(lee, "add_time_off", **calendar, **off, reason=text)[
            "time_off"
        ][0]["reason"],
        "reason of a cancellation": lambda text: call(
            ana, "cancel_appointment", appointment_id=booked["id"], reason=text
        )["cancellation_reason"],
    }
    for name, door in doors.items():
        for text in ("a\x1b[2Jb", "a\rb", "a\x00b".replace("\x00", "\x08"), "a\u202eb", "a\x9bb"):
            with subtests.test(f"{name} {codes(text)}"), refused("invalid_argument"):
                door(text)
        with subtests.test(name):
            assert door(" One.\r\nTwo:\tthree\n\u00a0") == "One.\nTwo:\tthree"
