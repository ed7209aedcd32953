"""The words of messages: dates as CLDR has them, texts in every language, placeholders, SMS sizes."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from babel import Locale
from babel.dates import format_date, format_time
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.actors import Connection, value
from tests.support.draws import draws

LOCALES = ["en", "de", "es", "fr", "ja", "ar"]
ZONES = ["America/New_York", "Europe/Berlin", "Asia/Tokyo", "Australia/Lord_Howe", "Pacific/Kiritimati"]
KINDS = ["booked", "moved", "cancelled", "reminder", "recall", "offer"]
REPLY_KINDS = [
    "confirmed", "cancelled", "too_late", "nothing", "which", "stopped", "started", "help", "desk",
]  # fmt: skip
PLACEHOLDERS = {
    "clinic", "clinic_phone", "clinic_address", "patient", "dentist", "visit", "date", "time", "link", "until",
}  # fmt: skip


# Dates


def plain(text: str) -> str:
    """Return the text with plain spaces where CLDR has narrow and no-break ones."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")


@pytest.mark.parametrize("locale", LOCALES)
def test_days_and_times_are_written_as_cldr_has_them(anybody: Connection, locale: str) -> None:
    # Two times of each day of two years, each day others.
    start = datetime.now(UTC).replace(microsecond=0)
    rows = anybody.execute(
        "select n, z.zone, clinic.format_day(i.at, z.zone, %(locale)s) as day, clinic.format_time(i.at, z.zone, %(locale)s) as time"
        " from generate_series(0, 1461) as n"
        " cross join lateral (select %(start)s + n * interval '12 hours 37 minutes' as at) as i"
        " cross join unnest(%(zones)s::text[]) as z (zone)",
        {"locale": locale, "start": start, "zones": ZONES},
    ).fetchall()
    assert len(rows) == 1462 * len(ZONES)
    days = set()
    for row in rows:
        wall = (start + row["n"] * timedelta(hours=12, minutes=37)).astimezone(ZoneInfo(row["zone"]))
        days.add(wall.date())
        assert row["day"] == plain(format_date(wall, "full", locale=locale)), (wall, row["zone"])
        assert row["time"] == plain(format_time(wall.time(), "short", locale=locale)), (wall, row["zone"])
    assert len(days) > 730


@pytest.mark.parametrize("locale", LOCALES)
def test_every_minute_of_a_day_is_written_as_cldr_has_it(anybody: Connection, locale: str) -> None:
    written = value(
        anybody,
        "select array_agg(clinic.format_time('2028-02-29Z'::timestamptz + n * interval '1 minute', 'UTC', %s) order by n)"
        " from generate_series(0, 1439) as n",
        locale,
    )
    midnight = datetime(2028, 2, 29, tzinfo=UTC)
    assert written == [
        plain(format_time((midnight + n * timedelta(minutes=1)).time(), "short", locale=locale))
        for n in range(1440)
    ]


@pytest.mark.parametrize("locale", LOCALES)
def test_a_locale_is_what_cldr_says_of_it(anybody: Connection, locale: str) -> None:
    cldr = Locale.parse(locale)
    known = anybody.execute("select * from clinic.locales where locale = %s", [locale]).fetchone()
    assert known is not None
    periods = cldr.day_periods["format"]["abbreviated"]
    assert known == {
        "locale": locale,
        "name": cldr.get_display_name(),
        "days": [cldr.days["format"]["wide"][n] for n in range(7)],
        "months": [cldr.months["format"]["wide"][n] for n in range(1, 13)],
        "date_pattern": plain(cldr.date_formats["full"].pattern),
        "time_pattern": plain(cldr.time_formats["short"].pattern),
        "am": plain(periods["am"]),
        "pm": plain(periods["pm"]),
        "is_rtl": cldr.text_direction == "rtl",
    }


def test_no_other_locale_is_there_and_everybody_may_list_them(anybody: Connection) -> None:
    assert {row["locale"] for row in anybody.execute("select * from api.locales")} == set(LOCALES)


