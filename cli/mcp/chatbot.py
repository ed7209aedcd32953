"""What the tools do: call the API, and add to each answer what became of earlier offers meanwhile."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass
from typing import Any

from cli.errors import ChairtimeError
from cli.mcp.backend import Backend
from cli.mcp.conversations import Conversation, Conversations, Offer
from cli.mcp.watcher import Watcher

# Refusals after which other times are what helps.
LOST = {
    "slot_taken",
    "day_full",
    "reservation_expired",
    "patient_busy",
    "notice_too_short",
    "in_the_past",
    "outside_working_hours",
}
_INTERNAL = {"dentist_id", "appointment_type_id"}  # not for a model to carry about


@dataclass(frozen=True)
class Meanwhile:
    """What happened since the last answer: offers that are gone, and holds for who waits."""

    lost: list[Offer]
    held: list[Offer]


class Chatbot:
    """One clinic's chatbot. `session` names the conversation, where the transport does; answers are JSON."""

    def __init__(self, backend: Backend, clinic_slug: str) -> None:
        self._backend = backend
        self._slug = clinic_slug
        self.conversations = Conversations()
        self.watcher: Watcher | None = None

    async def find_slots(self, session: str | None, **wish: Any) -> dict[str, Any]:
        """Offer times for a wish: service, dentist, from_date, part_of_day, max_results (any may be None)."""
        conversation = self.conversations.of(session)
        asked = self._backend.call("chatbot_find_slots", clinic_slug=self._slug, **wish)
        answer: dict[str, Any]
        answer, since = await self._answer(conversation, session, asked)
        conversation.clear()
        conversation.wish = wish
        self._show(conversation, session, answer["offers"])
        shown = answer | {"offers": [_shown(offer) for offer in answer["offers"]]}
        return shown | _news(since, [])

    async def hold_slot(
        self, session: str | None, offer: str, patient_name: str, patient_phone: str
    ) -> dict[str, Any]:
        """Hold an offered time for somebody."""
        conversation = self.conversations.of(session, f"offer:{offer}")
        asked = self._backend.call(
            "chatbot_hold", offer=offer, patient_name=patient_name, patient_phone=patient_phone
        )
        hold, since = await self._answer(conversation, session, asked, offer)
        self.conversations.remember(conversation, f"hold:{hold['reservation_id']}")
        news = _news(since, await self._fresh(conversation, session, len(since.lost)))
        conversation.clear()
        return _shown(hold) | news

    async def confirm_booking(self, session: str | None, reservation_id: str) -> dict[str, Any]:
        """Book what is held."""
        conversation = self.conversations.of(session, f"hold:{reservation_id}")
        asked = self._backend.call("chatbot_confirm", reservation_id=reservation_id)
        booking, since = await self._answer(conversation, session, asked)
        return _shown(booking) | _news(since, await self._fresh(conversation, session, len(since.lost)))

    async def cancel_booking(
        self, session: str | None, confirmation_code: str, patient_phone: str
    ) -> dict[str, Any]:
        """Cancel a booking. `not_found` is a wrong code, a wrong phone and too many attempts alike."""
        conversation = self.conversations.of(session)
        pair = {"confirmation_code": confirmation_code, "patient_phone": patient_phone}
        asked = self._change("chatbot_cancel", "cancelled", **pair)
        answer, since = await self._answer(conversation, session, asked)
        return _shown(answer) | _news(since, await self._fresh(conversation, session, len(since.lost)))

    async def release_hold(self, session: str | None, reservation_id: str) -> dict[str, Any]:
        """Give back what is held."""
        conversation = self.conversations.of(session, f"hold:{reservation_id}")
        asked = self._backend.call("chatbot_release", reservation_id=reservation_id)
        answer, since = await self._answer(conversation, session, asked)
        return _shown(answer) | _news(since, await self._fresh(conversation, session, len(since.lost)))

    async def move_booking(
        self, session: str | None, confirmation_code: str, patient_phone: str, offer: str
    ) -> dict[str, Any]:
        """Move a booking to an offered time. `not_found` as for cancel_booking."""
        conversation = self.conversations.of(session, f"offer:{offer}")
        pair = {"confirmation_code": confirmation_code, "patient_phone": patient_phone}
        asked = self._change("chatbot_reschedule", "rescheduled", **pair, offer=offer)
        answer, since = await self._answer(conversation, session, asked, offer)
        conversation.clear()
        return _shown(answer) | _news(since, [])

    async def join_waitlist(
        self, session: str | None, patient_name: str, patient_phone: str, **wish: Any
    ) -> dict[str, Any]:
        """Put somebody on the waiting list, or say what they are offered."""
        conversation = self.conversations.of(session)
        person = {"patient_name": patient_name, "patient_phone": patient_phone}
        asked = self._backend.call("chatbot_join_waitlist", clinic_slug=self._slug, **person, **wish)
        answer: dict[str, Any]
        answer, since = await self._answer(conversation, session, asked)
        if token := answer.pop("wish", None):
            offer = answer["offer"]
            conversation.waits[token] = offer and offer["reservation_id"]
            answer["offer"] = offer and self._told(conversation, offer)
        return answer | _news(since, await self._fresh(conversation, session, len(since.lost)))

    async def _change(self, function: str, done: str, **arguments: str) -> Any:
        answer = await self._backend.call(function, **arguments)
        if not answer[done]:
            raise ChairtimeError(answer["message"], answer["code"], answer["hint"])
        return answer

    async def _answer(
        self,
        conversation: Conversation,
        session: str | None,
        asked: Coroutine[Any, Any, Any],
        token: str | None = None,
    ) -> tuple[Any, Meanwhile]:
        """Return the API's answer, and what happened meanwhile but to the offer that the call is about.

        What is lost is looked up first: afterwards, a slot of one's own would look taken.
        """
        with closing(asked):
            since = Meanwhile(await self._lost(conversation, token), await self._held(conversation))
            try:
                return await asked, since
            except ChairtimeError as error:
                raise await self._with_fresh_offers(error, conversation, session, since, token) from error

    async def _held(self, conversation: Conversation) -> list[Offer]:
        """Ask what became of the wishes, and return what is held for them and was not told yet."""
        held = []
        for token, told in list(conversation.waits.items()):
            try:
                wish = await self._backend.call("chatbot_wish", wish=token)
            except ChairtimeError:  # what was asked for has its answer; this only adds to it
                continue
            if wish["status"] == "ended":
                del conversation.waits[token]
            elif wish["offer"] and wish["offer"]["reservation_id"] != told:
                conversation.waits[token] = wish["offer"]["reservation_id"]
                held.append(self._told(conversation, wish["offer"]))
        return held

    def _told(self, conversation: Conversation, offer: Offer) -> Offer:
        self.conversations.remember(conversation, f"hold:{offer['reservation_id']}")
        return _shown(offer)

    async def _lost(self, conversation: Conversation, except_token: str | None = None) -> list[Offer]:
        """Look at what is in doubt, and return the offers that can no longer be held, now forgotten."""
        tokens = [token for token in conversation.doubtful if token != except_token]
        bookable = await asyncio.gather(*(self._is_bookable(conversation.offers[token]) for token in tokens))
        lost = [conversation.offers[token] for token, free in zip(tokens, bookable, strict=True) if not free]
        conversation.doubtful.difference_update(tokens)
        for offer in lost:
            conversation.drop(offer["offer"])
        return lost

    async def _is_bookable(self, offer: Offer) -> bool:
        slot = {name: offer[name] for name in ("dentist_id", "appointment_type_id", "starts_at")}
        return bool((await self._backend.call("explain_slot", **slot))["bookable"])

    async def _fresh(self, conversation: Conversation, session: str | None, count: int) -> list[Offer]:
        """Find as many offers as were lost, for the same wish, none of which the person has heard of."""
        if not count or not conversation.wish:
            return []
        wish = conversation.wish | {"max_results": min(10, count + len(conversation.offers))}
        try:
            answer = await self._backend.call("chatbot_find_slots", clinic_slug=self._slug, **wish)
        except ChairtimeError:  # what was asked for has its answer; this only adds to it
            return []
        fresh = [offer for offer in answer["offers"] if not conversation.has_shown(offer)][:count]
        self._show(conversation, session, fresh)
        return fresh

    async def _with_fresh_offers(
        self,
        error: ChairtimeError,
        conversation: Conversation,
        session: str | None,
        since: Meanwhile,
        token: str | None = None,
    ) -> ChairtimeError:
        """Return the refusal with what helps: fresh offers, in place of the one refused and of those lost."""
        refused = error.code in LOST
        if token and refused:
            conversation.drop(token)
        fresh = await self._fresh(conversation, session, len(since.lost) + refused)
        instead = {"fresh_offers": [_shown(one) for one in fresh]} if fresh and refused else {}
        details = _news(since, fresh) | instead
        return ChairtimeError(error.message, error.code, error.hint, error.exit_code, details or None)

    def _show(self, conversation: Conversation, session: str | None, offers: list[Offer]) -> None:
        conversation.show(offers)
        self.conversations.remember(conversation, session, *(f"offer:{offer['offer']}" for offer in offers))


