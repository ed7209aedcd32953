"""The story's people: a mother books for her child and herself, and the clinic takes somebody on."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from cli.demo.audience import Audience
from cli.demo.stage import Refusal, Stage, expect, said


def family(stage: Stage, audience: Audience) -> str:
    """Ana books for her child, too"""
    ana, born = stage.people["ana"], date.today() - timedelta(days=7 * 365)
    kim = ana.call(
        "add_dependant", clinic_id=stage.clinic["id"], full_name="Kim Torres", birth_date=born.isoformat()
    )
    first, second = _back_to_back(stage)
    taken = stage.found["slots"][1]
    answer = ana.attempt("book_family", visits=[_visit(stage, first, kim), _visit(stage, taken)])
    expect(isinstance(answer, Refusal) and str(answer) == "409 slot_taken", "409 slot_taken", answer)
    expect(ana.rows("appointments", patient_id=kim["id"]) == [], "nothing to be booked with it")
    visits = ana.call("book_family", visits=[_visit(stage, first, kim), _visit(stage, second)])
    expect([visit["starts_at"] for visit in visits] == [first, second], "both visits", visits)
    audience.hears("slot_taken", second)
    return f"Kim on {said(first)}, Ana right after; with one time that was taken neither was booked"


def _back_to_back(stage: Stage) -> tuple[str, str]:
    free = [slot["starts_at"] for slot in stage.slots(stage.people["ana"])]
    half_an_hour = timedelta(minutes=30)
    instants = {datetime.fromisoformat(start): start for start in free}
    return next(
        (start, instants[instant + half_an_hour])
        for instant, start in instants.items()
        if instant + half_an_hour in instants
    )


def _visit(stage: Stage, starts_at: str, patient: dict[str, Any] | None = None) -> dict[str, Any]:
    return stage.slot(starts_at) | ({"patient_id": patient["id"]} if patient else {})


def take_on(stage: Stage, _: Audience) -> str:
    """The clinic takes Nora on"""
    owner, clinic = stage.people["owner"], {"clinic_id": stage.clinic["id"]}
    nora = stage.people["nora"] = stage.person("Nora Keller")
    nora.sign_up()
    code = owner.call("invite_staff", **clinic, email=nora.email, role="admin")["code"]
    stolen = stage.people["ben"].call("accept_staff_invitation", code=code)
    expect(stolen["accepted"] is False, "Ben not to get in with her code", stolen)
    joined = nora.call("accept_staff_invitation", code=code)
    expect(joined["accepted"] is True, "Nora to join", joined)
    changes = nora.rows("audit_log", entity="staff", entity_id=nora.call("me")["user_id"])
    doors = [change["via"] for change in changes]
    expect(doors == ["accept_staff_invitation"], "her joining to be in the audit log", doors)
    return "with a code for her address, of no use to Ben; the audit log says who, when and how"
