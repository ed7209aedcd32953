"""The right to know, and to be forgotten: what is told of a person, and that nothing is left of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.support.actors import Actors, Connection, Row, call
from tests.support.clinics import Clinic
from tests.support.people import login, record, saying
from tests.support.refusals import refused
from tests.support.slots import book, listed, reserve

# All of what is said of her says one of these.
WHO = ("quixote", "+1 646 555 7731", "6465557731", "1971-03-09")
NAME, EMAIL, PHONE, BORN = "Zoë Quixote", "zoe@quixote.test", "+1 646 555 7731", "1971-03-09"


@pytest.fixture
def zoe(
    actors: Actors,
    superuser: Connection,
    desk: Connection,
    admin: Connection,
    riverside: Clinic,
    sakura: Clinic,
) -> Connection:
    """Somebody of whom everything is known that can be, at two clinics, in every table that knows people."""
    zoe = actors.sign_up(EMAIL, NAME)
    user = login(zoe)
    superuser.execute(
        "insert into auth.identities (provider_id, user_id, provider, identity_data)"
        " values (%s, %s, 'email', %s)",
        [user, user, Jsonb({"sub": user, "email": EMAIL})],
    )
    superuser.execute(
        "insert into auth.audit_log_entries (id, payload) values (%s, %s), (%s, %s)",
        [
            uuid4(), json.dumps({"action": "login", "actor_id": user, "actor_username": EMAIL}),
            uuid4(), json.dumps({"action": "user_invited", "traits": {"user_id": user, "user_email": EMAIL}}),
        ],
    )  # fmt: skip
    call(zoe, "update_me", phone=PHONE, email="other@quixote.test")
    older = record(
        desk, riverside, NAME, phone=PHONE, email=EMAIL, birth_date=BORN, staff_notes="Is Quixote's"
    )
    again = record(desk, riverside, "Zoe Quixote-Panza", birth_date=BORN, staff_notes="Quixote, too")
    book(desk, riverside, riverside.at("14:00"), patient_id=again["id"], notes="Quixote on a donkey")
    call(admin, "merge_patients", keep_id=older["id"], merge_id=again["id"])
    call(desk, "update_patient", patient_id=older["id"], full_name="Zoe Quixote de la Mancha")
    code = call(desk, "invite_patient", patient_id=older["id"])["code"]
    assert call(zoe, "claim_patient", code=code, birth_date=BORN)["accepted"]
    call(desk, "invite_patient", patient_id=older["id"], relation="Quixote's carer")
    for clinic in (riverside, sakura):
        visit = book(
            zoe, clinic, clinic.at("09:00"), notes="Quixote writes", idempotency_key=f"quixote {clinic.slug}"
        )
        call(zoe, "update_appointment", appointment_id=visit["id"], notes="Quixote writes more")
        gone = book(zoe, clinic, clinic.at("11:00"))
        call(zoe, "cancel_appointment", appointment_id=gone["id"], reason="Quixote is ill")
        reserve(zoe, clinic, clinic.at("15:00"))
    call(
        desk,
        "update_appointment",
        appointment_id=visit_at(superuser, riverside),
        staff_notes="Quixote pays late",
    )
    call(zoe, "add_dependant", clinic_id=riverside.id, full_name="Kit", birth_date="2020-02-29")
    call(admin, "invite_staff", clinic_id=riverside.id, email=EMAIL, role="dentist")
    call(desk, "search_patients", clinic_id=riverside.id, query="quixote")
    past(superuser, riverside, older["id"], "Quixote was here")
    return zoe


def visit_at(superuser: Connection, clinic: Clinic) -> Any:
    row = superuser.execute(
        "select id from clinic.appointments where clinic_id = %s and notes = 'Quixote writes more'",
        [clinic.id],
    ).fetchone()
    assert row is not None
    return row["id"]


def past(superuser: Connection, clinic: Clinic, patient: Any, notes: str | None) -> None:
    """Let a patient have been there, a month ago."""
    superuser.execute("set session_replication_role = replica")
    superuser.execute(
        "insert into clinic.appointments (clinic_id, dentist_id, patient_id, appointment_type_id, starts_at,"
        " ends_at, buffer_before, buffer_after, parts, status, source, notes, staff_notes)"
        " select %s, %s, %s, %s, at, at + interval '30 minutes', '0', '0', '{}', 'fulfilled', 'desk', %s, %s"
        " from (select now() - interval '30 days' as at) as past",
        [clinic.id, clinic.lee, patient, clinic.checkup, notes, notes],
    )
    superuser.execute("reset session_replication_role")


def counts(superuser: Connection) -> Row:
    """Return what a clinic counts: visits by type and dentist, and claims of others."""
    row = superuser.execute(
        "select (select count(*) from clinic.appointments) as visits,"
        " (select jsonb_object_agg(s.status, s.n) from ("
        "   select status, count(*) as n from clinic.appointments where starts_at < now() group by status"
        " ) as s) as past, (select count(*) from clinic.patients) as patients,"
        " (select count(*) from clinic.occupancy where cause <> 'hold' and not exists ("
        "   select from clinic.appointments as a where a.id = occupancy.id and a.starts_at > now()"
        " )) as claims"
    ).fetchone()
    assert row is not None
    return row


def erase_me(zoe: Connection, superuser: Connection) -> None:
    user = login(zoe)
    assert call(zoe, "erase_me") == {"user_id": user, "erased": True}


def delete_login(zoe: Connection, superuser: Connection) -> None:
    """As Supabase's dashboard, or an operator, does."""
    superuser.execute("delete from auth.users where id = %s", [login(zoe)])


