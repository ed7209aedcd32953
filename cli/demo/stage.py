"""The demo's stage: a clinic of its own, and people who talk to it as any frontend would."""

from __future__ import annotations

import json
import secrets
import ssl
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
from postgrest.exceptions import APIError

from supabase import Client, ClientOptions, create_client

_TLS = ssl.create_default_context()  # slow to make, and the same for everybody

SLUG = "demo-harbour"
ZONE = ZoneInfo("America/New_York")
WEEKLY = [{"weekday": day, "opens": "07:00", "closes": "21:00"} for day in range(1, 8)]
DAYS_AHEAD = 3  # beyond every notice


class DemoFailure(Exception):
    """Something did not come out as it should; the message says what was expected and what came."""


def expect(condition: bool, expected: str, got: Any = None) -> None:
    """Raise DemoFailure unless the condition holds."""
    if not condition:
        raise DemoFailure(f"expected {expected}" + (f", got {got!r}" if got is not None else ""))


@dataclass(frozen=True)
class Refusal:
    """An error of the API: its HTTP status, its stable code, and whatever details it carries."""

    status: int
    code: str
    details: Any

    def __str__(self) -> str:
        return f"{self.status} {self.code}"


@dataclass
class Person:
    """Somebody with a client of their own, the real `supabase` one."""

    name: str
    client: Client
    email: str = ""
    last_status: int = 0

    def call(self, function: str, **arguments: Any) -> Any:
        """Call an RPC and return its data. Raises DemoFailure if it is refused."""
        answer = self.attempt(function, **arguments)
        expect(not isinstance(answer, Refusal), f"{function} to succeed for {self.name}", answer)
        return answer

    def attempt(self, function: str, **arguments: Any) -> Any:
        """Call an RPC and return its data, or the Refusal."""
        try:
            return self.client.rpc(function, arguments).execute().data
        except APIError as error:
            return Refusal(self.last_status, error.code or "", _parsed(error.details))

    def rows(self, view: str, **equals: Any) -> list[dict[str, Any]]:
        """Read the rows of a view that the person may see."""
        query = self.client.table(view).select("*")
        for column, value in equals.items():
            query = query.eq(column, value)
        found: list[dict[str, Any]] = query.execute().data  # type: ignore[assignment]
        return found

    def sign_up(self, phone: str = "+1 212 555 0100") -> None:
        """Become a user that nobody has been before."""
        self.email = f"{self.name.split()[0].lower()}-{secrets.token_hex(4)}@demo.test"
        data = {"full_name": self.name, "phone": phone}
        self.client.auth.sign_up(
            {"email": self.email, "password": secrets.token_urlsafe(12), "options": {"data": data}}
        )

    @property
    def token(self) -> str:
        """The access token of who is signed in."""
        session = self.client.auth.get_session()
        if session is None:
            raise DemoFailure(f"{self.name} is not signed in")
        return session.access_token


def _parsed(details: Any) -> Any:
    try:
        return json.loads(details)
    except (TypeError, ValueError):
        return details


@dataclass
class Stage:
    """A running stack, the demo's clinic in it, and what the story has brought forth so far."""

    status: Mapping[str, Any]
    _open: ExitStack
    clinic: dict[str, Any] = field(default_factory=dict)
    dentist: dict[str, Any] = field(default_factory=dict)
    service: dict[str, Any] = field(default_factory=dict)
    cleaning: dict[str, Any] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    found: dict[str, Any] = field(default_factory=dict)

    def person(self, name: str, token: str | None = None, key: str | None = None) -> Person:
        """Return somebody with a client of their own: anonymous, with a token, or with another key."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        http = self._open.enter_context(httpx.Client(timeout=30, trust_env=False, verify=_TLS))
        options = ClientOptions(
            schema="api", headers=headers, auto_refresh_token=False, persist_session=False, httpx_client=http
        )
        client = create_client(self.status["api_url"], key or self.status["publishable_key"], options)
        person = Person(name, client)
        http.event_hooks["response"].append(lambda answer: setattr(person, "last_status", answer.status_code))
        return person

    def slots(self, person: Person) -> list[dict[str, Any]]:
        """List the dentist's free slots of the coming week, as the person sees them."""
        first = first_day()
        listed: list[dict[str, Any]] = person.call(
            "available_slots",
            appointment_type_id=self.service["id"],
            from_date=first.isoformat(),
            to_date=(first + timedelta(days=6)).isoformat(),
            dentist_id=self.dentist["id"],
        )
        return listed

    def slot(self, starts_at: str) -> dict[str, Any]:
        """Return the arguments that name a slot in RPCs."""
        return {
            "dentist_id": self.dentist["id"],
            "appointment_type_id": self.service["id"],
            "starts_at": starts_at,
        }


