"""People say `riverside`, `lee` and `2026-12-01 10:00`; the API wants ids and instants."""

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cli.errors import ChairtimeError, Exit, usage_error

if TYPE_CHECKING:
    from cli.api import Api

Row = dict[str, Any]

_PATIENT = ("full_name", "email", "phone", "id")


def find_clinic(api: "Api", name: str) -> Row:
    """Find a clinic by slug or id."""
    return find_one(api.rows("clinics"), name, "clinic", ("slug", "id", "name"))


def find_dentist(api: "Api", clinic: Row, name: str) -> Row:
    """Find one of a clinic's dentists by id or part of the name."""
    return find_one(api.rows("dentists", clinic_id=clinic["id"]), name, "dentist", ("full_name", "id"))


def find_type(api: "Api", clinic: Row, name: str) -> Row:
    """Find one of a clinic's appointment types by id or part of the name."""
    return find_one(
        api.rows("appointment_types", clinic_id=clinic["id"]), name, "appointment type", ("name", "id")
    )


def find_resource(api: "Api", clinic: Row, name: str) -> Row:
    """Find a chair, a device or a person of a clinic by id or part of the name."""
    return find_one(
        api.rows("resources", clinic_id=clinic["id"]), name, "chair, device or person", ("name", "id")
    )


def find_appointment(api: "Api", appointment: str) -> tuple[Row, Row]:
    """Find an appointment by its id, and its clinic."""
    found = api.rows("appointments", id=appointment)
    if not found:
        hint = "`chairtime appointments CLINIC` lists them with their ids."
        raise ChairtimeError(f"no appointment has the id {appointment}", "not_found", hint, Exit.NOT_FOUND)
    return found[0], api.rows("clinics", id=found[0]["clinic_id"])[0]


def find_patient(api: "Api", clinic: Row, name: str) -> Row:
    """Find one of a clinic's patients by id, or parts of the name, email, phone or birth date.

    A record that was merged is the one that it was merged into.
    """
    wanted = name if is_uuid(name) else _patient_like(api, clinic, name)["id"]
    rows = api.rows("patients", clinic_id=clinic["id"], id=wanted)
    if rows and rows[0]["merged_into"]:
        rows = api.rows("patients", clinic_id=clinic["id"], id=rows[0]["merged_into"])
    return rows[0] if rows else find_one(rows, name, "patient", _PATIENT)


def _patient_like(api: "Api", clinic: Row, text: str) -> Row:
    """Search as the staff may; who is none has few: themselves, and whom they act for."""
    try:
        found: list[Row] = api.rpc("search_patients", clinic_id=clinic["id"], query=text)
    except ChairtimeError as error:
        if error.code != "not_found":
            raise
        found = api.rows("patients", clinic_id=clinic["id"])
        return find_one(found, text, "patient", _PATIENT)
    return found[0] if len(found) == 1 else find_one(found, text, "patient", _PATIENT)


def find_one(rows: list[Row], wanted: str, what: str, columns: tuple[str, ...]) -> Row:
    """Choose the row that is meant: an exact match of a column, else the only one that contains the text.

    Raises ChairtimeError `not_found` or `ambiguous`; the hint names the candidates.
    """
    text = wanted.casefold()
    values = [(row, [str(row[column] or "").casefold() for column in columns]) for row in rows]
    for fits in (lambda value: value == text, lambda value: text in value):
        found = [row for row, candidates in values if any(map(fits, candidates))]
        if len(found) == 1:
            return found[0]
        if found:
            raise ChairtimeError(
                f"{wanted!r} could be several {what}s", "ambiguous", _names(found, columns), Exit.USAGE
            )
    raise ChairtimeError(
        f"no {what} is called {wanted!r}", "not_found", _names(rows, columns), Exit.NOT_FOUND
    )


