"""Every code block of every document runs as it stands, in the order in which a reader meets them."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import psycopg
import pytest
from mcp import Client, StdioServerParameters, stdio_client

from tests.docs.conftest import Workshop
from tests.support.documents import Block, blocks, documents

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("docs")]  # they share a copy of the project

# What cannot run where there is no Docker and no account, or would run these tests in themselves.
NOT_RUN = {
    "make test": "is the run that this is part of",
    "make lint": "is the step before the tests",
    "make up": "is `chairtime up`, which the documents go on to use",
    "docker ": "needs Docker",
    "supabase link": "needs an account",
    "supabase start": "needs Docker",
}
# Ends only when interrupted: running on for a while is what it should do.
ENDLESS = re.compile(r"--watch|events tail|python -m worker|chairtime worker$|chairtime mcp|npm run dev")
WHILE = 5  # seconds

# What a reader fills in.
BLANKS = {
    "https://….supabase.co": "$API_URL",
    "sb_publishable_…": "$PUBLISHABLE_KEY",
    "worker_login:…@db.example:5432": "worker_login:secret@$DB_ADDRESS",
    "password '…'": "password 'secret'",
}
PRELUDE = f"""
set -euo pipefail
for_a_while() {{ # runs until it is interrupted; to end before that is a failure
  local status=0
  PATH="${{PATH/"$FORKED:"/}}" timeout --signal INT {WHILE} "$@" || status=$? # no fork hears a signal
  [ "$status" = 124 ]
}}
"""

DOCUMENTS = [document for document in documents() if blocks(document)]


def filled(text: str) -> str:
    for blank, value in BLANKS.items():
        text = text.replace(blank, value)
    return text


def commands(block: Block) -> list[str]:
    """Return the commands of a block; in a `console`, what follows them is what they print."""
    if block.language != "console":
        return [filled(block.text)]
    text = re.sub(r"\\\n", " ", block.text)
    return [filled(line[2:]) for line in text.splitlines() if line.startswith("$ ")]


def as_script(command: str) -> str:
    """Write a command as the tests run it."""
    lines = []
    for line in command.splitlines():
        code = line.split("  #")[0].rstrip()
        if any(code.startswith(start) for start in NOT_RUN):
            lines.append(f": {shlex.quote(code)}")
        elif ENDLESS.search(code):
            variables = re.match(r"((?:\w+=\S+ )*)(.*)", code)
            assert variables is not None
            lines.append(f"{variables[1]}for_a_while {variables[2]}")
        else:
            lines.append(line)
    return "\n".join(lines)


def test_every_block_says_its_language_and_is_of_a_kind_that_runs() -> None:
    known = {*RUNS, "text", "tsx", "json"}
    found = [block for document in documents() for block in blocks(document)]
    assert len(found) > 20
    assert [str(block) for block in found if block.language not in known] == []
    assert [str(block) for block in found if block.language == "text" and "\n$ " in block.text] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_what_a_document_tells_one_to_type_works(workshop: Workshop, document: Path) -> None:
    script = PRELUDE
    for block in blocks(document):
        if make := RUNS.get(block.language):
            script += f"\necho '--- {block}' >&2\n{make(workshop, block)}\n"
    done = workshop.run(script, forked=True)
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-6000:]}"


def shell(_: Workshop, block: Block) -> str:
    return "\n".join(map(as_script, commands(block)))


def typescript(workshop: Workshop, block: Block) -> str:
    """Run it on Node, which takes the types off; it may go on listening."""
    name = f"{block.path.stem}-{block.line}.ts"
    (workshop.root / "web" / name).write_text(filled(block.text))
    return f"for_a_while node web/{name}"


def sql(workshop: Workshop, block: Block) -> str:
    # On Supabase an extension lets `postgres` set what PostgREST reads; here that takes a superuser.
    url = workshop.superuser_url if "alter role authenticator" in block.text else workshop.status["db_url"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(filled(block.text).encode())
    return ""


RUNS = {
    "bash": shell,
    "sh": shell,
    "console": shell,
    "ts": typescript,
    "sql": sql,
}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
async def test_json_is_json_and_a_configuration_of_mcp_serves(workshop: Workshop, document: Path) -> None:
    for block in blocks(document):
        if block.language != "json":
            continue
        text = block.text if block.text.lstrip().startswith("{") else f"{{{block.text}}}"
        for server in json.loads(text).get("mcpServers", {}).values():
            parameters = StdioServerParameters(
                command=str(workshop.root / server["command"]),
                args=server["args"],
                env=server["env"],
                cwd=workshop.root,
            )
            async with Client(stdio_client(parameters)) as client:
                assert "find_slots" in [tool.name for tool in (await client.list_tools()).tools]
