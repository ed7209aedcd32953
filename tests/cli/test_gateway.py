"""What the gateway makes of requests that mean harm, and of servers that are not well."""

from __future__ import annotations

import gzip
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_websocket

from cli.local import door
from cli.local.fairness import Shares
from tests.cli.gateways import Alone, Answer, connect, gateway_alone, read
from tests.cli.stack_home import eventually
from tests.support.templates import cloned

ATTACKER, VICTIM = "127.0.0.2", "127.0.0.3"


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, template: str) -> Iterator[Alone]:
    with cloned(template) as url, gateway_alone(tmp_path_factory.mktemp("gateway"), url) as alone:
        yield alone


def message(answer: Answer) -> str:
    """Return what a refusal says; it says it in JSON."""
    assert answer.headers["content-type"].startswith("application/json")
    told: str = json.loads(answer.body)["message"]
    return told


@pytest.mark.parametrize(
    "target",
    [
        *("/auth/v1/callback/..%2f..%2f..%2frest/v1/clinics", "/auth/v1/callback/../../../rest/v1/clinics"),
        *("/auth/v1/verify/%2e%2e/%2e%2e/rest/v1/clinics", "/auth/v1/verify/..%5c..%5crest/v1/clinics"),
        *("//rest/v1/clinics", "/rest//v1/clinics", "/rest/v1//clinics", "/rest/v1/./clinics"),
        *("/rest/v1%2fclinics", "/rest/v1/clinics%5c", "/rest/v1/clinics\\x", "/rest/v1/a%00b", "/%00"),
        *("/rest/v1/%ff", "/rest/v1/%c0%ae%c0%ae", "/rest/v1/%0d%0aX: y", "/rest/v1/%E2%80%AE", "/%2e%2e/x"),
        *(
            "http://elsewhere/rest/v1/../x",
            "*",
            "rest/v1/clinics",
            "",
            b"/rest/v1/\xff",
            b"/rest/v1/x?a=\xff",
        ),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_could_mean_two_things_is_refused(
    gateway: Alone, target: str | bytes, method: str
) -> None:
    answer = gateway.ask(target, method)
    assert answer.status == 400
    assert message(answer)


@pytest.mark.parametrize(
    "target",
    [
        "/auth/v1/verifyx",
        "/auth/v1/verify/",
        "/auth/v1/verify;x",
        "/auth/v1/callback/x",
        "/auth/v1/%76erifies",
    ],
)
def test_only_the_very_paths_of_links_in_mails_need_no_key(gateway: Alone, target: str) -> None:
    assert gateway.ask(target, headers={}).status == 401
    for link in ("/auth/v1/verify", "/auth/v1/callback?code=x", "/auth/v1/%61uthorize"):
        assert gateway.ask(link, headers={}).status == 503  # passed on, to an Auth that is not there


@pytest.mark.parametrize("target", ["/rest/v1", "/auth/v1", "/storage/v1/object/x", "/functions/v1/hello"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_not_here_of_supabase_is_no_page(gateway: Alone, target: str, method: str) -> None:
    answer = gateway.ask(target, method)
    assert answer.status == 404
    assert "nothing" in message(answer)


def test_what_is_passed_on_is_what_was_judged(gateway: Alone) -> None:
    told = json.loads(gateway.ask("http://gateway/rest/v1/a%252fb;c=(d)%20%C3%A9?x=%2f&y=1").body)
    assert (told["path"], told["query"]) == ("/a%252fb%3Bc=(d)%20%C3%A9", "x=%2f&y=1")


def test_the_key_is_not_passed_on_in_the_query_however_it_is_written(gateway: Alone) -> None:
    answer = gateway.ask(f"/rest/v1/x?a=1&%61pikey={gateway.key}&b=2", headers={})
    assert json.loads(answer.body)["query"] == "a=1&b=2"


def test_nobody_says_for_another_where_they_come_from(gateway: Alone) -> None:
    forged = {"X-Forwarded-For": "10.0.0.1", "X-Real-IP": "10.0.0.1", "Forwarded": "for=10.0.0.1"}
    for address in ("127.0.0.1", ATTACKER):
        answer = gateway.ask("/rest/v1/x", headers={"apikey": gateway.key, **forged}, address=address)
        headers = json.loads(answer.body)["headers"]
        assert ["x-forwarded-for", address] in headers
        assert "10.0.0.1" not in str(headers)


@pytest.mark.parametrize(
    ("target", "options", "status"),
    [
        ("/" + "a" * 300, {}, 404),
        ("/" + "a/" * 2000 + "a", {}, 404),
        ("/rest/v1/" + "a" * 9000, {}, 414),
        ("/rest/v1/x?" + "a" * 9000, {}, 414),
        ("/rest/v1/x", {"headers": {"X-Long": "a" * 40_000}}, 431),
        ("/rest/v1/x", {"headers": {"X-Long": "a" * 400_000}}, 431),
        ("/rest/v1/x", {"method": "PROPFIND"}, 405),
        ("/rest/v1/x", {"method": "TRACE"}, 405),
        ("/rest/v1/x", {"method": "NONSENSE"}, 400),
        ("x:443", {"method": "CONNECT"}, 400),
        ("/rest/v1/x", {"method": "POST", "body": b"x" * 1_048_577}, 413),
        ("/rest/v1/x", {"method": "POST", "headers": {"Content-Length": "5000000"}}, 413),
        ("/rest/v1/x", {"method": "POST", "headers": {"Content-Length": "-5"}}, 400),
        ("/nothing/here", {}, 404),
    ],
)
def test_what_is_too_long_or_no_request_is_refused_in_json(
    gateway: Alone, target: str, options: dict[str, object], status: int
) -> None:
    answer = gateway.ask(target, **options)  # type: ignore[arg-type] # they are ask's own
    assert answer.status == status
    assert message(answer)


def test_a_body_may_have_a_megabyte(gateway: Alone) -> None:
    answer = gateway.ask("/rest/v1/x", "POST", b"x" * 1_048_576)
    assert len(json.loads(answer.body)["body"]) == 1_048_576


def test_a_body_that_grows_too_large_in_pieces_is_refused(gateway: Alone) -> None:
    with connect(gateway.port) as connection:
        connection.sendall(b"POST /rest/v1/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(3):
            connection.sendall(b"80000\r\n" + b"x" * 0x80000 + b"\r\n")
        assert read(connection).status == 413


def test_refusals_can_be_read_by_browsers(gateway: Alone) -> None:
    for target in ("/rest/v1//x", "/rest/v1/fails", "/rest/v1/x?" + "a" * 9000):
        answer = gateway.ask(target, headers={"apikey": gateway.key, "Origin": "https://dentist.example"})
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("name", ["HEAD_SECONDS", "BODY_SECONDS"])
@pytest.mark.parametrize(
    "sent", ["", "POST /rest/v1/x HTTP/1.1\r\nContent-Le", "POST /rest/v1/x HTTP/1.1\r\n"]
)
def test_a_request_that_does_not_come_to_an_end_is_ended(
    gateway: Alone, monkeypatch: pytest.MonkeyPatch, name: str, sent: str
) -> None:
    monkeypatch.setattr(door, name, 0.2)
    head = sent if name == "HEAD_SECONDS" else "POST /rest/v1/x HTTP/1.1\r\nContent-Length: 5\r\n\r\nabc"
    with connect(gateway.port) as connection:
        connection.sendall(head.encode())
        answer = read(connection)
    assert answer.status == 408
    assert message(answer)


def test_answers_are_compressed_for_who_wants_that(gateway: Alone) -> None:
    key = {"apikey": gateway.key}
    plain = gateway.ask("/rest/v1/large", headers=key)
    packed = gateway.ask("/rest/v1/large", headers={**key, "Accept-Encoding": "br, gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert gzip.decompress(packed.body) == plain.body
    assert len(packed.body) < len(plain.body) / 10
    for other in ({}, {"Accept-Encoding": "identity"}, {"Accept-Encoding": "gzip;q=0"}):
        assert gateway.ask("/rest/v1/large", headers={**key, **other}).body == plain.body
    seen = gateway.ask("/rest/v1/x", headers={**key, "Accept-Encoding": "gzip"})
    assert "accept-encoding" not in dict(json.loads(seen.body)["headers"])


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/auth/v1/user", 503),
        ("/rest/v1/dies", 502),
        ("/rest/v1/fails", 502),
        ("/rest/v1/fails_in_json", 502),
    ],
)
def test_a_server_that_is_down_or_fails_is_told_without_its_insides(
    gateway: Alone, target: str, status: int
) -> None:
    answer = gateway.ask(target)
    assert answer.status == status
    assert answer.headers["retry-after"] == "1"
    assert message(answer).startswith("The server behind")
    assert not any(word in answer.body for word in (b"Traceback", b"hunter2", b"ECONN", b"127.0.0.1"))


def test_a_refusal_that_is_meant_for_clients_reaches_them(gateway: Alone) -> None:
    answer = gateway.ask("/rest/v1/is_busy")
    assert (answer.status, answer.headers["retry-after"]) == (503, "2")
    assert json.loads(answer.body)["code"] == "try_again"


def test_who_waits_for_many_answers_keeps_nobody_else_waiting(tmp_path: Path, database: str) -> None:
    with gateway_alone(tmp_path, database) as gateway, ThreadPoolExecutor(30) as threads:
        held = gateway.behind.held
        asked = [threads.submit(gateway.ask, "/rest/v1/hold", address=ATTACKER) for _ in range(30)]
        eventually(lambda: held[ATTACKER] == Shares().alone, "an address that is alone has many places")
        assert gateway.ask("/rest/v1/x", address=VICTIM).status == 200
        assert held[ATTACKER] == Shares().alone
        gateway.behind.let_go.set()
        assert [future.result().status for future in asked] == [200] * 30


def test_an_address_has_so_many_connections_and_no_more(gateway: Alone) -> None:
    opened: list[socket.socket] = []
    try:
        opened += [connect(gateway.port, ATTACKER) for _ in range(door.CONNECTIONS)]
        with connect(gateway.port, ATTACKER) as one_more:
            assert read(one_more).status == 429
        assert gateway.ask("/rest/v1/x", address=VICTIM).status == 200
    finally:
        for connection in opened:
            connection.close()
    eventually(
        lambda: gateway.ask("/rest/v1/x", address=ATTACKER).status == 200, "closed connections do not count"
    )


def test_an_address_has_so_many_sockets_and_no_more(gateway: Alone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "SOCKETS", 5)
    url = f"ws://127.0.0.1:{gateway.port}/realtime/v1/websocket?apikey={gateway.key}&vsn=1.0.0"

    def open_one(address: str) -> ClientConnection:
        return connect_websocket(url, source_address=(address, 0), proxy=None)

    opened = [open_one(ATTACKER) for _ in range(5)]
    with pytest.raises(InvalidStatus) as refused:
        open_one(ATTACKER)
    assert refused.value.response.status_code == 429
    open_one(VICTIM).close()
    for socket_ in opened:
        socket_.close()
    eventually(lambda: _opens(lambda: open_one(ATTACKER)), "closed sockets do not count")


def test_a_socket_too_many_costs_its_address_as_much_as_another(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "SOCKETS", 0)
    monkeypatch.setattr(door, "PENALTY", 1.0)
    shares = Shares(rate=0.5, burst=1.0)
    monkeypatch.setattr("cli.local.gateway.Shares", lambda: shares)
    with gateway_alone(tmp_path, database) as gateway:
        url = f"ws://127.0.0.1:{gateway.port}/realtime/v1/websocket?apikey={gateway.key}&vsn=1.0.0"
        assert gateway.ask("/rest/v1/x", address=VICTIM).status == 200
        for _ in range(2):
            with pytest.raises(InvalidStatus):
                connect_websocket(url, source_address=(ATTACKER, 0), proxy=None)
        with pytest.raises(TimeoutError):  # two have used up what there was, and more
            connect_websocket(url, source_address=(ATTACKER, 0), proxy=None, open_timeout=0.5)
        assert gateway.ask("/rest/v1/x", address=VICTIM).status == 200


def _opens(attempt: object) -> bool:
    try:
        attempt().close()  # type: ignore[operator]
    except InvalidStatus:
        return False
    return True