@pytest.mark.parametrize("erase", [erase_me, delete_login])
def test_nothing_is_left_of_who_is_erased_but_numbers(
    zoe: Connection, desk: Connection, superuser: Connection, riverside: Clinic, sakura: Clinic,
    erase: Callable[[Connection, Connection], None],
) -> None:  # fmt: skip
    known = {
        "auth.users", "auth.identities", "auth.audit_log_entries", "clinic.profiles", "clinic.patients",
        "clinic.appointments", "clinic.invitations", "clinic.idempotency_keys",
    }  # fmt: skip
    assert saying(superuser, *WHO) > known
    assert any(table.startswith("clinic.audit_log_2") for table in saying(superuser, *WHO))
    user, before = login(zoe), counts(superuser)
    taken = {clinic.slug: listed(desk, clinic, clinic.at("09:00")) for clinic in (riverside, sakura)}
    erase(zoe, superuser)
    assert saying(superuser, *WHO) == set()
    assert counts(superuser) == before
    assert superuser.execute("select from clinic.check_invariants()").rowcount == 0
    ahead = superuser.execute(
        "select distinct status from clinic.appointments where starts_at > now()"
    ).fetchall()
    assert ahead == [{"status": "cancelled"}]
    for clinic in (riverside, sakura):
        free = set(listed(desk, clinic, clinic.at("09:00"))) - set(taken[clinic.slug])
        assert {clinic.at("09:00"), clinic.at("15:00")} <= free, "visits and holds ahead are free again"
    with refused("not_authenticated"):
        call(zoe, "me")
    # That it happened is written down, never who it was; nor does the log say what changed.
    erasures = superuser.execute("select * from clinic.erasures").fetchall()
    assert {row["clinic_id"] for row in erasures} == {riverside.id, sakura.id}
    log = superuser.execute("select action from clinic.audit_log where entity = 'patients'").fetchall()
    assert len(log) > 5
    # Only what was heard and done has the number of a login that is gone; her child's record is the desk's.
    numbered = ("clinic.audit_log", "clinic.realtime_events", "realtime.messages")
    assert {table for table in saying(superuser, user) if not table.startswith(numbered)} == set()
    assert superuser.execute("select full_name from clinic.patients where full_name = 'Kit'").rowcount == 1
    assert superuser.execute("select from clinic.guardians").rowcount == 0


