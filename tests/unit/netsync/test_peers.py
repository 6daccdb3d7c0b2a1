"""What is remembered of one peer: what it showed, what it owes, since when it is waited for, and what it lacks."""

from tests.unit.netsync.scripted import FULL, NETWORK, chain

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.limits import LACKS_PER_PEER_MAX
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.primitives.address import Services
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import ConnId, Micros

A, B, C = (BlockHash(bytes((number,)) * 32) for number in range(3))


def peer(services: Services = FULL) -> SyncPeer:
    return SyncPeer(ConnId(1), False, services)


def test_what_it_serves_is_what_it_offers() -> None:
    assert (peer().serves_blocks, peer().serves_witness) == (True, True)
    limited = peer(Services.NETWORK_LIMITED)
    assert (limited.serves_blocks, limited.serves_witness) == (True, False)
    assert not peer(Services.WITNESS).serves_blocks


def test_it_is_waited_for_from_the_first_request_while_it_owes_none_and_anew_with_each_delivery() -> None:
    made = peer()
    made.note_asked(A, Micros(5))
    made.note_asked(B, Micros(9))
    assert made.waiting_since == 5
    # The second in turn is gone: the first is still waited for.
    made.drop_asked(B, Micros(10))
    assert made.waiting_since == 5
    made.note_asked(B, Micros(11))
    made.drop_asked(A, Micros(12))
    assert made.waiting_since == 12
    assert made.take_owed(B, Micros(20)) and made.waiting_since == 20
    made.note_asked(C, Micros(50))
    assert made.waiting_since == 50


def test_the_oldest_request_comes_first_also_when_one_is_repeated() -> None:
    made = peer()
    for block, now in ((A, 1), (B, 2), (A, 3)):
        made.note_asked(block, Micros(now))
    assert list(made.in_flight.items()) == [(B, 2), (A, 3)]


def test_a_delivery_makes_up_for_what_it_owed_and_one_unasked_does_not() -> None:
    made = peer()
    made.stalls = made.broken_promises = 2
    assert not made.take_owed(A, Micros(1))
    assert (made.stalls, made.broken_promises) == (2, 2)
    made.note_classic_asked(A, Micros(1))
    made.note_asked(A, Micros(1))
    assert made.owed_blocks == 2
    assert made.take_owed(A, Micros(2))
    assert (made.stalls, made.broken_promises, made.owed_blocks) == (0, 0, 0)


def test_what_an_inv_named_is_asked_for_in_its_order() -> None:
    made = peer()
    assert made.next_classic() is None
    made.want_classic(A)
    made.want_classic(B)
    assert list(made.classic_wanted) == [A, B]
    assert [made.next_classic() for _ in range(3)] == [A, B, None]


def test_lacks_are_bounded_the_oldest_is_forgotten_and_an_announcement_forgives() -> None:
    made = peer()
    blocks = [BlockHash(number.to_bytes(32, "big")) for number in range(LACKS_PER_PEER_MAX + 1)]
    for block in blocks:
        made.note_lack(block)
    assert not made.has_lack(blocks[0]) and made.has_lack(blocks[1])
    made.forget_lack(blocks[1])
    made.forget_lack(A)
    assert not made.has_lack(blocks[1]) and made.has_lack(blocks[2])


def test_its_best_header_is_the_one_with_most_work_and_of_equal_work_the_last() -> None:
    tree = HeaderTree(NETWORK)
    for seed in (1, 2):
        tree.load(block.header for block in chain(3, seed))
    one, two = ([tree.get(block.hash) for block in chain(3, seed)] for seed in (1, 2))
    made = peer()
    made.learn(one[2])
    made.learn(one[0])
    assert made.best_known is one[2]
    made.learn(two[2])
    assert made.best_known is two[2]
    # What we found invalid is given up for less.
    tree.mark_invalid(two[2].hash)
    made.learn(two[1])
    assert made.best_known is two[1]
