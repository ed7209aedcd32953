"""The views, as PostgREST serves them: embedded, filtered, counted, paged; and rows of functions likewise."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from supabase import Client
from tests.api import matrix
from tests.api.world import World
from tests.support.stacks import Stack


@pytest.fixture(scope="module")
def world(stack: Stack) -> Iterator[World]:
    """A clinic in which the patient has three appointments."""
    world = World(stack)
    for _ in range(3):
        world.appointment()
    yield world
    world.close()


@pytest.fixture
def patient(world: World) -> Client:
    """The patient's supabase client."""
    return world.stack.client(world.stack.token(world.users["patient"]))


def appointments(client: Client, select: str = "*", **options: Any) -> Any:
    return client.table("appointments").select(select, **options).order("starts_at")


def test_an_appointment_embeds_its_dentist_patient_and_type(patient: Client) -> None:
    select = "id,dentists(full_name),patients(full_name),appointment_types(name,duration)"
    row = appointments(patient, select).limit(1).single().execute().data
    assert row["dentists"]["full_name"] == "Lee"
    assert row["patients"]["full_name"] == "Pat Patient"
    assert row["appointment_types"]["name"] == "Check-up"


def test_a_dentist_embeds_clinic_and_hours(world: World) -> None:
    select = "full_name,clinics(slug),working_hours(weekday,opens,closes)"
    anybody = world.stack.client()
    row = anybody.table("dentists").select(select).eq("id", str(world.clinic.lee)).single().execute().data
    assert row["clinics"]["slug"] == world.clinic.slug
    assert len(row["working_hours"]) == 10


def test_rows_are_counted_and_cut_into_pages(patient: Client) -> None:
    answer = appointments(patient, "id", count="exact").range(1, 2).execute()
    assert answer.count == 3
    assert len(answer.data) == 2


def test_rows_are_filtered_and_ordered(patient: Client) -> None:
    every = appointments(patient, "id,starts_at").execute().data
    later = appointments(patient, "id,starts_at").gt("starts_at", every[0]["starts_at"]).execute().data
    assert [row["id"] for row in later] == [row["id"] for row in every[1:]]
    backwards = patient.table("appointments").select("id").order("starts_at", desc=True).execute().data
    assert [row["id"] for row in backwards] == [row["id"] for row in reversed(every)]


def test_the_slots_a_function_returns_are_rows_like_any(world: World) -> None:
    arguments = {"appointment_type_id": str(world.clinic.checkup), "from_date": str(world.clinic.weekday(1))}
    slots = world.stack.client().rpc("available_slots", arguments)
    rows = slots.eq("dentist_id", str(world.clinic.other)).limit(5).execute().data
    assert len(rows) == 5
    assert {row["dentist_id"] for row in rows} == {str(world.clinic.other)}


def test_a_row_that_a_function_returns_can_be_narrowed(world: World, patient: Client) -> None:
    slot = world.slot()
    arguments = {name: str(value) for name, value in slot.items()}
    answer = world.http("patient").post(
        "/rpc/book_appointment", params={"select": "id,status"}, json=arguments
    )
    assert answer.is_success, answer.text
    row = answer.json()
    assert (row[0] if isinstance(row, list) else row).keys() == {"id", "status"}


@pytest.mark.parametrize("view", matrix.read(matrix.VIEWS))
@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
def test_views_are_for_reading(world: World, view: str, method: str) -> None:
    of_none = {"clinics": "id", "job_runs": "id", "locales": "locale", "message_defaults": "locale"}
    column = of_none.get(view, "clinic_id")
    body = {column: str(world.clinic.id)}
    for actor in ("anonymous", "patient", "admin"):
        answer = world.http(actor).request(method, f"/{view}", params={column: "not.is.null"}, json=body)
        assert answer.status_code in {401, 403}, answer.text


@pytest.mark.parametrize("table", ["occupancy", "realtime_events", "error_codes", "idempotency_keys"])
def test_what_is_private_cannot_be_reached(world: World, table: str) -> None:
    client = world.http("admin")
    for schema in ("clinic", "auth", "public"):
        answer = client.get(f"/{table}", headers={"Accept-Profile": schema})
        assert 400 <= answer.status_code < 500, answer.text


def test_somebody_signs_up_and_in_and_sees_themselves(stack: Stack) -> None:
    client = stack.client()
    email = f"new-{stack.publishable_key[-6:].lower()}-{id(client)}@patients.test"
    client.auth.sign_up(
        {"email": email, "password": "a long password", "options": {"data": {"full_name": "New Here"}}}
    )
    me = stack.sign_in(email, "a long password").rpc("me").execute().data
    assert me["email"] == email
    assert me["profile"]["full_name"] == "New Here"
    assert me["memberships"] == []
