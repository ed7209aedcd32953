"""The embedded Postgres server and what is rendered for the parts around it."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from cli.errors import ChairtimeError
from cli.local.config import Config, read_config
from cli.local.keys import load_keys
from cli.local.lite import NODE, render_settings
from cli.local.parts import is_alive
from cli.local.ports import free_port, is_free, listen, reserve, reserve_near
from cli.local.postgres import PROGRAMS, PostgresError, PostgresServer, bootstrap
from cli.local.postgrest import find_postgrest, render_config
from tests.cli.stack_home import eventually
from tests.support import supabase_cli
from tests.support.templates import ROOT
from tests.support.versions import programs

pytestmark = pytest.mark.long


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="chairtime-postgres-") as folder:
        server = PostgresServer(Path(folder, "a folder's data"), free_port(), Path(folder, "postgres.log"))
        yield server
        server.stop()


def test_a_server_keeps_its_data_and_serves_in_utc(server: PostgresServer) -> None:
    server.start()
    bootstrap(server.superuser_url("postgres"))
    with psycopg.connect(server.url()) as connection:
        connection.execute("create table public.kept ()")
        assert connection.execute("show timezone").fetchone() == ("UTC",)
    server.stop()
    assert server.pid is None
    server.start()
    with psycopg.connect(server.url()) as connection:
        connection.execute("select from public.kept")


def test_a_server_is_of_the_version_whose_programs_the_environment_names(
    server: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PROGRAMS, str(programs(17)))
    server.start()
    with psycopg.connect(server.superuser_url("postgres")) as connection:
        assert connection.info.server_version // 10_000 == 17
    monkeypatch.setenv(PROGRAMS, "/nowhere")
    with pytest.raises(PostgresError, match="/nowhere"):
        server.stop()
    monkeypatch.undo()


def test_a_pid_file_that_names_somebody_else_is_stale(server: PostgresServer) -> None:
    server.start()
    server.stop()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as somebody:
        server.pid_file.write_text(f"{somebody.pid}\n{server.data_dir}\n0\n{server.port}\n\n\n\n")
        assert server.pid is None
        server.start()
        assert server.pid not in {None, somebody.pid}
        somebody.communicate()


def test_a_taken_port_is_reported_with_what_the_server_logged(server: PostgresServer) -> None:
    holder = listen(server.port)
    assert holder is not None
    with holder, pytest.raises(PostgresError, match="Address already in use"):
        server.start()


TEMPORARY = """
from cli.local.temporary import temporary_server
with temporary_server("server-", {"fsync": "off"}):
    input()
