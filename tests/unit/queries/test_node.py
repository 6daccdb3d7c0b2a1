"""Whatever is asked changes nothing; what it means is tested where RPC tells it."""

from minicoin.core.queries.node import NodeQueries
from minicoin.world.host import Host
from minicoin.world.world import World


def test_reading_changes_nothing(world: World, node: Host, queries: NodeQueries) -> None:
    before = (node.node.snapshot(world.now), node.node.next_deadline())
    for group in (queries.chain, queries.mempool, queries.network, queries.wallet):
        for name in dir(group):
            reader = getattr(group, name)
            if not name.startswith("_") and callable(reader):
                try:
                    reader()
                except TypeError:
                    continue
    assert node.node.drain_effects() == []
    assert (node.node.snapshot(world.now), node.node.next_deadline()) == before
