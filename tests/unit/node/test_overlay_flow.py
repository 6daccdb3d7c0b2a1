"""What the node does with an overlay's answers: when it asks what is wanted, and how items travel that it pushes."""

import pytest
from tests.unit.inventory.test_inventory_flow import shake
from tests.unit.node.bench import NETWORK, Bench

from minicoin.core.alarm import Alarm
from minicoin.core.commands import SubmitTransaction
from minicoin.core.effects import AnswerQuestion, Close, Dial, Send
from minicoin.core.events import (
    AddressesFound,
    AddressSource,
    ConnectionClosed,
    ConnectionOpened,
    DialFailed,
    QuestionAsked,
)
from minicoin.core.header_only.assemble import assemble_header_only
from minicoin.core.limits import OVERLAY_ADDRESSES_MAX
from minicoin.core.node.assemble import NodeState
from minicoin.core.overlay.contract import ItemKind, Overlay, Spread, SpreadBy, Wants
from minicoin.core.policy.node import NodePolicy
from minicoin.core.policy.roles import Role
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.primitives.block import RawBlock
from minicoin.core.rng import Rng
from minicoin.core.units import MINUTE_US, SECOND_US, Micros
from minicoin.core.wire.messages import BlockMessage, FeeFilter, Headers, Inv, Tx
from minicoin.testing.chain_maker import ChainMaker


class Wishful(Overlay):
    """A model that a test tells what to want; it pushes everything, and remembers what it was asked."""

    def __init__(self, setup):
        self.alarm = Alarm()
        self.wanted = Wants()
        self.views = []
        self.items = []
        self.unreachable = []
        self.ring_at = None

    def wants(self, view, now):
        self.views.append(view)
        return self.wanted

    def spread(self, item, peers, now):
        self.items.append(item)
        return tuple(Spread(peer.conn, SpreadBy.PUSH) for peer in peers if peer.conn != item.origin)

    def answer(self, asker, question, now):
        return asker + question or None

    def on_unreachable(self, address, now):
        self.unreachable.append(address)
        return (Send(1, FeeFilter(9)),)

    def on_deadline(self, now):
        self.ring_at = None
        return (Send(1, FeeFilter(7)),)

    def next_deadline(self):
        return self.ring_at


def wishing(policy=None):
    made = []

    def make(setup):
        made.append(Wishful(setup))
        return made[0]

    return Bench(policy, overlay=make), made[0]


def found(*addresses):
    timed = tuple(TimedAddress(address, 9, NETWORK.genesis.header.time) for address in addresses)
    return AddressesFound(AddressSource.DNS, "test", timed)


def address(number):
    return NodeAddress(f"10.0.{number >> 8}.{number & 255}", 8333)


def test_it_is_asked_when_something_changed_and_at_no_other_time():
    bench, model = wishing()
    assert len(model.views) == 1
    bench.connect(1)
    assert [peer.conn for peer in model.views[-1].peers] == [1]
    asked = len(model.views)
    bench.say(1, FeeFilter(1))
    bench.wait(MINUTE_US)
    assert len(model.views) == asked
    bench.handle(found(address(1)))
    assert len(model.views) == asked + 1
    bench.handle(ConnectionClosed(1, "gone"))
    assert len(model.views) == asked + 2 and model.views[-1].peers == ()


def test_its_deadline_is_kept_its_effects_are_performed_and_its_wants_are_asked_again():
    bench, model = wishing()
    bench.connect(1)
    model.ring_at = Micros(bench.now + SECOND_US)
    model.alarm.by(model.ring_at)
    asked = len(model.views)
    assert bench.node.next_deadline() <= model.ring_at
    bench.take(Send)
    bench.wait(2 * SECOND_US)
    assert bench.take(FeeFilter) == [FeeFilter(7)]
    assert len(model.views) == asked + 1


def test_it_is_shown_so_many_addresses_and_no_more():
    bench, model = wishing()
    bench.handle(found(*map(address, range(1, 600))))
    view = model.views[-1]
    assert view.known(3) == tuple(map(address, range(1, 4)))
    assert len(view.known(10_000)) == OVERLAY_ADDRESSES_MAX


def test_whom_it_wants_is_dialled_and_whom_it_does_not_is_closed():
    bench, model = wishing()
    model.wanted = Wants(addresses=(address(5),))
    bench.handle(found(address(1)))
    (dial,) = bench.take(Dial)
    assert dial.address == address(5)
    bench.handle(ConnectionOpened(dial.conn, dial.address, False, None))
    model.wanted = Wants(unwanted=(dial.conn,))
    bench.take(Close)
    bench.handle(found(address(2)))
    assert [close.conn for close in bench.take(Close)] == [dial.conn]


@pytest.mark.parametrize("role", Role)
def test_a_dial_that_failed_is_told_and_its_wants_are_asked_again(role):
    made = []

    def make(setup):
        made.append(Wishful(setup))
        return made[0]

    policy = NodePolicy(role=role)
    if role is Role.HEADERS:
        node = assemble_header_only(NETWORK, policy, NodeState(), Rng(b"seed"), Micros(1), overlay=make)
    else:
        node = Bench(policy, overlay=make).node
        node.drain_effects()
    made[0].wanted = Wants(addresses=(address(5),))
    node.handle(found(address(1)), Micros(2))
    dial = next(effect for effect in node.drain_effects() if isinstance(effect, Dial))
    asked = len(made[0].views)
    node.handle(DialFailed(dial.conn, dial.address, "refused"), Micros(3))
    assert made[0].unreachable == [address(5)]
    assert Send(1, FeeFilter(9)) in node.drain_effects()
    assert len(made[0].views) == asked + 1


