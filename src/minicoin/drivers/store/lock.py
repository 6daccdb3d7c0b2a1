"""One process per data directory: a file lock that the kernel drops with the process, whatever ends it."""

import fcntl
import os
from pathlib import Path

from minicoin.drivers.store.errors import StoreError, StoreLocked


class DirectoryLock:
    """Held from construction to `release`. Raises StoreLocked that names the holder."""

    def __init__(self, directory: Path, remedy: str = "choose another --datadir") -> None:
        path = directory / "lock"
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(f"cannot use {directory}: {error.strerror}") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._file, 32, 0).decode("ascii", "replace").strip()
            os.close(self._file)
            named = f"process {holder}" if holder else "another process"
            raise StoreLocked(f"{directory} is in use by {named}: stop it, or {remedy}") from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another process in."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
