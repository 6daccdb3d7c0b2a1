"""The chain worker: order, verdicts as events, failures told, and a bug that is said before the thread dies."""

import threading

import pytest

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.effects import Activate, ReadBlock, Rescan, SaveHeaders, StoreBlock
from minicoin.core.events import BlockRead, BlockRefused, BlockStored, ChainMoved, RescanProgress, WorkFailed
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import RawBlock
from minicoin.drivers.chain_worker import ChainWorker, WorkerEnded
from minicoin.drivers.kernel import KernelVerifier
from minicoin.testing.chain_maker import ChainMaker

NETWORK = lookup("regtest")


def blocks(count):
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, count)
    return branch.blocks


def raw(block):
    return RawBlock(block.header, block.raw)


def run(*jobs, store=None):
    posted = []
    worker = ChainWorker(ChainEngine(NETWORK, store or MemoryChainStore(), KernelVerifier()), posted.append)
    for job in jobs:
        worker.put(job)
    worker.stop()
    return posted


def test_stores_connects_and_reads_in_the_order_asked():
    one, two = blocks(2)
    posted = run(
        SaveHeaders((one.header, two.header)),
        StoreBlock(raw(one), 1),
        StoreBlock(raw(two), 2),
        Activate(NETWORK.genesis.hash, (one.hash, two.hash)),
        ReadBlock(7, two.hash),
        ReadBlock(7, b"?" * 32),
    )
    assert posted[:2] == [BlockStored(one.hash, 1), BlockStored(two.hash, 2)]
    assert isinstance(posted[2], ChainMoved) and posted[2].update.tip == two.hash
    assert posted[3:] == [BlockRead(7, two.hash, raw(two)), BlockRead(7, b"?" * 32, None)]


def test_a_block_that_breaks_a_rule_is_refused_and_the_worker_goes_on():
    (one,) = blocks(1)
    broken = RawBlock(one.header, one.raw[:-1] + bytes([one.raw[-1] ^ 1]))
    posted = run(SaveHeaders((one.header,)), StoreBlock(broken, 1), StoreBlock(raw(one), 1))
    assert [type(event) for event in posted] == [BlockRefused, BlockStored]


class FullDisk(MemoryChainStore):
    def append(self, block, raw):
        if block != NETWORK.genesis.hash:
            raise OSError(28, "No space left on device")
        super().append(block, raw)


def test_a_full_disk_is_told():
    (one,) = blocks(1)
    posted = run(SaveHeaders((one.header,)), StoreBlock(raw(one), 1), store=FullDisk())
    assert [type(event) for event in posted] == [WorkFailed]
    assert (posted[0].what, "No space" in posted[0].error) == ("StoreBlock", True)


class Buggy(MemoryChainStore):
    def append(self, block, raw):
        if block != NETWORK.genesis.hash:
            raise ZeroDivisionError("a bug")
        super().append(block, raw)


def test_a_bug_is_told_before_the_thread_dies(monkeypatch):
    raised = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: raised.append(arguments.exc_type))
    (one,) = blocks(1)
    posted = run(SaveHeaders((one.header,)), StoreBlock(raw(one), 1), store=Buggy())
    assert [type(event) for event in posted] == [WorkFailed]
    assert posted[0].error.startswith("bug: ZeroDivisionError")
    assert raised == [ZeroDivisionError]


def test_a_rescan_comes_in_slices_that_let_others_in_between(monkeypatch):
    monkeypatch.setattr("minicoin.drivers.chain_worker._RESCAN_SLICE", 2)
    chain = blocks(5)
    posted = run(
        SaveHeaders(tuple(block.header for block in chain)),
        *[StoreBlock(raw(block), height) for height, block in enumerate(chain, 1)],
        Activate(NETWORK.genesis.hash, tuple(block.hash for block in chain)),
        Rescan(frozenset(), 0),
        ReadBlock(1, chain[0].hash),
    )
    kinds = [type(event) for event in posted[6:]]
    assert kinds[:2] == [RescanProgress, BlockRead]
    progress = [event for event in posted if isinstance(event, RescanProgress)]
    # A stop drops what is left; what was reported is in order.
    assert [event.height for event in progress] == sorted(event.height for event in progress)


def test_reads_from_outside_get_their_result_or_their_error():
    worker = ChainWorker(ChainEngine(NETWORK, MemoryChainStore(), KernelVerifier()), lambda event: None)
    answers = []
    worker.call(lambda engine: engine.height, lambda value, error: answers.append((value, error)))
    worker.call(lambda engine: 1 // 0, lambda value, error: answers.append((value, type(error))))
    worker.stop()
    assert answers == [(0, None), (None, ZeroDivisionError)]


def test_reads_after_the_end_are_refused_instead_of_kept_waiting(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda arguments: None)
    (one,) = blocks(1)
    answers = []
    for store, job in ((MemoryChainStore(), None), (Buggy(), StoreBlock(raw(one), 1))):
        worker = ChainWorker(ChainEngine(NETWORK, store, KernelVerifier()), lambda event: None)
        if job is not None:
            worker.put(SaveHeaders((one.header,)))
            worker.put(job)
        worker.stop()
        worker.call(lambda engine: engine.height, lambda value, error: answers.append(type(error)))
    assert answers == [WorkerEnded, WorkerEnded]


pytestmark = pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
