"""The light check: headers, certificates and member lists, without a block, over two changes and a key roll."""

from dataclasses import replace

import pytest
from tests.unit.header_only.watcher import Watcher
from tests.unit.netsync.banks_chain import (
    FOUNDERS,
    JOINED,
    LATER,
    LEFT,
    NETWORK,
    RENEWED,
    certify,
    items,
    listed,
    tree_of,
)

from minicoin.core import commands
from minicoin.core.answers import MEMBERS_SIGN, Reason, Refused
from minicoin.core.effects import Close, Send
from minicoin.core.limits import HANDSHAKE_TIMEOUT_US
from minicoin.core.netsync.certified import CertifiedHeaders
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.netsync.serve import answer_getheaders
from minicoin.core.notices import PeerPenalised, Unanchored
from minicoin.core.primitives.address import Services
from minicoin.core.units import ConnId
from minicoin.core.wire.messages import BlockMessage, GetHeaders, Headers
from minicoin.core.wire.messages_extension import Offer

CHAIN = items(200)


def watching():
    return Watcher(LATER, NETWORK)


def serve(watcher, conn, chain):
    """A peer with this chain, until the watcher asks for no more."""
    watcher.connect(conn)
    asked = watcher.say(conn, Offer((("sheaders", 1),)))
    tree, peer = tree_of(chain), SyncPeer(ConnId(1), True, Services.NETWORK)
    while asked:
        (request,) = (message for message in asked if isinstance(message, GetHeaders))
        asked = watcher.say(conn, answer_getheaders(tree, peer, request))


def faults(watcher):
    return [notice.reason for notice in watcher.told if isinstance(notice, PeerPenalised)]


def closed(watcher):
    return {effect.conn: effect.reason for effect in watcher.seen if isinstance(effect, Close)}


def test_all_history_is_verified_under_the_list_of_its_height():
    watcher = watching()
    serve(watcher, 1, CHAIN)
    assert (watcher.tip, watcher.node.snapshot(watcher.now).height) == (CHAIN[-1].header.hash, 200)
    assert faults(watcher) == []
    # What it heard it can tell: another one learns the same from it, the old members' blocks included.
    other = watching()
    other.connect(1)
    asked = other.say(1, Offer((("sheaders", 1),)))
    watcher.connect(2)
    watcher.say(2, Offer((("sheaders", 1),)))
    while asked:
        (request,) = (message for message in asked if isinstance(message, GetHeaders))
        (answer,) = watcher.say(2, request)
        asked = other.say(1, answer)
    assert other.tip == watcher.tip


@pytest.mark.parametrize(
    ("height", "signers"),
    [(20, JOINED[:4]), (10, FOUNDERS[:3]), (9, JOINED[2:6]), (31, LEFT[1:5]), (200, FOUNDERS[:4])],
    ids=["who left", "too few of the new list", "who joins later", "the key before its roll", "the founders"],
)
def test_a_height_is_signed_by_its_own_members_only(height, signers):
    here = listed({10: JOINED, 20: LEFT, 31: RENEWED, 200: RENEWED}.get(height, FOUNDERS))
    item = CHAIN[height - 1]
    wrong = replace(item, certificate=certify(item.header.hash, height, signers=signers))
    watcher = watching()
    serve(watcher, 1, CHAIN[: height - 1])
    watcher.say(1, CertifiedHeaders((wrong,)))
    assert watcher.node.snapshot(watcher.now).height == height - 1
    assert len(faults(watcher)) == 1 and "invalid certificate" in faults(watcher)[0]
    assert 1 in closed(watcher)
    assert item.certificate.problem(here, NETWORK.network_id) is None


def test_who_leaves_a_change_out_or_makes_one_up_is_cut_off():
    for wrong in (replace(CHAIN[8], next_members=None), replace(CHAIN[8], next_members=listed(FOUNDERS))):
        watcher = watching()
        watcher.connect(1)
        watcher.say(1, Offer((("sheaders", 1),)))
        watcher.say(1, CertifiedHeaders((*CHAIN[:8], wrong)))
        assert watcher.node.snapshot(watcher.now).height == 8
        assert len(faults(watcher)) == 1 and "list" in faults(watcher)[0]
        assert 1 in closed(watcher)


def test_nothing_else_moves_it():
    watcher = watching()
    watcher.connect(1)
    watcher.say(1, Offer((("sheaders", 1),)))
    watcher.say(1, Headers(tuple(item.header for item in CHAIN[:5])))
    answer = watcher.command(commands.SubmitHeader(CHAIN[0].header)).answer
    assert answer == Refused(Reason.UNABLE, MEMBERS_SIGN)
    assert watcher.tip == NETWORK.genesis.hash and faults(watcher) == []
    assert not [
        effect for effect in watcher.seen if isinstance(effect, Send) and isinstance(effect.message, BlockMessage)
    ]


def test_who_does_not_offer_certified_headers_is_left_and_told_nothing_of_the_chain():
    watcher = watching()
    watcher.connect(1)
    watcher.connect(2)
    watcher.say(2, Offer((("records", 1),)))
    assert watcher.say(1, GetHeaders(70016, (NETWORK.genesis.hash,), bytes(32))) == []
    watcher.wait(HANDSHAKE_TIMEOUT_US)
    assert list(closed(watcher)) == [2, 1] and all("sheaders" in reason for reason in closed(watcher).values())


def test_without_an_anchor_it_says_so():
    assert [notice for notice in watching().told if isinstance(notice, Unanchored)] == [
        Unanchored(NETWORK.genesis.hash)
    ]
