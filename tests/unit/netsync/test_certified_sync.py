"""Where members sign the blocks: headers come with certificates, and nothing else brings any in."""

from dataclasses import replace

import pytest
from tests.unit.netsync.banks_chain import (
    FOUNDERS,
    JOINED,
    LEFT,
    LISTS,
    NETWORK,
    certify,
    items,
    keys_at,
    listed,
    tree_of,
)
from tests.unit.netsync.newcomer import Newcomer
from tests.unit.netsync.scripted import peer_view

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.faults import PeerFault
from minicoin.core.limits import HANDSHAKE_TIMEOUT_US, HEADERS_TIMEOUT_US, SHEADERS_SIGNATURES_MAX
from minicoin.core.netsync.certified import CertifiedHeaders
from minicoin.core.netsync.following import HeaderFollower
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.netsync.serve import answer_getheaders
from minicoin.core.netsync.sync import BlockSync
from minicoin.core.params.rules import WORK
from minicoin.core.part import extensions_of, make_router
from minicoin.core.primitives.address import Services
from minicoin.core.primitives.block import ZERO_HASH, RawBlock
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId
from minicoin.core.wire.messages import BlockMessage, GetData, GetHeaders, Headers, Inv, InventoryVector, InvType

LONG = items(200)
OTHER_MESSAGE = type("OtherMessage", (), {})


def test_a_newcomer_verifies_all_history_under_the_list_of_each_height():
    newcomer = Newcomer()
    newcomer.connect(1, LONG)
    assert newcomer.height == 200 == newcomer.tree.signers.finalized
    for height in (1, 9, 10, 19, 20, 29, 30, 200):
        assert newcomer.tree.signers.members_at(height) == listed(keys_at(height))
        block = LONG[height - 1].header.hash
        assert newcomer.tree.signers.certificate(block) == LONG[height - 1].certificate
    # 50 headers a message at most: one for each, and none behind the last.
    assert 200 // (SHEADERS_SIGNATURES_MAX // 4) <= len(newcomer.asked) <= 6


def test_no_message_costs_its_reader_more_than_its_signatures():
    tree, peer = tree_of(LONG), SyncPeer(ConnId(1), True, Services.NETWORK)
    start, messages = NETWORK.genesis.hash, []
    while not messages or messages[-1].has_more:
        messages.append(answer_getheaders(tree, peer, GetHeaders(70016, (start,), ZERO_HASH)))
        start = messages[-1].headers[-1].hash
        # What it was sent it has: a block behind that is announced by its header.
        assert peer.last_common.hash == start
    counts = [sum(len(item.certificate.signatures) for item in message.items) for message in messages]
    assert max(counts) <= SHEADERS_SIGNATURES_MAX < counts[0] + 5
    assert tuple(item for message in messages for item in message.items) == LONG
    # Up to where it is wanted, and the genesis block's header is everybody's.
    assert answer_getheaders(tree, peer, GetHeaders(70016, (NETWORK.genesis.hash,), LONG[2].header.hash)) == (
        CertifiedHeaders(LONG[:3])
    )
    assert answer_getheaders(tree, peer, GetHeaders(70016, (), NETWORK.genesis.hash)) == CertifiedHeaders(())
    assert answer_getheaders(tree, peer, GetHeaders(70016, (), LONG[9].header.hash)) == CertifiedHeaders((LONG[9],))


def forged(height, **changes):
    """The chain up to this height, of which the last is not as it was signed."""
    return CertifiedHeaders((*LONG[: height - 1], replace(LONG[height - 1], **changes)))


def signed(height, signers, following=None):
    return certify(LONG[height - 1].header.hash, height, signers=signers, following=following)


