"""Checks that any client could make: is it there, do the keys work, does it show no more than it should."""

import asyncio
import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cli.doctor import Result, ok, problem, skipped
from cli.errors import ChairtimeError, translate

if TYPE_CHECKING:
    from cli.api import Api
    from cli.project import Project

_CLOCKS_MAY_DIFFER = timedelta(seconds=5)
_PRIVATE_VIEWS = ("appointments", "patients", "slot_reservations", "staff", "time_off")


def check_outside(project: "Project") -> Iterator[Result]:
    """Yield what can be seen through the API alone."""
    from cli.api import connect_publicly

    for name in ("api_url", "publishable_key"):
        if not project.setting(name):
            yield problem("api", f"no {name.replace('_', ' ')} is known", project.how_to_set(name))
            return
    api = connect_publicly(project)
    health, results = _check_api(api)
    yield from results
    if health is None:
        yield from (
            skipped(name, "the API does not answer")
            for name in ("clock", "max rows", "exposure", "secret key", "realtime")
        )
        return
    yield _check_health(health)
    yield _check_clock(health)
    yield _check_max_rows(api)
    yield from _check_exposure(api)
    yield _check_secret_key(project)
    yield _check_realtime(project, api)
    yield from _check_senders(project)


def _check_api(api: "Api") -> tuple[dict[str, Any] | None, list[Result]]:
    """Ask for the API's health: that needs the address, the key, the exposed schema and the migrations."""
    try:
        health: dict[str, Any] = api.rpc("health")
    except Exception as error:
        known = _known(error)
        return None, [problem("api", known.message, known.hint or "See the stack's logs.")]
    return health, [ok("api", "reachable, key accepted, schema `api` exposed")]


def _known(error: Exception) -> ChairtimeError:
    known = translate(error)
    if known is None:
        raise error
    return known


def _check_health(health: dict[str, Any]) -> Result:
    if health["status"] == "ok":
        return ok("health", f"schema version {health['schema_version']}")
    unswept, lag = health["oldest_unswept_hold_seconds"], health["event_lag_seconds"]
    message = f"{health['status']}: oldest unswept hold {unswept:.0f} s, event lag {lag:.0f} s"
    return problem("health", message, "Is a worker running? See `chairtime worker jobs`.")


def _check_clock(health: dict[str, Any]) -> Result:
    difference = abs(datetime.now(UTC) - datetime.fromisoformat(health["database_time"]))
    message = f"this machine and the database differ by {difference.total_seconds():.1f} s"
    if difference < _CLOCKS_MAY_DIFFER:
        return ok("clock", message)
    return problem("clock", message, "Set this machine's clock (NTP): sessions and countdowns depend on it.")


def _check_max_rows(api: "Api") -> Result:
    """Count the rows of the longest answer Chairtime gives, the first of which says how many there are."""
    rows = api.rpc("longest_answer")
    if len(rows) == rows[0]:
        return ok("max rows", f"answers of {len(rows)} rows arrive whole")
    hint = f"Set max_rows to {rows[0]} or more: api.max_rows in config.toml, or the dashboard's API settings."
    return problem("max rows", f"the API cuts answers at {len(rows)} rows, without a word", hint)


def _check_exposure(api: "Api") -> Iterator[Result]:
    try:
        api.fetch(api.client.schema("clinic").table("occupancy").select("id").limit(1))
    except ChairtimeError:
        yield ok("private schema", "`clinic` is not exposed")
    else:
        hint = "Take `clinic` out of the exposed schemas: api.schemas in config.toml, or the dashboard."
        yield problem("private schema", "`clinic` answers through the API", hint)
    seen = [view for view in _PRIVATE_VIEWS if _visitor_sees(api, view)]
    if seen:
        yield problem(
            "visitors", f"visitors read rows of {', '.join(seen)}", "`chairtime migrate verify` shows why."
        )
    else:
        yield ok("visitors", "see no patient, appointment or staff")


def _visitor_sees(api: "Api", view: str) -> bool:
    try:
        return bool(api.fetch(api.client.table(view).select("*").limit(1)))
    except ChairtimeError:
        return False


def _check_secret_key(project: "Project") -> Result:
    from cli.api import connect_as_service

    key = project.setting("secret_key")
    if not key:
        return skipped("secret key", "none is known: set SUPABASE_SECRET_KEY to check it")
    if key == project.setting("publishable_key"):
        return problem(
            "secret key", "it is the publishable key", "Copy the secret key, which starts with sb_secret_."
        )
    try:
        connect_as_service(project).rows("staff", "user_id")
    except Exception as error:
        return problem(
            "secret key", _known(error).message, "Copy it again from the dashboard's API settings."
        )
    return ok("secret key", "accepted")


def _check_senders(project: "Project") -> Iterator[Result]:
    """Ask the worker, where its address is known, whether it sends through what the clinics' rules name."""
    from cli.api import connect_as_service
    from cli.commands.watch import measured

    url = project.setting("worker_url")
    if not (url and project.setting("secret_key")):
        return
    try:
        wanted = {row["channel"] for row in connect_as_service(project).rows("message_rules", "channel")}
        samples = [sample for family in measured(url) for sample in family.samples if sample.value]
    except Exception as error:
        yield skipped("senders", f"neither the rules nor the worker say: {_known(error).message}")
        return
    if "chairtime_leader" not in {sample.name for sample in samples}:
        yield skipped("senders", "the worker that was asked does not lead, so it sends nothing")
        return
    configured = "chairtime_message_sender_configured"
    able = {sample.labels["channel"] for sample in samples if sample.name == configured}
    if missing := sorted(wanted - able):
        message = f"clinics send by {' and '.join(missing)}, and the worker cannot"
        settings = "_SITE_URL, _EMAIL_FROM and _SMTP_HOST, or _SMS_URL and _SMS_SECRET"
        yield problem("senders", message, f"Set CHAIRTIME_WORKER{settings}; its log names what is missing.")
    else:
        yield ok("senders", "the worker sends by all that the clinics' rules name")


def _check_realtime(project: "Project", api: "Api") -> Result:
    clinics = api.rows("clinics", "id")
    if not clinics:
        return skipped("realtime", "there is no clinic yet, so no channel to join")
    try:
        asyncio.run(_join(project, f"availability:{clinics[0]['id']}"))
    except (OSError, TimeoutError, RuntimeError) as error:
        hint = "Is Realtime on, and does realtime.messages have its policies? `chairtime migrate status`."
        return problem("realtime", f"cannot join the availability channel: {error or 'no answer'}", hint)
    return ok("realtime", "a visitor may join the availability channel")


async def _join(project: "Project", topic: str) -> None:
    from realtime import AsyncRealtimeClient, RealtimeSubscribeStates

    logging.getLogger("realtime").setLevel(logging.CRITICAL)  # we say ourselves what happens
    joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_state(state: RealtimeSubscribeStates, error: Exception | None) -> None:
        if joined.done():
            return
        if state == RealtimeSubscribeStates.SUBSCRIBED:
            joined.set_result(None)
        else:
            joined.set_exception(RuntimeError(str(error or state.value)))

    url, key = f"{project.require('api_url')}/realtime/v1", project.require("publishable_key")
    client = AsyncRealtimeClient(url, key, auto_reconnect=False, max_retries=1)
    try:
        async with asyncio.timeout(10):
            await client.connect()
            channel = client.channel(
                topic, {"config": {"private": True, "broadcast": None, "presence": None}}
            )
            await channel.subscribe(on_state)
            await joined
    finally:
        await client.close()
