"""A bench whose node is recorded, as a driver records it; and readers over what came of it."""

import io
from hashlib import sha256

from tests.unit.node import bench
from tests.unit.node.bench import NETWORK, Bench

from minicoin.core.answers import Sent
from minicoin.core.commands import Generate, InvalidateBlock, ReconsiderBlock, SetBan, SubmitTransaction
from minicoin.core.events import AddressesFound
from minicoin.core.mempool.pool_flow import MEMPOOL_KEY
from minicoin.core.node.assemble import NodeState, assemble_node
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import AddressSource, NodeAddress, TimedAddress
from minicoin.core.primitives.block import Block
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.recording.digest import part_digests
from minicoin.core.recording.reader import RecordingReader
from minicoin.core.recording.replay import replay
from minicoin.core.recording.writer import Opening, RecordingWriter
from minicoin.core.rng import Rng
from minicoin.core.script.standard import witness_script
from minicoin.core.units import SECOND_US
from minicoin.core.wire.messages import GetAddr, GetHeaders, Ping

POLICY = NodePolicy(uses_wallet=False)
SEED = b"a recorded seed"


ANYONE = b"\x51"
PAYABLE = witness_script(0, sha256(ANYONE).digest())
"""Spent by whoever shows that script."""


def live(bench):
    """Peers that come and ask, blocks, a payment, an operator's reorg and ban, found addresses, time."""
    first = bench.connect(1)
    bench.connect(3, host="127.0.0.2")
    bench.ask(Generate(NETWORK.coinbase_maturity + 3, PAYABLE))
    bench.say(first, GetHeaders(70016, (NETWORK.genesis.hash,), bytes(32)))
    bench.say(first, GetAddr())
    found = TimedAddress(NodeAddress("127.0.0.9", 7), 9, bench.now // SECOND_US)
    bench.handle(AddressesFound(AddressSource.DNS, "seed.example", (found,)))
    pay(bench, 1)
    bench.wait(20 * SECOND_US)
    last = bench.node.view.tree.tip.hash
    bench.ask(InvalidateBlock(last))
    bench.ask(ReconsiderBlock(last))
    bench.ask(SetBan("127.0.0.2/32", bench.now // SECOND_US + 600))
    bench.say(first, Ping(2**64 - 1))


def pay(bench, height):
    """Spend the coinbase of a block."""
    coinbase = Block.parse(bench.engine.read_block(bench.node.view.tree.at_height(height).hash).raw).transactions[0]
    value = coinbase.outputs[0].value - 10_000
    spend = (TxIn(make_outpoint(coinbase.txid, 0)),)
    payment = Transaction(2, spend, (TxOut(value, PAYABLE),), witnesses=((ANYONE,),))
    assert bench.ask(SubmitTransaction(payment)) == Sent(payment.txid)


class RecordedNode:
    """Stands where the node stands and writes down what passes."""

    def __init__(self, state, now, policy):
        self.node = assemble_node(NETWORK, policy, state, Rng(SEED), no_entropy, now)
        self.writer = RecordingWriter()
        self.records = list(self.writer.begin(Opening("1.2.3", NETWORK, policy, state, SEED, now)))
        self.mempool = state.documents.get(MEMPOOL_KEY)
        self.now = now
        self.mangle_effects = lambda effects: effects

    def __getattr__(self, name):
        return getattr(self.node, name)

    def start(self, mempool, now):
        self.records.append(self.writer.start(now))
        self.node.start(mempool or self.mempool, now)

    def handle(self, event, now):
        self.now = now
        self.records.append(self.writer.event(self.writer.encode_event(event, now), now))
        self.node.handle(event, now)

    def drain_effects(self):
        effects = self.node.drain_effects()
        self.writer.effects(self.mangle_effects(effects))
        return effects

    def checkpoint(self, mangle=lambda parts: parts, *, is_brief=False):
        parts = part_digests(self.node, self.now, is_brief=is_brief)
        self.records.append(self.writer.checkpoint(mangle(parts), is_brief=is_brief))

    def end(self, reason="the end"):
        self.checkpoint()
        self.records.append(self.writer.end(reason))

    @property
    def raw(self):
        return b"".join(self.records)


def recorded_bench(monkeypatch, state=None, policy=POLICY, *, is_working=True):
    """A bench whose `node` is a RecordedNode."""

    def assemble(network, _policy, _state, rng, entropy, now, *, identity, overlay, parts):
        return RecordedNode(state or NodeState(), now, policy)

    monkeypatch.setattr(bench, "assemble_node", assemble)
    return Bench(policy, is_working=is_working)


def reader(raw):
    return RecordingReader(io.BytesIO(raw).read)


def replayed(raw):
    return replay(reader(raw))


def no_entropy(count):
    """Stands where the world's secrets come from."""
    raise AssertionError("a recorded node has no use for entropy")