SPOILT = LONG[4].certificate.signatures[0][:-1] + bytes([LONG[4].certificate.signatures[0][-1] ^ 1])
LIES = {
    "a signature that does not hold": forged(
        5, certificate=replace(LONG[4].certificate, signatures=(SPOILT, *LONG[4].certificate.signatures[1:]))
    ),
    "another block's certificate": forged(5, certificate=LONG[5].certificate),
    "another height's": forged(5, certificate=certify(LONG[4].header.hash, 6)),
    "signed by too few": forged(
        5, certificate=replace(LONG[4].certificate, bitmap=b"\x07", signatures=LONG[4].certificate.signatures[:3])
    ),
    "a bitmap that does not fit": forged(5, certificate=replace(LONG[4].certificate, bitmap=b"\x0f\0")),
    "a change left out": forged(9, next_members=None),
    "another list than was signed": forged(9, next_members=listed(LEFT)),
    "a list that no certificate names": forged(5, next_members=listed(JOINED)),
    "signed for another list": forged(5, certificate=signed(5, FOUNDERS[:4], listed(JOINED)), next_members=None),
    "signed by who had left": forged(20, certificate=signed(20, FOUNDERS[:4])),
    "signed by who was no member yet": forged(9, certificate=signed(9, JOINED[2:])),
    "headers that do not follow each other": CertifiedHeaders((LONG[0], LONG[2])),
}


@pytest.mark.parametrize("message", LIES.values(), ids=list(LIES))
def test_who_lies_is_to_blame_and_what_was_true_stays(message):
    newcomer = Newcomer()
    newcomer.connect(1)
    with pytest.raises(PeerFault) as fault:
        newcomer.say(1, message)
    assert fault.value.score == 100
    known = newcomer.height
    assert known in (0, len(message.items) - 1)
    # Whoever tells the truth is heard all the same.
    newcomer.connect(2, LONG)
    newcomer.say(2, CertifiedHeaders(LONG[:60]))
    assert newcomer.height >= 60
    assert newcomer.tree.signers.members_at(31) == listed(keys_at(31))


def test_a_second_certified_block_of_a_height_is_no_peers_fault():
    """More members lie than their list tolerates: whoever shows that shows no more than is so."""
    newcomer = Newcomer(BlockSync)
    newcomer.connect(1, LONG[:30])
    newcomer.connect(2)
    newcomer.sent.clear()
    newcomer.say(2, CertifiedHeaders(items(30, shared=24)[24:]))
    evidence = newcomer.tree.signers.second_certificate
    assert evidence.kept == LONG[24].certificate and evidence.other.height == 25
    assert newcomer.tree.best_header.hash == LONG[29].header.hash and newcomer.closed == {}
    assert newcomer.sent == []


def test_plain_headers_and_blocks_add_nothing():
    newcomer = Newcomer(BlockSync)
    newcomer.connect(1)
    headers = Headers(tuple(item.header for item in LONG[:5]))
    asked = len(newcomer.asked)
    newcomer.say(1, headers)
    for item in LONG[:3]:
        newcomer.say(1, BlockMessage(RawBlock(item.header, item.header.raw + bytes(1_000))))
    assert newcomer.height == 0 and len(newcomer.tree) == 1
    assert newcomer.sent == [] and len(newcomer.asked) == asked
    assert newcomer.part.snapshot(newcomer.now).orphans == 0


def test_a_certified_header_brings_its_block():
    newcomer = Newcomer(BlockSync)
    newcomer.connect(1, LONG[:3])
    ((conn, wanted),) = newcomer.sent
    assert conn == 1 and isinstance(wanted, GetData)
    assert [vector.hash for vector in wanted.inventory] == [item.header.hash for item in LONG[:3]]


def test_nobody_is_followed_by_inventories_of_blocks():
    """That way comes no certificate: who is silent is asked no more until it speaks."""
    newcomer = Newcomer(BlockSync)
    newcomer.connect(1)
    newcomer.connect(2)
    newcomer.now += HEADERS_TIMEOUT_US
    newcomer.perform(newcomer.part.on_deadline(newcomer.now))
    assert newcomer.sent == [] and newcomer.asked == [1, 2]
    newcomer.say(1, CertifiedHeaders(LONG[:1]))
    assert newcomer.height == 1


