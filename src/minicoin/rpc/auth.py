"""Who may call: a cookie file that only this user can read, or a user name and password from the configuration.

The cookie is Bitcoin Core's: `__cookie__:<hex>` in `<datadir>/.cookie`, new at each start, removed at the stop.
"""

import base64
import hmac
import os
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

COOKIE_FILE: Final = ".cookie"
COOKIE_USER: Final = "__cookie__"
# Where the server listens, so that a data directory is all a client has to know.
ADDRESS_FILE: Final = "rpc.address"
_COOKIE_BYTES: Final = 32
_SALTED_USER: Final = re.compile(r"([^:]+):([^$]+)\$([0-9a-fA-F]{64})\Z")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user name and its password."""

    user: str
    password: str = field(repr=False)

    @property
    def header(self) -> str:
        """The value of the Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


@dataclass(frozen=True, slots=True)
class SaltedUser:
    """A user of Bitcoin Core's rpcauth: the configuration holds the HMAC-SHA256 of the password under a salt."""

    user: str
    salt: str
    digest: str

    @classmethod
    def parse(cls, text: str) -> "SaltedUser":
        """USER:SALT$HASH, as Bitcoin Core's rpcauth.py prints it. Raises ValueError."""
        found = _SALTED_USER.match(text)
        if found is None:
            raise ValueError("Invalid -rpcauth argument: USER:SALT$HASH with 64 hex digits of HASH is expected")
        return cls(found[1], found[2], found[3].lower())

    def accepts(self, user: str, password: str) -> bool:
        """Whether these are the user's; compared in constant time."""
        digest = hmac.new(self.salt.encode(), password.encode(), "sha256").hexdigest()
        is_user = hmac.compare_digest(user.encode(), self.user.encode())
        return hmac.compare_digest(digest.encode(), self.digest.encode()) and is_user


class MethodRights:
    """Which methods each user may call: Bitcoin Core's rpcwhitelist. Who stands in several rows may call what all of
    them name; who stands in none may call anything where nobody is restricted, or `is_default_anything` says so."""

    def __init__(self, rows: Iterable[str] = (), *, is_default_anything: bool | None = None) -> None:
        """Rows are USER:METHOD,METHOD...; blanks do not count."""
        self._allowed: dict[str, frozenset[str]] = {}
        for row in rows:
            user, _, names = row.partition(":")
            named = frozenset(name.strip() for name in names.split(",") if name.strip())
            self._allowed[user] = named & self._allowed.get(user, named)
        self._is_default_anything = not self._allowed if is_default_anything is None else is_default_anything

    def allows(self, user: str, method: str) -> bool:
        """Whether a user may call a method."""
        allowed = self._allowed.get(user)
        return self._is_default_anything if allowed is None else method in allowed


class Auth:
    """Accepts the cookie, and the users of the configuration. With `datadir` None there is no cookie."""

    def __init__(
        self,
        datadir: Path | None,
        configured: Credentials | None = None,
        salted: tuple[SaltedUser, ...] = (),
        rights: MethodRights | None = None,
    ) -> None:
        self._rights = MethodRights() if rights is None else rights
        self._path = None if datadir is None else datadir / COOKIE_FILE
        self._configured = configured
        self._salted = salted
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

    def allows(self, header: bytes, method: str) -> bool:
        """Whether the user of a good header may call a method."""
        token = header.strip().partition(b" ")[2].strip()
        user = base64.b64decode(token).decode(errors="replace").partition(":")[0]
        return self._rights.allows(user, method)

    def accepts(self, header: bytes) -> bool:
        """Whether an Authorization header is good; every candidate is compared in constant time."""
        name, _, token = header.strip().partition(b" ")
        given = b"Basic " + token.strip()
        matches = [hmac.compare_digest(given, accepted) for accepted in self._accepted]
        matches += [self._accepts_salted(token.strip())] if self._salted else []
        return name.lower() == b"basic" and any(matches)

    def _accepts_salted(self, token: bytes) -> bool:
        try:
            user, separator, password = base64.b64decode(token, validate=True).decode().partition(":")
        except ValueError:
            return False
        matches = [known.accepts(user, password) for known in self._salted]
        return bool(separator) and any(matches)


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
