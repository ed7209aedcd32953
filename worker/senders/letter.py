"""A message as an e-mail: text, the same as HTML, and the visit as a calendar's entry."""

from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from html import escape
from urllib.parse import urlsplit

from icalendar import Calendar, Event, vCalAddress, vText

from worker.senders.base import Envelope

_BUTTON = (
    "display:inline-block;padding:12px 20px;border-radius:8px;"
    "background:#0f766e;color:#ffffff;text-decoration:none"
)
_PAGE = (
    "font-family:system-ui,sans-serif;font-size:16px;line-height:1.5;color:#1c1917;"
    "max-width:36em;margin:0 auto"
)


def write_letter(envelope: Envelope, from_address: str) -> EmailMessage:
    """Return the e-mail that says what the envelope says, from this address in the clinic's name."""
    letter = EmailMessage(policy=SMTP)
    letter["Subject"] = envelope.subject or ""
    letter["From"] = _named(envelope.sender_name, from_address)
    letter["To"] = envelope.address
    if envelope.reply_to:
        letter["Reply-To"] = _named(envelope.sender_name, envelope.reply_to)
    letter["Date"] = format_datetime(datetime.now(UTC))
    letter["Message-ID"] = f"<{envelope.message_id}@{from_address.rpartition('@')[2]}>"
    letter["Content-Language"] = envelope.locale
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer from an absent person's machine, please
    if envelope.link:
        letter["List-Unsubscribe"] = f"<{envelope.link}?stop>"
    letter.set_content(envelope.body)
    letter.add_alternative(as_html(envelope), subtype="html")
    if envelope.calendar:
        method = str(envelope.calendar["method"])
        entry = as_calendar(envelope, from_address)
        # Calendars read the alternative (RFC 6047); who has none of those can open the attachment.
        letter.add_alternative(
            entry.decode(), subtype="calendar", params={"method": method, "name": "visit.ics"}
        )
        letter.add_attachment(entry, maintype="application", subtype="ics", filename="visit.ics")
    return letter


def as_html(envelope: Envelope) -> str:
    """Return the text as a page, its paragraphs kept, the link a button."""
    direction = "rtl" if envelope.is_rtl else "ltr"
    subject = escape(envelope.subject or "")
    paragraphs = "\n".join(f"<p>{_lines(part, envelope.link)}</p>" for part in envelope.body.split("\n\n"))
    return (
        f'<!doctype html>\n<html lang="{escape(envelope.locale)}" dir="{direction}">\n'
        f'<head><meta charset="utf-8"><title>{subject}</title></head>\n'
        f'<body dir="{direction}" style="{_PAGE}">\n{paragraphs}\n</body>\n</html>\n'
    )


def _lines(paragraph: str, link: str | None) -> str:
    escaped = escape(paragraph).replace("\n", "<br>\n")
    if not link:
        return escaped
    button = f'<a href="{escape(link)}" style="{_BUTTON}">{escape(urlsplit(link).netloc)}</a>'
    return escaped.replace(escape(link), button)


def as_calendar(envelope: Envelope, from_address: str) -> bytes:
    """Return the visit as iCalendar (RFC 5545), by the method that makes calendars update it (RFC 5546)."""
    visit = envelope.calendar or {}
    event = Event()
    event.add("uid", str(visit["uid"]))
    event.add("sequence", visit["sequence"])
    event.add("dtstamp", datetime.now(UTC))
    event.add("dtstart", datetime.fromisoformat(visit["starts_at"]).astimezone(UTC))
    event.add("dtend", datetime.fromisoformat(visit["ends_at"]).astimezone(UTC))
    event.add("summary", visit["summary"])
    if visit.get("location"):
        event.add("location", visit["location"])
    event.add("status", "CANCELLED" if visit["method"] == "CANCEL" else "CONFIRMED")
    organizer = vCalAddress(f"mailto:{visit.get('organizer') or from_address}")
    organizer.params["CN"] = vText(envelope.sender_name or "")
    event.add("organizer", organizer)
    attendee = vCalAddress(f"mailto:{envelope.address}")
    attendee.params["ROLE"] = vText("REQ-PARTICIPANT")
    attendee.params["PARTSTAT"] = vText("NEEDS-ACTION")
    attendee.params["RSVP"] = vText("FALSE")
    event.add("attendee", attendee)
    calendar = Calendar()
    calendar.add("prodid", "-//Chairtime//Chairtime//EN")
    calendar.add("version", "2.0")
    calendar.add("method", visit["method"])
    calendar.add_component(event)
    return bytes(calendar.to_ical())


def _named(name: str | None, address: str) -> Address:
    return Address(name or "", addr_spec=address)
