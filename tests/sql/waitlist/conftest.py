"""A clinic at which somebody waits, and the people in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.actors import Actors, Connection
from tests.support.build import MadeClinic
from tests.support.waitlist import awake, somebody


@pytest.fixture
def clinic(superuser: Connection) -> MadeClinic:
    """A clinic in which nothing is booked yet, and nobody sleeps."""
    return awake(superuser, max_upcoming=50, max_active_holds=10, max_holds_per_hour=1000)


@pytest.fixture
def booker(actors: Actors, superuser: Connection) -> Connection:
    """Who has a visit, and gives it up."""
    return somebody(actors, superuser, "Booker")


@pytest.fixture
def waiter(actors: Actors, superuser: Connection) -> Connection:
    """Who waits."""
    return somebody(actors, superuser, "Waiter")


@pytest.fixture
def after(actors: Actors, superuser: Connection) -> Connection:
    """Who waits behind the waiter."""
    return somebody(actors, superuser, "After")


@pytest.fixture
def clerk(actors: Actors, clinic: MadeClinic) -> Connection:
    """The clinic's receptionist."""
    return actors.user(f"{clinic.users['desk']}@made.test")


@pytest.fixture
def chief(actors: Actors, clinic: MadeClinic) -> Connection:
    """The clinic's admin."""
    return actors.user(f"{clinic.users['admin']}@made.test")


@pytest.fixture(autouse=True)
def _nothing_is_broken(superuser: Connection) -> Iterator[None]:
    """Whatever was handed over, the invariants hold afterwards."""
    yield
    assert superuser.execute("select * from clinic.check_invariants()").fetchall() == []