def _names(rows: list[Row], columns: tuple[str, ...]) -> str:
    named = sorted(str(row[columns[0]]) for row in rows)
    return (
        "There is none to choose from that you may see."
        if not named
        else f"Choose from: {', '.join(named[:12])}."
    )


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID."""
    try:
        UUID(text)
    except ValueError:
        return False
    return True


WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
DAYS = ("today", "tomorrow", *WEEKDAYS)


def parse_instant(api: "Api", text: str, clinic: Row) -> str:
    """Read `2026-12-01 10:00` or `monday 10:00` as the clinic's wall clock, or an ISO time with an offset.

    The server converts: this machine may know older time zones.
    """
    words = re.fullmatch(rf"({'|'.join(DAYS)})[ T]+(\S+)", text.strip(), re.IGNORECASE)
    day = f"{parse_day(api, words[1], clinic)}T" if words else ""
    try:
        parsed = datetime.fromisoformat(day + words[2] if words else text)
    except ValueError:
        raise usage_error(
            f"{text!r} is not a time",
            'Write it as 2026-12-01T10:00, or "monday 10:00", in the clinic\'s time.',
        ) from None
    if parsed.tzinfo:
        return parsed.isoformat()
    asked = [parsed.isoformat(timespec="seconds")]
    found: str = api.rpc("clinic_time", clinic_id=clinic["id"], wall_times=asked)["instants"][0]
    return found


def parse_day(api: "Api", text: str | None, clinic: Row) -> date:
    """Read a date, `today` (also None), `tomorrow`, or a weekday after today, by the clinic's calendar."""
    word = (text or "today").lower()
    if word in DAYS:
        today = date.fromisoformat(api.rpc("clinic_time", clinic_id=clinic["id"])["today"])
        return today + timedelta(days=_days_until(word, today))
    try:
        return date.fromisoformat(word)
    except ValueError:
        raise usage_error(
            f"{text!r} is not a date", "Write it as 2026-12-01, or today, tomorrow, monday…"
        ) from None


def parse_days(api: "Api", text: str | None, clinic: Row, days: int = 1) -> tuple[str, str]:
    """Read a day as `parse_day` does; return the instants at which it, and so many days, begin and end."""
    first = parse_day(api, text, clinic)
    midnights = [f"{day}T00:00" for day in (first, first + timedelta(days=days))]
    starts, ends = api.rpc("clinic_time", clinic_id=clinic["id"], wall_times=midnights)["instants"]
    return starts, ends


def _days_until(word: str, today: date) -> int:
    if word in WEEKDAYS:
        return (WEEKDAYS.index(word) - today.weekday() - 1) % 7 + 1
    return DAYS.index(word)


_AT_ONCE = 10_000  # instants in one question


def wall_times(api: "Api", clinic: Row, instants: Iterable[str]) -> dict[str, datetime]:
    """Ask the server what the clinic's clock shows at the API's timestamps."""
    asked = list(dict.fromkeys(instants))
    shown: dict[str, datetime] = {}
    for start in range(0, len(asked), _AT_ONCE):
        some = asked[start : start + _AT_ONCE]
        exact = [instant(text).isoformat() for text in some]
        answer = api.rpc("clinic_time", clinic_id=clinic["id"], instants=exact)
        shown |= dict(zip(some, map(instant, answer["wall_times"]), strict=True))
    return shown


class Clock:
    """What a clinic's clock shows over one day, as the server knows time zones."""

    def __init__(self, api: "Api", clinic: Row, starts_at: str, ends_at: str) -> None:
        start, length = instant(starts_at), instant(ends_at) - instant(starts_at)
        quarters = (start + timedelta(minutes=15) * n for n in range(length // timedelta(minutes=15) + 1))
        self._shown = list(wall_times(api, clinic, (quarter.isoformat() for quarter in quarters)).values())

    def __call__(self, time: datetime) -> datetime:
        """Turn an instant of that day into the clinic's wall-clock time."""
        passed = [shown for shown in self._shown if shown <= time]
        return time.astimezone((passed[-1] if passed else self._shown[0]).tzinfo)


def local(instant: str, clinic: Row) -> datetime:
    """Turn the API's timestamp into the clinic's time by this machine's time zones: only to look at."""
    return datetime.fromisoformat(instant).astimezone(ZoneInfo(clinic["time_zone"]))


def instant(text: str) -> datetime:
    """Read the API's timestamp."""
    return datetime.fromisoformat(text)
