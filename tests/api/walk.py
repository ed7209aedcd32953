"""Every function of the API as somebody who may call it, on a database alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from tests.api import matrix
from tests.api.arguments import ARGUMENTS
from tests.api.world import World
from tests.support.actors import Actors, Connection, call

ROWS = matrix.read(matrix.FUNCTIONS)
# Whoever may do most comes first.
CALLERS = ("admin", "receptionist", "dentist", "chatbot", "patient")


@dataclass
class Behind:
    """A database where a world expects a stack: it is asked for people alone."""

    people: Actors

    def actors(self) -> Actors:
        """Return everybody."""
        return self.people


@dataclass
class Walk:
    """A world, and a session for each of its people."""

    actors: Actors
    world: World = field(init=False)
    _sessions: dict[str | None, Connection] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.world = World(Behind(self.actors))  # type: ignore[arg-type]

    def caller(self, row: str) -> Connection:
        """Return the session of somebody who may do what a row of the matrix says; who may go, if they do."""
        if row == "erase_me":
            return self.actors.sign_up(f"{uuid4()}@made.test")
        actor = next((actor for actor in CALLERS if ROWS[row][actor] == "."), None)
        if actor not in self._sessions:
            self._sessions[actor] = (
                self.actors.user(f"{self.world.users[actor]}@made.test")
                if actor
                else self.actors.service_role()
            )
        return self._sessions[actor]

    def ask(self, row: str, **more: Any) -> Any:
        """Call the function of a row of the matrix."""
        return call(self.caller(row), row.partition(":")[0], **ARGUMENTS[row](self.world) | more)
