"""Python's cycle collector during a run: a network of ten thousand nodes is ten million objects that all live to the
end, and looking through them again and again would cost more than the run."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

# Most objects live for one message: the longer one waits, the smaller the share that is still there to be looked at.
_FRESH_OBJECTS: Final = 500_000


@contextmanager
def quiet_collector() -> Iterator[None]:
    """The collector looks only when `collect_fresh` says so; afterwards it is as it was."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        if was_enabled:
            gc.enable()


def collect_fresh() -> None:
    """Look through what was made since the last time, where that is much, so that cycles do not pile up."""
    if gc.get_count()[0] > _FRESH_OBJECTS:
        gc.collect(0)


def collect_lost() -> None:
    """Look through everything, that which was to live to the end as well: after many nodes were lost at once."""
    gc.unfreeze()
    keep_all()


def keep_all() -> None:
    """All that lives now lives to the end: never look at it again."""
    gc.collect()
    gc.freeze()