@pytest.mark.parametrize(
    ("wanted", "known"),
    [
        (["de-CH"], "de"),
        (["DE"], "de"),
        (["pt-BR", "fr-FR", "de"], "fr"),
        (["pt", "zh-Hant"], "en"),
        ([None, "ja"], "ja"),
        (["ar_EG"], "ar"),
        (["deu", "esperanto", "es"], "es"),
        (["", None], "en"),
        ([None], "en"),
    ],
)
def test_the_first_language_that_ships_is_taken(
    anybody: Connection, wanted: list[str | None], known: str
) -> None:
    assert value(anybody, "select clinic.known_locale(variadic %s::text[])", wanted) == known


def test_an_unknown_locale_is_written_to_in_english(anybody: Connection) -> None:
    assert value(anybody, "select clinic.format_day('2026-01-05T23:30Z', 'Asia/Tokyo', 'pt')") == (
        "Tuesday, January 6, 2026"
    )
    assert value(anybody, "select clinic.format_time('2026-01-05T23:30Z', 'Asia/Tokyo', 'xx')") == "8:30 AM"


# Texts

SAID = {
    "clinic": "Riverside Dental",
    "clinic_phone": "+1 212 555 0100",
    "clinic_address": "12 River Street, New York",
    "patient": "Ana Ferreira",
    "dentist": "Dr. Min Lee",
    "visit": "Check-up",
    "link": "https://riverside.test/a/Zk3vQ9xT1mYb7LwR5cHd2A",
    "until": "2:00 PM",
}


def said(connection: Connection, locale: str, at: datetime, **more: str | None) -> str:
    """Return what there is to say of a visit, as JSON."""
    row = connection.execute(
        "select clinic.format_day(%(at)s, 'UTC', %(locale)s) as date, clinic.format_time(%(at)s, 'UTC', %(locale)s) as time",
        {"at": at, "locale": locale},
    ).fetchone()
    assert row is not None
    return json.dumps(SAID | row | more)


def defaults(connection: Connection, **which: str) -> list[dict[str, Any]]:
    """Return the default texts with these properties."""
    rows = connection.execute("select * from clinic.message_defaults").fetchall()
    return [row for row in rows if all(row[key] == value for key, value in which.items())]


def named(text: str) -> set[str]:
    """Return the placeholders of a text."""
    return set(re.findall(r"\{(\w+)\}", text))


def test_there_is_a_text_for_every_kind_channel_and_language(anybody: Connection) -> None:
    there = {(row["kind"], row["channel"], row["locale"]) for row in defaults(anybody)}
    assert there == {(k, c, lo) for k in KINDS for c in ("email", "sms") for lo in LOCALES}
    assert value(anybody, "select clinic.message_kinds()") == KINDS
    assert value(anybody, "select clinic.message_channels()") == ["email", "sms"]
    answers = {(row["kind"], row["locale"]) for row in anybody.execute("select * from clinic.reply_texts")}
    assert answers == {(kind, locale) for kind in REPLY_KINDS for locale in LOCALES}


def test_texts_say_what_somebody_needs_to_know(anybody: Connection) -> None:
    for row in defaults(anybody):
        needed = {"clinic", "patient", "visit"}
        if row["kind"] != "recall":
            needed |= {"date", "time"}
        if (row["kind"], row["channel"]) != ("reminder", "sms"):
            needed.add("link")
        if row["kind"] == "offer":
            needed.add("until")
        assert needed <= named(row["body"]), row
        if row["kind"] == "recall":
            assert not named(row["body"]) & {"date", "time", "dentist", "until"}, row
        if row["channel"] == "email":
            assert "\n{link}\n" in row["body"], row
            assert "patient" in named(row["subject"]), row
            assert "\n" not in row["subject"], row
            assert len(row["body"].split("\n\n")) >= 4, row


def test_filled_in_nothing_is_left_open(anybody: Connection) -> None:
    for row in defaults(anybody):
        about = said(anybody, row["locale"], datetime.now(UTC), clinic_phone=None, clinic_address=None)
        for text in (row["subject"], row["body"]):
            filled = value(anybody, "select clinic.fill_in(%s, %s)", text, about)
            assert text is None or not re.search(r"[{}]|\n\n\n|\s$|  ", filled), filled


