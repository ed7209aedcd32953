"""What has been offered in which conversation, and which of it may no longer hold.

A conversation is known by its session where the transport has sessions, and otherwise by the offers and
reservations that its calls name. It lives in memory alone: the database decides what can be held, this only
knows what to tell.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

MOST_KEYS = 20_000

Offer = dict[str, Any]


@dataclass(eq=False)
class Conversation:
    """One person's search: what they asked for, what they were offered by token, and what they wait for."""

    wish: dict[str, Any] = field(default_factory=dict)
    offers: dict[str, Offer] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    waits: dict[str, str | None] = field(default_factory=dict)  # by the token, which hold was told of last

    def show(self, offers: list[Offer]) -> None:
        """Add offers that the person is about to hear."""
        self.offers |= {offer["offer"]: offer for offer in offers}

    def drop(self, token: str) -> None:
        """Forget an offer."""
        self.offers.pop(token, None)
        self.doubtful.discard(token)

    def clear(self) -> None:
        """Forget all offers: the person has chosen, or asks anew."""
        self.offers.clear()
        self.doubtful.clear()

    def has_shown(self, offer: Offer) -> bool:
        """Whether the person has heard of this very slot."""
        return any(_slot(offer) == _slot(shown) for shown in self.offers.values())


def _slot(offer: Offer) -> tuple[str, str]:
    return offer["dentist_id"], offer["starts_at"]


class Conversations:
    """All that go on, the least recently used forgotten first."""

    def __init__(self) -> None:
        self._by_key: OrderedDict[str, Conversation] = OrderedDict()

    def of(self, *keys: str | None) -> Conversation:
        """Return the conversation that one of the keys names, or a new one."""
        known = (self._by_key[key] for key in keys if key and key in self._by_key)
        conversation = next(known, None) or Conversation()
        self.remember(conversation, *keys)
        return conversation

    def remember(self, conversation: Conversation, *keys: str | None) -> None:
        """Let these keys name the conversation from now on."""
        for key in filter(None, keys):
            self._by_key[key] = conversation
            self._by_key.move_to_end(key)
        while len(self._by_key) > MOST_KEYS:
            self._by_key.popitem(last=False)

    def doubt(self) -> None:
        """Doubt everything that was offered: a calendar has changed.

        Whose does not matter: a visit may need a chair, or ten minutes of somebody else.
        """
        for conversation in {id(one): one for one in self._by_key.values()}.values():
            conversation.doubtful |= conversation.offers.keys()
