"""Network models in running nodes: a network file names one, and nodes of two models are nodes of one network."""

import json
from dataclasses import replace
from pathlib import Path

import trio
from tests.waiting import COMPUTE_HANG_S, wait_until_async

from minicoin.app.networks import read_network
from minicoin.core.commands import Generate
from minicoin.core.params.builtin import REGTEST
from minicoin.core.params.network import Network
from minicoin.core.params.toml_text import network_to_toml
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.primitives.slot_kind import SlotKind

from .node_under_test import NodeUnderTest, running_node
from .processes import run

NOBODY = b"\x00\x14" + bytes(20)


def _written(network: Network, path: Path) -> Network:
    path.write_text(network_to_toml(network))
    return read_network(path)


def _kinds(node: NodeUnderTest) -> list[SlotKind]:
    return sorted(slot.kind for slot in node.core.view.connections.snapshot() if slot.is_ready)


def test_everybody_is_connected_to_everybody_and_to_nodes_of_another_model(tmp_path: Path) -> None:
    network = _written(replace(REGTEST, overlay="everybody"), tmp_path / "everybody.toml")
    assert network.network_id == REGTEST.network_id

    async def main() -> None:
        async with running_node(network, tmp_path / "hub") as hub:
            policy = NodePolicy(add_nodes=(NodeAddress("127.0.0.1", hub.port),))
            async with running_node(network, tmp_path / "first", policy) as first:
                await wait_until_async(lambda: hub.core.view.book.size == 1, "the first node to tell where it listens")
                async with running_node(network, tmp_path / "second", policy) as second:
                    # Nobody named the two to each other: one heard of the other and dialled for its model.
                    # They see the end of the handshake one after the other.
                    ends = {(SlotKind.INBOUND, SlotKind.MANUAL), (SlotKind.MANUAL, SlotKind.OVERLAY)}
                    have_met = lambda: {tuple(_kinds(first)), tuple(_kinds(second))} == ends  # noqa: E731
                    await wait_until_async(have_met, "everybody's connection")
                    async with running_node(REGTEST, tmp_path / "other", policy) as other:
                        nodes = (hub, first, second, other)
                        for height, miner in enumerate((other, second), 1):
                            await wait_until_async(lambda: other.core.view.sessions != {}, "the other's connection")
                            await miner.ask(Generate(1, NOBODY))
                            reached = lambda height=height: {node.height for node in nodes} == {height}  # noqa: E731
                            await wait_until_async(reached, "the block to be everywhere")

    trio.run(main)


def test_four_processes_that_gossip_agree_on_a_payment(tmp_path: Path) -> None:
    line = f"minicoin lab up 4 --overlay gossip --overlay-setting fanout=1 --datadir {tmp_path} --json"
    said = run(line, "regtest", COMPUTE_HANG_S)
    told = json.loads(said)
    assert ("fanout", 1) in read_network(tmp_path / "network.toml").overlay_settings
    # Each pushes to one peer only: whoever is not among them has pulled the block.
    assert {node["tip"] for node in told["nodes"]} == {told["block"]}
