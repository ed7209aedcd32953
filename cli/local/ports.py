"""Finding ports that nobody listens on."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"


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
    """Return a port that nobody listens on, chosen by the system."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def free_port_near(preferred: int) -> int:
    """Return `preferred` if it is free, else the first free one of those 10, 20, … 100 above, else any."""
    candidates = range(preferred, min(preferred + 101, 65536), 10)
    return next(filter(is_free, candidates), None) or free_port()
