"""Finding ports that nobody listens on."""

from __future__ import annotations

import random
import socket
import sys

HOST = "127.0.0.1"
BACKLOG = 2048  # connections that wait to be accepted
_LISTENING = range(20000, 32768)


def is_free(port: int) -> bool:
    """Return whether a server could listen on this local port now."""
    with socket.socket() as probe:
        # As servers do: a port whose last connections are only fading away is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Return a port that nobody listens on, below those that systems give to whoever connects."""
    for candidate in random.sample(_LISTENING, 100):
        if is_free(candidate):
            return candidate
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


class Reservation:
    """A local port that is kept for a server of ours, whether it listens at the moment or not.

    On Linux a bound socket keeps everybody off the port except who names it, as our server does; its claim,
    an abstract address, keeps off other stacks, which would name it too. Elsewhere the port is merely known.
    """

    def __init__(self, port: int) -> None:
        """Raises OSError if somebody listens there, or has reserved the port."""
        self._claim = socket.socket(socket.AF_UNIX)
        self._holder = socket.socket()
        self._holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._holder.bind((HOST, port))
            self.port: int = self._holder.getsockname()[1]
            if sys.platform == "linux":
                self._claim.bind(f"\0chairtime/{HOST}:{self.port}")
            else:
                self.close()
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Let the port go."""
        self._holder.close()
        self._claim.close()


def reserve(port: int) -> Reservation | None:
    """Reserve a local port, 0 for any; None if it is not to be had."""
    try:
        return Reservation(port)
    except OSError:
        return None


def reserve_near(preferred: int) -> Reservation:
    """Reserve `preferred`, or else a port near it, or any."""
    return next(filter(None, map(reserve, (*_candidates(preferred), 0))))


def listen(port: int) -> socket.socket | None:
    """Return a socket that listens on a local port, or None if somebody else does."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        server.bind((HOST, port))
        server.listen(BACKLOG)
    except OSError:
        server.close()
        return None
    return server


def listen_near(preferred: int) -> socket.socket:
    """Return a socket that listens on `preferred`, or else on a port near it, or on any."""
    return next(filter(None, map(listen, (*_candidates(preferred), 0))))


def _candidates(preferred: int) -> range:
    return range(preferred, min(preferred + 101, 65536), 10)
