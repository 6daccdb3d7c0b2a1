"""Small documents on disk: peers, bans, wallets, mempool. Replaced atomically, fsynced before they count as saved."""

import os
from pathlib import Path

from minicoin.core.faults import MisuseError


class DocumentStore:
    """One file per key in a directory. A torn write can never be seen: rename is the commit."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def save(self, key: str, value: bytes) -> None:
        """Raises OSError when the disk refuses; the earlier version stays whole then."""
        target = self._path(key)
        fresh = target.with_name(target.name + ".new")
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(value)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(target)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        self._sync_directory()

    def load(self, key: str) -> bytes | None:
        """The document, or None where it was never saved."""
        try:
            return self._path(key).read_bytes()
        except FileNotFoundError:
            return None

    def set_aside(self, key: str) -> Path:
        """Move a document that cannot be read out of the way, keeping it; the path it has now."""
        path = self._path(key)
        aside = path.with_name(path.name + ".damaged.new")
        path.replace(aside)
        self._sync_directory()
        return aside

    def _path(self, key: str) -> Path:
        if not key or "/" in key or key.startswith(".") or key.endswith(".new"):
            raise MisuseError(f"not a document name: {key!r}")
        return self._directory / key

    def _sync_directory(self) -> None:
        descriptor = os.open(self._directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
