"""A world of their own for tests through HTTP."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.api.world import World
from tests.support.stacks import Stack


@pytest.fixture
def world(stack: Stack) -> Iterator[World]:
    """A clinic of one's own on the shared stack."""
    world = World(stack)
    yield world
    world.close()
