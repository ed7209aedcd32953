"""A clinic with people in it on the running stack: somebody of every kind, and something of everything."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import httpx

from tests.support.actors import Row, call, value
from tests.support.build import MadeClinic, insert, make_clinic, make_type, make_user
from tests.support.stacks import Stack


class World:
    """A made clinic on a running stack. What it makes is new each time, at a time of its own."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._actors = stack.actors()
        self.superuser = self._actors.superuser()
        policy = {"max_active_holds": 100, "max_upcoming": 1000, "booking_horizon": "730 days"}
        self.clinic: MadeClinic = make_clinic(self.superuser, **policy)
        staff = {"chatbot": "bot", "receptionist": "desk", "dentist": "lee", "admin": "admin"}
        self.users: dict[str, UUID] = {actor: self.clinic.users[name] for actor, name in staff.items()}
        self.users["patient"] = make_user(self.superuser, "Pat Patient")
        self.users["guardian"] = make_user(self.superuser, "Greta Guardian")
        self.users["guest"] = make_user(self.superuser, "Gus Guest")
        self.users["stranger"] = make_clinic(self.superuser).users["admin"]
        self._connections = {
            actor: self._actors.user(f"{self.users[actor]}@made.test")
            for actor in ("patient", "chatbot", "receptionist", "admin")
        }
        self._days = count()
        self.chair: UUID = uuid4()
        insert(self.superuser, "resources", id=self.chair, clinic_id=self.clinic.id, kind="chair", name="One")
        self.seated = make_type(self.superuser, self.clinic.id, "Seated", 30)
        part = {"appointment_type_id": self.seated, "clinic_id": self.clinic.id, "part": 1, "needs": "chair"}
        insert(self.superuser, "type_parts", **part)
        self.walk_in: UUID = self.make(
            "receptionist", "create_patient", clinic_id=self.clinic.id, full_name="Walter"
        )["id"]
        acts_for = {
            "clinic_id": self.clinic.id,
            "patient_id": self.walk_in,
            "user_id": self.users["guardian"],
        }
        insert(self.superuser, "guardians", **acts_for)

    def close(self) -> None:
        """Close all connections to the database."""
        self._actors.close()

    def http(self, actor: str) -> httpx.Client:
        """Return a client of the Data API for an actor of the matrix."""
        user = self.users.get(actor)
        return self.stack.http(self.stack.token(user, is_anonymous=actor == "guest") if user else None)

    def start(self) -> datetime:
        """Return a start at which nobody has anything yet: nine o'clock on the next unused weekday."""
        week, weekday = divmod(next(self._days), 5)
        return self.clinic.at("09:00", self.clinic.weekday(weekday + 1, week + 3))

    def make(self, actor: str, function: str, **arguments: Any) -> Any:
        """Call a function of the API, behind HTTP's back, as somebody of the clinic."""
        return call(self._connections[actor], function, **arguments)

    def slot(self, dentist: UUID | None = None) -> Row:
        """Return arguments that name a free slot."""
        dentist = dentist or self.clinic.lee
        return {"dentist_id": dentist, "appointment_type_id": self.clinic.checkup, "starts_at": self.start()}

    def visits(self, **more: Any) -> list[dict[str, str]]:
        """Return two visits as a family books them."""
        return [{name: str(value) for name, value in (self.slot() | more).items()} for _ in range(2)]

    def patient(self) -> UUID:
        """Return a new patient without a login."""
        who = {"clinic_id": self.clinic.id, "full_name": f"Nora {next(self._days)}"}
        identifier: UUID = self.make("receptionist", "create_patient", **who)["id"]
        return identifier

    def invited(self) -> Row:
        """Return the invitation of a new patient."""
        invitation: Row = self.make("receptionist", "invite_patient", patient_id=self.patient())
        return invitation

    def invited_to_the_staff(self) -> Row:
        """Return the invitation of somebody to the staff."""
        who = {
            "clinic_id": self.clinic.id,
            "email": f"new-{next(self._days)}@made.test",
            "role": "receptionist",
        }
        invitation: Row = self.make("admin", "invite_staff", **who)
        return invitation

    def hold(self) -> UUID:
        """Return a new hold of the patient with the dentist."""
        identifier: UUID = self.make("patient", "reserve_slot", **self.slot())["id"]
        return identifier

    def sundays(self) -> Row:
        """Return arguments that wait for a time which nobody will ever have."""
        return {"appointment_type_id": self.clinic.checkup, "weekdays": [7]}

    def wish(self) -> UUID:
        """Return the patient's wish for a time with the dentist."""
        wanted = self.sundays() | {"dentist_ids": [self.clinic.lee]}
        identifier: UUID = self.make("patient", "join_waitlist", **wanted)["id"]
        return identifier

    def appointment(
        self, dentist: UUID | None = None, patient: UUID | None = None, type_id: UUID | None = None
    ) -> UUID:
        """Return a new appointment of the patient, or of another, with the dentist, or with another."""
        who, whom = ("receptionist", {"patient_id": patient}) if patient else ("patient", {})
        slot = self.slot(dentist) | ({"appointment_type_id": type_id} if type_id else {})
        identifier: UUID = self.make(who, "book_appointment", **slot, **whom)["id"]
        return identifier

    def resized(self, appointment: UUID) -> Row:
        """Return arguments that make an appointment a quarter of an hour longer."""
        row = self.superuser.execute(
            "select ends_at from clinic.appointments where id = %s", [appointment]
        ).fetchone()
        assert row is not None
        return {"appointment_id": appointment, "ends_at": row["ends_at"] + timedelta(minutes=15)}

    def hours(self) -> Row:
        """Return arguments that name four hours of a day of its own, in the evening."""
        start = self.start() + timedelta(hours=10)
        return {"starts_at": start, "ends_at": start + timedelta(hours=4)}

    def time_off(self) -> UUID:
        """Return a new time off of the dentist."""
        answer = self.make(
            "admin", "add_time_off", clinic_id=self.clinic.id, dentist_id=self.clinic.lee, **self.hours()
        )
        return UUID(answer["time_off"][0]["id"])

    def closure(self) -> UUID:
        """Return a new closure of the clinic."""
        answer = self.make("admin", "add_time_off", clinic_id=self.clinic.id, **self.hours())
        return UUID(answer["closure_id"])

    def extra_hours(self) -> UUID:
        """Return new extra hours of the dentist."""
        identifier: UUID = self.make("admin", "add_extra_hours", dentist_id=self.clinic.lee, **self.hours())[
            "id"
        ]
        return identifier

    def rhythm(self) -> Row:
        """Return arguments that make a slot a series, only to see what it would be."""
        return {"every": "1 week", "occurrences": 2, "dry_run": True}

    def series(self) -> UUID:
        """Return a new series of the patient with the dentist: of one visit, which takes no other's time."""
        identifier = uuid4()
        self.superuser.execute(
            "update clinic.appointments set series_id = %s where id = %s", [identifier, self.appointment()]
        )
        return identifier

    def recall_type(self) -> UUID:
        """Return what patients come back for after a check-up."""
        row = self.superuser.execute(
            "insert into clinic.recall_types (clinic_id, name, after_type_ids, every, book_type_id)"
            " values (%s, 'Check-up', array[%s], '6 months', %s)"
            " on conflict (clinic_id, name) do update set is_active = true returning id",
            [self.clinic.id, self.clinic.checkup, self.clinic.checkup],
        ).fetchone()
        assert row is not None
        identifier: UUID = row["id"]
        return identifier

    def offer(self) -> Row:
        """Return what the chatbot needs to hold a new offer for somebody new."""
        found = self.make("chatbot", "chatbot_find_slots", clinic_slug=self.clinic.slug, service="Check-up")
        phone = f"+1 212 555 {next(self._days):04}"
        return {"offer": found["offers"][0]["offer"], "patient_name": "Casey Caller", "patient_phone": phone}

    def waiter(self) -> Row:
        """Return what the chatbot needs to put somebody new on the waiting list."""
        phone = f"+1 212 555 {next(self._days):04}"
        person = {"patient_name": "Wanda Waits", "patient_phone": phone}
        return {"clinic_slug": self.clinic.slug, "service": "Root canal"} | person

    def rules(self) -> list[Row]:
        """Return rules of messages: an offer by text message, which no booking plans."""
        return [{"kind": "offer", "channel": "sms"}]

    def message(self, appointment: UUID | None = None) -> UUID:
        """Return a message that was sent about an appointment of the patient, a new one unless told which."""
        identifier = uuid4()
        self.superuser.execute(
            """
            insert into clinic.messages (
              id, clinic_id, patient_id, appointment_id, kind, channel, starts_at, due_at, sent_at,
              state, locale, address
            )
            select
              %s, clinic_id, patient_id, id, 'booked', 'email', starts_at, now(), now(),
              'sent', 'en', (clinic.recipient(patient_id, clinic_id, 'email')).address
            from clinic.appointments where id = %s
            """,
            [identifier, appointment or self.appointment()],
        )
        return identifier

    def link(self) -> str:
        """Return the token of a new link to a new appointment of the patient."""
        row = self.superuser.execute(
            "select clinic.make_link(m, a) as token from clinic.messages as m"
            " join clinic.appointments as a on a.id = m.appointment_id where m.id = %s",
            [self.message()],
        ).fetchone()
        assert row is not None
        token: str = row["token"]
        return token

    def reply(self) -> UUID:
        """Return a reply of the walk-in that a person is to read."""
        identifier = uuid4()
        row = {"message_ref": str(identifier), "clinic_id": self.clinic.id, "patient_id": self.walk_in}
        said = {"phone": "+12125550143", "body": "When do you open?", "means": "unknown", "outcome": "desk"}
        insert(self.superuser, "message_replies", id=identifier, sender="", **row, **said)
        return identifier

    def furnish(self, template: Row) -> None:
        """Make something for every view to show. `template` is what set_message_template takes."""
        appointment = self.appointment()
        self.appointment(self.clinic.other, self.walk_in)
        self.hold()
        self.wish()
        self.time_off()
        self.closure()
        self.extra_hours()
        self.make("receptionist", "invite_patient", patient_id=self.walk_in)
        self.invited_to_the_staff()
        self.make("admin", "set_message_rules", clinic_id=self.clinic.id, rules=self.rules())
        self.make("admin", "set_message_template", **template)
        failed = self.message(appointment)
        self.superuser.execute("update clinic.messages set state = 'failed' where id = %s", [failed])
        self.reply()
        self.make("receptionist", "set_recall", patient_id=self.walk_in, recall_type_id=self.recall_type())
        # A call counts so many days and no more, those of other clinics first, if there are many.
        while value(self.superuser, "select clinic.refresh_daily_metrics(200)") == 200:
            pass
