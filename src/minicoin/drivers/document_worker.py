"""Saves documents off the loop, in a thread; a newer version of a key replaces one that still waits."""

import threading
from collections.abc import Callable

from minicoin.core.effects import SaveState
from minicoin.core.events import Event, Saved
from minicoin.drivers.documents import DocumentStore


class DocumentWorker:
    """One thread; results go to `post`."""

    def __init__(self, store: DocumentStore, post: Callable[[Event], None]) -> None:
        self._store = store
        self._post = post
        self._waiting: dict[str, list[bytes]] = {}
        self._condition = threading.Condition()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name="documents", daemon=True)
        self._thread.start()

    def save(self, effect: SaveState) -> None:
        """Answered by one Saved per call, also where only the newest version was written."""
        with self._condition:
            self._waiting.setdefault(effect.key, []).append(effect.value)
            self._condition.notify()

    def stop(self) -> None:
        """Write what waits, then end."""
        with self._condition:
            self._is_stopping = True
            self._condition.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._condition:
                while not self._waiting:
                    if self._is_stopping:
                        return
                    self._condition.wait()
                key = next(iter(self._waiting))
                versions = self._waiting.pop(key)
            error = ""
            try:
                self._store.save(key, versions[-1])
            except OSError as failure:
                error = f"cannot save {key}: {failure.strerror or failure}"
            for _ in versions:
                self._post(Saved(key, error))