def _shown(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name not in _INTERNAL}


def _news(since: Meanwhile, fresh: list[Offer]) -> dict[str, Any]:
    messages: list[str] = []
    news: dict[str, Any] = {}
    if since.lost:
        instead = ", and offer a fresh one instead." if fresh else "."
        messages.append(f"Somebody else has taken a time that you offered. Say so{instead}")
        news["taken"] = [offer["label"] for offer in since.lost]
        news["fresh_offers"] = [_shown(offer) for offer in fresh]
    if since.held:
        messages.append(
            "What the person waits for is held for them until expires_at. Ask whether to book it."
        )
        news["held"] = since.held
    return {"news": {"message": " ".join(messages), **news}} if news else {}


@asynccontextmanager
async def open_chatbot(
    url: str, key: str, email: str, password: str, clinic: str | None = None
) -> AsyncIterator[Chatbot]:
    """Sign a chatbot in and keep it listening to its clinic's availability. Raises ChairtimeError."""
    async with Backend.open(url, key, email, password) as backend:
        membership = await backend.clinic(clinic)
        chatbot = Chatbot(backend, membership["clinic_slug"])
        chatbot.watcher = Watcher(url, key, membership["clinic_id"], chatbot.conversations.doubt)
        task = asyncio.create_task(chatbot.watcher.run())
        try:
            yield chatbot
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
