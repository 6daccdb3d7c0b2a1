"""Whether honest nodes agree: on one best chain when all is healed, on each other's honesty at any time, and on the
transactions that were sent."""

from collections.abc import Callable, Iterator
from typing import Final

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.effects import Trace
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.events import BlockStored, ChainMoved, TransactionVerified
from minicoin.core.node.node import Node
from minicoin.core.primitives.block import Block, RawBlock
from minicoin.core.primitives.transaction import Txid
from minicoin.core.units import SECOND_US, Micros
from minicoin.sim.check.view import Finding, View
from minicoin.sim.world.host import Host

DELIVERY_WITHIN_US: Final = 60 * SECOND_US


def _short(block: bytes) -> str:
    return hash_to_hex(block)[:16]


class Convergence:
    """At the end all stand on the chain with the most work that any of them has. Of two with equal work nodes may stand
    on either: first seen stays."""

    name = "converge"

    def look(self, view: View) -> Iterator[Finding]:
        yield from ()

    def finish(self, view: View) -> Iterator[Finding]:
        tips = view.tips()
        most = max((tip.chainwork for tip, _ in tips.values()), default=0)
        known = max((node.parts.tree.best_header.chainwork for _, node in view.running()), default=0)
        best = next((tip for tip, _ in tips.values() if tip.chainwork == most), None)
        if best is None:
            return
        for tip, hosts in tips.values():
            if tip.chainwork < most:
                where = f"the best tip is {_short(best.hash)} at height {best.height}"
                peers = ", ".join(_peers(host) for host in hosts[:5])
                yield Finding(_indices(hosts), f"stand at height {tip.height} on {_short(tip.hash)}: {where}; {peers}")
        if known > most:
            hosts = [host for host, node in view.running() if node.parts.tree.best_header.chainwork > most]
            yield Finding(_indices(hosts), "know headers with more work than anybody's best chain has")


def _peers(host: Host) -> str:
    node = host.node
    ready = 0 if node is None else sum(session.is_ready for session in node.parts.sessions.values())
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
            for ban in node.parts.connections.bans.listing():
                banned = addresses.get(ban.subject.partition(":")[0].partition("/")[0])
                if banned is not None:
                    yield Finding((host.index, banned.index), f"{host.name} bans {banned.name}: {ban.reason}")

    def finish(self, view: View) -> Iterator[Finding]:
        yield from self.look(view)

    # --- what the world tells ---

    def on_trace(self, host: Host, trace: Trace, now: Micros) -> None:
        """Adds up what each connection's other end is blamed for."""
        if trace.kind != "peer-fault" or host.node is None or not self._view.is_honest(host):
            return
        fields = dict(trace.fields)
        conn = int(fields["conn"])
        end = next((end for end in host.links.values() if end.conn == conn), None)
        if end is None or not self._view.is_honest(end.other.host):
            return
        key = (host.index, host.restarts, conn)
        score = self._scores[key] = self._scores.get(key, 0) + int(fields["score"])
        if score >= host.node.parts.policy.ban_score:
            other = end.other.host
            text = f"{host.name} would ban {other.name}, at a score of {score}: {fields['reason']}"
            self._found.append(Finding((host.index, other.index), text))

    def on_mined(self, host: Host, block: RawBlock, now: Micros) -> None:
        """Not its business."""

    def on_stood(self, host: Host, event: ChainMoved | BlockStored, now: Micros) -> None:
        """Not its business."""

    def on_verified(self, host: Host, event: TransactionVerified, now: Micros) -> None:
        """Not its business."""


class Delivery:
    """A transaction that some honest node accepted once all was healed is known to every one that is up at the end."""

    name = "delivery"

    def __init__(self, view: View, healed_at: Callable[[], int]) -> None:
        """`healed_at`: when everybody must have recovered from the last fault, as far as is known."""
        self._view = view
        self._healed_at = healed_at
        self._first: dict[Txid, tuple[int, Host]] = {}

    def look(self, view: View) -> Iterator[Finding]:
        yield from ()

    def finish(self, view: View) -> Iterator[Finding]:
        since = self._healed_at()
        until = view.world.now - DELIVERY_WITHIN_US
        wanted = [txid for txid, (at, _) in self._first.items() if since <= at <= until]
        for host, node in view.running():
            if not wanted:
                return
            confirmed = _confirmed(view, host, node)
            missing = [txid for txid in wanted if txid not in node.parts.mempool and txid not in confirmed]
            if missing:
                at, first = self._first[missing[0]]
                age_s = (view.world.now - at) // SECOND_US
                text = f"lacks {len(missing)} transactions, the first one accepted by {first.name} {age_s} s ago"
                yield Finding((host.index,), text)

    # --- what the world tells ---

    def on_verified(self, host: Host, event: TransactionVerified, now: Micros) -> None:
        """Remembers who had a transaction first."""
        verdict = event.verdict
        if verdict.rejected is None and not verdict.missing and self._view.is_honest(host):
            self._first.setdefault(verdict.transaction.txid, (now, host))

    def on_mined(self, host: Host, block: RawBlock, now: Micros) -> None:
        """Not its business."""

    def on_stood(self, host: Host, event: ChainMoved | BlockStored, now: Micros) -> None:
        """Not its business."""

    def on_trace(self, host: Host, trace: Trace, now: Micros) -> None:
        """Not its business."""


def _confirmed(view: View, host: Host, node: Node) -> dict[Txid, None]:
    found: dict[Txid, None] = {}
    at: HeaderNode | None = node.parts.tree.tip
    while at is not None and at.height:
        raw = view.read_block(host, at.hash)
        if raw is None:
            break
        found.update(dict.fromkeys(transaction.txid for transaction in Block.parse(raw.raw).transactions))
        at = at.parent
    return found
