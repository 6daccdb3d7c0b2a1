"""Whether best chains keep the rules: money supply, double spends, and every block under an engine of its own.

Recounts with a naive ledger (a dict of outpoints), which shares no code with the chain engine; a chain that several
nodes stand on is counted once, and a longer one goes on where the last ended.
"""

from collections.abc import Iterator

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.verifier import ScriptVerifier
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.primitives.block import Block, BlockHash, RawBlock
from minicoin.core.primitives.transaction import Outpoint, Transaction, make_outpoint
from minicoin.core.primitives.verdicts import BlockRejected
from minicoin.core.signers.certificate import KeptCertificate
from minicoin.sim.check.view import Finding, View
from minicoin.world.host import Host
from minicoin.world.own_ledger import OwnLedger

_OP_RETURN = b"\x6a"


class NaiveLedger:
    """The coins of one chain, counted the simple way. `problems` names what cannot be."""

    def __init__(self) -> None:
        self.coins: dict[Outpoint, int] = {}
        self.issued_sat = 0
        self.unclaimed_sat = 0
        self.burnt_sat = 0
        self.spent_twice: list[str] = []
        self.inflation: list[str] = []

    @property
    def total_sat(self) -> int:
        """All coins together."""
        return sum(self.coins.values())

    @property
    def expected_sat(self) -> int:
        """What there must be: all subsidies, less what nobody claimed and what nobody can spend."""
        return self.issued_sat - self.unclaimed_sat - self.burnt_sat

    def add(self, block: Block, height: int, subsidy_sat: int) -> None:
        """One block on top."""
        fees_sat = sum(self._spend(transaction, height) for transaction in block.transactions[1:])
        coinbase = block.transactions[0]
        claimed_sat = sum(output.value for output in coinbase.outputs)
        self._create(coinbase)
        self.issued_sat += subsidy_sat
        self.unclaimed_sat += subsidy_sat + fees_sat - claimed_sat
        if claimed_sat > subsidy_sat + fees_sat:
            self.inflation.append(f"block {height} claims {claimed_sat} of {subsidy_sat} + {fees_sat} satoshi")

    def _spend(self, transaction: Transaction, height: int) -> int:
        spent_sat = 0
        for inp in transaction.inputs:
            value = self.coins.pop(inp.outpoint, None)
            if value is None:
                self.spent_twice.append(
                    f"block {height}: {hash_to_hex(transaction.txid)} spends a coin that is spent or never was"
                )
                continue
            spent_sat += value
        self._create(transaction)
        left_sat = spent_sat - sum(output.value for output in transaction.outputs)
        if left_sat < 0:
            self.inflation.append(f"block {height}: {hash_to_hex(transaction.txid)} creates {-left_sat} satoshi")
        return left_sat

    def _create(self, transaction: Transaction) -> None:
        for index, output in enumerate(transaction.outputs):
            if output.script_pubkey[:1] == _OP_RETURN:
                self.burnt_sat += output.value
            else:
                self.coins[make_outpoint(transaction.txid, index)] = output.value


class Recount:
    """Recounts best chains. Keeps the longest one it counted, to go on from there."""

    def __init__(self) -> None:
        self._ledger = NaiveLedger()
        self._tip: BlockHash | None = None

    def count(self, view: View, host: Host, tip: HeaderNode) -> NaiveLedger | None:
        """The ledger of the chain that ends at `tip`; None where the host does not hold a block of it."""
        path: list[HeaderNode] = []
        node = tip
        while node.parent is not None and node.hash != self._tip:
            path.append(node)
            node = node.parent
        ledger = self._ledger if node.hash == self._tip and self._tip is not None else NaiveLedger()
        for step in reversed(path):
            raw = view.read_block(host, step.hash)
            if raw is None:
                return None
            ledger.add(Block.parse(raw.raw), step.height, view.world.network.subsidy(step.height))
        self._ledger, self._tip = ledger, tip.hash
        return ledger


