"""The process that searches for blocks: one that cannot be started, or that somebody ended, is no end of the search."""

import errno
import multiprocessing
import os
import signal
from multiprocessing.process import BaseProcess

import pytest
from tests.waiting import wait_until

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import SearchNonce
from minicoin.core.events import Event, NonceFound
from minicoin.core.mining.template import build_template, make_job
from minicoin.core.params.builtin import REGTEST
from minicoin.core.units import Micros
from minicoin.drivers.mining_worker import MiningWorker


def job(number: int) -> SearchNonce:
    tree = HeaderTree(REGTEST)
    return make_job(build_template(tree, tree.genesis, [], b"\x51", Micros(0)), number)


def test_what_cannot_be_started_or_was_ended_is_begun_with_the_next_job(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[Event] = []
    troubles: list[str] = []
    worker = MiningWorker(found.append, troubles.append)
    others = multiprocessing.active_children()

    def children() -> list[BaseProcess]:
        return [child for child in multiprocessing.active_children() if child not in others]

    def refuse(method: str) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(multiprocessing, "get_context", refuse)
        worker.search(job(1))
        worker.search(None)
        worker.search(job(2))
    assert troubles == ["the search for blocks cannot be started: Too many open files"]
    assert not children()

    def search_for(number: int) -> None:
        worker.search(job(number))
        wait_until(lambda: bool(found), "a block")
        event = found.pop()
        assert isinstance(event, NonceFound) and event.job == number

    search_for(3)
    (child,) = children()
    # Of the Ctrl-C at a terminal, which all of its processes get, it hears nothing.
    os.kill(child.pid, signal.SIGINT)
    search_for(4)
    assert child.is_alive()
    child.kill()
    child.join()
    search_for(5)
    worker.stop()
    assert not children() and len(troubles) == 1
