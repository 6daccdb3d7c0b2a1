"""Ports for those who listen on a port that is known before they start, or again after they were killed."""

import fcntl
import os
import random
import socket
import tempfile
from pathlib import Path

# Below those that Linux gives to connections: one of these could have it first.
_PORTS = random.SystemRandom().sample(range(20_000, 27_000), 7_000)
"""What nobody in this process has drawn yet."""
_CLAIMS = (Path(tempfile.gettempdir()) / f"minicoin-test-ports-{os.getuid()}").open("ab")
"""A byte for each port. Whoever draws one locks it until its process ends, also while nobody listens there."""


def free_ports(count: int) -> list[int]:
    """Nobody listens there, and no other test and no connection can come first as long as this process lives."""
    found: list[int] = []
    while len(found) < count:
        port = _PORTS.pop()
        if _claims(port) and _binds(port):
            found.append(port)
    return found


def _claims(port: int) -> bool:
    try:
        fcntl.lockf(_CLAIMS, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, port)
    except OSError:
        return False
    return True


def _binds(port: int) -> bool:
    with socket.socket() as sock:
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
