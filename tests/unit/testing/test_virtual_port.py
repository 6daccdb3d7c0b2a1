import asyncio
from collections.abc import Generator
from pathlib import Path

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.params.builtin import REGTEST
from minicoin.drivers.kernel import KernelVerifier
from minicoin.testing.virtual import VirtualWorld
from minicoin.testing.virtual_port import VirtualPort


def test_a_slow_read_is_read_to_its_end(tmp_path: Path) -> None:
    world = VirtualWorld(REGTEST, KernelVerifier)
    port = VirtualPort(world, world.add("one"), tmp_path)

    def read(engine: ChainEngine) -> Generator[None, None, int]:
        yield
        yield
        return engine.height

    assert asyncio.run(port.read_chain_slowly(read)) == 0
