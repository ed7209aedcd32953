"""What is, and how we got there: both build the same database, or it is said what lacks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from cli.migrations import apply_pending, read_migrations
from cli.migrations.draft import Draft, draft_on
from cli.migrations.lint import lint_history
from cli.migrations.released import read_lock
from cli.migrations.schemas import BASELINE, baseline_text, build, is_stale, read_all, read_schemas
from cli.migrations.verify import Catalog, drift
from tests.cli.program import Program
from tests.support.templates import MIGRATIONS, ROOT, SCHEMAS

OLD = "create function shop.old() returns int language sql set search_path = '' as $$ select 1; $$;\n"
SHOP = f"""\
create schema shop;

create table shop.items (id int primary key, name text not null);
alter table shop.items enable row level security;
insert into shop.items (id, name) values (1, 'brush');

create function shop.total() returns bigint
language sql
set search_path = ''
as $$
  select count(*) from shop.items as i;
$$;

create function shop.rename() returns trigger language plpgsql set search_path = ''
as $$ begin return new; end $$;
create trigger items_rename before update on shop.items for each row execute function shop.rename();

{OLD}
create view shop.names with (security_invoker = true) as
select i.name from shop.items as i;
comment on view shop.names is 'What is sold.';
grant select on shop.names to anon;

grant select on shop.items to anon;
create policy items_are_public on shop.items for select to anon using (true);
"""


@pytest.fixture
def shop(project: Path) -> Program:
    """A project with one schema, and its baseline."""
    program = Program(project)
    (project / "supabase" / "schemas").mkdir()
    edit(program, lambda _: SHOP)
    program.ok("migrate", "baseline")
    return program


def edit(program: Program, change: Callable[[str], str]) -> None:
    path = program.folder / "supabase" / "schemas" / "0100_shop.sql"
    path.write_text(change(path.read_text() if path.exists() else ""))


def faults(program: Program) -> list[tuple[str, str]]:
    """What is wrong with the history of a project's files, as `migrate lint` tells it."""
    supabase = program.folder / "supabase"
    schemas, migrations = read_schemas(supabase / "schemas"), read_migrations(supabase / "migrations")
    found = lint_history(schemas, migrations, read_lock(supabase / "migrations.lock"))
    return [(finding.file, finding.rule) for finding in found]


def drafted(program: Program, url: str) -> Draft:
    supabase = program.folder / "supabase"
    with psycopg.connect(url, autocommit=True) as connection, connection.transaction(force_rollback=True):
        return draft_on(
            connection, read_schemas(supabase / "schemas"), read_migrations(supabase / "migrations")
        )


def built(url: str, *texts: str) -> Catalog:
    """What these make of an empty database, which stays one."""
    with psycopg.connect(url, autocommit=True) as connection, connection.transaction(force_rollback=True):
        for text in texts:
            connection.execute(text.encode())
        return read_all(connection)


def test_schemas_and_migrations_build_the_same_database(empty_database: str) -> None:
    """Catalogs, comments, grants, policies, defaults, and the rows of tables that the files fill."""
    with psycopg.connect(empty_database, autocommit=True) as connection:
        with connection.transaction(force_rollback=True):
            build(connection, read_schemas(SCHEMAS))
            by_schemas = read_all(connection)
        apply_pending(empty_database, MIGRATIONS)
        assert [*drift(by_schemas, read_all(connection))] == []
    kinds = {kind for kind, _ in by_schemas}
    assert kinds >= {"table", "column", "view", "function", "trigger", "policy", "grants", "comment", "rows"}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ("update clinic.error_codes set hint = 'Try.' where code = 'try_again'", "rows clinic.error_codes"),
        ("delete from clinic.reply_words where locale = 'en'", "rows clinic.reply_words"),
        (
            "alter table clinic.clinics alter column name set default 'x'",
            "column clinic.clinics.name",
        ),
        ("alter table clinic.clinics replica identity full", "table clinic.clinics"),
        ("create publication p for table clinic.clinics", "published clinic.clinics"),
        ("create statistics clinic.s on name, slug from clinic.clinics", "statistics clinic.s"),
        (
            "comment on constraint clinics_pkey on clinic.clinics is 'x'",
            "comment constraint clinics_pkey on table clinic.clinics",
        ),
        ("revoke usage on type clinic.claim from public", "grants type clinic.claim"),
    ],
)
def test_a_difference_is_found(database: str, change: str, what: str) -> None:
    with psycopg.connect(database) as connection:
        before = read_all(connection)
        connection.execute(change.encode())
        found = [problem.what for problem in drift(before, read_all(connection))]
        connection.rollback()
    assert found == [what]


