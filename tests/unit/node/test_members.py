"""A full node where members sign the blocks: it joins headers first, tells what is final, and mines nothing."""

from dataclasses import replace

import pytest
from tests.unit.netsync.banks_chain import (
    FOUNDERS,
    LATER,
    NETWORK,
    blocks,
    item_of,
    items,
    keys_at,
    listed,
    maker_at,
    tree_of,
)
from tests.unit.node.bench import NOBODY, Bench

from minicoin.core import commands as c
from minicoin.core.answers import MEMBERS_SIGN, Done, FinalBlock, Finality, Reason, Refused
from minicoin.core.effects import Close, Send
from minicoin.core.faults import MisuseError
from minicoin.core.limits import HANDSHAKE_TIMEOUT_US
from minicoin.core.netsync.certified import CertifiedHeaders
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.netsync.serve import answer_getheaders
from minicoin.core.notices import PeerPenalised, Unanchored
from minicoin.core.policy.anchor import Anchor
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import Services
from minicoin.core.queries.chain import SignedChain
from minicoin.core.queries.node import NodeQueries
from minicoin.core.units import SECOND_US, ConnId
from minicoin.core.wire.messages import BlockMessage, GetData, GetHeaders
from minicoin.core.wire.messages_extension import Offer
from minicoin.testing.fault_parts import spend_one

CHAIN = blocks(60)
ANCHOR = Anchor(50, CHAIN[49].header.hash, listed(keys_at(51)))
OFFER = Offer((("sheaders", 1),))


class Server:
    """A peer with a chain, that answers what it is asked until the node wants no more."""

    def __init__(self, bench, conn, chain):
        self.bench, self.conn = bench, conn
        self.tree = tree_of(tuple(map(item_of, chain)))
        self.blocks = {one.block.hash: one.raw for one in chain}
        self.peer = SyncPeer(ConnId(1), True, Services.NETWORK)
        self.asked = []
        bench.connect(conn)
        bench.say(conn, OFFER)
        self.answer()

    def answer(self):
        while sends := [
            one.message for one in self.bench.seen_sends() if isinstance(one, Send) and one.conn == self.conn
        ]:
            for message in sends:
                self.asked.append(message)
                match message:
                    case GetHeaders():
                        self.bench.say(self.conn, answer_getheaders(self.tree, self.peer, message))
                    case GetData(vectors):
                        for vector in vectors:
                            self.bench.say(self.conn, BlockMessage(self.blocks[vector.hash]))


def bench_of(anchor=None, store=None):
    return Bench(NodePolicy(anchor=anchor), network=NETWORK, now=LATER, store=store)


def signed_chain(bench):
    return NodeQueries(bench.node.view, bench.now).chain.signed_chain()


@pytest.fixture(scope="module")
def joined():
    """A node that has fetched the whole chain."""
    bench = bench_of()
    server = Server(bench, 1, CHAIN)
    return bench, server


def test_a_newcomer_joins_headers_first_over_two_changes_and_a_key_roll(joined):
    bench, server = joined
    tree = bench.node.view.tree
    assert tree.tip.hash == CHAIN[-1].header.hash == bench.engine.tip
    assert not [effect for effect in bench.seen if isinstance(effect, Close)]
    first_block = next(index for index, one in enumerate(server.asked) if isinstance(one, GetData))
    headers = [one for one in server.asked[:first_block] if isinstance(one, GetHeaders)]
    assert len(headers) >= 1 and server.asked.index(headers[0]) < first_block
    # The removed member's blocks, and those signed with the key that was rolled, are as good as any.
    for height in (5, 15, 25, 35):
        assert tree.signers.members_at(height) == listed(keys_at(height))


def test_it_tells_what_is_final_and_that_nobody_vouches_for_its_history(joined):
    bench, _ = joined
    assert signed_chain(bench) == SignedChain(60, CHAIN[-1].header.hash, None, None)


def test_whoever_started_with_a_chain_goes_by_that(joined):
    bench, _ = joined
    again = bench_of(store=bench.store)
    tip = CHAIN[-1].header.hash
    assert signed_chain(again) == SignedChain(60, tip, 60, tip)
    assert signed_chain(bench_of(ANCHOR, store=bench.store)) == SignedChain(60, tip, 50, ANCHOR.block)
    assert not [effect for effect in again.seen if isinstance(effect, Unanchored)]


def test_a_chain_of_its_own_that_contradicts_the_anchor_ends_the_start(joined):
    bench, _ = joined
    with pytest.raises(MisuseError, match="the chain that this node has contradicts the anchor: at height 50"):
        bench_of(replace(ANCHOR, block=bytes(32)), store=bench.store)


def test_a_fresh_node_says_that_it_is_unanchored():
    fresh, anchored = bench_of(), bench_of(ANCHOR)
    said = [effect for effect in fresh.seen if isinstance(effect, Unanchored)]
    assert said == [Unanchored(NETWORK.genesis.hash)]
    assert signed_chain(fresh) == SignedChain(0, NETWORK.genesis.hash, None, None)
    assert not [effect for effect in anchored.seen if isinstance(effect, Unanchored)]
    assert signed_chain(anchored) == SignedChain(0, NETWORK.genesis.hash, 50, ANCHOR.block)


