"""A node without blocks beside a full one: it follows the best header, and says of the rest that it has none."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import mainnet
from tests.unit.header_only.watcher import Watcher
from tests.unit.netsync.scripted import chain
from tests.unit.node.bench import NETWORK, NOBODY, Bench
from tests.unit.wire.strategies import ANY_MESSAGE

from minicoin.core import commands
from minicoin.core.answers import Done, Reason, Refused, TipAt
from minicoin.core.effects import (
    Close,
    Dial,
    SaveHeaders,
    SaveState,
    Send,
    Shutdown,
)
from minicoin.core.events import (
    BlockStored,
    CommandReceived,
    ConnectionClosed,
    ConnectionOpened,
    DeadlineReached,
    MessageReceived,
)
from minicoin.core.faults import MisuseError
from minicoin.core.header_only.node import NO_BLOCKS
from minicoin.core.limits import HEADERS_TIMEOUT_US
from minicoin.core.node.assemble import NodeState
from minicoin.core.notices import Reorganised, TipMoved
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages import (
    FilterClear,
    GetData,
    GetHeaders,
    Headers,
    Inv,
    InventoryVector,
    InvType,
    MemPool,
    NotFound,
    Tx,
    Version,
)

HERE, THERE = NodeAddress("127.0.0.1", 18_001), NodeAddress("127.0.0.1", 18_002)


def linked():
    """A full node of 5 blocks, and a watcher that dialled it; whatever they say to each other was heard."""
    full = Bench()
    full.ask(commands.Generate(5, NOBODY))
    watcher = Watcher(full.now)
    watcher.command(commands.AddNode(THERE, permanent=False))
    (watcher.dialled,) = [effect.conn for effect in watcher.seen if isinstance(effect, Dial)]
    full.handle(ConnectionOpened(7, HERE, True, None))
    watcher.handle(ConnectionOpened(watcher.dialled, THERE, False, None))
    converse(full, watcher)
    return full, watcher


def converse(full, watcher):
    """Until nobody has anything left to say."""
    watcher.now = full.now
    heard = [0, 0]
    while True:
        to_watcher = [effect.message for effect in full.seen if isinstance(effect, Send) and effect.conn == 7]
        to_full = [effect.message for effect in watcher.seen if isinstance(effect, Send)]
        if not to_watcher and not to_full:
            return
        full.seen.clear()
        watcher.seen.clear()
        for message in to_watcher:
            watcher.handle(MessageReceived(watcher.dialled, message, 100))
        for message in to_full:
            full.handle(MessageReceived(7, message, 100))
        heard = [heard[0] + len(to_watcher), heard[1] + len(to_full)]
        assert sum(heard) < 200, "they never end"


def test_it_follows_a_full_node_and_its_reorganisation():
    full, watcher = linked()
    first = full.node.snapshot(full.now)
    assert (watcher.tip, watcher.node.snapshot(watcher.now).height) == (first.tip, 5)
    full.command(commands.InvalidateBlock(full.node.snapshot(full.now).tip))
    # To somebody else, or it would be the same block again.
    full.ask(commands.Generate(3, NOBODY[:-1] + b"x"))
    converse(full, watcher)
    second = full.node.snapshot(full.now)
    assert second.height == 7 and watcher.tip == second.tip != first.tip
    told = [notice for notice in watcher.told if isinstance(notice, TipMoved | Reorganised)]
    assert told[0] == TipMoved(first.tip, 5, 5)
    assert told[1] == Reorganised(1, 2, told[2].block)
    assert [notice.height for notice in told[2:]] == [6, 7]


def test_a_full_node_sees_a_peer_that_offers_nothing_and_wants_no_transactions():
    full, watcher = linked()
    (peer,) = full.node.snapshot(full.now).peers
    assert peer.services == Services.NONE
    versions = [message for message in watcher.connect(1) if isinstance(message, Version)]
    assert [(version.services, version.relay) for version in versions] == [(0, False)]


def test_bitcoins_own_headers():
    network = replace(lookup("bitcoin"), minimum_chainwork=0)
    watcher = Watcher(Micros((mainnet.headers()[-1].time + 60) * SECOND_US), network)
    heard = watcher.connect(1)
    assert any(isinstance(message, GetHeaders) for message in heard)
    watcher.say(1, Headers(mainnet.headers()))
    assert watcher.tip == mainnet.headers()[-1].hash
    assert watcher.node.snapshot(watcher.now).height == mainnet.HEIGHT
    saved = [effect.headers for effect in watcher.seen if isinstance(effect, SaveHeaders)]
    assert saved == [mainnet.headers()]
    again = Watcher(watcher.now, network, NodeState(headers=mainnet.headers()))
    assert again.tip == watcher.tip


def test_whatever_is_asked_for_is_not_found():
    _, watcher = linked()
    watcher.connect(1)
    vectors = tuple(InventoryVector(kind, watcher.tip) for kind in (InvType.BLOCK, InvType.WITNESS_BLOCK, InvType.WTX))
    assert watcher.say(1, GetData(vectors)) == [NotFound(vectors)]
    # Its headers are anybody's.
    (answer,) = watcher.say(1, GetHeaders(70016, (NETWORK.genesis.hash,), bytes(32)))
    assert len(answer.headers) == 5 and answer.headers[-1].hash == watcher.tip


@pytest.mark.parametrize(
    "message",
    [
        Tx(Transaction(2, (TxIn(make_outpoint(b"?" * 32, 0)),), (TxOut(1, NOBODY),))),
        Inv((InventoryVector(InvType.WTX, b"w" * 32),)),
        MemPool(),
        FilterClear(),
    ],
)
def test_who_sends_what_was_refused_in_the_version_message_is_left(message):
    watcher = Watcher(Bench().now)
    watcher.connect(1)
    watcher.say(1, message)
    assert [effect.conn for effect in watcher.seen if isinstance(effect, Close)] == [1]


def test_an_announced_block_is_asked_for_by_its_header():
    _, watcher = linked()
    asked = watcher.say(watcher.dialled, Inv((InventoryVector(InvType.BLOCK, b"n" * 32),)))
    assert [type(message) for message in asked] == [GetHeaders]


def test_a_peer_that_gives_no_headers_holds_up_nobody():
    bench = Bench()
    bench.ask(commands.Generate(5, NOBODY))
    tree_tip = bench.node.snapshot(bench.now).tip
    watcher = Watcher(Micros(bench.now + 400 * 86_400 * SECOND_US))
    watcher.connect(1)
    assert not any(isinstance(message, GetHeaders) for message in watcher.connect(2))
    watcher.now = Micros(watcher.now + HEADERS_TIMEOUT_US)
    effects = watcher.handle(DeadlineReached())
    asked = [effect for effect in effects if isinstance(effect, Send) and isinstance(effect.message, GetHeaders)]
    assert [effect.conn for effect in asked] == [2]
    watcher.handle(ConnectionClosed(2, "gone"))
    assert watcher.tip == NETWORK.genesis.hash != tree_tip


@pytest.mark.parametrize(
    "command",
    [
        commands.Generate(1, NOBODY),
        commands.SetMining(NOBODY),
        commands.NewAddress(""),
        commands.SaveMempool(),
        commands.InvalidateBlock(NETWORK.genesis.hash),
    ],
)
def test_commands_that_need_blocks_are_refused_in_words(command):
    watcher = Watcher(Bench().now)
    reply = watcher.command(command)
    assert reply.answer == Refused(Reason.WRONG_ROLE, NO_BLOCKS)


def test_commands_of_every_node_work():
    full, watcher = linked()
    (peer,) = watcher.node.snapshot(watcher.now).peers
    full.ask(commands.Generate(1, NOBODY))
    header = full.engine.tip_node.header
    watcher.handle(CommandReceived(5, commands.WaitForTip(watcher.tip, 60 * SECOND_US)))
    assert 5 not in watcher.replies
    assert watcher.command(commands.SubmitHeader(header)).answer == Done()
    assert watcher.tip == header.hash
    assert watcher.replies[5].answer == TipAt(header.hash, 6)
    assert watcher.command(commands.WaitForChain()).answer == Done()
    assert watcher.command(commands.DisconnectNode(peer.conn)).answer == Done()
    assert watcher.command(commands.DisconnectNode(peer.conn)).answer.reason is Reason.UNKNOWN_PEER
    assert watcher.command(commands.SetBan("not a subnet", 1)).answer.reason is Reason.INVALID
    assert watcher.command(commands.Stop()).answer == Done()
    last = [effect for effect in watcher.seen if isinstance(effect, SaveState | Shutdown)]
    assert [type(effect) for effect in last] == [SaveState, Shutdown]


def test_the_answer_of_a_worker_that_it_does_not_have_is_a_mistake_of_the_driver():
    watcher = Watcher(Bench().now)
    with pytest.raises(MisuseError, match="BlockStored"):
        watcher.handle(BlockStored(NETWORK.genesis.hash, 0))


HONEST, RIVAL = chain(6), chain(9, seed=2, fork_of=1, fork_at=3)
SAID = st.one_of(
    ANY_MESSAGE,
    # Headers that fit, too: whole, in parts, out of order.
    st.tuples(st.sampled_from([HONEST, RIVAL]), st.integers(0, 8), st.integers(0, 9)).map(
        lambda cut: Headers(tuple(block.header for block in cut[0][cut[1] : cut[2]]))
    ),
)


@settings(max_examples=60, deadline=None)
@given(said=st.lists(st.tuples(st.integers(1, 3), SAID, st.integers(0, 30)), max_size=25))
def test_whatever_peers_say_the_tip_is_the_best_header_and_nothing_of_blocks_is_wanted(said):
    watcher = Watcher(Bench().now)
    height = 0
    for number, (peer, message, pause_s) in enumerate(said):
        present = {session.conn: session.remote.host for session in watcher.node.snapshot(watcher.now).peers}
        host = f"10.0.0.{peer}"
        conn = next((conn for conn, theirs in present.items() if theirs == host), 100 + number)
        if conn not in present:
            watcher.connect(conn, host=host)
        watcher.say(conn, message)
        watcher.now = Micros(watcher.now + pause_s * SECOND_US)
        watcher.handle(DeadlineReached())
        seen = watcher.node.snapshot(watcher.now)
        assert seen.height >= height
        height = seen.height
    # An honest peer is followed after all of that.
    watcher.connect(9, host="10.0.1.9")
    watcher.say(9, Headers(tuple(block.header for block in RIVAL)))
    assert watcher.tip == RIVAL[-1].hash
