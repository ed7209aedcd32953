"""The story: each step does one thing through the API, checks what came of it, and says so in a sentence."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from cli.demo import letters, people, visits, waiting
from cli.demo.audience import Audience
from cli.demo.stage import DemoFailure, Person, Refusal, Stage, expect, first_day, said, set_hold_duration

RACERS = 10
CLIENTS_OF_EACH = 5
SLOTS = 3  # that the story needs
HOLD = 3  # seconds that the hold which is to expire lasts

WALTER, PHONE = "Walter Inman", "+1 212 555 0131"

Step = Callable[[Stage, Audience], str]


@dataclass(frozen=True)
class Told:
    """A step that came out right: its title, what it found, and how long it took in seconds."""

    title: str
    text: str
    seconds: float


def sign_up(stage: Stage, _: Audience) -> str:
    """Two patients sign up"""
    for name in ("Ana Torres", "Ben Okafor"):
        person = stage.people[name.split()[0].lower()] = stage.person(name)
        person.sign_up()
        profile = person.call("me")["profile"]
        expect(profile["full_name"] == name, f"a profile for {name}", profile)
    return "Ana and Ben have accounts; the database made their profiles"


def look(stage: Stage, _: Audience) -> str:
    """Both look for a check-up"""
    seen = [stage.slots(stage.people[name]) for name in ("ana", "ben")]
    expect(seen[0] == seen[1], "both to see the same slots")
    stage.found["slots"] = _apart(seen[0])
    expect(len(stage.found["slots"]) >= SLOTS, f"at least {SLOTS} free slots", len(seen[0]))
    first = said(stage.found["slots"][0])
    return f"{len(seen[0])} slots with {stage.dentist['full_name']}, the first on {first}"


def hold(stage: Stage, audience: Audience) -> str:
    """Ana holds the first one"""
    starts_at = stage.found["slots"][0]
    stage.found["hold"] = stage.people["ana"].call("reserve_slot", **stage.slot(starts_at))
    lasts = _instant(stage.found["hold"]["expires_at"]) - _instant(stage.found["hold"]["server_now"])
    heard = audience.hears("slot_taken", starts_at)
    return f"hers for {lasts.total_seconds() / 60:.0f} minutes; who watches knew after {_ms(heard.delay)}"


def refuse(stage: Stage, _: Audience) -> str:
    """Ben wants the same"""
    answer = stage.people["ben"].attempt("book_appointment", **stage.slot(stage.found["slots"][0]))
    expect(isinstance(answer, Refusal), "a refusal", answer)
    expect((answer.status, answer.code) == (409, "slot_taken"), "409 slot_taken", str(answer))
    expect(bool(answer.details), "alternatives", answer.details)
    return f"{answer}; instead: " + ", ".join(said(slot["starts_at"]) for slot in answer.details)


def confirm(stage: Stage, _: Audience) -> str:
    """Ana confirms"""
    booked = stage.people["ana"].call("confirm_reservation", reservation_id=stage.found["hold"]["id"])
    expect(booked["status"] == "booked", "the status booked", booked["status"])
    expect(booked["starts_at"] == stage.found["hold"]["starts_at"], "the time she held", booked["starts_at"])
    stage.found["appointment"] = booked
    return f"the hold became an appointment on {said(booked['starts_at'])}; at no instant was it free"


def race(stage: Stage, audience: Audience) -> str:
    """Fifty clients race for one slot"""
    starts_at = stage.found["slots"][1]
    runners = _runners(stage)
    line = threading.Barrier(len(runners))

    def run(runner: Any) -> tuple[Any, float]:
        line.wait()
        started = time.perf_counter()
        return runner.attempt("book_appointment", **stage.slot(starts_at)), time.perf_counter() - started

    with ThreadPoolExecutor(len(runners)) as pool:
        results = list(pool.map(run, runners))
    refused = [answer for answer, _ in results if isinstance(answer, Refusal)]
    expect(len(results) - len(refused) == 1, "exactly one winner", len(results) - len(refused))
    expect(
        {str(answer) for answer in refused} == {"409 slot_taken"}, "409 slot_taken for all others", refused
    )
    audience.hears("slot_taken", starts_at)
    slowest = max(seconds for _, seconds in results)
    return f"1 won, {len(refused)} got 409 slot_taken; the slowest answer took {_ms(slowest)}"


def _runners(stage: Stage) -> list[Any]:
    people = [stage.person(f"Runner {number}") for number in range(RACERS)]
    with ThreadPoolExecutor(RACERS) as pool:
        list(pool.map(lambda person: person.sign_up(), people))
    return [stage.person(one.name, token=one.token) for one in people for _ in range(CLIENTS_OF_EACH)]


def expire(stage: Stage, audience: Audience) -> str:
    """A hold runs out"""
    starts_at, ana, ben = stage.found["slots"][2], stage.people["ana"], stage.people["ben"]
    set_hold_duration(stage, f"{HOLD} seconds")
    held = ben.call("reserve_slot", **stage.slot(starts_at))
    set_hold_duration(stage, "5 minutes")
    expect(not _offered(stage, starts_at), "a held slot not to be offered")
    heard = audience.hears("slot_freed", starts_at)
    expect(_offered(stage, starts_at), "the slot to be offered again")
    answer = ben.attempt("confirm_reservation", reservation_id=held["id"])
    expect(not isinstance(answer, Refusal), "a late confirmation of a slot still free to succeed", answer)
    taken = ana.attempt("reserve_slot", **stage.slot(starts_at))
    expect(isinstance(taken, Refusal) and taken.code == "slot_taken", "slot_taken for Ana", taken)
    return f"after {HOLD} s the slot was offered again, and who watches knew {_ms(heard.delay)} later"


def cancel(stage: Stage, audience: Audience) -> str:
    """Ana cancels"""
    appointment = stage.found["appointment"]
    expect(not _offered(stage, appointment["starts_at"]), "the booked time not to be offered")
    answer = stage.people["ana"].call("cancel_appointment", appointment_id=appointment["id"], reason="A cold")
    expect(answer["status"] == "cancelled", "the status cancelled", answer["status"])
    heard = audience.hears("slot_freed", appointment["starts_at"])
    expect(_offered(stage, appointment["starts_at"]), "the time to be offered again")
    return f"{said(appointment['starts_at'])} is free again; who watches knew after {_ms(heard.delay)}"


def privacy(stage: Stage, _: Audience) -> str:
    """Ben looks for Ana's appointment"""
    ben, wanted = stage.people["ben"], stage.found["appointment"]["id"]
    seen = ben.rows("appointments", id=wanted)
    expect(seen == [], "no rows", seen)
    answer = ben.attempt("cancel_appointment", appointment_id=wanted)
    expect(isinstance(answer, Refusal) and str(answer) == "404 not_found", "404 not_found", answer)
    hers = stage.people["ana"].rows("appointments", id=wanted)
    expect(len(hers) == 1, "Ana to see her own", hers)
    return "he sees nothing and gets 404 not_found; Ana sees it"