def test_the_anchor_leads_past_a_forged_history_to_the_true_one():
    bench = bench_of(ANCHOR)
    forged = blocks(60, shared=24)
    bench.connect(1)
    bench.say(1, OFFER)
    bench.seen.clear()
    bench.say(1, CertifiedHeaders(tuple(map(item_of, forged[:40])), has_more=True))
    assert not bench.take(GetData)
    bench.say(1, CertifiedHeaders(tuple(map(item_of, forged[40:]))))
    faults = [effect.reason for effect in bench.seen if isinstance(effect, PeerPenalised)]
    assert len(faults) == 1 and "contradicts the anchor: at height 50" in faults[0]
    assert [effect.conn for effect in bench.seen if isinstance(effect, Close)] == [1]
    # As long as nobody led to the anchor it may be the anchor that is wrong, and its operator has to know.
    (warning,) = NodeQueries(bench.node.view, bench.now).warnings()
    assert "contradicts the anchor: at height 50" in warning and "members list --export" in warning
    Server(bench, 2, CHAIN)
    assert bench.node.view.tree.tip.hash == CHAIN[-1].header.hash
    assert NodeQueries(bench.node.view, bench.now).warnings() == ()


def test_a_server_that_omits_a_change_is_left():
    bench = bench_of()
    bench.connect(1)
    bench.say(1, OFFER)
    chain = items(20)
    bench.say(1, CertifiedHeaders((*chain[:8], replace(chain[8], next_members=None), *chain[9:])))
    assert [effect.score for effect in bench.seen if isinstance(effect, PeerPenalised)] == [100]
    assert bench.node.view.tree.best_header.height == 8


def test_a_peer_without_certified_headers_is_left_with_the_reason():
    bench = bench_of()
    bench.connect(1)
    bench.wait(HANDSHAKE_TIMEOUT_US)
    (closed,) = [effect for effect in bench.seen if isinstance(effect, Close)]
    assert closed.conn == 1 and "sheaders" in closed.reason


def final_node():
    """A node at block 1, whose coins are the network's allocation; who grows its chain; the peer that brings blocks."""
    maker = maker_at()
    maker.extend()
    bench = bench_of()
    Server(bench, 1, maker.blocks)
    return bench, maker


def bring(bench, certified):
    bench.say(1, CertifiedHeaders((item_of(certified),)))
    bench.say(1, BlockMessage(certified.raw))


def test_all_who_wait_for_a_payment_hear_of_its_block():
    bench, maker = final_node()
    payment, other = (spend_one(coin) for coin in maker.allocated[:2])
    bench.ask(c.SubmitTransaction(payment))
    bench.ask(c.SubmitTransaction(other))
    one, two = (bench.command(c.WaitForFinal(payment.txid, 60 * SECOND_US)) for _ in range(2))
    later = bench.command(c.WaitForFinal(other.txid, 60 * SECOND_US))
    assert not {one, two, later} & bench.replies.keys()
    second = maker.extend([payment], fees_sat=0)
    bring(bench, second)
    final = Finality(FinalBlock(second.block.hash, 2, 4))
    assert bench.replies[one].answer == bench.replies[two].answer == final
    # Blocks are faster than clients: whoever asks when it is over already is told.
    assert bench.ask(c.WaitForFinal(payment.txid, 0)) == final
    bench.wait(60 * SECOND_US)
    assert bench.replies[later].answer == Finality(None)
    last = bench.command(c.WaitForFinal(other.txid, 3_600 * SECOND_US))
    unknown = bench.command(c.WaitForFinal(b"?" * 32, 3_600 * SECOND_US))
    assert bench.replies[unknown].answer.reason is Reason.UNKNOWN_TRANSACTION
    bench.ask(c.Stop())
    assert bench.replies[last].answer.reason is Reason.STOPPED


def test_elsewhere_nothing_is_ever_final():
    bench = Bench()
    request = bench.command(c.WaitForFinal(b"?" * 32, SECOND_US))
    answer = bench.replies[request].answer
    assert answer.reason is Reason.UNABLE and "no members sign the blocks of regtest" in answer.text
    assert signed_chain(bench) is None


@pytest.mark.parametrize(
    "command",
    [
        c.SubmitBlock(CHAIN[0].raw),
        c.SubmitHeader(CHAIN[0].header),
        c.PreferBlock(CHAIN[0].header.hash),
        c.Generate(1, NOBODY),
        c.GenerateBlock(NOBODY, ()),
        c.AwaitTemplate(NETWORK.genesis.hash, 0),
        c.SetMining(NOBODY),
    ],
    ids=lambda command: type(command).__name__,
)
def test_nobody_mines_and_no_block_is_taken_that_members_did_not_sign(command):
    bench = bench_of()
    request = bench.command(command)
    assert bench.replies[request].answer == Refused(Reason.UNABLE, MEMBERS_SIGN)
    assert bench.node.view.tree.best_header.height == 0


def test_a_final_block_is_neither_invalidated_nor_reconsidered():
    bench, maker = final_node()
    block = maker.blocks[0].block.hash
    for command in (c.InvalidateBlock(block), c.ReconsiderBlock(block)):
        answer = bench.replies[bench.command(command)].answer
        assert answer.reason is Reason.UNABLE and "is final" in answer.text
    assert bench.node.view.tree.tip.hash == block
    assert bench.ask(c.WaitForChain()) == Done()
    assert listed(FOUNDERS) == bench.node.view.tree.signers.members_at(1)
