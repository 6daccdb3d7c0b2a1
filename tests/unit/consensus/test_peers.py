"""Which connections lead to signers."""

import pytest
from tests.unit.signers.banks import BANKS, KEYS, NETWORK_ID, public

from minicoin.core.consensus.messages import MemberGreeting, greeting_digest
from minicoin.core.consensus.peers import SignerPeers
from minicoin.core.faults import PeerFault
from minicoin.core.limits import (
    CONSENSUS_PEERS_MAX,
    CONSENSUS_QUESTIONS_PER_PEER_BURST,
    CONSENSUS_VOTES_PER_PEER_BURST,
    CONSENSUS_VOTES_PER_PEER_PER_SECOND,
)
from minicoin.core.signers.members import member_list
from minicoin.core.signers.recovery import domain_of
from minicoin.core.units import SECOND_US, ConnId, Micros

from .samples import ALICE, BOB, GREETING

CONN = ConnId(5)
NOW = Micros(0)


def greet(key_number: int, sender: bytes, receiver: bytes) -> MemberGreeting:
    key = KEYS[key_number]
    return MemberGreeting(public(key), key.sign_schnorr(greeting_digest(NETWORK_ID, sender, receiver), bytes(32)))


def test_who_greets_is_known_until_the_connection_ends() -> None:
    peers = SignerPeers(NETWORK_ID, BOB)
    with pytest.raises(PeerFault, match="did not prove"):
        peers.require(CONN)
    peer = peers.take_greeting(CONN, ALICE, GREETING)
    assert peer is not None
    assert peers.require(CONN) == peer
    # Saying it again changes nothing.
    assert peers.take_greeting(CONN, ALICE, GREETING) is None
    assert peers.require(CONN) == peer
    assert peers.forget(CONN) == peer
    assert peers.forget(CONN) is None
    assert len(peers) == 0


def test_a_node_proves_two_keys_while_one_is_rolled_and_no_third() -> None:
    peers = SignerPeers(NETWORK_ID, BOB)
    for number in (0, 1):
        assert peers.take_greeting(CONN, ALICE, greet(number, ALICE, BOB)) is not None
    assert peers.take_greeting(CONN, ALICE, greet(2, ALICE, BOB)) is None
    both = (public(KEYS[0]), public(KEYS[1]))
    peer = peers.require(CONN)
    assert peer.members == both and len(peers) == 1
    peers.note_greeted(CONN)
    for members in (member_list(both[:1]), member_list(both[1:])):
        assert peers.met(members) == [peer]
        assert peer.member_in(members) == members.keys[0]
    assert peers.met(member_list([public(KEYS[2])])) == []
    with pytest.raises(PeerFault, match="not signed by the member"):
        peers.take_greeting(ConnId(6), ALICE, greet(1, BOB, ALICE))


@pytest.mark.parametrize(("sender", "receiver"), [(BOB, ALICE), (ALICE, b"\0\x05carol"), (b"\0\x05carol", BOB)])
def test_a_greeting_of_another_connection_is_a_fault(sender: bytes, receiver: bytes) -> None:
    with pytest.raises(PeerFault, match="not signed by the member"):
        SignerPeers(NETWORK_ID, BOB).take_greeting(CONN, ALICE, greet(0, sender, receiver))


def test_who_is_not_admitted_as_a_signer_speaks_for_no_member() -> None:
    peers = SignerPeers(NETWORK_ID, BOB, lambda peer_id: peer_id != ALICE)
    with pytest.raises(PeerFault, match="not admitted as a signer") as fault:
        peers.take_greeting(CONN, ALICE, greet(0, ALICE, BOB))
    assert fault.value.score == 0 and len(peers) == 0


@pytest.mark.parametrize("we_greet_first", [True, False])
def test_two_have_met_when_both_have_greeted(we_greet_first: bool) -> None:
    peers = SignerPeers(NETWORK_ID, BOB)
    if we_greet_first:
        assert peers.note_greeted(CONN) is None
        assert not peers.has_met(CONN)
        assert peers.met(BANKS) == []
    peer = peers.take_greeting(CONN, ALICE, GREETING)
    if not we_greet_first:
        assert not peers.has_met(CONN)
        assert peers.note_greeted(CONN) == peer
    assert peers.has_met(CONN)
    assert peers.met(BANKS) == [peer]
    assert peers.met(member_list((public(KEYS[1]),))) == []
    peers.forget(CONN)
    assert not peers.has_met(CONN)
    assert peers.met(BANKS) == []


def test_there_is_room_for_so_many() -> None:
    peers = SignerPeers(NETWORK_ID, BOB)
    for number in range(CONSENSUS_PEERS_MAX):
        assert peers.take_greeting(ConnId(number), ALICE, GREETING) is not None
    assert peers.take_greeting(ConnId(CONSENSUS_PEERS_MAX), ALICE, GREETING) is None


def test_votes_and_questions_of_one_peer_are_bounded() -> None:
    peers = SignerPeers(NETWORK_ID, BOB)
    assert sum(peers.may_vote(CONN, NOW) for _ in range(2_000)) == CONSENSUS_VOTES_PER_PEER_BURST
    assert sum(peers.may_ask(CONN, NOW) for _ in range(100)) == CONSENSUS_QUESTIONS_PER_PEER_BURST
    assert peers.may_vote(ConnId(6), NOW)
    later = Micros(SECOND_US)
    assert sum(peers.may_vote(CONN, later) for _ in range(2_000)) == CONSENSUS_VOTES_PER_PEER_PER_SECOND


def test_who_names_another_recovery_is_known_and_not_met() -> None:
    epoch = b"e" * 32
    peers = SignerPeers(NETWORK_ID, BOB, epoch=epoch)
    peers.note_greeted(CONN)
    peer = peers.take_greeting(CONN, ALICE, GREETING)
    assert peers.require(CONN) == peer
    assert not peers.has_met(CONN)
    assert peers.met(BANKS) == []
    key = KEYS[1]
    digest = greeting_digest(domain_of(NETWORK_ID, epoch), ALICE, BOB)
    alike = MemberGreeting(public(key), key.sign_schnorr(digest, bytes(32)), epoch)
    peers.note_greeted(ConnId(6))
    assert peers.take_greeting(ConnId(6), ALICE, alike) is not None
    assert [one.conn for one in peers.met(BANKS)] == [6]


def test_another_node_of_a_member_is_known() -> None:
    carol = b"\0\x05carol"
    peers = SignerPeers(NETWORK_ID, BOB)
    peers.take_greeting(CONN, ALICE, greet(0, ALICE, BOB))
    member = public(KEYS[0])
    assert peers.elsewhere(member, ALICE) == b""
    assert peers.elsewhere(member, carol) == ALICE
    assert peers.elsewhere(public(KEYS[1]), carol) == b""
    assert [peer.conn for peer in peers.proven(BANKS)] == [CONN]
    assert peers.met(BANKS) == []
