"""What `make release-check` asks of the tree before it runs the tests."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.support.release import packed, problems, tracked
from tests.support.templates import ROOT


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """What is checked of this tree, as it will be on the day."""
    shutil.copytree(ROOT / "supabase", tmp_path / "supabase", ignore=shutil.ignore_patterns(".temp"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    version = Program(tmp_path).ok("--version").out.split()[1]
    (tmp_path / "CHANGELOG.md").write_text(f"## [Unreleased]\n\n## [{version}] - 2026-12-01\n\n### Added\n")
    Program(tmp_path).ok("migrate", "freeze")
    return tmp_path


def test_a_tree_is_ready_or_what_it_lacks_is_said(tree: Path) -> None:
    assert [*problems(tree)] == []

    changelog = tree / "CHANGELOG.md"
    changelog.write_text(changelog.read_text().replace("[Unreleased]\n", "[Unreleased]\n\n- Forgotten.\n"))
    assert "- Forgotten." in next(problems(tree))
    changelog.write_text("## [0.0.9] - 2026-01-01\n")
    assert "CHANGELOG.md has no" in next(problems(tree))


def test_a_version_that_is_not_everywhere_is_told(tree: Path) -> None:
    project = tree / "pyproject.toml"
    project.write_text(project.read_text().replace('\nversion = "', '\nversion = "9.'))
    assert [found.partition(" ")[0] for found in problems(tree)] == ["CHANGELOG.md", "clinic.version()"]


def test_a_migration_that_is_not_frozen_is_told(tree: Path) -> None:
    later = tree / "supabase" / "migrations" / "20990101000000_later.sql"
    later.write_text("select 1;\n")
    assert [*problems(tree)] == [f"{later.name} is not frozen: `chairtime migrate freeze`"]


def test_the_wheel_has_all_that_the_programs_read() -> None:
    assert tracked("cli", "worker") - packed() == set()
