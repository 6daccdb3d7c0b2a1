"""Signs votes, greetings and statements off the loop, in a thread: only here the program holds the key."""

import queue
import threading
from collections.abc import Callable

from minicoin.core.consensus.signer import VoteSigner
from minicoin.core.effects import SignGreeting, SignStatement, SignVote
from minicoin.core.events import Event


class SigningWorker:
    """One thread, in the order asked; answers go to `post`."""

    def __init__(self, signer: VoteSigner, post: Callable[[Event], None]) -> None:
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

    def _run(self) -> None:
        while (effect := self._asked.get()) is not None:
            self._post(self._signer.answer(effect))
