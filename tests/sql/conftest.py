"""The people and places of the seed, each person with a connection of their own."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.support.actors import Actors, Connection
from tests.support.clinics import Clinic, load_clinic
from tests.support.messages import patient
from tests.support.templates import cloned


@pytest.fixture
def riverside(actors: Actors) -> Clinic:
    """The clinic in New York."""
    return load_clinic(actors, "riverside")


@pytest.fixture
def sakura(actors: Actors) -> Clinic:
    """The clinic in Tokyo."""
    return load_clinic(actors, "sakura")


@pytest.fixture
def superuser(actors: Actors) -> Connection:
    """Somebody who passes every policy."""
    return actors.superuser()


@pytest.fixture(scope="module")
def anybody(template: str) -> Iterator[Connection]:
    """Somebody who has not signed in, for tests that change nothing: those of a module share a database."""
    with cloned(template) as url:
        actors = Actors(url)
        yield actors.anon()
        actors.close()


@pytest.fixture
def anon(actors: Actors) -> Connection:
    """Somebody who has not signed in."""
    return actors.anon()


@pytest.fixture
def ana(actors: Actors) -> Connection:
    """A patient."""
    return actors.user("ana@patients.test")


@pytest.fixture
def ben(actors: Actors) -> Connection:
    """Another patient."""
    return actors.user("ben@patients.test")


@pytest.fixture
def admin(actors: Actors) -> Connection:
    """An admin of riverside."""
    return actors.user("admin@riverside.test")


@pytest.fixture
def desk(actors: Actors) -> Connection:
    """A receptionist of riverside."""
    return actors.user("desk@riverside.test")


@pytest.fixture
def lee(actors: Actors) -> Connection:
    """A dentist of riverside."""
    return actors.user("lee@riverside.test")


@pytest.fixture
def bot(actors: Actors) -> Connection:
    """The chatbot of riverside."""
    return actors.user("bot@riverside.test")


@pytest.fixture
def foreign_desk(actors: Actors) -> Connection:
    """A receptionist of another clinic."""
    return actors.user("desk@sakura.test")


@pytest.fixture
def foreign_admin(actors: Actors) -> Connection:
    """An admin of another clinic."""
    return actors.user("admin@sakura.test")


@pytest.fixture
def mia(superuser: Connection, riverside: Clinic) -> UUID:
    """A patient of riverside without a login, who can be reached."""
    return patient(superuser, riverside, full_name="Mia Mail")


@pytest.fixture
def carrier(actors: Actors) -> Connection:
    """Who hands in what patients text back, with the secret key."""
    return actors.service_role()
