"""Whether honest nodes agree: on one best chain when all is healed, and on each other's honesty at any time."""

from collections.abc import Iterator
from typing import Final

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.notices import Notice, PeerPenalised
from minicoin.core.units import Micros, seconds
from minicoin.sim.check.view import Finding, View
from minicoin.world.host import Host

ON_ITS_WAY_S: Final = 10
"""So long a block may take to every node, where members make them without end."""


def _short(block: bytes) -> str:
    return hash_to_hex(block)[:16]


class Convergence:
    """At the end all stand on the chain with the most work that any of them has, in blocks: headers alone may be of a
    chain that nobody holds any more. Of two with equal work nodes may stand on either: first seen stays."""

    name = "converge"

    def look(self, view: View) -> Iterator[Finding]:
        yield from ()

    def finish(self, view: View) -> Iterator[Finding]:
        tips = view.tips()
        most = max((tip.chainwork for tip, _ in tips.values()), default=0)
        best = next((tip for tip, _ in tips.values() if tip.chainwork == most), None)
        if best is None:
            return
        for tip, hosts in tips.values():
            if tip.chainwork < most and not _is_on_its_way(view, hosts[0], tip, best):
                where = f"the best tip is {_short(best.hash)} at height {best.height}"
                peers = ", ".join(_peers(host) for host in hosts[:5])
                yield Finding(_indices(hosts), f"stand at height {tip.height} on {_short(tip.hash)}: {where}; {peers}")
        for host, node in view.running():
            held = node.view.tree.best_candidate()
            if held.chainwork > node.view.tree.tip.chainwork:
                text = f"stands at height {node.view.tree.tip.height} and holds a better chain of height {held.height}"
                yield Finding((host.index,), text)


def _is_on_its_way(view: View, host: Host, tip: HeaderNode, best: HeaderNode) -> bool:
    """Members never stop making blocks, so somebody always stands behind the last one: whether what it lacks is new."""
    if host.node is None or host.node.view.tree.signers is None or best.ancestor(tip.height).hash != tip.hash:
        return False
    return best.ancestor(tip.height + 1).header.time >= seconds(view.world.now) - ON_ITS_WAY_S


def _peers(host: Host) -> str:
    node = host.node
    ready = 0 if node is None else len(node.view.ready_peers())
    return f"{host.name} has {ready} peers"


def _indices(hosts: list[Host]) -> tuple[int, ...]:
    return tuple(host.index for host in hosts)


class HonestBans:
    """No honest node bans another, nor counts faults of one connection that would ban it."""

    name = "no-honest-bans"

    def __init__(self, view: View) -> None:
        self._view = view
        self._scores: dict[tuple[int, int, int], int] = {}
        self._found: list[Finding] = []

    def look(self, view: View) -> Iterator[Finding]:
        yield from self._found
        self._found.clear()
        addresses = {host.address.host: host for host in view.honest}
        for host, node in view.running():
            for ban in node.view.connections.bans.listing():
                banned = addresses.get(ban.subject.partition(":")[0].partition("/")[0])
                if banned is not None:
                    yield Finding((host.index, banned.index), f"{host.name} bans {banned.name}: {ban.reason}")

    def finish(self, view: View) -> Iterator[Finding]:
        yield from self.look(view)

    # --- what the world tells ---

    def on_notice(self, host: Host, notice: Notice, now: Micros) -> None:
        """Adds up what each connection's other end is blamed for."""
        if not isinstance(notice, PeerPenalised) or host.node is None or not self._view.is_honest(host):
            return
        end = host.links.get(notice.conn)
        if end is None or not self._view.is_honest(end.other.host):
            return
        key = (host.index, host.restarts, notice.conn)
        score = self._scores[key] = self._scores.get(key, 0) + notice.score
        if score >= host.node.view.policy.bans.score:
            other = end.other.host
            text = f"{host.name} would ban {other.name}, at a score of {score}: {notice.reason}"
            self._found.append(Finding((host.index, other.index), text))
