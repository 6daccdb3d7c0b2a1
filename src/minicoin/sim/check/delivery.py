"""Whether transactions get everywhere once all faults are healed, and whether reorgs lose any.

A node may lack one only where nobody can have told it: no neighbour that takes and gives transactions has had it for a
minute, over a connection that was there before. Looks at the first hundred transactions after the healing.
"""

from collections.abc import Callable, Iterator
from typing import Final

from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.events import BlockStored, ChainMoved, TransactionVerified
from minicoin.core.node.node import Node
from minicoin.core.primitives.block import Block, RawBlock
from minicoin.core.primitives.transaction import Txid
from minicoin.core.units import SECOND_US, Micros
from minicoin.sim.check.view import Finding, View
from minicoin.world.host import Host

DELIVERY_WITHIN_US: Final = 60 * SECOND_US
# Verifying again takes its time, on a slow processor more of it.
RETURNED_WITHIN_US: Final = 60 * SECOND_US
_SAMPLE_MAX: Final = 100


class Delivery:
    """Every node has what a neighbour relayed a minute ago."""

    name = "delivery"

    def __init__(self, view: View, healed_at: Callable[[], int]) -> None:
        """`healed_at`: when everybody must have recovered from the last fault, as far as is known."""
        self._view = view
        self._healed_at = healed_at
        self._accepted: dict[Txid, dict[int, int]] = {}

    def look(self, view: View) -> Iterator[Finding]:
        """Only the end tells what never arrived."""
        yield from ()

    def finish(self, view: View) -> Iterator[Finding]:
        self._forget_before(self._healed_at())
        if not self._accepted:
            return
        running = {host.index: node for host, node in view.running()}
        for host, node in view.running():
            confirmed = _confirmed(view, host, node)
            for txid, accepted in self._accepted.items():
                if host.index in accepted or txid in node.view.mempool or txid in confirmed:
                    continue
                source = self._who_kept_it(host, running, accepted)
                if source is not None:
                    text = f"{host.name} was never told of {hash_to_hex(txid)} that {source.name} has"
                    yield Finding((host.index, source.index), text)

    def _who_kept_it(self, host: Host, running: dict[int, Node], accepted: dict[int, int]) -> Host | None:
        """A neighbour that relays transactions to this host, and had this one in good time."""
        latest = self._view.world.now - DELIVERY_WITHIN_US
        for end in host.links.values():
            source, conn = end.other.host, end.other.conn
            node = running.get(source.index)
            at = accepted.get(source.index)
            if node is None or at is None or at > latest or source.node is not node:
                continue
            session = node.view.sessions.get(conn)
            if session is None or conn not in node.view.relay.relaying_peers():
                continue
            if session.opened_at - source.clock.offset_us + DELIVERY_WITHIN_US <= at:
                return source
        return None

    def _forget_before(self, time_us: int) -> None:
        stale = [txid for txid, accepted in self._accepted.items() if min(accepted.values()) < time_us]
        for txid in stale:
            del self._accepted[txid]

    # --- what the world tells ---

    def on_verified(self, host: Host, event: TransactionVerified, now: Micros) -> None:
        """Remembers who had a transaction when."""
        verdict = event.verdict
        if verdict.rejected is not None or verdict.missing or not self._view.is_honest(host):
            return
        txid = verdict.transaction.txid
        known = self._accepted.get(txid)
        if known is not None:
            known.setdefault(host.index, now)
        elif now >= self._healed_at():
            if len(self._accepted) >= _SAMPLE_MAX:
                self._forget_before(self._healed_at())
            if len(self._accepted) < _SAMPLE_MAX:
                self._accepted[txid] = {host.index: now}

    def on_mined(self, host: Host, block: RawBlock, now: Micros) -> None:
        """Not its business."""

    def on_stood(self, host: Host, event: ChainMoved | BlockStored, now: Micros) -> None:
        """Not its business."""


class Returning:
    """What stood in a block that lost is confirmed by another one, or back in the mempool."""

    name = "reorg"

    def __init__(self, view: View) -> None:
        self._view = view
        self._waiting: dict[tuple[int, int], dict[Txid, int]] = {}

    def look(self, view: View) -> Iterator[Finding]:
        for (index, restarts), lifted in list(self._waiting.items()):
            host = view.honest[index]
            if host.node is None or host.restarts != restarts:
                # A mempool does not outlive its node.
                del self._waiting[index, restarts]
                continue
            due = [txid for txid, at in lifted.items() if at + RETURNED_WITHIN_US <= view.world.now]
            if not due:
                continue
            confirmed = _confirmed(view, host, host.node)
            for txid in due:
                del lifted[txid]
                if txid not in confirmed and txid not in host.node.view.mempool:
                    yield Finding((index,), f"{host.name} lost {hash_to_hex(txid)} in a reorg")

    def finish(self, view: View) -> Iterator[Finding]:
        yield from self.look(view)

    # --- what the world tells ---

    def on_stood(self, host: Host, event: ChainMoved | BlockStored, now: Micros) -> None:
        """Remembers what a reorg lifted out of its blocks."""
        if not isinstance(event, ChainMoved) or not event.update.disconnected or not self._view.is_honest(host):
            return
        lifted = [one.txid for block in event.update.disconnected for one in block.transactions]
        if lifted:
            self._waiting.setdefault((host.index, host.restarts), {}).update(dict.fromkeys(lifted, now))

    def on_mined(self, host: Host, block: RawBlock, now: Micros) -> None:
        """Not its business."""

    def on_verified(self, host: Host, event: TransactionVerified, now: Micros) -> None:
        """Not its business."""


def _confirmed(view: View, host: Host, node: Node) -> dict[Txid, None]:
    found: dict[Txid, None] = {}
    at: HeaderNode | None = node.view.tree.tip
    while at is not None and at.height:
        raw = view.read_block(host, at.hash)
        if raw is None:
            break
        found.update(dict.fromkeys(transaction.txid for transaction in Block.parse(raw.raw).transactions))
        at = at.parent
    return found
