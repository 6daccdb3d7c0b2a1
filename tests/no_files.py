"""A process that may open nothing more."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_file_left() -> Iterator[None]:
    """Every file or socket that is opened meanwhile is refused with EMFILE; what is open stays so."""
    limit, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # The lowest number that is free: nothing from it on is given out.
    free = os.open(os.devnull, os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
