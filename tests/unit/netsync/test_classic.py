"""Blocks by inventory: what an inv names is fetched in order and in portions, and getblocks follows on progress."""

from tests.unit.netsync.scripted import FULL, NETWORK, chain

from minicoin.core.alarm import Alarm
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.limits import BLOCK_TIMEOUT_US, BLOCKS_IN_FLIGHT_PER_PEER_MAX, BLOCKS_PER_INV_REPLY_MAX
from minicoin.core.netsync.arrivals import Arrivals
from minicoin.core.netsync.classic import ClassicPath
from minicoin.core.netsync.downloads import Downloads
from minicoin.core.netsync.guide import Guide
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.units import ConnId, Micros
from minicoin.core.wire.messages import GetBlocks

NOW = Micros(1_000)


class Desk:
    """The classic path with one peer and a tree that knows nothing but the genesis."""

    def __init__(self):
        self.tree, self.alarm = HeaderTree(NETWORK), Alarm()
        self.peer = SyncPeer(ConnId(1), False, FULL, is_classic=True)
        downloads = Downloads(self.tree, {self.peer.conn: self.peer}, Arrivals(), self.alarm, Guide(self.tree, None))
        self.path = ClassicPath(self.tree, downloads, self.alarm)

    def inv(self, blocks):
        return asked(self.path.take_inv(self.peer, [block.hash for block in blocks], NOW))

    def deliver(self, blocks):
        """The blocks came, with their headers."""
        for block in blocks:
            self.tree.load([block.header])
            self.peer.take_owed(block.hash, NOW)
            self.peer.learn(self.tree.get(block.hash))
        return self.path.ask(self.peer, NOW)


def asked(effects):
    return [vector.hash for effect in effects for vector in effect.message.inventory]


def hashes(blocks):
    return [block.hash for block in blocks]


def test_an_inv_is_fetched_in_order_and_in_portions():
    desk, blocks = Desk(), chain(40)
    first = blocks[:BLOCKS_IN_FLIGHT_PER_PEER_MAX]
    assert desk.inv(blocks) == hashes(first)
    assert desk.alarm.at <= NOW + BLOCK_TIMEOUT_US
    assert asked(desk.deliver(first[:3])) == hashes(blocks[len(first) : len(first) + 3])


def test_what_is_named_twice_is_asked_for_once():
    desk, blocks = Desk(), chain(4)
    assert desk.inv(blocks) == hashes(blocks)
    assert desk.inv(blocks) == []


def test_so_much_of_an_inv_is_remembered_and_no_more():
    desk, blocks = Desk(), chain(BLOCKS_PER_INV_REPLY_MAX + 20)
    desk.inv(blocks)
    assert len(desk.peer.classic_wanted) + len(desk.peer.classic_asked) == BLOCKS_PER_INV_REPLY_MAX


def test_the_next_getblocks_starts_behind_the_last_block_and_only_on_progress():
    desk, blocks = Desk(), chain(4)
    first = desk.path.getblocks(desk.peer).message
    assert isinstance(first, GetBlocks) and first.block_locator_hashes[0] == NETWORK.genesis.hash
    desk.inv(blocks)
    (more,) = desk.deliver(blocks)
    assert isinstance(more.message, GetBlocks) and more.message.block_locator_hashes[0] == blocks[-1].hash
    # An inv that brings nothing new would bring the same for ever.
    assert desk.path.take_inv(desk.peer, [], NOW) == []


def test_a_block_whose_header_came_from_elsewhere_is_left_to_the_window():
    desk, blocks = Desk(), chain(40)
    desk.inv(blocks)
    later = blocks[BLOCKS_IN_FLIGHT_PER_PEER_MAX : BLOCKS_IN_FLIGHT_PER_PEER_MAX + 2]
    desk.tree.load(block.header for block in blocks[: BLOCKS_IN_FLIGHT_PER_PEER_MAX + 2])
    wanted = asked(desk.deliver(blocks[:1]))
    assert not set(wanted) & set(hashes(later))
    assert desk.peer.best_known.hash == later[-1].hash


def test_what_the_peer_failed_to_give_is_not_asked_for_again():
    desk, blocks = Desk(), chain(4)
    desk.peer.note_lack(blocks[1].hash)
    assert desk.inv(blocks) == hashes([blocks[0], *blocks[2:]])
