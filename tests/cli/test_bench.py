"""`chairtime bench`: its clinics are the same each time and break no rule, and it says what it measured."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path

import psutil
import psycopg
import pytest

from cli.bench import load, simulation
from cli.bench.page import require_plotly
from cli.bench.rounds import beside, take_turns
from cli.errors import ChairtimeError
from tests.cli.program import Program
from tests.support.templates import ROOT, cloned

pytestmark = pytest.mark.long

TODAY = date(2026, 3, 29)  # a Sunday on which Europe's clocks change
RULES = """
select conrelid::regclass::text, conname, pg_get_constraintdef(oid), convalidated
from pg_constraint where connamespace = 'clinic'::regnamespace
union all
select tablename, indexname, indexdef, true from pg_indexes where schemaname = 'clinic'
union all
select tgrelid::regclass::text, tgname, tgenabled::text, true
from pg_trigger where not tgisinternal and tgrelid::regclass::text like 'clinic.%'
order by 1, 2, 3
"""


@pytest.fixture
def few_patients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation, "PATIENTS", 50)


def drawn(seed: int, today: date = TODAY) -> list[tuple[str, str]]:
    """Draw the beginning of the second of two clinics."""
    _, (practice, _) = simulation.practices(seed, 2 * simulation.VISITS)
    return list(islice(simulation.Visits(practice, seed, today).lines(simulation.VISITS), 2000))


def test_a_seed_and_a_day_give_the_same_clinics_down_to_the_ids(few_patients: None) -> None:
    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)
    assert drawn(1) != drawn(1, date(2026, 3, 30))


def test_what_is_poured_in_breaks_no_rule_and_takes_none_away(template: str, few_patients: None) -> None:
    size = 4000
    with cloned(template) as database, psycopg.connect(database, autocommit=True) as connection:
        before = connection.execute(RULES).fetchall()
        load.fill(database, size, 1, datetime.now(UTC).date())
        assert connection.execute(RULES).fetchall() == before
        assert connection.execute("select * from clinic.check_invariants()").fetchall() == []

        appointments = "from clinic.appointments as a inner join clinic.clinics as c on a.clinic_id = c.id"
        simulated = f"{appointments} where c.slug like 'clinic-%'"

        def count(what: str) -> int:
            return int(
                connection.execute(f"select count(*) {simulated} and {what}".encode()).fetchall()[0][0]
            )

        assert count("true") == size
        for status in ("booked", "fulfilled", "cancelled", "no_show"):
            assert count(f"a.status = '{status}'") > 0
        assert count("a.starts_at > now()") > 0
        # Nobody calls after their visit began, or tomorrow; and who cancels has booked.
        assert count("a.created_at >= a.starts_at or a.created_at > now()") == 0
        assert count("a.cancelled_at < a.created_at or a.cancelled_at >= a.starts_at") == 0
        # A leader is there when a visit begins and when it ends.
        local = "(a.%s at time zone c.time_zone)"
        hours = (
            "not exists (select from clinic.working_hours as h where h.dentist_id = a.dentist_id"
            f" and h.weekday = extract(isodow from {local % 'starts_at'})"
            f" and h.opens <= {local % 'starts_at'}::time and h.closes >= {local % 'ends_at'}::time)"
        )
        assert count(hours) == 0
        children = "select count(*) from clinic.guardians as g where g.relation = 'parent'"
        assert connection.execute(children).fetchall()[0][0] > 0


def test_turns_go_there_and_back_and_ratios_are_of_one_round() -> None:
    asked: list[str] = []
    numbers = {"fast": iter((1.0, 2.0, 4.0)), "slow": iter((2.0, 8.0, 4.0))}

    def contestant(name: str) -> float:
        asked.append(name)
        return next(numbers[name])

    samples = take_turns({name: lambda name=name: contestant(name) for name in numbers}, 3)  # type: ignore[misc]
    assert asked == ["fast", "slow", "slow", "fast", "fast", "slow"]
    line = beside(samples, "fast", "slow", "ms")
    assert (line.ratio.low, line.ratio.median, line.ratio.high) == (0.25, 0.5, 1.0)


def test_without_plotly_a_page_is_refused_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(ChairtimeError) as refusal:
        require_plotly()
    assert refusal.value.code == "not_installed"
    assert "chairtime[bench]" in str(refusal.value.hint)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--only", "nonsense"),
        ("--largest", "9999"),
        ("--largest", "many"),
        ("--seed", "x"),
        ("--html", "no/such/folder/page.html"),
        ("--html", "."),
        ("surplus",),
    ],
)
def test_bad_input_is_refused_at_once(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = Program(tmp_path)("bench", "--json", *arguments)
    assert done.code == 2
    assert done.error["code"] in {"usage", "invalid_argument"}


def test_a_run_says_what_it_measured_on_what_and_leaves_nothing_behind(tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    page = tmp_path / "page.html"
    program = Program(ROOT, {"TMPDIR": str(temporary)})
    arguments = ("--quick", "--only", "lists", "--largest", "10000", "--html", str(page))
    report = program.json("bench", *arguments)

    (chapter,) = report["chapters"]
    assert [line["name"] for line in chapter["lines"]][:2] == ["receptionist, latest", "receptionist, coming"]
    for line in chapter["lines"]:
        for spread in (line["value"], line["yardstick"], line["ratio"]):
            assert 0 < spread["low"] <= spread["median"] <= spread["high"]
    assert [one["appointments"] for one in report["histories"]] == [10_000]
    assert report["machine"]["cores"] > 0
    assert report["machine"]["postgres"]
    assert report["left_out"] == []

    text = page.read_text()
    assert chapter["title"] in text
    assert "Plotly.newPlot" in text
    assert 'src="http' not in text
    assert "<link" not in text

    assert list(temporary.iterdir()) == []
    assert not [
        one
        for one in psutil.process_iter(["cmdline"])
        if str(temporary) in " ".join(one.info["cmdline"] or ())
    ]
