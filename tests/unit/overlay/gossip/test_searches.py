"""Searches: asked of a few, passed on once, answered the way they came."""

from dataclasses import replace

import pytest
from tests.unit.overlay.gossip.made import T0, address, heard, peer, peer_id, setup

from minicoin.core.answers import FoundBy, PeerFound
from minicoin.core.effects import Reply, Send
from minicoin.core.faults import PeerFault
from minicoin.core.limits import (
    GOSSIP_SEEK_US,
    GOSSIP_SEEKS_MAX,
    GOSSIP_SEEKS_PER_PEER_MAX,
    OVERLAY_QUESTIONS_BURST,
)
from minicoin.core.overlay.gossip.membership import Membership
from minicoin.core.overlay.gossip.messages import Heard, Seek, Shuffle, Sought
from minicoin.core.overlay.gossip.searches import Searches
from minicoin.core.overlay.gossip.settings import read_settings
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros

OVER = Micros(T0 + GOSSIP_SEEK_US)
NOBODY = PeerFound()


class Node:
    """A node's searches, and what its peers hear."""

    def __init__(self, *partners, own=200, **chosen):
        settings = read_settings(chosen)
        self.membership = Membership(setup(own=own), settings)
        self.membership.start(T0)
        for number in partners:
            self.membership.greet(peer(number, number), T0)
        self.searches = Searches(self.membership, settings, Rng(bytes([own])))

    def learn(self, *numbers):
        teller = next(iter(self.membership.partners.values())).peer
        self.membership.take_shuffle(teller, Shuffle(1, tuple(map(heard, numbers))), T0)

    def begin(self, target=9, otherwise=NOBODY, request=1):
        return self.searches.begin(request, peer_id(target), otherwise, T0)

    def seek(self, conn, nonce=5, hops=2, target=9, now=T0):
        return list(self.searches.take_seek(peer(conn, conn), Seek(nonce, hops, peer_id(target)), now))

    def sought(self, conn, nonce=5, found=None, now=T0):
        message = Sought(nonce, found or heard(9))
        return list(self.searches.take_sought(peer(conn, conn), message, now))


def test_who_is_in_the_view_is_found_at_once_by_its_own_word():
    node = Node(1)
    node.learn(9)
    assert node.begin() == [Reply(1, PeerFound((address(9),), FoundBy.RECORD, is_certain=True))]
    assert len(node.searches) == 0


def test_with_nobody_to_ask_the_book_s_word_stands_at_once():
    book = PeerFound((address(9),), FoundBy.BOOK)
    assert Node().begin(otherwise=book) == [Reply(1, book)]


def test_some_partners_are_asked_and_the_first_answer_ends_it():
    node = Node(*range(1, 9), fanout=3, seek_hops=4)
    asked = node.begin()
    assert len({effect.conn for effect in asked}) == 3
    assert {(effect.message.hops, effect.message.target) for effect in asked} == {(3, peer_id(9))}
    nonce, (first, second, _) = asked[0].message.nonce, [effect.conn for effect in asked]
    found = PeerFound((address(9),), FoundBy.LOOKUP, told_by=peer_id(second), asked=3, is_certain=True)
    assert node.sought(second, nonce) == [Reply(1, found)]
    assert node.sought(first, nonce) == []
    assert node.searches.expire(OVER) == []


def test_who_finds_nobody_says_what_the_book_says_and_is_not_certain():
    node = Node(1, 2)
    node.begin()
    assert node.searches.next_deadline() == OVER
    assert node.searches.expire(Micros(OVER - 1)) == []
    assert node.searches.expire(OVER) == [Reply(1, PeerFound(asked=2))]
    assert node.searches.next_deadline() is None


def test_who_knows_answers_and_passes_nothing_on():
    node = Node(1, 2, 3)
    node.learn(9)
    ((answer),) = node.seek(2)
    assert answer == Send(2, Sought(5, heard(9)))


def test_who_is_asked_for_itself_answers():
    (answer,) = Node(1, own=9).seek(1)
    assert answer.message.found.alive.address == address(9)


def test_who_does_not_know_asks_others_with_one_hop_less_and_hands_the_answer_back():
    node = Node(*range(1, 6), fanout=3)
    passed = node.seek(2, hops=2)
    assert len({effect.conn for effect in passed} - {2}) == 3
    assert {effect.message for effect in passed} == {Seek(5, 1, peer_id(9))}
    assert node.sought(passed[0].conn) == [Send(2, Sought(5, heard(9)))]
    # One answer is enough.
    assert node.sought(passed[1].conn) == []


def test_the_last_hop_passes_nothing_on():
    assert Node(*range(1, 6)).seek(2, hops=0) == []


def test_no_question_goes_further_than_searches_of_this_network_do():
    passed = Node(*range(1, 6), seek_hops=3).seek(2, hops=8)
    assert {effect.message.hops for effect in passed} == {1}


def test_the_same_question_is_passed_on_once():
    node = Node(*range(1, 6))
    assert node.seek(2)
    assert node.seek(3) == [] and node.seek(2) == []
    own = Node(*range(1, 6))
    nonce = own.begin()[0].message.nonce
    assert own.seek(2, nonce=nonce) == []


def test_an_answer_unasked_from_somebody_else_or_late_is_dropped():
    node = Node(1, 2, 3, fanout=1)
    (asked,) = node.seek(1)
    other = next(conn for conn in (2, 3) if conn != asked.conn)
    assert node.sought(other) == []
    assert node.sought(asked.conn, nonce=6) == []
    assert node.sought(asked.conn, now=OVER) == []
    assert node.sought(asked.conn) != []


def test_an_answer_to_another_question_and_a_forgery_are_faults():
    node = Node(1, 2, fanout=1)
    (asked,) = node.seek(1)
    with pytest.raises(PeerFault, match="answered with another"):
        node.sought(asked.conn, found=heard(8))
    forged = Heard(replace(heard(9).alive, signature=bytes(64)), 0)
    with pytest.raises(PeerFault, match="nobody with that peer id"):
        node.sought(asked.conn, found=forged)


def test_a_stranger_s_question_is_not_heard():
    assert Node(1, 2).seek(7) == []


def test_a_peer_that_asks_too_much_is_not_heard():
    node = Node(*range(1, 6))
    heard_of = [bool(node.seek(1, nonce=nonce)) for nonce in range(2 * OVERLAY_QUESTIONS_BURST)]
    assert heard_of == [True] * OVERLAY_QUESTIONS_BURST + [False] * OVERLAY_QUESTIONS_BURST
    assert node.seek(2, nonce=99)


def test_the_table_is_bounded_by_peer_and_in_all():
    node = Node(*range(1, 100))
    now = T0
    for nonce in range(GOSSIP_SEEKS_PER_PEER_MAX + 10):
        now = Micros(T0 + nonce * SECOND_US // 8)
        node.seek(1, nonce=nonce, now=now)
    assert len(node.searches) <= GOSSIP_SEEKS_PER_PEER_MAX
    for conn in range(2, 100):
        for nonce in range(GOSSIP_SEEKS_PER_PEER_MAX):
            node.seek(conn, nonce=1_000 * conn + nonce)
    assert len(node.searches) <= GOSSIP_SEEKS_MAX
    node.searches.expire(Micros(now + GOSSIP_SEEK_US))
    assert len(node.searches) == 0


def test_who_left_is_not_answered_any_more():
    node = Node(1, 2, fanout=1)
    (asked,) = node.seek(1)
    node.membership.forget(1)
    node.searches.forget(1)
    assert node.sought(asked.conn) == []
    assert node.searches.expire(OVER) == []