@pytest.mark.parametrize("locale", ["en", "de", "fr"])
def test_a_short_text_is_one_segment_on_the_longest_day(anybody: Connection, locale: str) -> None:
    """But for offers, which have two times to tell, and for days and months that GSM-7 cannot spell."""
    # Every date falls on every weekday within 28 years.
    longest = value(
        anybody,
        "select d.at from generate_series('2026-01-01 10:30Z'::timestamptz, '2053-12-31 10:30Z', '1 day') as d (at)"
        " cross join lateral clinic.format_day(d.at, 'UTC', %s) as f (day)"
        " where clinic.sms_size(f.day) ->> 'encoding' = 'GSM-7' order by length(f.day) desc, d.at limit 1",
        locale,
    )
    for row in defaults(anybody, channel="sms", locale=locale):
        text = value(anybody, "select clinic.fill_in(%s, %s)", row["body"], said(anybody, locale, longest))
        size = value(anybody, "select clinic.sms_size(%s)", text)
        assert size["encoding"] == "GSM-7", text
        assert size["segments"] == (2 if row["kind"] == "offer" else 1), (size, text)


def test_short_texts_are_gsm_where_the_language_lets_them(anybody: Connection) -> None:
    texts = [
        *defaults(anybody, channel="sms"),
        *anybody.execute("select * from clinic.reply_texts").fetchall(),
    ]
    for row in texts:
        encoding = value(anybody, "select clinic.sms_size(%s)", re.sub(r"\{\w+\}", "", row["body"]))[
            "encoding"
        ]
        assert encoding == ("UCS-2" if row["locale"] in {"ja", "ar"} else "GSM-7"), row


def test_arabic_lines_begin_in_arabic_and_steer_nothing(anybody: Connection) -> None:
    rows = [
        *defaults(anybody, locale="ar"),
        *anybody.execute("select * from clinic.reply_texts where locale = 'ar'").fetchall(),
    ]
    for row in rows:
        assert not [c for c in row["body"] if unicodedata.category(c) == "Cf"], row
        for line in [row.get("subject") or "", *row["body"].split("\n")]:
            if line and not re.fullmatch(r"\{\w+\}", line):
                assert unicodedata.bidirectional(line[0]) == "AL", line


# Placeholders


def test_placeholders_are_those_of_the_contract(anybody: Connection) -> None:
    assert set(value(anybody, "select clinic.placeholders()")) == PLACEHOLDERS


@pytest.mark.parametrize(
    ("written", "filled"),
    [
        ("Hello {patient}", "Hello Ana"),
        ("{patient}{patient}", "AnaAna"),
        ("{{patient}}", "{patient}"),
        ("{{{patient}}}", "{Ana}"),
        ("{nobody} {Patient} { patient } {} {", "{nobody} {Patient} { patient } {} {"),
        ("a } b { c", "a } b { c"),
        ("{visit}", "{link}"),
        ("{date}", "{{clinic}} $1 \\1 & \\0 %s"),
        ("{time}", "two\nlines"),
        ("{until}", "7"),
        ("x{link}y", "xy"),
        ("x\n{link}\ny", "x\ny"),
        ("x\n {link} {clinic_phone}\t\ny", "x\ny"),
        ("x\n{link}{patient}\ny", "x\nAna\ny"),
        ("x\n{link}.\ny", "x\n.\ny"),
        ("x\n{dentist}\ny", "x\ny"),
        ("x\n\ny", "x\n\ny"),
        ("x\n{nobody}\ny", "x\n{nobody}\ny"),
        ("x\n{{link}}\ny", "x\n{link}\ny"),
        ("{link}", ""),
        ("", ""),
        ("{visits}", "1. one"),
    ],
)
def test_one_pass_fills_a_template_in(anybody: Connection, written: str, filled: str) -> None:
    values = {
        "patient": "Ana",
        "visit": "{link}",
        "date": "{{clinic}} $1 \\1 & \\0 %s",
        "time": "two\nlines",
        "until": 7,
        "link": None,
        "dentist": " \u3000",
        "visits": "1. one",
    }
    assert value(anybody, "select clinic.fill_in(%s, %s)", written, json.dumps(values)) == filled


@pytest.mark.parametrize(
    ("written", "unknown"),
    [
        ("Hello {patient}, {date}", []),
        ("{{anything}} goes", []),
        ("{name} {patient} {Date} {name}", ["name", "Date"]),
        ("{ date }", [" date "]),
        ("{}", [""]),
        ("a { b", ["{"]),
        ("a } b", ["}"]),
        ("{date", ["{"]),
        ("{da\nte}", ["{", "}"]),
        ("{{{date}}}", []),
        ("{{{nobody}}}", ["nobody"]),
        ("{date}}", ["}"]),
        ("{visits} {clinic.secret} {0}", ["visits", "clinic.secret", "0"]),
        ("", []),
    ],
)
def test_what_is_no_placeholder_is_found(anybody: Connection, written: str, unknown: list[str]) -> None:
    assert value(anybody, "select clinic.unknown_placeholders(%s)", written) == unknown


