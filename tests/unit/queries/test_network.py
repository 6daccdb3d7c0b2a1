"""Known addresses in pages."""

from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.queries.node import NodeQueries
from minicoin.core.units import seconds
from minicoin.world.host import Host
from minicoin.world.world import World


def test_known_addresses_come_in_pages(world: World, node: Host, queries: NodeQueries) -> None:
    now = seconds(world.now)
    heard = [TimedAddress(NodeAddress(f"10.0.{number}.1", 7000), 1, now - number) for number in range(6)]
    node.node.view.book.add(heard, None, world.now)
    assert queries.network.known_addresses(2) == tuple(heard[:2])
    assert queries.network.known_addresses(100, 2) == tuple(heard[2:])
    assert queries.network.known_addresses(100, 6) == ()
