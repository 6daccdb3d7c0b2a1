"""What can go wrong with a data directory, each as one line that says what to do about it."""

import errno

_FULL_CODES = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)


class StoreError(Exception):
    """The data directory cannot be used as it is."""


class StoreLocked(StoreError):
    """Another process uses the directory."""


class StoreForeign(StoreError):
    """The directory belongs to another network or another program."""


class StoreTooNew(StoreError):
    """A later version of minicoin wrote it."""


class StoreCorrupt(StoreError):
    """Bytes on disk are not what was written."""


class StoreFull(StoreError):
    """The disk, a quota or a file size limit is exhausted. Nothing that was acknowledged is lost."""

    def __init__(self, path: object, error: Exception) -> None:
        super().__init__(f"no room to write {path} ({error}): free some space or raise the limit, then start again")


def is_full(error: OSError) -> bool:
    """Whether an OSError means that there is no room."""
    return error.errno in _FULL_CODES
