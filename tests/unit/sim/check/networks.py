"""Small networks whose nodes can be made to break the rules, for the tests of checkers."""

import pytest

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.commands import Generate, SubmitBlock
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.primitives.block import Block, BlockHash, RawBlock
from minicoin.core.primitives.verdicts import BlockSummary, InvalidBlock
from minicoin.core.units import SECOND_US
from minicoin.sim.engine.funding import PAY_SCRIPT
from minicoin.sim.engine.simulation import Simulation
from minicoin.sim.scenario.schema import Scenario
from minicoin.world.ledger import BlockBook

_TEXT = """
name = "checked"
question = "Is it seen?"
[nodes]
count = {count}
ledger = "{ledger}"
[network]
spacing_s = 10.0
coinbase_maturity = 2
overlay = "{overlay}"
[topology]
source = "{topology}"
[links]
geography = "uniform"
latency_ms = 20.0
[mining]
blocks = 0
[transactions]
rate_per_s = 0.1
[check]
heal_s = 0.0
"""


def connected(
    count: int = 3, topology: str = "complete", ledger: str = "shared", overlay: str = "random"
) -> Simulation:
    """A network that is connected, has coins to spend, and mines only when told to."""
    text = _TEXT.format(count=count, topology=topology, ledger=ledger, overlay=overlay)
    simulation = Simulation(Scenario.from_toml(text), 1, ScriptedVerifier())
    simulation.set_up(lambda progress: None)
    simulation.began_at = simulation.world.now
    return simulation


def pass_seconds(simulation: Simulation, seconds: int) -> None:
    """Let time pass."""
    simulation.world.run(simulation.world.now + seconds * SECOND_US)


def mine(simulation: Simulation, node: int) -> None:
    """One block by a node, and time for it to spread."""
    simulation.world.command(simulation.honest[node], Generate(1, PAY_SCRIPT))
    pass_seconds(simulation, 5)


def make_gullible(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on every block connects, whatever it does to the coins."""

    def connect(book: BlockBook, block: BlockHash) -> BlockSummary | InvalidBlock:
        node = book.header_node(block)
        raw = book.block(block)
        assert node is not None and raw is not None
        transactions = Block.parse(raw.raw).transactions
        spent = tuple(inp.outpoint for transaction in transactions[1:] for inp in transaction.inputs)
        txids = tuple(transaction.txid for transaction in transactions)
        return BlockSummary(raw.header, node.height, txids, spent, size=len(raw.raw))

    monkeypatch.setattr(BlockBook, "connect", connect)


def submit(simulation: Simulation, block: RawBlock) -> None:
    """Hand a block to node 0 and let it spread."""
    simulation.world.command(simulation.honest[0], SubmitBlock(block))
    pass_seconds(simulation, 5)
    tips = {hash_to_hex(host.node.view.tree.tip.hash) for host in simulation.honest if host.node is not None}
    assert tips == {hash_to_hex(block.hash)}


def found(simulation: Simulation) -> dict[str, str]:
    """Checker -> the first thing it says at the end."""
    simulation.checks.finish()
    first: dict[str, str] = {}
    for violation in simulation.checks.violations:
        first.setdefault(violation.checker, violation.text)
    return first