def converse(stage: Stage, audience: Audience) -> str:
    """A chatbot books for Walter"""
    bot = _hire_chatbot(stage)
    wish = {"clinic_slug": stage.clinic["slug"], "service": "checkup", "part_of_day": "afternoon"}
    offers = bot.call("chatbot_find_slots", **wish, from_date=first_day().isoformat())["offers"]
    expect(len(offers) > 0, "offers")
    invented = bot.attempt("chatbot_hold", offer="tomorrow at ten", patient_name=WALTER, patient_phone=PHONE)
    expect(isinstance(invented, Refusal), "a refusal of a time that the bot invented", invented)
    held = bot.call("chatbot_hold", offer=offers[0]["offer"], patient_name=WALTER, patient_phone=PHONE)
    booked = bot.call("chatbot_confirm", reservation_id=held["reservation_id"])
    audience.hears("slot_taken", booked["starts_at"])
    stranger = bot.call("chatbot_cancel", confirmation_code=booked["confirmation_code"], patient_phone="+1 0")
    expect(stranger["cancelled"] is False, "no cancelling with another phone number", stranger)
    cancelled = bot.call("chatbot_cancel", confirmation_code=booked["confirmation_code"], patient_phone=PHONE)
    expect(cancelled["cancelled"] is True, "cancelled", cancelled)
    audience.hears("slot_freed", booked["starts_at"])
    _dismiss(stage, bot)
    return "\n".join(_dialogue(offers, booked, invented))