def test_an_admin_erases_a_record_and_its_login_stays_its_owners(
    zoe: Connection,
    admin: Connection,
    desk: Connection,
    superuser: Connection,
    riverside: Clinic,
    sakura: Clinic,
) -> None:
    patient = zoe.execute(
        "select id from api.patients where clinic_id = %s and user_id is not null", [riverside.id]
    ).fetchone()
    assert patient is not None
    before = counts(superuser)
    call(admin, "erase_patient", patient_id=patient["id"], reason="Asked for it at the desk")
    rows = superuser.execute(
        "select full_name, phone, email, birth_date, staff_notes, user_id from clinic.patients"
        " where clinic_id = %s and erased_at is not null", [riverside.id],
    ).fetchall()  # fmt: skip
    assert len(rows) == 2, "and what was merged into it"
    for row in rows:
        assert row.pop("full_name") == "Erased"
        assert set(row.values()) == {None}
    assert counts(superuser) == before
    # At the other clinic, and of the login, all is as it was.
    superuser.execute("delete from clinic.invitations where email is not null")
    left = saying(superuser, *WHO)
    assert {table for table in left if table.startswith("clinic.")} - {
        "clinic.profiles", "clinic.patients", "clinic.appointments", "clinic.idempotency_keys"
    } == {table for table in left if table.startswith("clinic.audit_log")}  # fmt: skip
    for table in ("patients", "appointments", "audit_log"):
        said = superuser.execute(
            f"select clinic_id from clinic.{table} as t where lower(t::text) like any (%s)",  # type: ignore[arg-type]
            [[f"%{text}%" for text in WHO]],
        ).fetchall()
        assert {row["clinic_id"] for row in said} == {sakura.id}, table
    (erasure,) = superuser.execute("select reason, erased_by from clinic.erasures").fetchall()
    assert (erasure["reason"], str(erasure["erased_by"])) == ("Asked for it at the desk", login(admin))
    assert superuser.execute("select from clinic.check_invariants()").rowcount == 0
    assert book(zoe, riverside, riverside.at("16:00"))["patient_id"] != patient["id"], "she may come again"


@pytest.mark.parametrize(
    "reason",
    [f"{NAME} asked", "zoe asked us", f"mail from {EMAIL}.", "call from (646) 555-7731", f"born {BORN}"],
)
def test_the_reason_of_an_erasure_does_not_say_who_it_was(
    admin: Connection, superuser: Connection, riverside: Clinic, reason: str
) -> None:
    zoe = record(admin, riverside, NAME, phone=PHONE, email=EMAIL, birth_date=BORN)["id"]
    with refused("invalid_argument"):
        call(admin, "erase_patient", patient_id=zoe, reason=reason)
    call(admin, "erase_patient", patient_id=zoe, reason="Asked for it by letter of 2026-03-09, art. 17")
    assert saying(superuser, *WHO) == set()


