"""Runs the nonce search in a process of its own, so that hashing never competes with the loop for the interpreter.

The parent sends pickled jobs over a pipe and gets blocks back; a new job replaces the old one within a fraction of a
second. The child ends with its parent: the pipe closes.
"""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe

from minicoin.core.effects import SearchNonce
from minicoin.core.events import Event, NonceFound
from minicoin.core.mining.search import search
from minicoin.core.primitives.block import RawBlock

_TRIES_PER_SLICE = 20_000


class MiningWorker:
    """One search at a time; found blocks go to `post` from a thread."""

    def __init__(self, post: Callable[[Event], None]) -> None:
        self._post = post
        context = multiprocessing.get_context("spawn")
        self._pipe, child = context.Pipe()
        self._process = context.Process(target=_mine, args=(child,), name="minicoin-miner", daemon=True)
        self._process.start()
        child.close()
        self._reader = threading.Thread(target=self._read, name="miner-results", daemon=True)
        self._reader.start()

    def search(self, job: SearchNonce | None) -> None:
        """Replace the search going on; None ends it."""
        try:
            self._pipe.send(job)
        except (BrokenPipeError, OSError):
            return

    def stop(self) -> None:
        """End the child."""
        self._process.terminate()
        self._process.join()
        self._pipe.close()

    def _read(self) -> None:
        while True:
            try:
                job, raw = self._pipe.recv()
            except (EOFError, OSError):
                return
            self._post(NonceFound(job, RawBlock.parse(raw)))


def _mine(pipe: Pipe) -> None:
    job: SearchNonce | None = None
    extra_nonce = 0
    try:
        while True:
            if job is None or pipe.poll(0):
                job = pipe.recv()
                # Two miners that pay to one script would search the same blocks from the same start.
                extra_nonce = int.from_bytes(os.urandom(4), "little")
                continue
            # Trivial work is paced: the block is not looked for before its time has come.
            wait_s = job.not_before_us / 1e6 - time.time()
            if wait_s > 0:
                pipe.poll(min(wait_s, 1.0))
                continue
            found = search(job, extra_nonce, _TRIES_PER_SLICE)
            extra_nonce += 1
            if found is not None:
                pipe.send((job.job, found.raw))
                job = None
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        return
