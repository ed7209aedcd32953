"""The story's letters: what really arrives in the stack's mailbox, and a text message that goes back."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks import Webhook

from cli.demo.audience import Audience
from cli.demo.stage import DemoFailure, Stage, expect, said
from cli.local.launch import SMS_FROM

PATIENCE = 15.0  # seconds
PHONE = "+12125550177"
AHEAD = {"kind": "reminder", "channel": "sms", "lead": "30 days"}


def confirmation(stage: Stage, _: Audience) -> str:
    """A confirmation arrives"""
    mail = _await_mail(stage, stage.people["ana"].email)
    files = [one["filename"] for one in mail["attachments"]]
    expect("visit.ics" in files, "an entry for her calendar", files)
    expect("/a/" in mail["text"], "a link that needs no login", mail["text"])
    sender = mail["from"][0]
    return f"from {sender['name']} <{sender['address']}>: “{mail['subject']}”, with {files[0]} and a link"


def reminder(stage: Stage, audience: Audience) -> str:
    """Clara is reminded by text"""
    owner, clinic = stage.people["owner"], {"clinic_id": stage.clinic["id"]}
    owner.call("set_message_rules", **clinic, rules=[{"kind": "booked", "channel": "email"}, AHEAD])
    owner.call("update_clinic_policy", **clinic, quiet_from="00:00", quiet_until="00:00")
    clara = stage.people["clara"] = stage.person("Clara Moss")
    clara.sign_up(PHONE)
    starts_at = stage.slots(clara)[-1]["starts_at"]
    stage.found["reminded"] = clara.call("book_appointment", **stage.slot(starts_at))
    audience.hears("slot_taken", starts_at)
    text = _await_mail(stage, f"{PHONE}@sms.local")["text"].strip()
    return f"thirty days before or, as here, at once: “{text}”"


def reply(stage: Stage, audience: Audience) -> str:
    """She texts X back"""
    visit = stage.found["reminded"]
    told = _text_back(stage, "X")
    expect(told["outcome"] == "cancelled", "her visit to be cancelled", told)
    audience.hears("slot_freed", visit["starts_at"])
    row = stage.people["clara"].rows("appointments", id=visit["id"])[0]
    expect(row["status"] == "cancelled", "the status cancelled", row["status"])
    again = _text_back(stage, "X")
    expect(again["repeated"] is True, "the same text not to count twice", again)
    answer = _await_mail(stage, f"{PHONE}@sms.local", but=1)["text"].strip()
    return f"{said(visit['starts_at'])} is free again; she reads: “{answer}”"


def _text_back(stage: Stage, body: str) -> dict[str, Any]:
    """Hand a text message in as its carrier would: one signed request to the worker."""
    key, at = f"demo-{stage.found['reminded']['id']}", datetime.now(UTC)
    content = json.dumps({"sender": SMS_FROM, "message_ref": key, "phone": PHONE, "body": body})
    headers = {
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(stage.status["sms_secret"]).sign(key, at, content),
    }
    url = f"{stage.status['worker_url']}/replies"
    answer = httpx.post(url, content=content, headers=headers, trust_env=False, timeout=30)
    expect(answer.is_success, "the worker to take the text", answer.text)
    return dict(answer.json())


def _await_mail(stage: Stage, address: str, but: int = 0) -> dict[str, Any]:
    """Wait until the mailbox has something for the address, but for the first ones. Raises DemoFailure."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = httpx.get(f"{stage.status['mailbox_url']}/api/email", trust_env=False)
        found = [mail for mail in answer.json() if mail["to"][0]["address"] == address]
        if len(found) > but:
            return dict(found[but])
        time.sleep(0.05)
    raise DemoFailure(f"nothing for {address} arrived in {PATIENCE:.0f} s")