def test_the_baseline_is_what_the_schemas_say_until_it_is_released() -> None:
    released = frozenset(read_lock(ROOT / "supabase" / "migrations.lock"))
    stale = is_stale(read_schemas(SCHEMAS), read_migrations(MIGRATIONS), released)
    assert not stale, "write it anew: `chairtime migrate baseline`"


def test_a_baseline_is_written_the_same_every_time(shop: Program) -> None:
    path = shop.folder / "supabase" / "migrations" / BASELINE
    before = path.read_bytes()
    assert shop.json("migrate", "baseline") == {"path": str(path)}
    assert path.read_bytes() == before == baseline_text(read_schemas(path.parents[1] / "schemas")).encode()


def test_a_baseline_that_the_schemas_left_behind_is_refused(shop: Program) -> None:
    assert faults(shop) == []
    edit(shop, lambda text: text.replace("'brush'", "'paste'"))
    assert faults(shop) == [(BASELINE, "baseline")]
    assert shop("migrate", "freeze", "--json").error["code"] == "conflict"
    told = shop("migrate", "lint", "--json")
    assert told.code == 6
    assert told.json["findings"][0]["hint"] == "Write it anew: `chairtime migrate baseline`."


def test_what_is_released_is_edited_no_more(shop: Program) -> None:
    assert shop.json("migrate", "freeze") == {"released": [BASELINE]}
    supabase = shop.folder / "supabase"
    check = ["sha256sum", "--check", "--strict", "migrations.lock"]
    assert subprocess.run(check, cwd=supabase, capture_output=True, check=False).returncode == 0
    edit(shop, lambda text: text + "\nselect 1;\n")
    assert faults(shop) == []
    assert shop("migrate", "baseline", "--json").error["code"] == "conflict"

    late = shop.write("20260101000000_late.sql", "select 2;\n")
    assert faults(shop) == [(late.name, "order")]
    late.unlink()
    shorter = shop.write("20261101_shorter.sql", "select 3;\n")
    assert faults(shop) == [(shorter.name, "order")], "in order of versions, as they are applied"
    shorter.unlink()
    path = supabase / "migrations" / BASELINE
    path.write_text(path.read_text() + "\n")
    assert faults(shop) == [(BASELINE, "released")]
    path.unlink()
    assert faults(shop) == [(BASELINE, "released")]


def test_a_lock_that_is_broken_is_named_by_its_line(shop: Program) -> None:
    shop.ok("migrate", "freeze")
    lock = shop.folder / "supabase" / "migrations.lock"
    released = lock.read_text()
    for line in ("<<<<<<< ours\n", f"{'0' * 64}  {released.split()[1]}\n"):
        lock.write_text(released + line)
        for command in ("lint", "freeze", "baseline"):
            refused = shop("migrate", command, "--json")
            assert (refused.code, refused.error["code"]) == (2, "invalid_argument")
            assert "migrations.lock, line 2" in refused.error["message"]
    lock.write_text("")
    refused = shop("migrate", "baseline", "--json")
    assert (refused.code, refused.error["message"]) == (2, "migrations.lock is empty")


def test_a_released_file_may_have_a_space_in_its_name(shop: Program) -> None:
    spaced = shop.write("20270101000000_two words.sql", "select 1;\n")
    assert shop.json("migrate", "freeze") == {"released": [BASELINE, spaced.name]}
    assert faults(shop) == []


