"""Runs the nonce search in a process of its own, so that hashing never competes with the loop for the interpreter.

The parent sends pickled jobs over a pipe and gets blocks back; a new job replaces the old one within a fraction of a
second. The child ends with its parent: the pipe closes. A child that cannot be started, for want of files or memory, or
that somebody ended, is started with the next job: the core renews them every TEMPLATE_REFRESH_US.
"""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection as Pipe

from minicoin.core.effects import SearchNonce
from minicoin.core.events import Event, NonceFound
from minicoin.core.mining.search import search
from minicoin.core.primitives.block import RawBlock

_TRIES_PER_SLICE = 20_000


class MiningWorker:
    """One search at a time; found blocks go to `post` from a thread."""

    def __init__(self, post: Callable[[Event], None], on_trouble: Callable[[str], None]) -> None:
        """`on_trouble` is told why nothing is searched, once until something is again."""
        self._post = post
        self._on_trouble = on_trouble
        self._child: _Child | None = None
        self._trouble = ""

    def search(self, job: SearchNonce | None) -> None:
        """Replace the search going on; None ends it."""
        if self._child is not None and not self._child.send(job):
            self._child.stop()
            self._child = None
        if self._child is None and job is not None:
            self._begin(job)

    def stop(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.stop()

    def _begin(self, job: SearchNonce) -> None:
        try:
            self._child = _Child(self._post)
        except (OSError, RuntimeError) as error:
            # RuntimeError is what Python has for a thread that cannot be started.
            reason = f"the search for blocks cannot be started: {getattr(error, 'strerror', None) or error}"
            if reason != self._trouble:
                self._trouble = reason
                self._on_trouble(reason)
            return
        self._trouble = ""
        self._child.send(job)


class _Child:
    """The process, and the thread that hears it."""

    def __init__(self, post: Callable[[Event], None]) -> None:
        """Raises OSError or RuntimeError."""
        self._post = post
        context = multiprocessing.get_context("spawn")
        self._pipe, child = context.Pipe()
        self._process = context.Process(target=_mine, args=(child,), name="minicoin-miner", daemon=True)
        self._reader = threading.Thread(target=self._read, name="miner-results", daemon=True)
        try:
            # Its first start would take off again what is blocked now.
            resource_tracker.ensure_running()
            # A Ctrl-C at the terminal is for the node, which ends its child by itself.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                self._process.start()
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
            self._reader.start()
        except BaseException:
            self._pipe.close()
            raise
        finally:
            child.close()

    def send(self, job: SearchNonce | None) -> bool:
        """Whether it still lives, as far as can be told."""
        try:
            self._pipe.send(job)
        except OSError:
            return False
        return True

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.join()
        # Not before it has read to the end: a pipe must not be closed under its reader.
        self._reader.join()
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
    except (EOFError, BrokenPipeError):
        return
