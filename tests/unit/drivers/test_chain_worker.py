"""The chain worker: order, verdicts as events, failures told, and a bug that is said before the thread dies."""

import threading

import pytest
from tests.waiting import HANG_S

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.effects import Activate, ReadBlock, Rescan, SaveHeaders, StoreBlock, VerifyTransaction, Watch
from minicoin.core.events import (
    BlockRead,
    BlockRefused,
    BlockStored,
    ChainMoved,
    RescanProgress,
    TransactionVerified,
    WorkFailed,
)
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import RawBlock
from minicoin.core.units import SECOND_US
from minicoin.drivers.chain_worker import SLICE_US, ChainWorker, WorkerEnded
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
    settle(worker)
    worker.stop()
    return posted


def settle(worker):
    """Until nothing is left to do: a slice of a long read comes behind everything else."""
    ended = threading.Event()

    def nothing(engine):
        yield

    worker.call(nothing, lambda value, error: ended.set())
    assert ended.wait(HANG_S)


class Gate:
    """Holds the worker at one verification, so that what is put meanwhile waits in its lanes."""

    def __init__(self):
        self.reached = threading.Event()
        self.opened = threading.Event()
        self.order = []

    def hold(self, engine):
        self.reached.set()
        assert self.opened.wait(HANG_S)


def behind_a_gate(*jobs, calls=()):
    """What ran in which order, all of it put while the worker was busy with something else."""
    gate, posted = Gate(), []
    worker = ChainWorker(ChainEngine(NETWORK, MemoryChainStore(), KernelVerifier()), posted.append)
    worker.call(gate.hold, lambda value, error: None)
    assert gate.reached.wait(HANG_S)
    for job in jobs:
        worker.put(job)
    for name in calls:
        worker.call(lambda engine: None, lambda value, error, name=name: posted.append(name))
    gate.opened.set()
    settle(worker)
    worker.stop()
    return posted


def test_a_block_waits_for_the_job_under_way_and_for_no_transaction_in_line():
    (one,) = blocks(1)
    strangers = [VerifyTransaction(one.transactions[0]) for _ in range(16)]
    posted = behind_a_gate(
        *strangers,
        VerifyTransaction(one.transactions[0], (), True),
        ReadBlock(7, one.hash),
        SaveHeaders((one.header,)),
        StoreBlock(raw(one), 1),
        Activate(NETWORK.genesis.hash, (one.hash,)),
        calls=("rpc",),
    )
    kinds = [event if isinstance(event, str) else type(event) for event in posted]
    assert kinds[:4] == [BlockStored, ChainMoved, TransactionVerified, "rpc"]
    assert kinds[4:] == [TransactionVerified] * 16 + [BlockRead]


class Clock:
    """Time that passes when the worker's jobs say so."""

    def __init__(self):
        self.ns = 0

    def __call__(self):
        return self.ns

    def pass_us(self, duration_us):
        self.ns += 1_000 * duration_us


@pytest.mark.parametrize("step_us", [1_000, 1_300, SLICE_US])
@pytest.mark.parametrize("at_step", [3, 15, 16, 17])
def test_a_read_of_two_seconds_delays_a_block_by_a_slice_at_most(step_us, at_step):
    (one,) = blocks(1)
    clock, done_at = Clock(), []
    steps = 2 * SECOND_US // step_us
    posted = []

    def post(event):
        posted.append(type(event))
        done_at.append(clock.ns)

    worker = ChainWorker(ChainEngine(NETWORK, MemoryChainStore(), KernelVerifier()), post, clock)
    came_at = []

    def read(engine):
        for step in range(steps):
            if step == at_step:
                came_at.append(clock.ns)
                worker.put(StoreBlock(raw(one), 1))
            clock.pass_us(step_us)
            yield
        return "all of it"

    worker.call(read, lambda value, error: posted.append((value, error)))
    settle(worker)
    worker.stop()
    assert posted == [BlockStored, ("all of it", None)]
    assert clock.ns == steps * step_us * 1_000
    # The step in which the slice ends may end behind it.
    assert done_at[0] - came_at[0] <= 1_000 * (SLICE_US + step_us)


def test_a_long_read_answers_for_the_tip_it_began_at_though_blocks_connect_meanwhile():
    chain = blocks(8)
    clock = Clock()
    engine = ChainEngine(NETWORK, MemoryChainStore(), KernelVerifier())
    parent = NETWORK.genesis.hash
    for height, block in enumerate(chain[:4], 1):
        engine.store_block(raw(block), height)
        engine.activate(parent, (block.hash,))
        parent = block.hash
    expected, tip = engine.coin_set_totals(), engine.tip
    posted, answers = [], []
    worker = ChainWorker(engine, posted.append, clock)

    def read(chain_engine):
        reading = chain_engine.read_coin_set("hash_serialized_3")
        rest = iter(enumerate(chain[4:], 5))
        while True:
            try:
                next(reading)
            except StopIteration as end:
                return end.value
            height, block = next(rest, (0, None))
            if block is not None:
                worker.put(StoreBlock(raw(block), height))
                worker.put(Activate(block.header.previous, (block.hash,)))
            clock.pass_us(SLICE_US)
            yield

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("minicoin.core.chain.coin_hash._COINS_PER_STEP", 1)
        worker.call(read, lambda value, error: answers.append((value, error, len(posted))))
        settle(worker)
    worker.stop()
    (reading, error, connected) = answers[0]
    assert error is None
    assert (reading.tip, reading.height, reading.totals) == (tip, 4, expected)
    assert connected == 8 and posted[-1].update.tip == chain[-1].hash


