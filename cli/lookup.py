"""People say `riverside`, `lee` and `2026-12-01 10:00`; the API wants ids and instants."""

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from cli.errors import ChairtimeError, Exit, usage_error

if TYPE_CHECKING:
    from cli.api import Api

Row = dict[str, Any]


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


def find_patient(api: "Api", clinic: Row, name: str) -> Row:
    """Find one of a clinic's patients by id, or part of the name, email or phone."""
    columns = ("full_name", "email", "phone", "id")
    if is_uuid(name):
        rows = api.rows("patients", clinic_id=clinic["id"], id=name)
    else:
        rows = list(
            {
                row["id"]: row for column in columns[:3] for row in _patients_like(api, clinic, column, name)
            }.values()
        )
    return find_one(rows, name, "patient", columns)


def _patients_like(api: "Api", clinic: Row, column: str, text: str) -> list[Row]:
    pattern = "%" + text.replace("\\", "").replace("%", "") + "%"
    query = api.client.table("patients").select("*").eq("clinic_id", clinic["id"]).ilike(column, pattern)
    found: list[Row] = api.fetch(query.limit(20))
    return found


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


def zone(clinic: Row) -> ZoneInfo:
    """Return the clinic's time zone."""
    return ZoneInfo(clinic["time_zone"])


def parse_instant(text: str, clinic: Row) -> datetime:
    """Read `2026-12-01 10:00` as the clinic's wall clock, or an ISO timestamp with its own offset."""
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise usage_error(
            f"{text!r} is not a time", "Write it as 2026-12-01T10:00, in the clinic's time."
        ) from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=zone(clinic))


def parse_day(text: str | None, clinic: Row) -> date:
    """Read a date, `today` or `tomorrow`, as the clinic's calendar has it; None is today."""
    today = datetime.now(zone(clinic)).date()
    relative = {None: today, "today": today, "tomorrow": today + timedelta(days=1)}
    if text in relative:
        return relative[text]
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise usage_error(
            f"{text!r} is not a date", "Write it as 2026-12-01, or today, or tomorrow."
        ) from None


def local(instant: str, clinic: Row) -> datetime:
    """Turn the API's timestamp into the clinic's wall-clock time."""
    return datetime.fromisoformat(instant).astimezone(zone(clinic))


def instant(text: str) -> datetime:
    """Read the API's timestamp."""
    return datetime.fromisoformat(text)
