"""Who may call: a cookie file that only this user can read, or a user name and password from the configuration.

The cookie is Bitcoin Core's: `__cookie__:<hex>` in `<datadir>/.cookie`, new at each start, removed at the stop.
"""

import base64
import hmac
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

COOKIE_FILE: Final = ".cookie"
COOKIE_USER: Final = "__cookie__"
# Where the server listens, so that a data directory is all a client has to know.
ADDRESS_FILE: Final = "rpc.address"
_COOKIE_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and its password."""

    user: str
    password: str = field(repr=False)

    @property
    def header(self) -> str:
        """The value of the Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


class Auth:
    """Accepts the cookie, and the configured user where there is one. With `datadir` None there is no cookie."""

    def __init__(self, datadir: Path | None, configured: Credentials | None = None) -> None:
        self._path = None if datadir is None else datadir / COOKIE_FILE
        self._configured = configured
        self._accepted = [] if configured is None else [configured.header.encode()]

    def open(self) -> None:
        """Write a fresh cookie, readable by nobody else from its first moment. Raises OSError."""
        if self._path is None:
            return
        cookie = Credentials(COOKIE_USER, secrets.token_hex(_COOKIE_BYTES))
        _write_private(self._path, f"{cookie.user}:{cookie.password}")
        self._accepted.append(cookie.header.encode())

    def publish(self, host: str, port: int) -> None:
        """Tell clients of this data directory where the server listens. Raises OSError."""
        if self._path is not None:
            _write_private(self._path.with_name(ADDRESS_FILE), f"{host} {port}")

    def close(self) -> None:
        """Remove the cookie and the address."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path.with_name(ADDRESS_FILE).unlink(missing_ok=True)

    def accepts(self, header: bytes) -> bool:
        """Whether an Authorization header is good; every candidate is compared in constant time."""
        name, _, token = header.strip().partition(b" ")
        given = b"Basic " + token.strip()
        matches = [hmac.compare_digest(given, accepted) for accepted in self._accepted]
        return name.lower() == b"basic" and any(matches)


def _write_private(path: Path, text: str) -> None:
    """Whole or not at all, and readable by nobody else from its first moment."""
    fresh = path.with_name(path.name + ".tmp")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)


def read_address(datadir: Path) -> tuple[str, int] | None:
    """Where the node that runs on this directory listens for RPC, or None where there is none."""
    try:
        host, _, port = (datadir / ADDRESS_FILE).read_text().strip().partition(" ")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (host, int(port)) if port.isdigit() else None


def read_cookie(datadir: Path) -> Credentials | None:
    """The cookie of the node that runs on this directory, or None where there is none."""
    try:
        user, separator, password = (datadir / COOKIE_FILE).read_text().strip().partition(":")
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Credentials(user, password) if separator else None