def test_an_announced_block_is_asked_for_by_its_header():
    newcomer = Newcomer(BlockSync)
    newcomer.connect(1)
    newcomer.say(1, CertifiedHeaders(()))
    asked = len(newcomer.asked)
    newcomer.say(1, CertifiedHeaders(LONG[7:8]))
    assert newcomer.height == 0 and len(newcomer.asked) == asked + 1
    newcomer.perform(
        newcomer.part.on_inv(1, [LONG[8].header.hash], newcomer.now),
    )
    # One question at a time.
    assert len(newcomer.asked) == asked + 1


def test_who_knows_no_certified_headers_is_left_when_its_time_is_over():
    newcomer = Newcomer()
    newcomer.perform(newcomer.part.on_ready(peer_view(1), newcomer.now))
    newcomer.perform(newcomer.part.on_ready(peer_view(2), newcomer.now))
    newcomer.perform(newcomer.part.on_offer(peer_view(2), (OTHER_MESSAGE,), newcomer.now))
    assert list(newcomer.closed) == [2] and "sheaders" in newcomer.closed[2]
    newcomer.connect(3)
    due = newcomer.part.next_deadline()
    assert newcomer.asked == [3] and due == newcomer.now + HEADERS_TIMEOUT_US
    newcomer.now += HANDSHAKE_TIMEOUT_US - 1
    newcomer.perform(newcomer.part.on_deadline(newcomer.now))
    assert list(newcomer.closed) == [2]
    newcomer.now += 1
    newcomer.perform(newcomer.part.on_deadline(newcomer.now))
    assert list(newcomer.closed) == [2, 1] and "sheaders" in newcomer.closed[1]
    assert newcomer.part.peer(3) is not None


def test_who_is_gone_is_not_waited_for():
    newcomer = Newcomer(BlockSync)
    newcomer.perform(newcomer.part.on_ready(peer_view(1), newcomer.now))
    newcomer.perform(newcomer.part.on_closed(1, newcomer.now))
    assert newcomer.part.next_deadline() is None
    # Its offer under way means nothing any more.
    newcomer.perform(newcomer.part.on_offer(peer_view(1), (CertifiedHeaders,), newcomer.now))
    assert newcomer.part.peer(1) is None


def test_blocks_are_announced_with_their_certificates_and_never_pushed():
    newcomer = Newcomer()
    newcomer.connect(1, LONG[:9])
    newcomer.connect(2)
    newcomer.say(2, CertifiedHeaders(LONG[:8]))
    newcomer.tree.set_tip(LONG[8].header.hash)
    tip = newcomer.tree.tip
    assert newcomer.follower.push(2, tip) is None
    newcomer.perform(newcomer.follower.announce([tip], {1: None, 2: None}))
    assert newcomer.sent == [(2, CertifiedHeaders((LONG[8],)))]
    assert LONG[8].next_members == listed(JOINED)
    newcomer.connect(3)
    newcomer.perform(newcomer.follower.announce([tip], {3: None}))
    # Who may lack its parent asks from where it stands.
    assert newcomer.sent[1:] == [(3, Inv((InventoryVector(InvType.BLOCK, tip.hash),)))]


def test_only_nodes_of_such_networks_speak_the_message():
    assert list(extensions_of(Newcomer().router, NETWORK)) == ["sheaders", "extensions"]
    plain = replace(NETWORK, proof=WORK)
    part = HeaderFollower(HeaderTree(plain), Rng(b"plain"))
    assert not extensions_of(make_router([part]), plain)
    assert Headers not in Newcomer().router and Headers in make_router([part])


def test_the_lists_here_are_those_the_tests_mean():
    assert [len(listed(keys)) for _, keys in LISTS] == [5, 6, 5, 5]
    assert listed(keys_at(29)) != listed(keys_at(30))
    assert [height for height, item in enumerate(LONG, 1) if item.next_members is not None] == [9, 19, 29]
