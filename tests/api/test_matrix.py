"""Every function and every view as every actor, through HTTP, against the tables in matrix.py."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import psycopg
import pytest

from tests.api import matrix
from tests.api.arguments import ARGUMENTS
from tests.api.world import World
from tests.support.stacks import Stack

FUNCTIONS = matrix.read(matrix.FUNCTIONS)
VIEWS = matrix.read(matrix.VIEWS)


def outcome(answer: httpx.Response) -> str:
    """Return what the matrix would say of an answer: a dot, or a status whose code is the right one."""
    if answer.is_success:
        return "."
    assert answer.json()["code"] == matrix.CODES.get(str(answer.status_code)), answer.text
    return str(answer.status_code)


def post(client: httpx.Client, function: str, arguments: dict[str, Any]) -> httpx.Response:
    return client.post(
        f"/rpc/{function}",
        content=json.dumps(arguments, default=str),
        headers={"Content-Type": "application/json"},
    )


@pytest.mark.parametrize("row", FUNCTIONS)
def test_a_function_answers_each_actor_as_the_matrix_says(world: World, row: str) -> None:
    function = row.partition(":")[0]
    seen = {}
    for actor in matrix.ACTORS:
        arguments = ARGUMENTS[row](world)
        seen[actor] = outcome(post(world.http(actor), function, arguments))
    assert seen == FUNCTIONS[row]


@pytest.fixture(scope="module")
def furnished(stack: Stack) -> Iterator[World]:
    """The world that the table of views speaks of."""
    world = World(stack)
    world.furnish(ARGUMENTS["set_message_template"](world))
    yield world
    world.close()


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_shows_each_actor_the_rows_the_matrix_says(furnished: World, view: str) -> None:
    assert {actor: visible(furnished, actor, view) for actor in matrix.ACTORS} == VIEWS[view]


def visible(world: World, actor: str, view: str) -> str:
    """Return what the matrix would say of the rows that an actor sees."""
    column = {"clinics": "id", "job_runs": None, "locales": None, "message_defaults": None}.get(
        view, "clinic_id"
    )
    filters = {column: f"eq.{world.clinic.id}"} if column else {}
    answer = world.http(actor).get(f"/{view}", params={"select": "*", **filters})
    if answer.status_code in {401, 403}:
        return "-"
    rows = len(answer.raise_for_status().json())
    return "+" if VIEWS[view][actor] == "+" and rows else str(rows)


def exposed(stack: Stack, query: str) -> set[str]:
    with psycopg.connect(stack.superuser_url) as connection:
        return {row[0] for row in connection.execute(query)}  # type: ignore[arg-type]


def test_no_function_of_the_api_is_missing_from_the_matrix(stack: Stack) -> None:
    functions = exposed(stack, "select proname from pg_proc where pronamespace = 'api'::regnamespace")
    assert functions == {row.partition(":")[0] for row in FUNCTIONS}


def test_no_view_of_the_api_is_missing_from_the_matrix(stack: Stack) -> None:
    views = exposed(
        stack, "select relname from pg_class where relnamespace = 'api'::regnamespace and relkind <> 'c'"
    )
    assert views == VIEWS.keys()