def _hire_chatbot(stage: Stage) -> Person:
    bot = stage.people["bot"] = stage.person("Harbour Assistant")
    bot.sign_up()
    stage.people["owner"].call("grant_staff_role", **_job(stage, bot), role="chatbot")
    return bot


def _dismiss(stage: Stage, bot: Person) -> None:
    stage.people["owner"].call("revoke_staff_role", **_job(stage, bot))


def _job(stage: Stage, bot: Person) -> dict[str, Any]:
    return {"clinic_id": stage.clinic["id"], "user_id": bot.call("me")["user_id"]}


def _dialogue(offers: list[dict[str, Any]], booked: dict[str, Any], invented: Refusal) -> list[str]:
    return [
        "Walter  A checkup, please. In the afternoon, but not before the day after tomorrow.",
        f"Bot     I have {', '.join(said(offer['starts_at']) for offer in offers)}.",
        "Walter  The first. I am Walter Inman, +1 212 555 0131.",
        f"Bot     {booked['label']}: booked. Your code is {booked['confirmation_code']}.",
        "Walter  Sorry, I cannot come after all.",
        "Bot     Cancelled. Would another day suit you?",
        f"(a time that the bot made up: {invented}; the code with another phone number: nothing)",
    ]


def prove(stage: Stage, audience: Audience) -> str:
    """The ledger is checked"""
    with psycopg.connect(stage.status["db_url"]) as connection:
        violations = connection.execute("select * from clinic.check_invariants()").fetchall()
    expect(violations == [], "0 violations", violations)
    delays = [one.delay for one in audience.heard]
    typical, worst = _ms(statistics.median(delays)), _ms(max(delays))
    return f"0 violations; {len(delays)} broadcasts arrived, after {typical} typically, {worst} at most"


STEPS: tuple[Step, ...] = (
    sign_up,
    look,
    hold,
    refuse,
    confirm,
    letters.confirmation,
    race,
    expire,
    cancel,
    privacy,
    waiting.hand_over,
    visits.clean,
    visits.crowd,
    people.family,
    converse,
    people.take_on,
    letters.reminder,
    letters.reply,
    prove,
)


def play(stage: Stage, audience: Audience, tell: Callable[[Told], None]) -> None:
    """Play all steps and tell of each. Raises DemoFailure, naming the step, at the first that goes wrong."""
    for step in STEPS:
        title = (step.__doc__ or "").strip()
        started = time.perf_counter()
        try:
            text = step(stage, audience)
        except DemoFailure as failure:
            raise DemoFailure(f"{title}: {failure}") from failure
        tell(Told(title, text, time.perf_counter() - started))


def _apart(slots: list[dict[str, Any]]) -> list[str]:
    """Choose slots, by their start, none of which overlaps the one before."""
    chosen: list[dict[str, Any]] = []
    for slot in slots:
        if not chosen or _instant(slot["starts_at"]) >= _instant(chosen[-1]["ends_at"]):
            chosen.append(slot)
    return [slot["starts_at"] for slot in chosen]


def _offered(stage: Stage, starts_at: str) -> bool:
    return any(slot["starts_at"] == starts_at for slot in stage.slots(stage.people["ana"]))


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"