def test_what_a_chatbot_was_told_is_forgotten_with_the_record(
    actors: Actors, admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    bot = actors.user("bot@riverside.test")
    offer, other = (
        found["offer"]
        for found in call(bot, "chatbot_find_slots", clinic_slug="riverside", service="Check-up")["offers"][
            :2
        ]
    )
    who = {"patient_name": NAME, "patient_phone": PHONE}
    hold = call(bot, "chatbot_hold", offer=offer, **who)
    call(bot, "chatbot_confirm", reservation_id=hold["reservation_id"])
    call(bot, "chatbot_hold", offer=other, **who)
    assert {"clinic.slot_offers", "clinic.patients"} < saying(superuser, *WHO)
    row = superuser.execute("select distinct patient_id from clinic.slot_reservations").fetchone()
    assert row is not None
    hashes = superuser.execute("select person_hash from clinic.chatbot_patients").rowcount
    call(admin, "erase_patient", patient_id=row["patient_id"], reason="Asked for it")
    assert saying(superuser, *WHO) == set()
    assert superuser.execute("select person_hash from clinic.chatbot_patients").rowcount == hashes - 1


def test_what_a_family_was_answered_goes_with_each_of_them(
    ana: Connection, admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    kit, leo = (
        call(ana, "add_dependant", clinic_id=riverside.id, full_name=name, birth_date="2018-03-04")["id"]
        for name in ("Kit Ferreira", "Leo Ferreira")
    )
    visits = [
        {
            "appointment_type_id": str(riverside.checkup), "starts_at": riverside.at(clock).isoformat(),
            "patient_id": str(patient), "notes": notes,
        }
        for clock, patient, notes in (("09:00", kit, "Kit bites"), ("10:00", leo, None))
    ]  # fmt: skip
    call(ana, "book_family", visits=Jsonb(visits), idempotency_key="family")
    assert "clinic.idempotency_keys" in saying(superuser, "Kit bites")
    call(admin, "erase_patient", patient_id=kit, reason="Asked")
    assert saying(superuser, "Kit bites") == set()


def test_what_nobody_used_is_kept_for_a_month_and_a_day(
    ana: Connection, admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    for days in (29, 31):
        whom = {"email": f"{days}@made.test", "role": "receptionist"}
        answer = call(admin, "invite_staff", clinic_id=riverside.id, **whom)
        superuser.execute(
            "update clinic.invitations set expires_at = now() - %s * interval '1 day' where id = %s",
            [days, answer["invitation_id"]],
        )
    for hours in (23, 25):
        superuser.execute(
            "insert into clinic.join_attempts (user_id, attempted_at)"
            " values (%s, now() - %s * interval '1 hour')",
            [login(ana), hours],
        )
    superuser.execute("select clinic.apply_retention()")
    left = superuser.execute("select email from clinic.invitations where clinic_id = %s", [riverside.id])
    assert left.fetchall() == [{"email": "29@made.test"}]
    tried = superuser.execute("select from clinic.join_attempts where user_id = %s", [login(ana)])
    assert tried.rowcount == 1


def test_who_may_erase_whom(actors: Actors, admin: Connection, riverside: Clinic) -> None:
    row = record(admin, riverside, "Some One")
    for who, code in {
        "desk@riverside.test": "forbidden", "lee@riverside.test": "forbidden",
        "bot@riverside.test": "forbidden",
        "admin@sakura.test": "not_found", "ana@patients.test": "not_found",
    }.items():  # fmt: skip
        with refused(code):
            call(actors.user(who), "erase_patient", patient_id=row["id"], reason="Because")
    for reason in (None, "", "x" * 1001):
        with refused("invalid_argument"):
            call(admin, "erase_patient", patient_id=row["id"], reason=reason)
    for function in ("erase_me", "export_me"):
        with refused("not_authenticated"):
            call(actors.anon(), function)
    call(admin, "erase_patient", patient_id=row["id"], reason="Because")
    with refused("not_found"):
        call(admin, "erase_patient", patient_id=row["id"], reason="Because")


def test_the_last_admin_is_not_erased_and_who_is_not_the_last_is(
    actors: Actors, admin: Connection, superuser: Connection, riverside: Clinic
) -> None:
    me = login(admin)
    with refused("forbidden"):
        call(admin, "erase_me")
    with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
        superuser.execute("delete from auth.users where id = %s", [me])
    assert call(admin, "me")["user_id"] == me
    desk = actors.user_id("desk@riverside.test")
    superuser.execute("update clinic.staff set role = 'admin' where user_id = %s", [desk])
    assert call(admin, "erase_me")["erased"] is True
    assert superuser.execute("select from clinic.staff where user_id = %s", [me]).rowcount == 0


# Retention -------------------------------------------------------------------------------------------------


def test_retention_erases_whom_nobody_has_seen_for_longer_than_the_clinic_keeps_records(
    superuser: Connection, desk: Connection, riverside: Clinic, sakura: Clinic
) -> None:
    keep = superuser.execute(
        "update clinic.clinics set patient_retention = '10 years' where id = %s", [riverside.id]
    )
    assert keep.rowcount == 1
    people = {
        "gone": record(
            desk, riverside, NAME, phone=PHONE, email=EMAIL, birth_date=BORN, staff_notes="Quixote"
        )["id"],
        "came": record(desk, riverside, "Came Lately")["id"],
        "comes": record(desk, riverside, "Comes Again")["id"],
        "new": record(desk, riverside, "New")["id"],
    }
    past(superuser, riverside, people["came"], notes=None)
    book(desk, riverside, riverside.at("09:00"), patient_id=people["comes"])
    superuser.execute(
        "update clinic.patients set created_at = now() - interval '11 years' where id <> %s", [people["new"]]
    )
    before = counts(superuser)
    done = superuser.execute("select clinic.apply_retention() as n").fetchone()
    assert done is not None
    assert done["n"] >= 1
    erased = superuser.execute(
        "select id, clinic_id from clinic.patients where erased_at is not null"
    ).fetchall()
    assert people["gone"] in {row["id"] for row in erased}
    assert {people[name] for name in ("came", "comes", "new")}.isdisjoint(row["id"] for row in erased)
    assert {row["clinic_id"] for row in erased} == {riverside.id}, "who keeps them for ever keeps them"
    assert saying(superuser, *WHO) == set()
    assert counts(superuser) == before
    assert superuser.execute("select clinic.apply_retention() as n").fetchone() == {"n": 0}


def test_the_log_is_kept_as_long_as_the_clinic_says(
    superuser: Connection, riverside: Clinic, sakura: Clinic
) -> None:
    def old() -> list[Any]:
        rows = superuser.execute(
            "select clinic_id from clinic.audit_log where via = 'old' order by id"
        ).fetchall()
        return [row["clinic_id"] for row in rows]

    for clinic in (riverside, sakura):
        for years in (2, 5, 7):
            superuser.execute(
                "insert into clinic.audit_log (at, clinic_id, entity, entity_id, action, role, via)"
                " values (now() - %s * interval '1 year', %s, 'clinics', %s, 'update', 'sql', 'old')",
                [years, clinic.id, clinic.id],
            )
    superuser.execute("update clinic.clinics set audit_retention = '3 years' where id = %s", [riverside.id])
    assert len(old()) == 6
    while superuser.execute("select clinic.apply_retention(1) as n").fetchone() != {"n": 0}:
        pass
    assert old() == [riverside.id, sakura.id, sakura.id], "six years, unless the clinic says otherwise"


def test_a_month_that_nobody_keeps_any_more_goes_as_a_whole(
    superuser: Connection, riverside: Clinic, sakura: Clinic
) -> None:
    def months() -> list[str]:
        rows = superuser.execute(
            "select inhrelid::regclass::text as name from pg_inherits"
            " where inhparent = 'clinic.audit_log'::regclass order by name"
        )
        return [row["name"] for row in rows]

    kept = months()
    superuser.execute("select clinic.create_audit_partitions('2001-02-01', '2001-04-01')")
    superuser.execute(
        "insert into clinic.audit_log (at, clinic_id, entity, entity_id, action, role, via)"
        " select '2001-03-05', %s, 'clinics', %s, 'update', 'sql', 'old' from generate_series(1, 50)",
        [riverside.id, riverside.id],
    )
    since = "select audit_retention from clinic.clinics where id = %s"
    (usual,) = superuser.execute(since, [sakura.id]).fetchone().values()  # type: ignore[union-attr]
    superuser.execute("update clinic.clinics set audit_retention = '30 years' where id = %s", [sakura.id])
    assert superuser.execute("select clinic.trim_audit_log(7) as n").fetchone() == {"n": 7}
    superuser.execute("select clinic.maintain_partitions()")
    assert len(months()) == len(kept) + 3, "one clinic keeps what it has of it"
    superuser.execute("update clinic.clinics set audit_retention = %s where id = %s", [usual, sakura.id])
    superuser.execute("select clinic.maintain_partitions()")
    assert months() == kept


# What is told ----------------------------------------------------------------------------------------------


def test_an_export_has_every_row_that_names_one(
    zoe: Connection, superuser: Connection, riverside: Clinic
) -> None:
    told = call(zoe, "export_me")
    mine = [row["id"] for row in zoe.execute("select id from api.patients").fetchall()]
    columns = superuser.execute(
        "select c.relname as name, a.attname as column, a.attname in ('patient_id') as of_patient"
        " from pg_attribute as a join pg_class as c on c.oid = a.attrelid"
        " where c.relnamespace = 'clinic'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
        " and a.attnum > 0 and a.atttypid = 'uuid'::regtype and a.attname in"
        " ('patient_id', 'user_id', 'booked_by', 'held_by', 'invited_by', 'offered_to', 'actor')"
    ).fetchall()
    assert len(columns) >= 18
    wanted: dict[str, list[str]] = {}
    for row in columns:
        wanted.setdefault(row["name"], []).append(f"{row['column']} = any (%({row['of_patient']})s::uuid[])")
    ids = {"True": mine, "False": [login(zoe)]}
    for table, conditions in wanted.items():
        if table == "erasures":
            continue  # whose columns refer to nobody any more
        query = f"select count(*) as n from clinic.{table} where {' or '.join(conditions)}"
        count = superuser.execute(query, ids).fetchone()  # type: ignore[arg-type]
        assert count is not None
        rows = told[table]
        assert len(rows) >= count["n"], table
    assert {row["id"] for row in told["patients"]} >= {str(one) for one in mine}
    visits = [row["id"] for row in zoe.execute("select id from api.appointments").fetchall()]
    assert {row["id"] for row in told["appointments"]} == {str(one) for one in visits}
    assert {row["entity_id"] for row in told["audit_log"]} >= {str(one) for one in visits + mine}
    for text in (*WHO[:2], "Quixote writes more", "Kit", EMAIL):
        assert text.lower() in json.dumps(told, ensure_ascii=False).lower(), text
    assert told["login"]["email"] == EMAIL
    for secret in ("staff_notes", "code_hash", "Is Quixote's", "Quixote pays late"):
        assert secret not in json.dumps(told), secret


def test_an_export_has_the_hold_of_a_guest_who_is_no_patient_yet(actors: Actors, riverside: Clinic) -> None:
    guest = actors.guest()
    hold = reserve(guest, riverside, riverside.at("09:00"))
    (said,) = call(guest, "export_me")["slot_reservations"]
    assert (said["id"], said["patient_id"]) == (str(hold["id"]), None)
    assert datetime.fromisoformat(said["starts_at"]) == riverside.at("09:00")


def test_an_export_of_who_works_for_others_tells_nothing_of_them(
    zoe: Connection, actors: Actors, superuser: Connection, riverside: Clinic
) -> None:
    """What staff, and who has looked after somebody once, did is theirs to know, and not for whom."""
    desk, admin = actors.user("desk@riverside.test"), actors.user("admin@riverside.test")
    for former in (desk, admin, actors.user("bot@riverside.test")):
        told = json.dumps(call(former, "export_me"), ensure_ascii=False).lower()
        for text in (*WHO, "donkey"):
            assert text not in told, text
    assert json.dumps(call(desk, "export_me")).count("booked_by") >= 1
    kit = call(zoe, "me")["dependants"][0]["patient_id"]
    book(zoe, riverside, riverside.at("16:00"), patient_id=kit, notes="Secretly brave")
    hour = riverside.at("16:00").astimezone(UTC).isoformat()[:13]
    for text in ("Secretly brave", hour):
        assert text in json.dumps(call(zoe, "export_me")["appointments"])
    call(zoe, "remove_dependant", patient_id=kit)
    told = json.dumps(call(zoe, "export_me")["appointments"])
    assert "Secretly brave" not in told
    assert hour not in told


# Logs ------------------------------------------------------------------------------------------------------


def test_nothing_that_the_server_logs_names_anybody(
    actors: Actors, desk: Connection, ana: Connection, superuser: Connection, riverside: Clinic,
    shared_folder: Any,
) -> None:  # fmt: skip
    """What an error says, its detail and its context are what a log keeps of a call that failed."""
    logged: list[str] = []

    def fails(connection: Connection, function: str, **arguments: Any) -> None:
        with pytest.raises(psycopg.Error) as caught:
            call(connection, function, **arguments)
        diag = caught.value.diag
        logged.extend(
            str(part)
            for part in (
                diag.message_primary,
                diag.message_detail,
                diag.message_hint,
                diag.context,
                diag.internal_query,
            )
        )

    whole: Row = {
        "full_name": NAME,
        "phone": PHONE,
        "email": EMAIL,
        "birth_date": BORN,
        "staff_notes": "Quixote",
    }
    row = record(desk, riverside, **whole)
    code = call(desk, "invite_patient", patient_id=row["id"])["code"]
    of_clinic: Row = {"clinic_id": riverside.id}
    for wrong in (
        {"full_name": f"{NAME}\u202e"}, {"full_name": NAME * 40}, {"phone": PHONE * 9},
        {"email": f"{NAME} {EMAIL}"},
        {"birth_date": f"{BORN} Quixote"}, {"staff_notes": "Quixote\x07"},
    ):  # fmt: skip
        fails(desk, "create_patient", **of_clinic | whole | wrong)
        fails(desk, "update_patient", patient_id=row["id"], **whole | wrong)
        fails(desk, "similar_patients", **of_clinic | {
            key: value for key, value in (whole | wrong).items() if key != "staff_notes"
        } | ({"full_name": ""} if "staff_notes" in wrong else {}))  # fmt: skip
    fails(ana, "create_patient", **of_clinic | whole)
    fails(ana, "update_me", full_name=NAME, phone=PHONE, email=f"{EMAIL} {NAME}")
    fails(ana, "add_dependant", **of_clinic, full_name=NAME, birth_date=f"{BORN}Z")
    fails(ana, "search_patients", **of_clinic, query=NAME)
    fails(
        ana,
        "book_family",
        visits=[{"notes": NAME, "starts_at": f"Quixote {BORN}", "appointment_type_id": NAME}],
    )
    fails(desk, "invite_staff", **of_clinic, email=EMAIL, role=NAME)
    fails(desk, "erase_patient", patient_id=row["id"], reason=NAME)
    assert not call(ana, "claim_patient", code=code, birth_date="1971-03-08")["accepted"]
    visit = book(desk, riverside, riverside.at("09:00"), patient_id=row["id"], notes="Quixote")
    fails(desk, "book_appointment", appointment_type_id=riverside.checkup, starts_at=riverside.at("09:00"),
          dentist_id=riverside.other, patient_id=row["id"], notes=NAME)  # fmt: skip
    fails(desk, "update_appointment", appointment_id=visit["id"], notes=f"{NAME}\x07")
    # A statement that could not go on is logged with what it came from, down to the innermost.
    with superuser.transaction():
        superuser.execute("lock table clinic.patients in access exclusive mode")
        for function in ("search_patients", "similar_patients"):
            desk.execute("set lock_timeout = '50ms'")
            said: Row = (
                {"query": f"{NAME} {PHONE} {BORN}"} if function == "search_patients" else {"full_name": NAME}
            )
            fails(desk, function, **of_clinic | said)
    assert len(logged) > 80
    assert any("clinic.search_patients" in part for part in logged), "the contexts are there"
    for text in (*WHO, "zoë"):
        assert text not in "\n".join(logged).lower(), text
    log = shared_folder / "postgres.log"
    if log.exists():  # the embedded server's; of any other we know what it is told
        written = log.read_text(errors="replace").lower()
        for text in (*WHO[:3], "zoë"):
            assert text not in written, text
