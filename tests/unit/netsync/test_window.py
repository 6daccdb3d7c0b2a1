"""The download window: its bound, its order, who is in flight, and what a change of branch leaves."""

from tests.unit.netsync.scripted import NETWORK, chain

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.limits import BLOCK_WINDOW
from minicoin.core.netsync.window import BlockWindow
from minicoin.core.units import ConnId, Micros

NOW = Micros(0)


def make(length):
    tree = HeaderTree(NETWORK)
    tree.load(block.header for block in chain(length))
    window = BlockWindow(tree)
    window.refill(tree.best_header)
    return tree, window


def hashes(blocks):
    return [block.hash for block in blocks]


def test_reaches_a_window_ahead_of_the_tip_and_moves_with_it():
    blocks = chain(2_300)
    tree, window = make(2_300)
    assert hashes(window.unassigned()) == hashes(blocks[:BLOCK_WINDOW])
    for block in blocks[:10]:
        window.arrived(block.hash)
    tree.set_tip(blocks[9].hash)
    window.refill(tree.best_header)
    assert hashes(window.unassigned()) == hashes(blocks[10 : 10 + BLOCK_WINDOW])
    assert window.lowest_wanted().hash == blocks[10].hash


def test_what_was_given_up_is_first_again():
    blocks = chain(20)
    tree, window = make(20)
    for block in blocks[:4]:
        window.assign(tree.get(block.hash), ConnId(2), NOW)
    window.release(blocks[2].hash, ConnId(2))
    window.release(blocks[2].hash, ConnId(2))
    assert window.unassigned()[0].hash == blocks[2].hash
    assert blocks[2].hash not in window.in_flight
    assert window.arrived(blocks[3].hash).holders == [ConnId(2)]


def test_a_second_asker_keeps_the_block_in_flight():
    tree, window = make(20)
    node = tree.get(chain(20)[0].hash)
    window.assign(node, ConnId(2), NOW)
    window.assign(node, ConnId(4), NOW)
    window.release(node.hash, ConnId(2))
    assert node not in window.unassigned()
    assert window.arrived(node.hash).holders == [ConnId(4)]


def test_a_heavier_branch_replaces_the_window_from_the_fork():
    tree, window = make(20)
    tree.set_tip(chain(20)[9].hash)
    rival = chain(30, seed=2, fork_of=1, fork_at=5)
    tree.load(block.header for block in rival)
    window.refill(tree.best_header)
    assert hashes(window.unassigned()) == hashes(rival[5:])


def test_a_branch_from_far_below_the_tip_is_wanted_a_window_at_a_time():
    """The tip stays where it is until the branch beats it."""
    ours, rival = chain(1_500), chain(2_300, seed=2)
    tree = HeaderTree(NETWORK)
    tree.load(block.header for block in (*ours, *rival))
    tree.set_tip(ours[-1].hash)
    window = BlockWindow(tree)
    window.refill(tree.best_header)
    assert hashes(window.unassigned()) == hashes(rival[:BLOCK_WINDOW])
    for number, block in enumerate(rival):
        assert block.hash in window.wanted
        window.arrived(block.hash)
        tree.mark_stored(block.hash)
        window.refill(tree.best_header)
        assert len(window.wanted) <= BLOCK_WINDOW
        assert all(node.height <= number + 1 + BLOCK_WINDOW for node in window.unassigned()[-1:])
    assert window.wanted == {}


def test_forgetting_keeps_what_is_in_flight_and_skips_what_is_stored():
    blocks = chain(20)
    tree, window = make(20)
    window.assign(tree.get(blocks[0].hash), ConnId(2), NOW)
    tree.mark_stored(blocks[1].hash)
    window.forget()
    window.refill(tree.best_header)
    assert hashes(window.unassigned()) == hashes(blocks[2:])
    assert window.lowest_wanted().hash == blocks[0].hash
