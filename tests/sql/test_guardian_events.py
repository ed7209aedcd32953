"""A guardian hears at once that they act for somebody, and that they do so no longer."""

from __future__ import annotations

from tests.support.actors import Actors, Connection, call
from tests.support.clinics import Clinic
from tests.support.waiting import wait_for_older


def heard(guardian: Connection, user_id: object) -> list[str]:
    """Return the patients of whom the guardian's own topic has said that something changed."""
    wait_for_older(guardian)
    events = call(guardian, "events_since", topic=f"patient:{user_id}", after_id=0)
    return [each["payload"]["patient_id"] for each in events if each["event"] == "patient_updated"]


def test_who_begins_or_ceases_to_act_for_somebody_is_told(
    actors: Actors, ana: Connection, desk: Connection, riverside: Clinic
) -> None:
    user = actors.user_id("ana@patients.test")
    child = {"clinic_id": riverside.id, "full_name": "Ella Ferreira", "birth_date": "2019-05-04"}
    ella = call(ana, "add_dependant", **child)["id"]
    before = heard(ana, user)
    assert str(ella) in map(str, before)
    assert call(desk, "remove_dependant", patient_id=ella, user_id=user) is True
    assert len(heard(ana, user)) == len(before) + 1


def test_a_guardian_who_is_forgotten_leaves_whom_they_acted_for(
    actors: Actors, ana: Connection, superuser: Connection, riverside: Clinic
) -> None:
    user = actors.user_id("ana@patients.test")
    child = {"clinic_id": riverside.id, "full_name": "Ella Ferreira", "birth_date": "2019-05-04"}
    ella = call(ana, "add_dependant", **child)["id"]

    def told() -> object:
        query = "select count(*) as n from clinic.realtime_events where user_id = %s"
        return superuser.execute(query, [user]).fetchone()

    before = told()
    assert call(ana, "erase_me")["erased"] is True
    query = "select full_name from clinic.patients where id = %s"
    assert superuser.execute(query, [ella]).fetchone() == {"full_name": "Ella Ferreira"}
    query = "select from clinic.guardians where patient_id = %s"
    assert superuser.execute(query, [ella]).fetchone() is None
    assert told() == before, "nobody is there any more to hear that it ended"
