"""Has votes, greetings and statements signed off the loop, in a thread: by the keys here, or by a signer elsewhere."""

import queue
import threading
from collections.abc import Callable
from typing import Protocol

from minicoin.core.effects import SignGreeting, SignStatement, SignVote
from minicoin.core.events import Event


class KeyHolding(Protocol):
    """What has the keys (core/consensus/signer), or asks who has (drivers/signer/link)."""

    @property
    def members(self) -> tuple[bytes, ...]:
        """The public keys."""

    def answer(self, effect: SignVote | SignGreeting | SignStatement) -> Event:
        """What the effect promises; it may take its time."""

    def close(self) -> None:
        """Nothing more is asked."""


class SigningWorker:
    """One thread, in the order asked; answers go to `post`."""

    def __init__(self, signer: KeyHolding, post: Callable[[Event], None]) -> None:
        self._signer = signer
        self._post = post
        self._asked: queue.SimpleQueue[SignVote | SignGreeting | SignStatement | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="signing", daemon=True)
        self._thread.start()

    def sign(self, effect: SignVote | SignGreeting | SignStatement) -> None:
        """Answered by one event for each."""
        self._asked.put(effect)

    def stop(self) -> None:
        """Sign what waits, then end."""
        self._asked.put(None)
        self._thread.join()
        self._signer.close()

    def _run(self) -> None:
        while (effect := self._asked.get()) is not None:
            self._post(self._signer.answer(effect))
