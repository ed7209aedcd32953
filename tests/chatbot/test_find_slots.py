"""chatbot_find_slots: what people say becomes a few offers, or a question back."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.chatbot.talk import find, hold, offer, starts
from tests.support.actors import Connection, call
from tests.support.clinics import Clinic
from tests.support.refusals import refused
from tests.support.slots import book, listed

SERVICES = {
    "Check-up": ["check-up", "checkup", "CHECK UP", "a check"],
    "Cleaning": ["teeth cleaning", "cleanin", "clean", "ｃｌｅａｎｉｎｇ"],  # noqa: RUF001
    "Root canal": ["root canal treatment", "rootcanal"],
}
DENTISTS = {
    "Dr. Grace Lee": ["Dr. Lee", "Grace Lee"],
    "Dr. Marcus Webb": ["doctor webb", "marcos"],
    "Dr. Priya Nair": ["Priya", "dr nair"],
}


def test_services_and_dentists_are_known_by_what_people_say(
    bot: Connection, riverside: Clinic, subtests: pytest.Subtests
) -> None:
    for field, known in (("service", SERVICES), ("dentist", DENTISTS)):
        for said, meant in [(said, meant) for meant, sayings in known.items() for said in sayings]:
            with subtests.test(said=said):
                offers = find(bot, riverside, **{"dentist": None, field: said})["offers"]
                assert {one[field] for one in offers} == {meant}


def test_an_unknown_service_is_answered_with_all_services(bot: Connection, riverside: Clinic) -> None:
    answer = find(bot, riverside, service="Zahnspange")
    assert (answer["status"], answer["offers"]) == ("choose_service", [])
    assert {one["name"] for one in answer["candidates"]} == set(riverside.types)


def test_an_unknown_dentist_is_answered_with_all_who_do_it(bot: Connection, riverside: Clinic) -> None:
    answer = find(bot, riverside, dentist="Dr. Smith")
    assert (answer["status"], answer["offers"]) == ("choose_dentist", [])
    assert {one["name"] for one in answer["candidates"]} == set(DENTISTS)


def test_a_dentist_who_does_not_do_it_is_answered_with_who_does(bot: Connection, riverside: Clinic) -> None:
    for dentist in ("Dr. Lee", str(riverside.lee)):
        answer = find(bot, riverside, service="cleaning", dentist=dentist)
        assert (answer["status"], answer["offers"]) == ("choose_dentist", [])
        assert answer["message"].startswith("Dr. Grace Lee does not do this.")
        assert [one["name"] for one in answer["candidates"]] == ["Hannah Cole"]


@pytest.mark.parametrize("audience", ["staff", "known_patients"])
def test_what_is_not_for_everybody_is_not_offered(
    bot: Connection, superuser: Connection, riverside: Clinic, audience: str
) -> None:
    """A chatbot cannot know whom the clinic knows."""
    token = offer(bot, riverside, service="Root canal")
    superuser.execute(
        "update clinic.appointment_types set audience = %s where name = 'Root canal'", [audience]
    )
    answer = find(bot, riverside, service="root canal")
    assert (answer["status"], answer["offers"]) == ("choose_service", [])
    assert {one["name"] for one in answer["clinic"]["services"]} == {"Check-up", "Cleaning"}
    with refused("not_offered"):
        hold(bot, token)


def test_what_nobody_does_is_not_offered(bot: Connection, superuser: Connection, riverside: Clinic) -> None:
    superuser.execute("update clinic.dentists set is_active = false where profession = 'hygienist'")
    answer = find(bot, riverside, service="cleaning", dentist=None)
    assert (answer["status"], answer["offers"]) == ("choose_service", [])
    assert {one["name"] for one in answer["candidates"]} == {"Check-up", "Root canal"}


def test_an_unknown_clinic_is_answered_with_those_like_it(bot: Connection) -> None:
    answer = call(bot, "chatbot_find_slots", clinic_slug="rivrside")
    assert (answer["status"], answer["clinic"]) == ("choose_clinic", None)
    assert [one["name"] for one in answer["candidates"]] == ["riverside"]


def test_an_ambiguous_name_is_answered_with_those_it_fits(
    bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    superuser.execute(
        "update clinic.dentists set full_name = 'Dr. Martin Lee' where full_name = 'Dr. Marcus Webb'"
    )
    answer = find(bot, riverside, dentist="Lee")
    assert answer["status"] == "choose_dentist"
    assert [one["name"] for one in answer["candidates"]] == ["Dr. Grace Lee", "Dr. Martin Lee"]
    chosen = answer["candidates"][1]
    assert {one["dentist"] for one in find(bot, riverside, dentist=chosen["id"])["offers"]} == {
        chosen["name"]
    }
    assert {one["dentist"] for one in find(bot, riverside, dentist=chosen["name"])["offers"]} == {
        chosen["name"]
    }


def test_names_in_other_scripts_are_known_by_a_part(
    bot: Connection, superuser: Connection, sakura: Clinic
) -> None:
    superuser.execute("update clinic.dentists set full_name = '佐藤 健二' where full_name = 'Dr. Kenji Sato'")
    assert {one["dentist"] for one in find(bot, sakura, dentist="佐藤")["offers"]} == {"佐藤 健二"}


def test_nothing_said_is_a_check_up_with_anybody_soon(
    bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    # What is left of today begins when it happens to: the times below are those of whole days.
    first = riverside.at("00:00", riverside.today() + timedelta(days=2))
    superuser.execute("update clinic.clinics set min_notice = %s - clock_timestamp()", [first])
    answer = call(bot, "chatbot_find_slots", clinic_slug="riverside")
    assert len(answer["offers"]) == 3
    assert {one["service"] for one in answer["offers"]} == {"Check-up"}
    assert {one["name"] for one in answer["clinic"]["services"]} == set(riverside.types)
    assert len({one["local_date"] for one in answer["offers"]}) == 3, "spread over days"
    assert len({one["local_time"] for one in answer["offers"]}) == 3, "spread over times"


def test_titles_alone_name_nobody(bot: Connection, riverside: Clinic) -> None:
    answer = find(bot, riverside, dentist="Dr.", max_results=10)
    assert len({one["dentist"] for one in answer["offers"]}) > 1


def test_a_day_is_spread_from_morning_to_afternoon(bot: Connection, riverside: Clinic) -> None:
    answer = find(bot, riverside, max_results=4)
    assert {one["local_date"] for one in answer["offers"]} == {riverside.weekday(1).isoformat()}
    gaps = [later - earlier for earlier, later in pairwise(starts(answer))]
    assert min(gaps) >= timedelta(hours=1)


def test_every_offer_is_a_slot_that_is_listed(bot: Connection, ana: Connection, riverside: Clinic) -> None:
    offered = starts(find(bot, riverside, max_results=10))
    assert len(offered) == 10
    assert set(offered) <= set(listed(ana, riverside, riverside.at("09:00")))


def test_a_taken_slot_is_not_offered(bot: Connection, ana: Connection, riverside: Clinic) -> None:
    first = starts(find(bot, riverside))[0]
    book(ana, riverside, first)
    assert first not in starts(find(bot, riverside, max_results=10))


@pytest.mark.parametrize(
    ("part", "first", "last"), [("morning", "00:00", "11:59"), ("Afternoon", "12:00", "16:59")]
)
def test_a_part_of_the_day_is_the_clinics(
    bot: Connection, sakura: Clinic, part: str, first: str, last: str
) -> None:
    offers = find(bot, sakura, part_of_day=part, max_results=10)["offers"]
    assert offers
    for one in offers:
        local = datetime.fromisoformat(one["starts_at"]).astimezone(sakura.zone)
        assert one["local_time"] == f"{local:%H:%M}"
        assert first <= one["local_time"] <= last


def test_nothing_free_is_said(bot: Connection, riverside: Clinic) -> None:
    answer = find(bot, riverside, part_of_day="evening")
    assert (answer["status"], answer["offers"]) == ("nothing_free", [])


def test_a_label_is_in_clinic_time_and_fields_need_no_language(bot: Connection, sakura: Clinic) -> None:
    one = find(bot, sakura)["offers"][0]
    day = sakura.weekday(1)
    assert one["label"] == (
        f"{day:%A}, {day.day} {day:%B} {day.year}, 09:00,"
        " Check-up with Dr. Min-ji Lee at Sakura Dental Clinic"
    )
    assert datetime.fromisoformat(one["starts_at"]) == sakura.at("09:00")
    assert datetime.fromisoformat(one["ends_at"]) == sakura.at("09:30")
    assert (one["local_date"], one["local_time"], one["weekday"]) == (day.isoformat(), "09:00", 1)
    assert (one["time_zone"], one["minutes"]) == ("Asia/Tokyo", 30)


def test_tokens_are_unguessable_and_stored_only_as_hashes(
    bot: Connection, superuser: Connection, riverside: Clinic
) -> None:
    tokens = [one["offer"] for _ in range(5) for one in find(bot, riverside, max_results=10)["offers"]]
    assert len(set(tokens)) == 50
    assert all(len(token) == 32 for token in tokens)
    rows = superuser.execute(
        "select encode(token_hash, 'escape') as kept, o::text from clinic.slot_offers as o"
    )
    text = str(rows.fetchall())
    assert not [token for token in tokens if token in text]


REFUSED = [
    ({"part_of_day": "noon"}, "invalid_argument"),
    ({"max_results": 0}, "invalid_argument"),
    ({"max_results": 11}, "invalid_argument"),
    ({"service": "x" * 201}, "invalid_argument"),
    ({"from_date": "infinity"}, "invalid_argument"),
    ({"from_date": "2020-01-01"}, "in_the_past"),
    ({"from_date": "2199-01-01"}, "beyond_horizon"),
]


def test_what_cannot_be_right_is_refused(
    bot: Connection, riverside: Clinic, subtests: pytest.Subtests
) -> None:
    for wish, code in REFUSED:
        with subtests.test(**wish), refused(code):
            find(bot, riverside, **wish)


def test_anybody_signed_in_may_ask(ana: Connection, riverside: Clinic) -> None:
    assert find(ana, riverside)["offers"]


def test_a_patient_is_not_offered_what_they_could_not_come_to(ana: Connection, riverside: Clinic) -> None:
    first = starts(find(ana, riverside, dentist=str(riverside.other)))[0]
    book(ana, riverside, first)
    assert first not in starts(find(ana, riverside, dentist=str(riverside.other), max_results=10))


def test_nobody_else_may(actors: Any, riverside: Clinic) -> None:
    with refused("not_authenticated"):
        find(actors.anon(), riverside)
