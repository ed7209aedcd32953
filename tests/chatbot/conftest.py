"""The two clinics' chatbots, and what the tests say to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chatbot.practice import Practice, make_practice
from tests.support.actors import Actors, Connection
from tests.support.clinics import Clinic, load_clinic
from tests.support.stacks import Stack


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


@pytest.fixture
def bot(actors: Actors) -> Connection:
    """The chatbot of riverside."""
    return actors.user("bot@riverside.test")


@pytest.fixture
def rival(actors: Actors, superuser: Connection, riverside: Clinic) -> Connection:
    """Another chatbot of riverside."""
    connection = actors.sign_up("rival@riverside.test")
    superuser.execute(
        "insert into clinic.staff (clinic_id, user_id, role) values (%s, %s, 'chatbot')",
        [riverside.id, actors.user_id("rival@riverside.test")],
    )
    return connection


@pytest.fixture
def foreign_bot(actors: Actors) -> Connection:
    """The chatbot of sakura."""
    return actors.user("bot@sakura.test")


@pytest.fixture
def desk(actors: Actors) -> Connection:
    """A receptionist of riverside."""
    return actors.user("desk@riverside.test")


@pytest.fixture
def ana(actors: Actors) -> Connection:
    """A patient."""
    return actors.user("ana@patients.test")


@pytest.fixture
def practice(stack: Stack) -> Iterator[Practice]:
    """A clinic of one's own on the running stack, with a chatbot that can sign in."""
    actors = stack.actors()
    yield make_practice(stack, actors)
    actors.close()