def test_without_schemas_no_baseline_is_written_over(shop: Program) -> None:
    (shop.folder / "supabase" / "schemas" / "0100_shop.sql").unlink()
    path = shop.folder / "supabase" / "migrations" / BASELINE
    before = path.read_bytes()
    assert shop("migrate", "baseline", "--json").code == 5
    assert path.read_bytes() == before
    path.unlink()
    refused = shop("migrate", "freeze", "--json")
    assert (refused.code, refused.error["message"]) == (5, "no files in supabase/migrations")
    assert not (shop.folder / "supabase" / "migrations.lock").exists()


def test_a_draft_has_what_leads_from_the_migrations_to_the_schemas(
    shop: Program, empty_database: str
) -> None:
    def change(text: str) -> str:
        for written, instead in {
            "count(*)": "count(i.id)",
            "select i.name from": "select i.id, i.name from",
            "using (true)": "using (id > 0)",
            "'What is sold.'": "'What we sell.'",
            "shop.names to anon": "shop.names to authenticated",
            "before update on": "before insert on",
            OLD: "",
            "grant select on shop.items to anon;\n": "",
        }.items():
            assert written in text
            text = text.replace(written, instead)
        more = (
            "grant select (name) on shop.items to anon;\ncomment on column shop.items.name is 'Its name.';\n"
        )
        return text + more

    edit(shop, change)
    made = drafted(shop, empty_database)
    assert made.by_hand == []
    assert built(empty_database, SHOP, made.text("")) == built(empty_database, change(SHOP))


def test_a_draft_says_what_a_person_must_write(shop: Program, empty_database: str) -> None:
    def change(text: str) -> str:
        text = text.replace("name text not null);", "name text not null, price numeric);")
        return text.replace("'brush'", "'paste'").replace("count(*)", "sum(i.price)::bigint")

    edit(shop, change)
    made = shop.json("migrate", "new", "--from-schemas", "prices")
    tried = [what for what in made["by_hand"] if "not tried" not in what]
    assert tried == ["column shop.items.price is missing", "rows shop.items differs"]
    text = Path(made["path"]).read_text()
    assert all(f"--   {what}\n" in text for what in made["by_hand"])
    by_hand = "alter table shop.items add column price numeric; update shop.items set name = 'paste';"
    assert built(empty_database, SHOP, by_hand, text) == built(empty_database, change(SHOP))


def test_what_was_not_drafted_is_not_said_to_be(shop: Program, empty_database: str) -> None:
    edit(shop, lambda text: text + "alter table shop.items enable always trigger items_rename;\n")
    assert drafted(shop, empty_database).by_hand == ["trigger shop.items items_rename differs"]


def test_a_function_that_waits_for_its_table_is_closed_to_everybody(
    shop: Program, empty_database: str
) -> None:
    more = """create table shop.bills (id int);
create function shop.bills_of() returns setof shop.bills language sql set search_path = ''
as $$ select b.id from shop.bills as b $$;
revoke execute on function shop.bills_of() from public;
"""
    edit(shop, lambda text: text + more)
    made = drafted(shop, empty_database)
    table = "create table shop.bills (id int);"
    assert built(empty_database, SHOP, table, made.text("")) == built(empty_database, SHOP + more)


def test_a_draft_says_nothing_of_what_goes(shop: Program, empty_database: str) -> None:
    edit(shop, lambda text: text.replace(", name text not null", ", name text not null, price int"))
    edit(shop, lambda text: text + "comment on column shop.items.price is 'In cents.';\n")
    supabase = shop.folder / "supabase"
    shop.ok("migrate", "baseline")
    edit(shop, lambda _: SHOP)
    made = drafted(shop, empty_database)
    assert made.statements == []
    before = (supabase / "migrations" / BASELINE).read_text()
    gone = "alter table shop.items drop column price;"
    assert built(empty_database, before, gone, made.text("")) == built(empty_database, SHOP)


def test_a_comment_at_a_statements_end_ends_with_it() -> None:
    assert Draft(["select 1 -- one", "select 2"]).text("").endswith("select 1 -- one\n;\n\nselect 2;\n")


def test_where_nothing_is_new_there_is_no_draft(shop: Program, empty_database: str) -> None:
    assert drafted(shop, empty_database) == Draft()
