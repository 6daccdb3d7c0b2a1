"""One node with a chain, a wallet and a few payments, for whoever reads of it."""

from collections.abc import Iterator

import pytest
from tests.unit.queries.made import BLOCKS, PAYMENTS
from tests.unit.worlds import make_world

from minicoin.core.commands import CreateWallet, Generate, NewAddress, Pay
from minicoin.core.params.builtin import REGTEST
from minicoin.core.primitives.transaction import TxOut
from minicoin.core.queries.node import NodeQueries
from minicoin.core.script.standard import address_script
from minicoin.core.units import COIN_SAT
from minicoin.drivers.kernel import KernelVerifier
from minicoin.world.host import Host
from minicoin.world.world import World


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    """One node with a chain, a wallet and a few payments in its mempool."""
    verifier = KernelVerifier(1)
    made = make_world(REGTEST, verifier, b"queries")
    node = made.add_node("one")
    made.ask(node, CreateWallet(b""))
    script = address_script(made.ask(node, NewAddress()).address, REGTEST.address_format)
    made.ask(node, Generate(BLOCKS, script))
    for _ in range(PAYMENTS):
        made.ask(node, Pay((TxOut(COIN_SAT, script),)))
    yield made
    verifier.close()


@pytest.fixture
def node(world: World) -> Host:
    return world.hosts[0]


@pytest.fixture
def queries(world: World, node: Host) -> NodeQueries:
    return NodeQueries(node.node.view, world.now)
