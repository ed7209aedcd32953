"""The terminal, on which nothing that people typed into the system does anything but show."""

import re
from collections.abc import Iterable

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

# Control characters steer a terminal; bidirectional overrides and isolates show another text than is there.
_STEERING = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def visible(text: str) -> str:
    r"""Return the text with what steers a terminal written out: `\x1b`."""
    return _STEERING.sub(lambda found: ascii(found[0])[1:-1], text)


class SafeConsole(Console):
    """A console whose text cannot steer the terminal; rich's own colours and cursor moves still do."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Render as rich does, with all text made visible."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else visible(text), style, control)
