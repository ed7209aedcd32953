"""What the documents point to is there: files, headings, and every schema in the architecture."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.support.documents import FENCE, documents
from tests.support.templates import ROOT, SCHEMAS

LINK = re.compile(r"\]\(([^)\s]+)\)")
# `tests/sql`, `supabase/seed.sql`: a path from the root, without blanks to fill in.
PATH = re.compile(r"`((?:\.ci|cli|docs|supabase|tests|web|worker)/[\w./-]*[\w/])`")
MADE = re.compile(r"^(web/dist|supabase/migrations\.lock|supabase/\.)")  # by a build or a release
# Rendered as docs/cli.md, where its links are right.
TEMPLATE = Path("cli/reference.md")


def prose(document: Path) -> str:
    return FENCE.sub("", (ROOT / document).read_text())


def anchors(document: Path) -> set[str]:
    """Return the headings of a document as GitHub makes fragments of them."""
    titles = re.findall(r"^#+ (.*)$", prose(document), re.MULTILINE)
    plain = (re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title) for title in titles)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in plain}


def broken(document: Path) -> list[str]:
    found = []
    for target in LINK.findall(prose(document)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, fragment = unquote(target).partition("#")
        there = (document.parent / file) if file else document
        exists = (ROOT / there).exists()
        if not exists or (fragment and fragment not in anchors(Path(there))):
            found.append(target)
    return found


@pytest.mark.parametrize("document", [one for one in documents() if one != TEMPLATE], ids=str)
def test_every_link_leads_somewhere(document: Path) -> None:
    assert broken(document) == []


@pytest.mark.parametrize("document", documents(), ids=str)
def test_every_path_that_is_named_is_there(document: Path) -> None:
    named = {path for path in PATH.findall(prose(document)) if not MADE.match(path)}
    bases = (ROOT, ROOT / document.parent)  # a part's README speaks of its own folder
    assert [path for path in sorted(named) if not any((base / path).exists() for base in bases)] == []


def test_the_architecture_names_every_schema() -> None:
    told = (ROOT / "docs" / "architecture.md").read_text()
    named = [name.rstrip("…") for name in re.findall(r"`([a-z_]+…?)`", told)]
    families = tuple(name.rstrip("…") for name in re.findall(r"`([a-z_]+…)`", told))
    concerns = [path.stem.partition("_")[2] for path in sorted(SCHEMAS.glob("*.sql"))]
    assert [name for name in concerns if name not in named and not name.startswith(families)] == []
