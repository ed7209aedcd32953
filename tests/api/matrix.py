"""Who may do what: every function of the API, and every view, as each of the nine actors.

A dot is an answer. A number is the HTTP status of a refusal, whose code stands in CODES. For views, it is
how many rows of the clinic are visible, `-` that the role may not even ask, and `+` that there are some.
"""

from __future__ import annotations

CODES = {"400": "invalid_argument", "401": "not_authenticated", "403": "forbidden", "404": "not_found"}

ACTORS = (
    "anonymous",
    "guest",
    "patient",
    "guardian",
    "chatbot",
    "receptionist",
    "dentist",
    "admin",
    "stranger",
)

# The guest signed in anonymously and has not said who they are. The guardian acts for the walk-in, not for
# the patient. The stranger is an admin, of another clinic. After a colon: with which arguments
# (tests/api/arguments.py).
FUNCTIONS = """
                                  anonymous guest patient guardian chatbot receptionist dentist admin stranger
health                                .       .      .       .        .         .          .      .      .
me                                   401      .      .       .        .         .          .      .      .
update_me                            401      .      .       .        .         .          .      .      .
export_me                            401      .      .       .        .         .          .      .      .
erase_me                             401      .      .       .        .         .          .     403    403
claim_patient                        401     403     .       .        .         .          .      .      .
accept_staff_invitation              401     403     .       .        .         .          .      .      .
add_dependant                        401     403     .       .        .         .          .      .      .
remove_dependant                     401      .      .       .        .         .          .      .      .
remove_dependant:of_another          401     404    404      .       403        .         403     .     404
available_slots                       .       .      .       .        .         .          .      .      .
available_slots:to_move_to           401     404     .      404      404        .          .      .     404
next_slots                            .       .      .       .        .         .          .      .      .
next_slots:to_move_to                401     404     .      404      404        .          .      .     404
explain_slot                          .       .      .       .        .         .          .      .      .
explain_slot:to_move_to              401     404     .      404      404        .          .      .     404
reserve_slot                         401      .      .       .       403        .          .      .      .
reserve_slot:for_a_patient           401     404    404      .       403        .          .      .     404
reserve_slot:with_a_colleague        401      .      .       .       403        .         403     .      .
reserve_slot:with_anybody            401      .      .       .       403        .         403     .      .
release_reservation                  401     404     .      404      404        .          .      .     404
confirm_reservation                  401     404     .      404      404        .          .      .     404
join_waitlist                        401     400     .       .       403       400        403    400     .
join_waitlist:for_a_patient          401     400    404      .       403        .          .      .     404
join_waitlist:to_move                401     404     .      404      404        .          .      .     404
leave_waitlist                       401     404     .      404      404        .          .      .     404
book_appointment                     401     400     .       .       403       400        400    400     .
book_appointment:for_a_patient       401     400    404      .       403        .          .      .     404
book_appointment:with_a_colleague    401     400    404      .       403        .         403     .     404
book_appointment:with_anybody        401     400    404      .       403        .         403     .     404
book_appointment:squeezed_in         401     400    404     403      403        .          .      .     404
book_family                          401     400     .       .       403       400        400    400     .
book_family:for_a_patient            401     400    404      .       403        .          .      .     404
book_series                          401     400     .       .       403       400        400    400     .
book_series:for_a_patient            401     400    404      .       403        .          .      .     404
book_series:with_a_colleague         401     400    404      .       403        .         403     .     404
cancel_series                        401     404     .      404      404        .          .      .     404
reschedule_appointment               401     404     .      404      404        .          .      .     404
reschedule_appointment:to_another    401     404     .      404      404        .         403     .     404
reschedule_appointment:of_another    401     404    404      .       404        .         404     .     404
update_appointment                   401     404     .      404      404        .          .      .     404
update_appointment:staff_notes       401     404    403     404      404        .          .      .     404
appointment_history                  401     404    404     404      403        .          .      .     404
appointment_history:of_another       401     404    404     404      403        .         404     .     404
cancel_appointment                   401     404     .      404      404        .          .      .     404
cancel_appointment:of_a_colleague    401     404    404      .       404        .         404     .     404
set_appointment_status               401     404    403     404      404        .          .      .     404
resize_appointment                   401     404    403     404      404        .          .      .     404
resize_appointment:of_a_colleague    401     404    404     403      404        .         404     .     404
next_steps                           401     404    403     404      404        .          .      .     404
move_to_resource                     401     404    403     404      404        .          .      .     404
move_to_resource:of_a_colleague      401     404    404     403      404        .         404     .     404
swap_appointments                    401     404    403     404      404        .          .      .     404
swap_appointments:with_anothers      401     404    403     404      404        .         404     .     404
absence_worklist                     401     404    404     404      403        .          .      .     404
absence_worklist:of_a_colleague      401     404    404     404      403        .         403     .     404
get_availability                      .       .      .       .        .         .          .      .      .
set_availability                     401     404    404     404      403       403         .      .     404
set_availability:of_a_colleague      401     404    404     404      403       403        403     .     404
add_time_off                         401     404    404     404      403        .          .      .     404
add_time_off:of_a_colleague          401     404    404     404      403        .         403     .     404
add_time_off:of_a_chair              401     404    404     404      403        .         403     .     404
add_time_off:for_the_clinic          401     404    404     404      403       403        403     .     404
remove_time_off                      401     404    404     404      403        .          .      .     404
remove_time_off:of_the_clinic        401     404    404     404      403       403        403     .     404
add_extra_hours                      401     404    404     404      403       403         .      .     404
remove_extra_hours                   401     404    404     404      403       403         .      .     404
create_patient                       401     404    404     404      403        .          .      .     404
create_patient:with_a_login          401     404    404     404      403       403        403    403    404
update_patient                       401     404    404     404      403        .         403     .     404
search_patients                      401     404    404     404      403        .          .      .     404
similar_patients                     401     404    404     404      403        .          .      .     404
invite_patient                       401     404    404     404      403        .         403     .     404
revoke_invitation                    401     404    404     404      403        .         403     .     404
merge_patients                       401     404    404     404      403       403        403     .     404
erase_patient                        401     404    404     404      403       403        403     .     404
invite_staff                         401     404    404     404      403       403        403     .     404
revoke_invitation:of_staff           401     404    404     404      403       403        403     .     404
grant_staff_role                     401     404    404     404      403       403        403     .     404
grant_staff_role:to_somebody_new     401     404    404     404      403       403        403    403    404
revoke_staff_role                    401     404    404     404      403       403        403     .     404
create_clinic                        401     403    403     403      403       403        403    403    403
update_clinic_policy                 401     404    404     404      403       403        403     .     404
update_clinic                        401     404    404     404      403       403        403     .     404
create_resource                      401     404    404     404      403       403        403     .     404
update_resource                      401     404    404     404      403       403        403     .     404
set_visit_parts                      401     404    404     404      403       403        403     .     404
set_dentist_types                    401     404    404     404      403       403        403     .     404
create_dentist                       401     404    404     404      403       403        403     .     404
update_dentist                       401     404    404     404      403       403        403     .     404
create_appointment_type              401     404    404     404      403       403        403     .     404
update_appointment_type              401     404    404     404      403       403        403     .     404
longest_answer                        .       .      .       .        .         .          .      .      .
clinic_time                           .       .      .       .        .         .          .      .      .
clinic_day                           401     404    404     404      403        .          .      .     404
events_since                          .       .      .       .        .         .          .      .      .
events_since:clinic                  404     404    404     404      404        .         404     .     404
events_since:dentist                 404     404    404     404      404        .          .      .     404
events_since:patient                 404     404     .      404      404       404        404    404    404
set_message_rules                    401     404    404     404      403       403        403     .     404
set_message_template                 401     404    404     404      403       403        403     .     404
preview_message                      401     404    404     404      403        .         403     .     404
send_test_message                    401     404    404     404      403       403        403     .     404
resend_message                       401     404    404     404      403        .         403     .     404
set_message_consent                  401     404    404      .       403        .         403     .     404
message_contacts                     401     404    404      .       403        .         403     .     404
confirm_attendance                   401     404     .      404      404        .          .      .     404
confirm_attendance:of_another        401     404    404      .       404        .         404     .     404
unconfirmed                          401     404    404     404      403        .         403     .     404
set_recall_types                     401     404    404     404      403       403        403     .     404
set_recall                           401     404    404     404      403        .         403     .     404
due_recalls                          401     404    404     404      403        .         403     .     404
open_link                             .       .      .       .        .         .          .      .      .
link_slots                            .       .      .       .        .         .          .      .      .
use_link                              .       .      .       .        .         .          .      .      .
receive_reply                        401     403    403     403      403       403        403    403    403
handle_reply                         401     404    404     404      403        .         403     .     404
chatbot_find_slots                   401      .      .       .        .         .          .      .      .
chatbot_hold                         401     403    403     403       .        403        403    403    403
chatbot_confirm                      401     403    403     403       .        403        403    403    403
chatbot_release                      401     403    403     403       .        403        403    403    403
chatbot_reschedule                   401     403    403     403       .        403        403    403    403
chatbot_join_waitlist                401     403    403     403       .        403        403    403    403
chatbot_wish                         401     403    403     403       .        403        403    403    403
chatbot_cancel                       401     403    403     403       .        403        403    403    403
"""