@pytest.mark.parametrize("piece", ["{", "}", "{date}", "\n", "{a", "a{", "{date}\n", "{{", " "])
def test_a_huge_template_is_no_weapon(anybody: Connection, piece: str) -> None:
    written = (piece * 10_000)[:10_000]
    about = json.dumps({"date": "{date}" * 5})
    took = []
    for _ in range(5):
        start = time.perf_counter()
        value(anybody, "select length(clinic.fill_in(%s, %s))", written, about)
        took.append(time.perf_counter() - start)
    assert min(took) < 0.05, took


# SMS

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"


def measured(text: str) -> dict[str, Any]:
    """Return how a text goes by SMS, as 3GPP TS 23.038 and 23.040 have it."""
    gsm = set(text) <= set(BASIC + EXTENSION)
    sizes = (
        [2 if c in EXTENSION else 1 for c in text] if gsm else [len(c.encode("utf-16-le")) // 2 for c in text]
    )
    alone, room = (160, 153) if gsm else (70, 67)
    segments = [0] if sizes else []
    for size in sizes:
        if segments[-1] + size > (alone if sum(sizes) <= alone else room):
            segments.append(0)
        segments[-1] += size
    return {"encoding": "GSM-7" if gsm else "UCS-2", "units": sum(sizes), "segments": len(segments)}


@settings(max_examples=draws(100), deadline=None)
@given(
    text=st.one_of(
        st.text(st.sampled_from(BASIC + EXTENSION), max_size=700),
        st.text(st.sampled_from("ab€[^"), min_size=140, max_size=480),
        st.text(st.sampled_from("あ🦷ü\uffff\U00010000"), min_size=50, max_size=300),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=300),
    )
)
def test_an_sms_is_measured_as_it_is_sent(anybody: Connection, text: str) -> None:
    assert value(anybody, "select clinic.sms_size(%s)", text) == measured(text)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", ("GSM-7", 0, 0)),
        ("a" * 160, ("GSM-7", 160, 1)),
        ("a" * 161, ("GSM-7", 161, 2)),
        ("a" * 306, ("GSM-7", 306, 2)),
        ("a" * 307, ("GSM-7", 307, 3)),
        ("€" * 80, ("GSM-7", 160, 1)),
        ("a" * 152 + "€" + "a" * 152, ("GSM-7", 306, 3)),
        ("á" + "a" * 69, ("UCS-2", 70, 1)),
        ("á" + "a" * 70, ("UCS-2", 71, 2)),
        ("🦷" * 35, ("UCS-2", 70, 1)),
        ("🦷" * 67, ("UCS-2", 134, 3)),
        ("ç", ("UCS-2", 1, 1)),
        ("Ç", ("GSM-7", 1, 1)),
        ("a`", ("UCS-2", 2, 1)),
    ],
)
def test_the_bounds_of_an_sms(anybody: Connection, text: str, size: tuple[str, int, int]) -> None:
    assert value(anybody, "select clinic.sms_size(%s)", text) == dict(
        zip(("encoding", "units", "segments"), size, strict=True)
    )


def test_every_character_of_gsm_is_counted_as_it_is(anybody: Connection) -> None:
    assert value(anybody, "select clinic.gsm_characters()") == BASIC
    assert value(anybody, "select clinic.gsm_extension()") == EXTENSION
    assert len(set(BASIC)) == 127  # 128 with the escape


def test_nobody_but_the_project_changes_the_words(anon: Connection, admin: Connection) -> None:
    tables = {
        row["table"]
        for caller in (anon, admin)
        for row in caller.execute(
            "select t as table from unnest(array['locales', 'message_defaults', 'reply_words', 'reply_texts']) as t"
            " where has_any_column_privilege('clinic.' || t, 'insert, update') or has_table_privilege('clinic.' || t, 'delete')"
        )
    }
    assert tables == set()