@pytest.mark.parametrize("policy", [NodePolicy(connect=()), NodePolicy(outbound_slots=0)])
def test_the_operator_s_word_is_above_its_wishes(policy):
    bench, model = wishing(policy)
    model.wanted = Wants(full_relay=8, block_only=2, addresses=(address(5),))
    bench.handle(found(address(1), address(2)))
    bench.wait(MINUTE_US)
    assert bench.take(Dial) == []


# --- pushing ---


@pytest.fixture(scope="module")
def chain():
    """(blocks, the next one, a transaction)."""
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, NETWORK.coinbase_maturity + 2)
    blocks = [RawBlock.parse(block.raw) for block in branch.blocks]
    transaction, _ = maker.spend([branch.spendable.pop(0)], outputs=1)
    return blocks[:-1], blocks[-1], transaction


@pytest.fixture
def pushing(chain):
    """A node on that chain with a model that pushes, and three peers: the first gave it the chain."""
    blocks, _, _ = chain
    bench, model = wishing()
    bench.now = Micros(blocks[-1].header.time * SECOND_US + MINUTE_US)
    bench.connect(1)
    bench.say(1, Headers(tuple(block.header for block in blocks)))
    for block in blocks:
        bench.say(1, BlockMessage(block))
    assert bench.node.snapshot(bench.now).height == len(blocks)
    bench.connect(3)
    bench.say(3, Headers((blocks[-1].header,)))
    bench.connect(5)
    model.items.clear()
    bench.take(Send)
    return bench, model


def sent(bench, *kinds):
    return [(effect.conn, type(effect.message)) for effect in bench.seen_sends() if isinstance(effect.message, kinds)]


def test_a_block_is_sent_unasked_to_who_has_its_parent_and_told_to_others(pushing, chain):
    bench, model = pushing
    bench.say(1, BlockMessage(chain[1]))
    (item,) = model.items
    assert (item.kind, item.hash, item.origin) == (ItemKind.BLOCK, chain[1].hash, 1)
    # 5 never showed that it has the parent: a lone block would be of no use to it.
    assert sorted(sent(bench, BlockMessage, Inv, Headers), key=lambda one: one[0]) == [(3, BlockMessage), (5, Inv)]


def test_a_block_that_the_peer_has_is_not_sent(pushing, chain):
    bench, _ = pushing
    bench.say(3, Headers((chain[1].header,)))
    bench.take(Send)
    bench.say(1, BlockMessage(chain[1]))
    assert [conn for conn, _ in sent(bench, BlockMessage, Headers, Inv)] == [5]


def test_a_transaction_is_sent_unasked_once_to_who_wants_it(pushing, chain):
    bench, model = pushing
    shake(bench, 7, relay=False)
    bench.say(3, FeeFilter(10**9))
    bench.take(Send)
    bench.say(1, Tx(chain[2]))
    (item,) = model.items
    assert (item.kind, item.hash, item.origin) == (ItemKind.TRANSACTION, chain[2].txid, 1)
    assert sent(bench, Tx, Inv) == [(5, Tx)]
    bench.wait(MINUTE_US)
    assert sent(bench, Tx, Inv) == []


def test_who_comes_later_is_sent_what_was_handed_in_here(pushing, chain):
    bench, model = pushing
    bench.command(SubmitTransaction(chain[2]))
    bench.take(Send)
    model.items.clear()
    bench.connect(7)
    assert [item.hash for item in model.items] == [chain[2].txid]
    assert sent(bench, Tx) == [(7, Tx)]


# --- without blocks ---


def test_a_node_that_follows_headers_has_a_model_too():
    made = []

    def make(setup):
        made.append(Wishful(setup))
        return made[0]

    policy = NodePolicy(role=Role.HEADERS)
    now = Micros((NETWORK.genesis.header.time + 600) * SECOND_US)
    node = assemble_header_only(NETWORK, policy, NodeState(), Rng(b"headers"), now, overlay=make)
    made[0].wanted = Wants(addresses=(address(5),))
    node.start(now)
    assert [effect.address for effect in node.drain_effects() if isinstance(effect, Dial)] == [address(5)]
    node.handle(found(address(1)), now)
    assert len(made[0].views) == 2


@pytest.mark.parametrize("role", Role)
def test_who_asks_beside_the_wire_is_answered_by_the_model(role):
    """The node need not have heard of the connection; a model that answers nothing refuses."""
    for make, answers in ((Wishful, (b"anybodywhat?", None)), (None, (None, None))):
        policy = NodePolicy(role=role)
        if role is Role.HEADERS:
            node = assemble_header_only(NETWORK, policy, NodeState(), Rng(b"seed"), Micros(1), overlay=make)
        else:
            node = Bench(policy, overlay=make).node
            node.drain_effects()
        for number, (asker, question) in enumerate(((b"anybody", b"what?"), (b"", b""))):
            node.handle(QuestionAsked(99, number, asker, question), Micros(2))
            assert AnswerQuestion(99, number, answers[number]) in node.drain_effects()
