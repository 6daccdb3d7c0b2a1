"""A block right on the tip, from a peer's message to the new tip: how often the loop turns, what crosses to the worker
and back, and which files hand it on. docs/architecture/block.md names them."""

import re
import sys
from pathlib import Path

import pytest
from tests.unit.node.bench import NETWORK, Bench

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import (
    Activate,
    ReadBlock,
    Rescan,
    SaveHeaders,
    Send,
    StoreBlock,
    VerifyTransaction,
    Watch,
)
from minicoin.core.events import BlockRefused, WorkFailed
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.verdicts import ChainUpdate
from minicoin.core.wire.messages import BlockMessage, GetData, Headers, Inv, InventoryVector, InvType
from minicoin.testing.chain_maker import ChainMaker

FOR_THE_WORKER = StoreBlock | Activate | ReadBlock | Rescan | SaveHeaders | VerifyTransaction | Watch
CORE = Path(sys.modules["minicoin.core"].__path__[0])
PAGE = Path(__file__).parents[3] / "docs" / "architecture" / "block.md"
TURNS_MAX, CROSSINGS_MAX, FILES_MAX = 2, 3, 5


def chain(count, seed=1):
    maker = ChainMaker(NETWORK, seed)
    branch = maker.new_branch()
    maker.mine_empty(branch, count)
    return [RawBlock(block.header, block.raw) for block in branch.blocks]


@pytest.fixture
def bench():
    """A node with two peers, whose worker works on call."""
    made = Bench()
    for conn in (1, 2):
        made.connect(conn)
    made.is_working = False
    made.seen.clear()
    made.held.clear()
    return made


def work_one(bench):
    """The first job of the worker that waits: (the job, its answer)."""
    job = next(effect for effect in bench.held if isinstance(effect, FOR_THE_WORKER))
    bench.held.remove(job)
    return job, bench.perform(job)


def arrive(bench, block, conn=1):
    """A block's last byte is here: (turns of the loop, crossings) until it is the tip."""
    turns, crossings = 1, 0
    bench.say(conn, BlockMessage(block))
    while any(isinstance(effect, FOR_THE_WORKER) for effect in bench.held):
        _, answer = work_one(bench)
        crossings += 1
        if answer is not None:
            crossings += 1
            turns += 1
            bench.handle(answer)
    return turns, crossings


@pytest.mark.parametrize("is_announced", [True, False])
def test_a_tip_block_is_stored_and_connected_in_one_visit(bench, is_announced):
    for height, block in enumerate(chain(3), 1):
        if is_announced:
            bench.say(1, Headers((block.header,)))
            assert bench.take(GetData)
        turns, crossings = arrive(bench, block)
        assert bench.node.snapshot(bench.now).height == height
        assert turns <= TURNS_MAX
        assert crossings <= CROSSINGS_MAX
        assert bench.take(Inv), "the other peer hears of it"


def test_the_newest_block_is_served_without_the_worker(bench):
    (block,) = chain(1)
    arrive(bench, block)
    bench.take(Send)
    bench.say(2, GetData((InventoryVector(InvType.WITNESS_BLOCK, block.hash),)))
    assert bench.seen_sends() == [Send(2, BlockMessage(block))]


def test_a_block_that_comes_while_the_engine_is_under_way_is_connected_after_it(bench):
    one, two, three = chain(3)
    for block in (one, two, three):
        bench.say(1, BlockMessage(block))
    visits = [effect.connects for effect in bench.held if isinstance(effect, StoreBlock)]
    assert visits == [True, False, False]
    bench.work()
    assert bench.node.snapshot(bench.now).tip == three.hash


def test_a_body_that_is_not_the_headers_leaves_the_engine_free_for_the_right_one(bench):
    (block,) = chain(1)
    broken = RawBlock(block.header, block.raw[:-1] + bytes([block.raw[-1] ^ 1]))
    bench.say(1, BlockMessage(broken))
    job, answer = work_one(bench)
    assert job.connects and isinstance(answer, BlockRefused)
    bench.handle(answer)
    assert arrive(bench, block, conn=2) == (2, 2)
    assert bench.node.snapshot(bench.now).tip == block.hash
    # Nobody is served the broken one.
    bench.take(Send)
    bench.say(2, GetData((InventoryVector(InvType.WITNESS_BLOCK, block.hash),)))
    assert bench.seen_sends() == [Send(2, BlockMessage(block))]


def test_once_the_worker_has_failed_no_block_is_connected(bench):
    one, two = chain(2)
    arrive(bench, one)
    bench.handle(WorkFailed("StoreBlock", "disk full"))
    bench.say(1, BlockMessage(two))
    assert [effect.connects for effect in bench.held if isinstance(effect, StoreBlock)] == [False]
    bench.work()
    assert bench.node.snapshot(bench.now).tip == one.hash


# --- the files that hand it on ---


class Profile:
    """The core files on the stack, outermost first, whenever one of some functions is called."""

    def __init__(self, *watched):
        self._watched = {function.__code__ for function in watched}
        self.stacks = []

    def __enter__(self):
        sys.setprofile(self._look)
        return self

    def __exit__(self, *failure):
        sys.setprofile(None)

    def _look(self, frame, event, argument):
        if event != "call" or frame.f_code not in self._watched:
            return
        files = {}
        while frame is not None:
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(CORE):
                files[f"core/{path.relative_to(CORE)}"] = None
            frame = frame.f_back
        self.stacks.append(list(reversed(files)))


def test_at_most_five_files_hand_a_tip_block_on_and_the_page_names_them(bench):
    (block,) = chain(1)
    bench.say(1, Headers((block.header,)))
    bench.held.clear()
    with Profile(StoreBlock.__init__, ChainUpdate.__init__, HeaderTree.set_tip) as profile:
        assert arrive(bench, block) == (2, 2)
    # It leaves the loop, the engine stands at it, the tree does.
    handed_over, connected, taken = profile.stacks
    behind_the_session = handed_over[handed_over.index("core/node/peer_flow.py") + 1 :]
    way = dict.fromkeys([*behind_the_session, *connected, *taken])
    assert len(way) <= FILES_MAX
    section = PAGE.read_text().partition("## The way of a tip block\n")[2].partition("\n## ")[0]
    assert list(way) == re.findall(r"^\d\. `(\S+)`", section, re.M)
