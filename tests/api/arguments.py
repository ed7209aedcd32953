"""With which arguments each function of the matrix is called."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from tests.api.world import World
from tests.support.build import make_user

WEEKLY = [{"weekday": 1, "opens": "09:00", "closes": "12:00"}]

Arguments = Callable[[World], dict[str, Any]]


def name() -> str:
    """Return a name that nothing has yet."""
    return f"n-{uuid4().hex[:20]}"


ARGUMENTS: dict[str, Arguments] = {
    "health": lambda _: {},
    "me": lambda _: {},
    "update_me": lambda _: {"locale": "de-CH"},
    "export_me": lambda _: {},
    "erase_me": lambda _: {},
    "claim_patient": lambda w: {"code": w.invited()["code"]},
    "accept_staff_invitation": lambda w: {"code": w.invited_to_the_staff()["code"]},
    "add_dependant": lambda w: {
        "clinic_id": w.clinic.id,
        "full_name": "Kim Kid",
        "birth_date": f"{w.clinic.today().year - 7}-02-28",
    },
    "remove_dependant": lambda w: {"patient_id": w.walk_in},
    "remove_dependant:of_another": lambda w: {"patient_id": w.walk_in, "user_id": w.users["guardian"]},
    "available_slots": lambda w: {"appointment_type_id": w.clinic.checkup, "from_date": w.clinic.weekday(1)},
    "available_slots:to_move_to": lambda w: {
        "appointment_type_id": w.clinic.checkup,
        "from_date": w.clinic.weekday(1),
        "appointment_id": w.appointment(),
    },
    "next_slots": lambda w: {"appointment_type_id": w.clinic.checkup},
    "next_slots:to_move_to": lambda w: {
        "appointment_type_id": w.clinic.checkup,
        "appointment_id": w.appointment(),
    },
    "explain_slot": lambda w: w.slot(),
    "explain_slot:to_move_to": lambda w: w.slot() | {"appointment_id": w.appointment()},
    "reserve_slot": lambda w: w.slot(),
    "reserve_slot:for_a_patient": lambda w: w.slot() | {"patient_id": w.walk_in},
    "reserve_slot:with_a_colleague": lambda w: w.slot(w.clinic.other),
    "reserve_slot:with_anybody": lambda w: w.slot() | {"dentist_id": None},
    "release_reservation": lambda w: {"reservation_id": w.hold()},
    "confirm_reservation": lambda w: {"reservation_id": w.hold()},
    "join_waitlist": lambda w: w.sundays(),
    "join_waitlist:for_a_patient": lambda w: (
        w.sundays() | {"patient_id": w.walk_in, "dentist_ids": [w.clinic.lee]}
    ),
    "join_waitlist:to_move": lambda w: w.sundays() | {"appointment_id": w.appointment()},
    "leave_waitlist": lambda w: {"waitlist_id": w.wish()},
    "book_appointment": lambda w: w.slot(),
    "book_appointment:for_a_patient": lambda w: w.slot() | {"patient_id": w.walk_in},
    "book_appointment:with_a_colleague": lambda w: w.slot(w.clinic.other) | {"patient_id": w.walk_in},
    "book_appointment:with_anybody": lambda w: w.slot() | {"dentist_id": None, "patient_id": w.walk_in},
    "book_appointment:squeezed_in": lambda w: w.slot() | {"patient_id": w.walk_in, "squeeze_in": True},
    "book_family": lambda w: {"visits": w.visits()},
    "book_family:for_a_patient": lambda w: {"visits": w.visits(patient_id=w.walk_in)},
    # Dry, for it would take days that others count on.
    "book_series": lambda w: w.slot() | w.rhythm(),
    "book_series:for_a_patient": lambda w: w.slot() | w.rhythm() | {"patient_id": w.walk_in},
    "book_series:with_a_colleague": lambda w: w.slot(w.clinic.other) | w.rhythm() | {"patient_id": w.walk_in},
    "cancel_series": lambda w: {"series_id": w.series()},
    "reschedule_appointment": lambda w: {"appointment_id": w.appointment(), "starts_at": w.start()},
    "reschedule_appointment:to_another": lambda w: {
        "appointment_id": w.appointment(),
        "starts_at": w.start(),
        "dentist_id": w.clinic.other,
    },
    "reschedule_appointment:of_another": lambda w: {
        "appointment_id": w.appointment(w.clinic.other, w.walk_in),
        "starts_at": w.start(),
    },
    "update_appointment": lambda w: {"appointment_id": w.appointment(), "notes": "Afraid of needles"},
    "update_appointment:staff_notes": lambda w: {
        "appointment_id": w.appointment(),
        "staff_notes": "Faints at the sight of needles",
    },
    "appointment_history": lambda w: {"appointment_id": w.appointment()},
    "appointment_history:of_another": lambda w: {"appointment_id": w.appointment(w.clinic.other, w.walk_in)},
    "cancel_appointment": lambda w: {"appointment_id": w.appointment()},
    "cancel_appointment:of_a_colleague": lambda w: {
        "appointment_id": w.appointment(w.clinic.other, w.walk_in)
    },
    "set_appointment_status": lambda w: {"appointment_id": w.appointment(), "status": "cancelled"},
    "resize_appointment": lambda w: w.resized(w.appointment()),
    "resize_appointment:of_a_colleague": lambda w: w.resized(w.appointment(w.clinic.other, w.walk_in)),
    "next_steps": lambda w: {"appointment_id": w.appointment()},
    "move_to_resource": lambda w: {
        "appointment_id": w.appointment(type_id=w.seated),
        "part": 1,
        "resource_id": w.chair,
    },
    "move_to_resource:of_a_colleague": lambda w: {
        "appointment_id": w.appointment(w.clinic.other, w.walk_in, w.seated),
        "part": 1,
        "resource_id": w.chair,
    },
    "swap_appointments": lambda w: {
        "appointment_id": w.appointment(),
        "other_id": w.appointment(None, w.walk_in),
    },
    "swap_appointments:with_anothers": lambda w: {
        "appointment_id": w.appointment(),
        "other_id": w.appointment(w.clinic.other, w.walk_in),
    },
    "absence_worklist": lambda w: {"clinic_id": w.clinic.id, "dentist_id": w.clinic.lee} | w.hours(),
    "absence_worklist:of_a_colleague": lambda w: (
        {"clinic_id": w.clinic.id, "dentist_id": w.clinic.other} | w.hours()
    ),
    "get_availability": lambda w: {"dentist_id": w.clinic.lee},
    "set_availability": lambda w: {"dentist_id": w.clinic.lee, "weekly": WEEKLY, "dry_run": True},
    "set_availability:of_a_colleague": lambda w: {
        "dentist_id": w.clinic.other,
        "weekly": WEEKLY,
        "dry_run": True,
    },
    "add_time_off": lambda w: {"clinic_id": w.clinic.id, "dentist_id": w.clinic.lee} | w.hours(),
    "add_time_off:of_a_colleague": lambda w: (
        {"clinic_id": w.clinic.id, "dentist_id": w.clinic.other} | w.hours()
    ),
    "add_time_off:of_a_chair": lambda w: {"clinic_id": w.clinic.id, "resource_id": w.chair} | w.hours(),
    "add_time_off:for_the_clinic": lambda w: {"clinic_id": w.clinic.id} | w.hours(),
    "remove_time_off": lambda w: {"time_off_id": w.time_off()},
    "remove_time_off:of_the_clinic": lambda w: {"time_off_id": w.closure()},
    "add_extra_hours": lambda w: {"dentist_id": w.clinic.lee} | w.hours(),
    "remove_extra_hours": lambda w: {"extra_hours_id": w.extra_hours()},
    "create_patient": lambda w: {"clinic_id": w.clinic.id, "full_name": "New Patient"},
    "create_patient:with_a_login": lambda w: {
        "clinic_id": w.clinic.id,
        "full_name": "New Patient",
        "user_id": make_user(w.superuser),
    },
    "update_patient": lambda w: {"patient_id": w.walk_in, "birth_date": "1984-02-29"},
    "search_patients": lambda w: {"clinic_id": w.clinic.id, "query": "walt"},
    "similar_patients": lambda w: {"clinic_id": w.clinic.id, "full_name": "Walter"},
    "invite_patient": lambda w: {"patient_id": w.walk_in},
    "revoke_invitation": lambda w: {"invitation_id": w.invited()["invitation_id"]},
    "revoke_invitation:of_staff": lambda w: {"invitation_id": w.invited_to_the_staff()["invitation_id"]},
    "merge_patients": lambda w: {"keep_id": w.patient(), "merge_id": w.patient()},
    "erase_patient": lambda w: {"patient_id": w.patient(), "reason": "Asked for it by letter."},
    "invite_staff": lambda w: {"clinic_id": w.clinic.id, "email": "new@made.test", "role": "receptionist"},
    "grant_staff_role": lambda w: {
        "clinic_id": w.clinic.id,
        "user_id": w.users["receptionist"],
        "role": "receptionist",
    },
    "grant_staff_role:to_somebody_new": lambda w: {
        "clinic_id": w.clinic.id,
        "user_id": make_user(w.superuser),
        "role": "receptionist",
    },
    "revoke_staff_role": lambda w: {"clinic_id": w.clinic.id, "user_id": make_user(w.superuser)},
    "create_clinic": lambda _: {"slug": name(), "name": "New clinic", "time_zone": "Europe/Berlin"},
    "update_clinic_policy": lambda w: {"clinic_id": w.clinic.id, "min_notice": "2 hours"},
    "update_clinic": lambda w: {"clinic_id": w.clinic.id, "phone": "+1 212 555 0100"},
    "create_resource": lambda w: {"clinic_id": w.clinic.id, "name": name(), "kind": "equipment"},
    "update_resource": lambda w: {"resource_id": w.chair, "name": name()},
    "set_visit_parts": lambda w: {"appointment_type_id": w.seated, "parts": [{"needs": "chair"}]},
    "set_dentist_types": lambda w: {
        "dentist_id": w.clinic.lee,
        "appointment_type_ids": [*w.clinic.types.values(), w.seated],
    },
    "create_dentist": lambda w: {"clinic_id": w.clinic.id, "full_name": "Dr. New"},
    "update_dentist": lambda w: {"dentist_id": w.clinic.other, "bio": "Older and wiser"},
    "create_appointment_type": lambda w: {"clinic_id": w.clinic.id, "name": name(), "duration": "20 minutes"},
    "update_appointment_type": lambda w: {"appointment_type_id": w.clinic.checkup, "duration": "30 minutes"},
    "clinic_time": lambda w: {"clinic_id": w.clinic.id, "wall_times": ["2030-01-07T09:00"]},
    "longest_answer": lambda _: {},
    "clinic_day": lambda w: {"clinic_id": w.clinic.id, "day": w.clinic.weekday(1)},
    "events_since": lambda w: {"topic": f"availability:{w.clinic.id}", "after_id": 0},
    "events_since:clinic": lambda w: {"topic": f"clinic:{w.clinic.id}", "after_id": 0},
    "events_since:dentist": lambda w: {"topic": f"dentist:{w.clinic.lee}", "after_id": 0},
    "events_since:patient": lambda w: {"topic": f"patient:{w.users['patient']}", "after_id": 0},
    "set_message_rules": lambda w: {"clinic_id": w.clinic.id, "rules": w.rules()},
    "set_message_template": lambda w: {
        "clinic_id": w.clinic.id,
        "kind": "offer",
        "channel": "sms",
        "locale": "en",
        "body": "Free on {date} at {time}: {link}",
    },
    "preview_message": lambda w: {"clinic_id": w.clinic.id, "kind": "reminder", "channel": "sms"},
    "send_test_message": lambda w: {"clinic_id": w.clinic.id, "kind": "reminder", "channel": "email"},
    "resend_message": lambda w: {"message_id": w.message()},
    "set_message_consent": lambda w: {"patient_id": w.walk_in, "channel": "sms", "is_wanted": True},
    "message_contacts": lambda w: {"patient_id": w.walk_in},
    "confirm_attendance": lambda w: {"appointment_id": w.appointment()},
    "confirm_attendance:of_another": lambda w: {"appointment_id": w.appointment(w.clinic.other, w.walk_in)},
    "unconfirmed": lambda w: {"clinic_id": w.clinic.id, "day": w.clinic.weekday(1)},
    "set_recall_types": lambda w: {
        "clinic_id": w.clinic.id,
        "recall_types": [
            {"name": "Twice a year", "after_type_ids": [str(w.clinic.checkup)], "every": "6 months"}
        ],
    },
    "set_recall": lambda w: {"patient_id": w.walk_in, "recall_type_id": w.recall_type()},
    "due_recalls": lambda w: {"clinic_id": w.clinic.id},
    "open_link": lambda w: {"token": w.link()},
    "link_slots": lambda w: {"token": w.link(), "from_date": w.clinic.weekday(1)},
    "use_link": lambda w: {"token": w.link(), "action": "confirm"},
    "receive_reply": lambda _: {
        "sender": "+1 212 555 0100",
        "message_ref": name(),
        "phone": "+1 212 555 0142",
        "body": "When do you open?",
    },
    "handle_reply": lambda w: {"reply_id": w.reply()},
    "chatbot_find_slots": lambda w: {"clinic_slug": w.clinic.slug, "service": "Check-up"},
    "chatbot_hold": lambda w: w.offer(),
    "chatbot_confirm": lambda w: {
        "reservation_id": w.make("chatbot", "chatbot_hold", **w.offer())["reservation_id"]
    },
    "chatbot_release": lambda w: {
        "reservation_id": w.make("chatbot", "chatbot_hold", **w.offer())["reservation_id"]
    },
    "chatbot_reschedule": lambda w: {
        "confirmation_code": "K7QM-2XRD",
        "patient_phone": "+1 212 555 0199",
        "offer": w.offer()["offer"],
    },
    "chatbot_join_waitlist": lambda w: w.waiter(),
    "chatbot_wish": lambda w: {"wish": w.make("chatbot", "chatbot_join_waitlist", **w.waiter())["wish"]},
    "chatbot_cancel": lambda _: {"confirmation_code": "K7QM-2XRD", "patient_phone": "+1 212 555 0199"},
}
