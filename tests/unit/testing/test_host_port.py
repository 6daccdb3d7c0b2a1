import asyncio
from collections.abc import Generator
from pathlib import Path

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.params.builtin import REGTEST
from minicoin.testing.host_port import HostPort
from minicoin.world.settings import WorldSettings, uniform
from minicoin.world.world import World


def test_a_slow_read_is_read_to_its_end(tmp_path: Path) -> None:
    world = World(REGTEST, ScriptedVerifier(), uniform(20_000), WorldSettings(b"port"))
    port = HostPort(world, world.add_node("one"), tmp_path)

    def read(engine: ChainEngine) -> Generator[None, None, int]:
        yield
        yield
        return engine.height

    assert asyncio.run(port.read_chain_slowly(read)) == 0
