"""A header-only node is put together from what an earlier run left, and for no role that keeps blocks."""

import pytest
from tests.unit.node.bench import NETWORK, NOBODY, Bench

from minicoin.core.commands import Generate
from minicoin.core.faults import MisuseError
from minicoin.core.header_only.assemble import assemble_header_only
from minicoin.core.node.assemble import NodeState
from minicoin.core.policy.node import NodePolicy
from minicoin.core.policy.roles import Role
from minicoin.core.rng import Rng


def test_a_node_that_keeps_blocks_is_made_elsewhere():
    with pytest.raises(MisuseError, match="keeps blocks"):
        assemble_header_only(NETWORK, NodePolicy(), NodeState(), Rng(b"seed"), Bench().now)


def test_the_tip_is_the_best_header():
    bench = Bench()
    bench.ask(Generate(3, NOBODY))
    state = NodeState(tuple(bench.engine.headers()))
    node = assemble_header_only(NETWORK, NodePolicy(role=Role.HEADERS), state, Rng(b"seed"), bench.now)
    assert node.snapshot(bench.now).tip == bench.engine.tip
