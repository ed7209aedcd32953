"""POST /replies: a text message that came back, as who carries it hands it in, signed (Standard Webhooks)."""

import json
from collections.abc import Awaitable, Callable
from typing import Annotated

import structlog
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from worker.database import Database
from worker.errors import DatabaseUnavailable, StatementFailed
from worker.senders.base import now

log = structlog.get_logger()

_LARGEST = 64 * 1024
_SECRET_FOR = 60.0  # seconds, then it is looked up again: it may have been changed
_REFUSED = "PGRST"  # the SQLSTATE of a refusal, whose message is JSON

Text = Annotated[str, StringConstraints(max_length=10_000)]


class Reply(BaseModel):
    """What came back. ``message_ref`` is how its carrier calls it: once is once."""

    model_config = ConfigDict(extra="ignore", strict=True)

    sender: Text = ""
    message_ref: Text
    phone: Text
    body: Text = ""


class Replies:
    """Takes replies, if their signature is right; a secret is asked for now and then."""

    def __init__(self, database: Database, find_secret: Callable[[], Awaitable[str | None]]) -> None:
        self._database = database
        self._find_secret = find_secret
        self._secret: str | None = None
        self._looked_at = -_SECRET_FOR

    async def receive(self, request: Request) -> Response:
        """Answer 200 with what was done, also when it was done before; 401, 413, 400; 503: try again."""
        content = await _read(request)
        if content is None:
            return _refusal(413, "invalid_argument", f"at most {_LARGEST} bytes")
        try:
            if not await self._is_signed(request, content):
                return _refusal(401, "not_authenticated", "the signature is missing, wrong or too old")
            reply = Reply.model_validate_json(content)
            taken = await self._database.receive_reply(
                reply.sender, reply.message_ref, reply.phone, reply.body
            )
        except ValidationError as error:
            where = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'body'}: {e['msg']}" for e in error.errors())
            return _refusal(400, "invalid_argument", where)
        except StatementFailed as error:
            return _explain(error)
        except DatabaseUnavailable as error:
            log.warning("reply_delayed", error=str(error))
            return _refusal(503, "try_again", "the database cannot be reached")
        log.info(
            "reply_received", reply=taken["reply_id"], outcome=taken["outcome"], repeated=taken["repeated"]
        )
        return JSONResponse(taken)

    async def _is_signed(self, request: Request, content: bytes) -> bool:
        if now() - self._looked_at > _SECRET_FOR:
            self._secret = await self._find_secret()
            self._looked_at = now()
        if not self._secret:
            return False
        try:
            Webhook(self._secret).verify(content, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError):  # whatever cannot be read is not signed
            return False
        return True


async def _read(request: Request) -> bytes | None:
    """Return the body, or None if it is too large."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > _LARGEST:
            return None
    return content


def _explain(error: StatementFailed) -> Response:
    if error.code != _REFUSED:
        log.warning("reply_delayed", error=str(error))
        return _refusal(503, "try_again", "the database did not take it")
    told = json.loads(str(error).removeprefix(f"{_REFUSED}: "))
    status = 503 if told["code"] == "try_again" else 400
    return _refusal(status, told["code"], told["message"])


def _refusal(status: int, code: str, message: str) -> Response:
    headers = {"retry-after": "1"} if status == 503 else {}  # noqa: PLR2004
    return JSONResponse({"code": code, "message": message}, status_code=status, headers=headers)
