"""Following the best header without blocks: what a node does that keeps none."""

from dataclasses import dataclass, replace

from tests import mainnet
from tests.unit.netsync.scripted import Peer, Stage, chain

from minicoin.core.chain.locators import find_fork, make_locator
from minicoin.core.limits import CHAIN_SYNC_ANSWER_US, CHAIN_SYNC_TIMEOUT_US, HEADERS_TIMEOUT_US
from minicoin.core.netsync.following import HeaderFollower
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import BlockHash, BlockHeader
from minicoin.core.rng import Rng
from minicoin.core.units import HOUR_US
from minicoin.core.wire.messages import GetHeaders, Inv, InventoryVector, InvType

BITCOIN = replace(lookup("bitcoin"), minimum_chainwork=0)
BLOCKS, RIVAL = chain(8), chain(10, seed=2, fork_of=1, fork_at=5)


@dataclass(frozen=True)
class Body:
    """Of a block nobody asks for."""

    header: BlockHeader

    @property
    def hash(self) -> BlockHash:
        return self.header.hash


class HeaderStage(Stage):
    """The tip is the best header, at once."""

    def __init__(self, **options):
        super().__init__(**options)
        self.sync = HeaderFollower(self.tree, Rng(b"follower"))

    def perform(self, effects):
        super().perform(effects)
        if self.tree.best_header is not self.tree.tip:
            self.tree.set_tip(self.tree.best_header.hash)
            self.sync.on_chain_moved(self.now)


def questions(peer):
    return [message for message in peer.heard if isinstance(message, GetHeaders)]


def test_bitcoins_first_headers_are_followed_and_no_block_is_asked_for():
    stage = HeaderStage(network=BITCOIN)
    peer = stage.connect(1, Peer([Body(header) for header in mainnet.headers()]))
    stage.settle()
    assert (stage.height, stage.tree.tip.header) == (mainnet.HEIGHT, mainnet.headers()[-1])
    assert len(questions(peer)) == len(peer.heard) == 1


def test_of_two_chains_the_one_of_most_work_is_followed_whoever_came_first():
    stage = HeaderStage()
    stage.connect(1, Peer(BLOCKS))
    stage.settle()
    assert stage.tree.tip.hash == BLOCKS[-1].hash
    stage.connect(2, Peer(RIVAL))
    stage.settle()
    assert stage.tree.tip.hash == RIVAL[-1].hash
    assert find_fork(stage.tree, make_locator(stage.tree, stage.tree.get(BLOCKS[-1].hash))).hash == BLOCKS[4].hash


def test_an_announced_block_is_asked_for_by_its_header_alone():
    stage = HeaderStage()
    peer = stage.connect(1, Peer(BLOCKS[:5]))
    stage.settle()
    peer.blocks = list(BLOCKS)
    stage.handle(1, Inv(tuple(InventoryVector(InvType.BLOCK, block.hash) for block in BLOCKS[4:])))
    stage.settle()
    assert stage.height == 8
    assert stage.sync.peer(1).best_known is stage.tree.tip
    assert len(questions(peer)) == len(peer.heard) == 2
    # Of one whose header is known nothing is to be asked.
    stage.handle(1, Inv((InventoryVector(InvType.BLOCK, BLOCKS[6].hash),)))
    assert not stage.wire[1]


def test_where_no_headers_come_others_are_asked():
    stage = HeaderStage(clock_ahead_s=365 * 86_400)
    stage.connect(1, Peer(BLOCKS, headers=False))
    second = stage.connect(2, Peer(BLOCKS))
    stage.settle()
    assert (stage.height, questions(second)) == (0, [])
    stage.wait(HEADERS_TIMEOUT_US, until=lambda: stage.height == 8)
    assert stage.height == 8


def test_what_a_peer_owed_that_left_is_asked_of_others():
    stage = HeaderStage(clock_ahead_s=365 * 86_400)
    stage.connect(1, Peer(BLOCKS, headers=False))
    stage.connect(2, Peer(BLOCKS))
    stage.disconnect(1)
    stage.settle()
    assert stage.height == 8


def test_a_chosen_peer_that_does_not_follow_is_left():
    stage = HeaderStage()
    stage.connect(1, Peer(BLOCKS))
    stage.connect(2, Peer(BLOCKS[:3]), automatic=True)
    stage.settle()
    started = stage.now
    stage.wait(HOUR_US, until=lambda: bool(stage.closed))
    assert stage.closed == {2: "its chain has less work than ours"}
    # Neither time is over before the microsecond behind it.
    assert stage.now == started + CHAIN_SYNC_TIMEOUT_US + CHAIN_SYNC_ANSWER_US + 2


def test_catching_up_ends_with_a_fresh_tip_and_never_begins_again():
    stage = HeaderStage(clock_ahead_s=48 * 3_600)
    assert stage.sync.is_initial(stage.now)
    stage = HeaderStage()
    stage.connect(1, Peer(BLOCKS))
    stage.settle()
    assert not stage.sync.snapshot(stage.now).is_initial
    assert not stage.sync.is_initial(stage.now)
    assert not stage.sync.is_initial(stage.now + 48 * HOUR_US)


def test_messages_of_strangers_do_nothing():
    stage = HeaderStage()
    assert stage.sync.on_headers(9, (BLOCKS[0].header,), stage.now) == []
    assert stage.sync.on_inv(9, [BLOCKS[0].hash], stage.now) == []
    assert stage.sync.on_closed(9, stage.now) == []
    assert len(stage.tree) == 1