"""


@pytest.mark.parametrize("sign", ["*", "*/data.unfinished", "*/data/PG_VERSION", "*/data/postmaster.pid"])
def test_nothing_is_left_of_a_temporary_server_whenever_it_is_told_to_end(tmp_path: Path, sign: str) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", TEMPORARY]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as program:
        eventually(lambda: list(tmp_path.glob(sign)), sign)
        program.terminate()
        assert program.wait(60) != 0
    assert list(tmp_path.iterdir()) == []
    assert not [
        one.info
        for one in psutil.process_iter(["cmdline", "cwd"])
        if str(tmp_path) in " ".join([one.info["cwd"] or "", *(one.info["cmdline"] or ())])
    ]


def test_data_that_were_being_made_are_not_left_half_made(tmp_path: Path) -> None:
    create = "PostgresServer(Path('data'), 1, Path('log')).create()"
    code = f"from pathlib import Path; from cli.local.postgres import PostgresServer; {create}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL
    ) as program:
        eventually((tmp_path / "data.unfinished" / "PG_VERSION").exists, "it has begun")
        program.send_signal(signal.SIGINT)
        assert program.wait(60) != 0
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


def test_the_superuser_has_a_password_that_nobody_can_guess(server: PostgresServer) -> None:
    server.start()
    guess = f"postgresql://supabase_admin:postgres@127.0.0.1:{server.port}/postgres"
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(guess)


def test_a_second_database_gets_the_same_platform(server: PostgresServer) -> None:
    server.start()
    bootstrap(server.superuser_url("postgres"))
    with psycopg.connect(server.superuser_url("postgres"), autocommit=True) as connection:
        connection.execute("create database another template template0")
    bootstrap(server.superuser_url("another"))
    with psycopg.connect(server.url("another")) as connection:
        assert connection.execute("select count(*) from auth.users").fetchone() == (0,)


def test_secrets_are_made_once_and_are_their_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys = load_keys(path)
    assert load_keys(path) == keys
    assert path.stat().st_mode & 0o077 == 0
    assert keys.role_of(keys.anon_key) == keys.role_of(keys.publishable_key) == "anon"
    assert keys.role_of(keys.service_role_key) == keys.role_of(keys.secret_key) == "service_role"
    assert keys.role_of("sb_secret_other") is None


def test_a_taken_port_makes_way_for_one_near_it() -> None:
    preferred = free_port()
    holder = listen(preferred)
    assert holder is not None
    with holder:
        assert not is_free(preferred)
        assert listen(preferred) is None
        assert reserve(preferred) is None
        found = reserve_near(preferred)
    assert found.port != preferred
    found.close()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port is only known, not kept")
def test_a_reserved_port_is_its_servers_alone(server: PostgresServer) -> None:
    reservation = reserve(server.port)
    assert reservation is not None
    try:
        for _ in range(2):  # whether or not the server listens
            assert reserve(server.port) is None
            with socket.socket() as somebody, pytest.raises(OSError, match="in use"):
                somebody.bind(("127.0.0.1", server.port))
            server.start()
        server.stop()
    finally:
        reservation.close()
    again = reserve(server.port)
    assert again is not None
    again.close()


def test_a_server_whose_postmaster_was_killed_starts_while_its_processes_live(server: PostgresServer) -> None:
    server.start()
    with psycopg.connect(server.superuser_url("postgres")) as connection:
        backend = psutil.Process(connection.info.backend_pid)
        backend.suspend()
        assert server.pid is not None
        postmaster = psutil.Process(server.pid)
        postmaster.kill()
        eventually(lambda: not is_alive(postmaster), "it is dead")
        server.start()
        assert not is_alive(backend)


def test_the_config_file_is_one_that_the_supabase_cli_accepts(tmp_path: Path) -> None:
    supabase_cli.install()
    (tmp_path / "supabase").mkdir()
    shutil.copy(ROOT / "supabase" / "config.toml", tmp_path / "supabase")
    command = ["migration", "list", "--remote", "postgresql://nobody@127.0.0.1:1/nothing"]
    done = subprocess.run(
        [str(NODE), str(supabase_cli.PROGRAM), *command, "--workdir", str(tmp_path)],
        env=supabase_cli.ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    # It reads the file, and has nothing to say of it, before it finds that nothing listens there.
    said = done.stdout + done.stderr
    assert "failed to connect" in said
    assert not re.search("WARN|Invalid|config.toml", said)


def test_only_the_api_schema_is_exposed() -> None:
    config = read_config(ROOT / "supabase")
    assert config.schemas == ["api"]
    assert (config.api_port, config.db_port) == (54321, 54322)
    assert tomllib.loads((ROOT / "supabase" / "config.toml").read_text())["api"]["schemas"] == ["api"]


def test_a_project_that_takes_the_file_over_asks_for_a_confirmed_email(tmp_path: Path) -> None:
    """The embedded stack, whose mails stay in its mailbox, lets people in all the same."""
    auth = tomllib.loads((ROOT / "supabase" / "config.toml").read_text())["auth"]
    assert auth["email"]["enable_confirmations"] is True
    assert auth["email"]["double_confirm_changes"] is True
    assert auth["enable_anonymous_sign_ins"] is True
    keys = load_keys(tmp_path / "keys.json")
    config = read_config(ROOT / "supabase")
    embedded = json.loads(
        render_settings(
            config, keys, "auth", 1, "", site_url="http://127.0.0.1:1", smtp_url="smtp://127.0.0.1:1"
        )
    )
    assert embedded["auth"]["site_url"] == "http://127.0.0.1:1"
    assert embedded["auth"]["email"]["enable_confirmations"] is False


def test_postgrest_gets_the_settings_that_supabase_gives_it(tmp_path: Path) -> None:
    config = Config(schemas=["api", "other"], extra_search_path=["public", "extensions"], max_rows=500)
    keys = load_keys(tmp_path / "keys.json")
    url, public = "postgresql://authenticator:p@127.0.0.1:1/postgres", "http://127.0.0.1:54321/rest/v1"
    rendered = render_config(config, keys, 3000, 3001, url, public_url=public)
    settings = dict(line.split(" = ", 1) for line in rendered.splitlines())
    assert settings["db-uri"] == '"postgresql://authenticator:p@127.0.0.1:1/postgres"'
    assert settings["db-schemas"] == '"api,other"'
    assert settings["db-extra-search-path"] == '"public,extensions"'
    assert settings["db-anon-role"] == '"anon"'
    assert settings["jwt-secret"] == f'"{keys.jwt_secret}"'
    assert (settings["server-port"], settings["admin-server-port"]) == ("3000", "3001")
    assert settings["db-max-rows"] == "500"
    assert settings["db-pre-request"] == '"clinic.check_request"'
    assert settings["openapi-server-proxy-uri"] == f'"{public}"'


def test_postgrest_is_taken_from_the_variable_then_from_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    programs = [tmp_path / "one" / "postgrest", tmp_path / "two" / "postgrest"]
    for program in programs:
        program.parent.mkdir()
        program.touch(mode=0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'one'}:{os.environ['PATH']}")
    monkeypatch.delenv("CHAIRTIME_POSTGREST", raising=False)
    assert find_postgrest() == programs[0]
    monkeypatch.setenv("CHAIRTIME_POSTGREST", str(programs[1]))
    assert find_postgrest() == programs[1]
    monkeypatch.setenv("CHAIRTIME_POSTGREST", "")
    assert find_postgrest() is None
    monkeypatch.setenv("CHAIRTIME_POSTGREST", str(tmp_path / "nothing"))
    with pytest.raises(ChairtimeError, match="cannot be run"):
        find_postgrest()
