"""What each peer may ask for: so much at once, and so much in the long run. What goes beyond is not answered.

The peers of one source group share an allowance of some of them, which outlives their connections: coming back buys
nobody a new burst.
"""

from collections.abc import Callable
from functools import cache

from minicoin.core.limits import ALLOWANCE_PEERS_OF_GROUP, GROUPS_CHARGED_MAX, PEERS_CHARGED_MAX
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rates import Buckets, Rate
from minicoin.core.units import ConnId, Micros


class Allowance:
    """Of one kind of question: `burst` at once, and one more each `every_us`; `group` is the address book's."""

    __slots__ = ("_group", "_groups", "_peers")

    def __init__(self, every_us: int, burst: int, group: Callable[[NodeAddress], bytes]) -> None:
        self._group = group
        self._peers: Buckets[ConnId] = Buckets(_rate(burst, every_us, 1), PEERS_CHARGED_MAX)
        self._groups: Buckets[bytes] = Buckets(_rate(burst, every_us, ALLOWANCE_PEERS_OF_GROUP), GROUPS_CHARGED_MAX)

    def take(self, peer: PeerView, now: Micros) -> bool:
        """The peer asks: whether it may."""
        group = self._group(peer.address)
        if not (self._peers.has(peer.conn, now) and self._groups.has(group, now)):
            return False
        self._peers.charge(peer.conn, now)
        self._groups.charge(group, now)
        return True

    def forget(self, conn: ConnId) -> None:
        """The peer left."""
        self._peers.forget(conn)


@cache
def _rate(burst: int, every_us: int, peers: int) -> Rate:
    """Of so many peers together; one object for all nodes of a process."""
    return Rate(peers * burst, peers, every_us)
