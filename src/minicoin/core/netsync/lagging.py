"""Leaves peers that we chose and that do not follow the best chain: a slot is for somebody who shows us blocks.

The rules are Bitcoin Core's. They hold for the peers that fill our automatic slots; whom a person named stays.

1. A peer that has not shown a block with as much work as our tip has 20 whole minutes to do so. Whoever reaches the
   tip of that moment meanwhile, while ours went on, gets another 20.
2. Then it is asked for headers once, from the parent of that tip, so that an answer shows where it stands: a peer that
   hears every block from us first never tells us of one.
3. Two minutes later it is left.
4. Four full-relay peers that have shown our tip's work are never left for this. Should we be the ones on the wrong
   chain, it cannot cost us all peers at once.

Peers that were not asked for headers yet owe us nothing; nor does one whose chain is being heard for its work.
"""

from collections.abc import Iterator, Mapping

from minicoin.core.alarm import Alarm
from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Close, Effect
from minicoin.core.limits import CHAIN_SYNC_ANSWER_US, CHAIN_SYNC_PROTECTED_MAX, CHAIN_SYNC_TIMEOUT_US
from minicoin.core.netsync.headers import HeaderSync
from minicoin.core.netsync.peers import Lag, SyncPeer
from minicoin.core.units import ConnId, Micros


class LaggingPeers:
    """The clock of each automatic peer that is behind. `peers` is the table that HeaderFollower keeps."""

    def __init__(self, tree: HeaderTree, peers: Mapping[ConnId, SyncPeer], headers: HeaderSync, alarm: Alarm) -> None:
        self._tree = tree
        self._peers = peers
        self._headers = headers
        self._alarm = alarm

    def protect(self, peer: SyncPeer) -> None:
        """The peer sent headers: perhaps it is one of the four."""
        if peer.is_full_relay and not peer.is_protected and self._is_level(peer):
            count = sum(other.is_protected for other in self._peers.values())
            peer.is_protected = count < CHAIN_SYNC_PROTECTED_MAX
            peer.lag = None

    def consider(self, peer: SyncPeer, now: Micros) -> None:
        """Our tip moved, or the peer showed something: its clock starts, starts anew or stops."""
        if not peer.is_automatic or peer.is_protected or not peer.was_asked_headers:
            return
        lag, known = peer.lag, peer.best_known
        if self._is_level(peer) or peer.presync is not None:
            peer.lag = None
        elif lag is None or (known is not None and known.chainwork >= lag.benchmark.chainwork):
            self._set(peer, Lag(self._tree.tip, Micros(now + CHAIN_SYNC_TIMEOUT_US)))

    def consider_all(self, now: Micros) -> None:
        """For every peer."""
        for peer in self._peers.values():
            self.consider(peer, now)

    def check(self, now: Micros) -> list[Effect]:
        """Ask those whose time is up, leave those that were asked."""
        effects: list[Effect] = []
        for peer in list(self._peers.values()):
            self.consider(peer, now)
            lag = peer.lag
            if lag is None or now <= lag.due:
                continue
            if lag.was_asked:
                effects.append(Close(peer.conn, "its chain has less work than ours"))
            else:
                self._set(peer, Lag(lag.benchmark, Micros(now + CHAIN_SYNC_ANSWER_US), was_asked=True))
                effects.append(self._headers.ask_peer(peer, now, lag.benchmark.parent))
        return effects

    def deadlines(self) -> Iterator[Micros]:
        """When somebody's time is up."""
        return (_after(peer.lag.due) for peer in self._peers.values() if peer.lag is not None)

    def _is_level(self, peer: SyncPeer) -> bool:
        tip = self._tree.tip
        # The genesis block needs no showing.
        return tip.parent is None or (peer.best_known is not None and peer.best_known.chainwork >= tip.chainwork)

    def _set(self, peer: SyncPeer, lag: Lag) -> None:
        peer.lag = lag
        self._alarm.by(_after(lag.due))


def _after(due: Micros) -> Micros:
    """The first moment at which that time is over."""
    return Micros(due + 1)
