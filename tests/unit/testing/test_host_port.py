"""A simulated node as the RPC server sees one."""

import asyncio
from collections.abc import Generator
from pathlib import Path

import pytest

from minicoin.core.answers import CommandRefused
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.commands import Generate
from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.testing.host_port import HostPort
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World


def make_world() -> World:
    return World(REGTEST, ScriptedVerifier(), uniform(20_000), WorldSettings(b"port"))


def test_a_slow_read_is_read_to_its_end(tmp_path: Path) -> None:
    world = make_world()
    port = HostPort(world, world.add_node("one"), tmp_path)

    def read(engine: ChainEngine) -> Generator[None, None, int]:
        yield
        yield
        return engine.height

    assert asyncio.run(port.read_chain_slowly(read)) == 0


def test_commands_are_answered_and_what_is_read_is_the_nodes(tmp_path: Path) -> None:
    world = make_world()
    one, two = (HostPort(world, world.add_node(name), tmp_path) for name in ("one", "two"))
    assert len(asyncio.run(one.command(Generate(2, b"\x51"))).blocks) == 2
    assert asyncio.run(one.query(lambda node: node.chain.height())) == 2
    assert asyncio.run(two.query(lambda node: node.chain.height())) == 0
    assert asyncio.run(one.read_chain(lambda engine: engine.height)) == 2


def test_a_node_that_is_off_is_said_to_be_so(tmp_path: Path) -> None:
    world = make_world()
    port = HostPort(world, world.add_node("one"), tmp_path)
    world.stop(port.host, "off")
    with pytest.raises(CommandRefused, match="one is switched off"):
        asyncio.run(port.query(lambda node: node.chain.height()))
    with pytest.raises(CommandRefused, match="no reply"):
        asyncio.run(port.command(Generate(1, b"\x51")))


def test_an_engine_that_is_shared_is_not_read(tmp_path: Path) -> None:
    world = make_world()
    host = world.add_host(name="shared")
    world.start(host, NodePolicy())
    with pytest.raises(MisuseError, match="add_node"):
        asyncio.run(HostPort(world, host, tmp_path).read_chain(lambda engine: engine.height))


def test_all_messages_are_counted_together(tmp_path: Path) -> None:
    world = make_world()
    one = world.add_node("one")
    port = HostPort(world, world.add_node("two", NodePolicy(add_nodes=(one.address,))), tmp_path)
    assert not port.pass_time(1_000_000, lambda: False)
    sent, received = port.traffic_total()
    assert sent > 100 and received > 100