# The clinic has an appointment of the patient with the dentist, one of a walk-in with a colleague, a hold of
# the patient and their wish for a time with the dentist, time off and extra hours of the dentist, a chair
# that one type needs, an evening closed, two who are invited: the walk-in, and somebody to the staff; and of
# messages a rule, a template, one that failed, and a reply; the walk-in is due again.
VIEWS = """
                     anonymous guest patient guardian chatbot receptionist dentist admin stranger
clinics                  1       1      1       1        1         1          1      1      1
dentists                 2       2      2       2        2         2          2      2      2
appointment_types        4       4      4       4        4         4          4      4      4
working_hours            20      20     20      20       20        20         20     20     20
extra_hours              1       1      1       1        1         1          1      1      1
dentist_types            8       8      8       8        8         8          8      8      8
appointments             -       0      1       1        0         2          1      2      0
slot_reservations        -       0      1       0        0         1          1      1      0
waitlist                 -       0      1       0        0         1          1      1      0
patients                 -       0      1       1        0         2          1      2      0
guardians                -       0      0       1        0         1          0      1      0
staff                    -       0      0       0        1         1          1      4      0
invitations              -       0      0       0        0         1          0      2      0
time_off                 -       0      0       0        0         1          1      1      0
closures                 -       0      0       0        0         1          1      1      0
resources                -       0      0       0        0         3          3      3      0
type_parts               -       0      0       0        0         1          1      1      0
message_rules            -       0      0       0        0         1          0      1      0
message_templates        -       0      0       0        0         1          0      1      0
messages                 -       0      0       0        0         1          0      1      0
troubled_messages        -       0      0       0        0         1          0      1      0
message_defaults         +       +      +       +        +         +          +      +      +
message_replies          -       0      0       0        0         1          0      1      0
recall_types             1       1      1       1        1         1          1      1      1
recalls                  -       0      0       1        0         1          0      1      0
realtime_events          -       0      0       0        0         0          0      +      0
audit_log                -       0      0       0        0         0          0      +      0
daily_metrics            -       0      0       0        0         0          0      +      0
job_runs                 -       0      0       0        0         0          0      +      +
locales                  6       6      6       6        6         6          6      6      6
"""


def read(table: str) -> dict[str, dict[str, str]]:
    """Return a table's rows by name: what each actor gets."""
    heading, *lines = table.strip("\n").splitlines()
    assert tuple(heading.split()) == ACTORS
    rows = [line.split() for line in lines]
    return {name: dict(zip(ACTORS, cells, strict=True)) for name, *cells in rows}
