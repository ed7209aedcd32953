"""The story's visits that take more than one person: a chair, a hygienist, and ten minutes of the dentist."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from cli.demo.audience import Audience
from cli.demo.stage import ZONE, Refusal, Stage, expect, first_day, said


def clean(stage: Stage, audience: Audience) -> str:
    """Ana books a cleaning with anybody"""
    ana, wish = stage.people["ana"], {"appointment_type_id": stage.cleaning["id"]}
    day = datetime.combine(first_day() + timedelta(days=1), datetime.min.time(), ZONE)
    [free] = ana.call("next_slots", **wish, from_time=day.isoformat(), max_results=1)
    booked = ana.call("book_appointment", **wish, starts_at=free["starts_at"])
    expect(booked["assigned"] == "any", "somebody who was free", booked["assigned"])
    audience.hears("slot_taken", booked["starts_at"])
    stage.found["cleaning"] = booked
    leads, parts = _seen_at_the_desk(stage, booked)
    expect([part["needs"] for part in parts] == ["chair", "dentist"], "a chair and a dentist", parts)
    chair, exam = parts
    looks_in = {"dentist_id": exam["resource_id"], "appointment_type_id": stage.service["id"]}
    answer = stage.people["ben"].attempt("book_appointment", **looks_in, starts_at=_half_past(booked))
    expect(isinstance(answer, Refusal) and answer.code == "slot_taken", "the dentist to be busy then", answer)
    span = " to ".join(said(exam[name])[-5:] for name in ("starts_at", "ends_at"))
    return (
        f"{leads} leads it on {said(booked['starts_at'])} in {chair['name']}, and {exam['name']} looks in "
        f"from {span}; a check-up with her in these minutes: {answer}"
    )


def _seen_at_the_desk(stage: Stage, visit: dict[str, Any]) -> tuple[str, list[dict[str, Any]]]:
    day = datetime.fromisoformat(visit["starts_at"]).astimezone(ZONE).date()
    board = stage.people["owner"].call("clinic_day", clinic_id=stage.clinic["id"], day=day.isoformat())
    return next(
        (dentist["full_name"], row["parts"])
        for dentist in board["dentists"]
        for row in dentist["appointments"]
        if row["id"] == visit["id"]
    )


def _half_past(visit: dict[str, Any]) -> str:
    return (datetime.fromisoformat(visit["starts_at"]) + timedelta(minutes=30)).isoformat()


def crowd(stage: Stage, _: Audience) -> str:
    """Ben wants one at the same time"""
    wish = {"appointment_type_id": stage.cleaning["id"], "starts_at": stage.found["cleaning"]["starts_at"]}
    answer = stage.people["ben"].attempt("book_appointment", **wish)
    expect(isinstance(answer, Refusal) and answer.code == "slot_taken", "409 slot_taken", answer)
    expect(bool(answer.details), "alternatives", answer.details)
    told = stage.people["owner"].call("explain_slot", **wish)["message"]
    expect("No chair is free" in told, "the desk to be told that it is the chair", told)
    instead = ", ".join(dict.fromkeys(said(slot["starts_at"]) for slot in answer.details))
    return f"{answer}, though another hygienist is free; the desk is told: “{told}”; instead: {instead}"