class Noted:
    """An engine that says what it was asked for, in order."""

    def __init__(self):
        self.order = []
        self._engine = ChainEngine(NETWORK, MemoryChainStore(), KernelVerifier())

    def __getattr__(self, name):
        wanted = getattr(self._engine, name)
        if name in ("height", "tip"):
            return wanted

        def noted(*arguments, **options):
            self.order.append(name)
            return wanted(*arguments, **options)

        return noted


def test_what_follows_the_chain_keeps_its_order_whatever_else_waits():
    one, two = blocks(2)
    gate, engine = Gate(), Noted()
    worker = ChainWorker(engine, lambda event: None)
    worker.call(gate.hold, lambda value, error: None)
    assert gate.reached.wait(HANG_S)
    for job in (
        VerifyTransaction(one.transactions[0]),
        SaveHeaders((one.header,)),
        Watch(frozenset({b"a"})),
        StoreBlock(raw(one), 1),
        Activate(NETWORK.genesis.hash, (one.hash,)),
        ReadBlock(7, one.hash),
        Rescan(frozenset(), 1),
        Watch(frozenset({b"a", b"b"})),
        SaveHeaders((two.header,)),
        StoreBlock(raw(two), 2),
        Activate(one.hash, (two.hash,)),
    ):
        worker.put(job)
    gate.opened.set()
    settle(worker)
    worker.stop()
    connect = ["store_block", "activate"]
    follows = ["add_headers", "watch", *connect, "rescan", "watch", "add_headers", *connect]
    assert engine.order == [*follows, "verify_transaction", "read_block", "close"]


def test_a_long_read_that_fails_says_so():
    worker = ChainWorker(ChainEngine(NETWORK, MemoryChainStore(), KernelVerifier()), lambda event: None)
    answers = []

    def read(engine):
        yield
        raise ZeroDivisionError

    worker.call(read, lambda value, error: answers.append(type(error)))
    settle(worker)
    worker.stop()
    assert answers == [ZeroDivisionError]


def test_a_stop_finishes_blocks_and_leaves_strangers():
    (one,) = blocks(1)
    gate, posted, answers = Gate(), [], []
    worker = ChainWorker(ChainEngine(NETWORK, MemoryChainStore(), KernelVerifier()), posted.append)
    worker.call(gate.hold, lambda value, error: None)
    assert gate.reached.wait(HANG_S)

    def endless(engine):
        while True:
            yield

    for _ in range(16):
        worker.put(VerifyTransaction(one.transactions[0]))
    worker.call(endless, lambda value, error: answers.append(type(error)))
    worker.put(SaveHeaders((one.header,)))
    worker.put(StoreBlock(raw(one), 1))
    worker.begin_stop()
    gate.opened.set()
    worker.stop()
    assert posted == [BlockStored(one.hash, 1)]
    assert answers == [WorkerEnded]


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
    monkeypatch.setattr("minicoin.core.work.RESCAN_SLICE_BLOCKS", 2)
    chain = blocks(5)
    posted = run(
        SaveHeaders(tuple(block.header for block in chain)),
        *[StoreBlock(raw(block), height) for height, block in enumerate(chain, 1)],
        Activate(NETWORK.genesis.hash, tuple(block.hash for block in chain)),
        Rescan(frozenset(), 0),
    )
    progress = [event for event in posted if isinstance(event, RescanProgress)]
    assert [event.height for event in progress] == [2, 4, 5]
    assert [event.done for event in progress] == [False, False, True]


def test_a_rescan_of_long_blocks_gives_way_after_a_slice():
    chain = blocks(6)
    clock, posted = Clock(), []

    class Slow(Noted):
        """Takes 9 ms to look through a block."""

        def rescan(self, scripts, start_height, count=None):
            for step in self._engine.rescan(scripts, start_height, count):
                clock.pass_us(9_000)
                yield step

    worker = ChainWorker(Slow(), posted.append, clock)
    for height, block in enumerate(chain, 1):
        worker.put(StoreBlock(raw(block), height, connects=True))
    worker.put(Rescan(frozenset(), 1))
    settle(worker)
    worker.stop()
    progress = [event for event in posted if isinstance(event, RescanProgress)]
    assert [event.height for event in progress] == [3, 6]
    assert [event.done for event in progress] == [False, True]


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