@contextmanager
def set_stage(status: Mapping[str, Any]) -> Iterator[Stage]:
    """Yield a stage in a running stack, with its clinic, made at the first demo."""
    with ExitStack() as open_clients:
        stage = Stage(status, open_clients)
        owner = stage.people["owner"] = stage.person("the owner", key=status["secret_key"])
        stage.clinic = _one(owner, "clinics", {"slug": SLUG}) or _make_clinic(owner)
        clinic = {"clinic_id": stage.clinic["id"]}
        stage.dentist = _one(owner, "dentists", clinic | {"profession": "dentist"}) or _make_dentist(
            owner, clinic, "Dr. Ada Byrne"
        )
        types = "appointment_types"
        stage.service = _one(owner, types, clinic | {"name": "Check-up"}) or owner.call(
            "create_appointment_type", **clinic, name="Check-up", duration="30 minutes"
        )
        stage.cleaning = _one(owner, types, clinic | {"name": "Cleaning"}) or _make_cleaning(owner, clinic)
        set_hold_duration(stage, "5 minutes")
        yield stage


def _one(owner: Person, view: str, equals: dict[str, Any]) -> dict[str, Any] | None:
    return next(iter(owner.rows(view, **equals)), None)


def _make_clinic(owner: Person) -> Any:
    return owner.call("create_clinic", slug=SLUG, name="Harbour Dental", time_zone=ZONE.key)


def _make_dentist(owner: Person, clinic: dict[str, Any], name: str, profession: str = "dentist") -> Any:
    dentist = owner.call("create_dentist", **clinic, full_name=name, profession=profession)
    owner.call("set_availability", dentist_id=dentist["id"], weekly=WEEKLY)
    return dentist


def _make_cleaning(owner: Person, clinic: dict[str, Any]) -> Any:
    """Make a visit that two hygienists lead, in the one chair there is, with ten minutes of the dentist."""
    owner.call("create_resource", **clinic, name="Chair 1", kind="chair")
    hygienists = [_make_dentist(owner, clinic, name, "hygienist") for name in ("Mia Sol", "Noa Reyes")]
    cleaning = owner.call(
        "create_appointment_type",
        **clinic,
        name="Cleaning",
        duration="60 minutes",
        dentist_ids=[one["id"] for one in hygienists],
    )
    parts = [{"needs": "chair"}, {"needs": "dentist", "starts_after": "40 minutes", "lasts": "10 minutes"}]
    owner.call("set_visit_parts", appointment_type_id=cleaning["id"], parts=parts)
    return cleaning


def first_day() -> date:
    """Return the first day that the story looks at, by the clinic's clock."""
    return datetime.now(ZONE).date() + timedelta(days=DAYS_AHEAD)


def set_hold_duration(stage: Stage, duration: str) -> None:
    """Change how long the clinic's holds last."""
    stage.people["owner"].call("update_clinic_policy", clinic_id=stage.clinic["id"], hold_duration=duration)


def said(starts_at: str) -> str:
    """Say an instant as the clinic's clock shows it: `Tue 1 Dec 09:00`."""
    local = datetime.fromisoformat(starts_at).astimezone(ZONE)
    return f"{local:%a} {local.day} {local:%b %H:%M}"
