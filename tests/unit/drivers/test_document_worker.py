"""The document worker: one answer per save, the newest version on disk, failures told."""

import threading

from tests.waiting import HANG_S

from minicoin.core.effects import SaveState
from minicoin.core.events import Saved
from minicoin.drivers.document_worker import DocumentWorker


class Slow:
    """A store that waits for the test before it writes, and may refuse."""

    def __init__(self):
        self.begun = threading.Event()
        self.may_go = threading.Event()
        self.saved = []
        self.error = None

    def save(self, key, value):
        self.begun.set()
        assert self.may_go.wait(HANG_S)
        if self.error is not None:
            raise self.error
        self.saved.append((key, value))


def test_a_newer_version_replaces_one_that_waits_and_each_is_answered():
    store, posted = Slow(), []
    worker = DocumentWorker(store, posted.append)
    worker.save(SaveState("peers", b"first"))
    assert store.begun.wait(HANG_S)
    for value in (b"a", b"b", b"c"):
        worker.save(SaveState("wallet", value))
    store.may_go.set()
    worker.stop()
    assert store.saved == [("peers", b"first"), ("wallet", b"c")]
    assert posted == [Saved("peers"), *[Saved("wallet")] * 3]


def test_a_refusal_is_told_to_everybody_who_waits():
    store, posted = Slow(), []
    store.error = OSError(28, "No space left on device")
    store.may_go.set()
    worker = DocumentWorker(store, posted.append)
    worker.save(SaveState("wallet", b"x"))
    worker.stop()
    assert posted == [Saved("wallet", "cannot save wallet: No space left on device")]
