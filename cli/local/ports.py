"""Finding ports that nobody listens on."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"
BACKLOG = 2048  # connections that wait to be accepted


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
    return next(filter(is_free, _candidates(preferred)), None) or free_port()


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
