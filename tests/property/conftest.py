"""What the properties share: one database, in which each example makes a clinic of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.actors import Actors
from tests.support.templates import cloned


@pytest.fixture(scope="module")
def arena(template: str) -> Iterator[Actors]:
    """One database for all examples: each makes a clinic of its own."""
    with cloned(template) as url:
        actors = Actors(url)
        yield actors
        actors.close()
