"""Every mutant applies to the code as it is, and the test that is to kill it exists."""

from __future__ import annotations

import re

import pytest

from tests.mutants.mutation import Mutant, load
from tests.support.templates import ROOT


@pytest.mark.parametrize("mutant", load(), ids=lambda mutant: mutant.name)
def test_a_mutant_is_not_stale(mutant: Mutant) -> None:
    path, text = mutant.apply(ROOT)
    assert text != path.read_text()
    assert mutant.why
    assert mutant.killed_by
    for test in mutant.killed_by:
        file, _, name = test.partition("::")
        source = (ROOT / file).read_text()
        for part in filter(None, re.sub(r"\[.*", "", name).split("::")):
            assert re.search(rf"(def|class) {part}\b", source), f"there is no {test}"
