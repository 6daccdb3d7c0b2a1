"""Which nodes can reach each other over ready connections: whether a network is one, or has fallen apart."""

from collections.abc import Sequence

from minicoin.world.host import Host


def largest_component(honest: Sequence[Host]) -> int:
    """How many honest nodes that run are in the largest part of the network; links that are held carry nothing."""
    met: set[int] = set()
    largest = 0
    for host in honest:
        if host.node is None or host.index in met:
            continue
        met.add(host.index)
        waiting, size = [host], 0
        while waiting:
            size += 1
            for other in _neighbours(waiting.pop(), len(honest)):
                if other.index not in met:
                    met.add(other.index)
                    waiting.append(other)
        largest = max(largest, size)
    return largest


def _neighbours(host: Host, count: int) -> list[Host]:
    assert host.node is not None
    ends = (host.links.get(peer.conn) for peer in host.node.view.ready_peers())
    return [
        end.other.host
        for end in ends
        if end is not None
        and end.held is None
        and end.other.held is None
        and end.other.host.index < count
        and end.other.host.node is not None
    ]