class Supply:
    """No more money than the subsidies of the chain, and not less than what nobody claimed or can spend explains."""

    name = "supply"

    def __init__(self, recount: Recount) -> None:
        self._recount = recount
        self._seen: dict[BlockHash, None] = {}

    def look(self, view: View) -> Iterator[Finding]:
        for tip, hosts in view.tips().values():
            if tip.hash in self._seen:
                continue
            self._seen[tip.hash] = None
            ledger = self._recount.count(view, hosts[0], tip)
            nodes = tuple(host.index for host in hosts)
            if ledger is None:
                yield Finding(nodes, f"{hosts[0].name} lacks a block of its best chain below height {tip.height}")
                continue
            for problem in ledger.inflation:
                yield Finding(nodes, problem)
            if ledger.total_sat != ledger.expected_sat:
                yield Finding(nodes, f"{ledger.total_sat} satoshi at height {tip.height}, not {ledger.expected_sat}")

    def finish(self, view: View) -> Iterator[Finding]:
        yield from self.look(view)
        for host, node in view.running():
            ledger = host.disk.ledger
            if not isinstance(ledger, OwnLedger) or not node.view.is_settled or node.view.failure:
                continue
            counted = self._recount.count(view, host, node.view.tree.tip)
            engine = ledger.engine
            if counted is None or engine.tip != node.view.tree.tip.hash:
                yield Finding((host.index,), "the engine does not stand where the header tree says")
            elif (total := engine.coin_set_totals().total_sat) != counted.total_sat:
                text = f"its engine holds {total} satoshi at height {engine.height}, the chain has {counted.total_sat}"
                yield Finding((host.index,), text)


class DoubleSpend:
    """No coin is spent twice in a best chain."""

    name = "double-spend"

    def __init__(self, recount: Recount) -> None:
        self._recount = recount
        self._seen: dict[BlockHash, None] = {}

    def look(self, view: View) -> Iterator[Finding]:
        for tip, hosts in view.tips().values():
            if tip.hash in self._seen:
                continue
            self._seen[tip.hash] = None
            ledger = self._recount.count(view, hosts[0], tip)
            for problem in ledger.spent_twice if ledger is not None else ():
                yield Finding(tuple(host.index for host in hosts), problem)

    def finish(self, view: View) -> Iterator[Finding]:
        yield from self.look(view)


class ValidChain:
    """Every block of a best chain connects in an engine that has seen nothing but this chain's blocks."""

    name = "valid-chain"

    def __init__(self, view: View, verifier: ScriptVerifier) -> None:
        self._engine = ChainEngine(view.world.network, MemoryChainStore(), verifier)
        self._stored: dict[BlockHash, HeaderNode] = {}
        self._judged: dict[BlockHash, str] = {}

    def look(self, view: View) -> Iterator[Finding]:
        for tip, hosts in view.tips().values():
            if tip.hash not in self._judged:
                self._judged[tip.hash] = self._judge(view, hosts[0], tip)
                if self._judged[tip.hash]:
                    yield Finding(tuple(host.index for host in hosts), self._judged[tip.hash])

    def finish(self, view: View) -> Iterator[Finding]:
        yield from self.look(view)

    def _judge(self, view: View, host: Host, tip: HeaderNode) -> str:
        """What is wrong with the chain; empty where all is well."""
        engine = self._engine
        path: list[HeaderNode] = []
        node: HeaderNode = tip
        ours = self._ancestors(engine.tip)
        while node.parent is not None and node.hash not in ours:
            path.append(node)
            node = node.parent
        path.reverse()
        for step in path:
            raw = view.read_block(host, step.hash)
            refusal = "is not stored" if raw is None else self._store(raw, step, _certificate(host, step))
            if refusal:
                return f"block {hash_to_hex(step.hash)} at height {step.height} {refusal}"
        _, invalid = engine.activate(node.hash, tuple(step.hash for step in path))
        if invalid is not None:
            return f"block {hash_to_hex(invalid.hash)} breaks a rule: {invalid.reason} {invalid.detail}".rstrip()
        return ""

    def _store(self, raw: RawBlock, step: HeaderNode, certificate: KeptCertificate | None) -> str:
        try:
            self._engine.store_block(raw, step.height, certificate)
        except BlockRejected as refusal:
            return f"breaks a rule: {refusal}"
        self._stored[step.hash] = step
        return ""

    def _ancestors(self, tip: BlockHash) -> dict[BlockHash, None]:
        found: dict[BlockHash, None] = {}
        node = self._stored.get(tip)
        while node is not None:
            found[node.hash] = None
            node = node.parent
        return found


def _certificate(host: Host, block: HeaderNode) -> KeptCertificate | None:
    """What makes a block final where members sign."""
    signers = None if host.node is None else host.node.view.tree.signers
    return None if signers is None else signers.kept(block.hash)
