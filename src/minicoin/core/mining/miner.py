"""The miner: a job for the nonce search, and what becomes of the blocks that it finds.

1. *A job is for one tip and one choice of transactions.* It is renewed when the tip moves, every TEMPLATE_REFRESH_US
   for what came into the mempool, and when an order ends. What a stale job finds is nobody's.
2. *Orders come first*: blocks that a command asked for are mined one order after the other, at once. Beside them a
   script may be mined to for good; where work is trivial that is paced by the network's spacing, or blocks would come
   as fast as the machine hashes.
3. *A block of our own is a block like others*: it is handed in, and its order counts it when it joins the chain (an
   order may have it handed back instead). Until its fate is known nothing is searched for on this tip, since a second
   one beside it would be wasted.
4. *Mining for good begins when peers had time to tell of a better chain* (MINING_PEER_WAIT_US; at once where none are
   expected), and pauses while one is known and on its way. Whoever shows headers and keeps their blocks holds it up no
   longer than that, once for each block.
5. *A block of ours that turns out to be invalid* is a bug in the template: it is said loudly, its order fails, and the
   next try waits, so that nothing spins.

Where members sign, blocks are made for them by `proposal`, and nothing is searched. The search itself runs in a worker
(search.py); templates are template.py's, long polls long_polls.py's.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from minicoin.core.alarm import Alarm
from minicoin.core.answers import Done, Mined, Reason
from minicoin.core.chain.coinbase_tags import CoinbaseTags
from minicoin.core.commands import AwaitTemplate, GenerateBlock
from minicoin.core.effects import Effect, StopSearch
from minicoin.core.events import NonceFound
from minicoin.core.forms.derived import make_codec
from minicoin.core.limits import (
    BLOCK_SIGOP_COST_MAX,
    GENERATE_COMMANDS_MAX,
    MINING_PEER_WAIT_US,
    TEMPLATE_REFRESH_US,
)
from minicoin.core.mining.long_polls import LongPolls
from minicoin.core.mining.ports import MinerNode
from minicoin.core.mining.proposal import build_proposal
from minicoin.core.mining.template import (
    RESERVED_SIGOP_COST,
    RESERVED_WEIGHT,
    BlockTemplate,
    Candidate,
    TemplateSize,
    build_exact_template,
    build_template,
    make_job,
)
from minicoin.core.notices import BlockMined, MinedBlockRefused
from minicoin.core.part import Part
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.transaction import Transaction
from minicoin.core.primitives.verdicts import BlockRejected
from minicoin.core.units import SECOND_US, Micros, RequestId, seconds

_SCRIPT: Final = make_codec(bytes | None, {})


def _no_changes(now: Micros) -> CoinbaseTags:
    return CoinbaseTags()


@dataclass(slots=True, eq=False)
class _Order:
    """A generate command under way; with `transactions`, for one block of just these."""

    request: RequestId
    left: int
    script_pubkey: bytes
    transactions: tuple[Transaction, ...] | None = None
    submits: bool = True
    found: list[BlockHash] = field(default_factory=list)


class Miner(Part):
    """Jobs for the nonce search."""

    def __init__(self, node: MinerNode, started_at: Micros) -> None:
        self._node = node
        self._orders: list[_Order] = []
        self._polls = LongPolls()
        self._script: bytes | None = None
        self._ready_changes: Callable[[Micros], CoinbaseTags] = _no_changes
        self.last_size: TemplateSize | None = None
        """For getmininginfo; nothing depends on it."""
        self._job = 0
        self._is_searching = False
        self._job_order: _Order | None = None
        self._awaited: BlockHash | None = None
        self._awaited_for: _Order | None = None
        self.alarm = Alarm()
        self._refresh_at: Micros | None = None
        self._wait_until = Micros(started_at + MINING_PEER_WAIT_US)
        self._last_own_us = started_at
        self._held_back_on: BlockHash | None = None
        self._held_back_until = started_at

    @property
    def script_pubkey(self) -> bytes | None:
        """What is mined to, or None."""
        return self._script

    def template(self, script_pubkey: bytes, now: Micros) -> BlockTemplate:
        """The best block on the tip."""
        node = self._node
        # Header and coinbase count as well: what is chosen over their room would be left out again, and nothing in its
        # place.
        chosen = node.mempool.select_for_block(
            node.policy.block_weight_max - RESERVED_WEIGHT, BLOCK_SIGOP_COST_MAX - RESERVED_SIGOP_COST
        )
        candidates = (Candidate(entry.transaction, entry.fee_sat, entry.sigop_cost) for entry in chosen)
        template = build_template(node.tree, node.tree.tip, candidates, script_pubkey, now)
        if node.policy.block_version is not None:
            template = replace(template, version=node.policy.block_version)
        self.last_size = TemplateSize(len(template.entries), template.reserved_weight)
        return template

    def exact_template(self, script_pubkey: bytes, transactions: tuple[Transaction, ...], now: Micros) -> BlockTemplate:
        """A block of just these transactions on the tip."""
        tree = self._node.tree
        return build_exact_template(tree, tree.tip, transactions, script_pubkey, now)

    def proposal(self, script_pubkey: bytes, bytes_max: int, now: Micros) -> RawBlock:
        """A whole block on the tip, of the best payments, for the other members to judge. Raises MisuseError where
        members do not sign."""
        node = self._node
        tree = node.tree
        signers, height = tree.signers, tree.tip.height
        certificate = None if signers is None else signers.certificate(tree.tip.hash)
        recoveries = () if signers is None or not height else signers.recoveries.behind(height - 1)
        # No block has more bytes than weight units.
        weight_max = min(node.policy.block_weight_max, bytes_max) - RESERVED_WEIGHT
        chosen = node.mempool.select_for_block(weight_max, BLOCK_SIGOP_COST_MAX - RESERVED_SIGOP_COST)
        candidates = (Candidate(entry.transaction, entry.fee_sat, entry.sigop_cost) for entry in chosen)
        tags = replace(self._ready_changes(now), certificate=certificate, recoveries=recoveries)
        block = build_proposal(tree, tree.tip, candidates, script_pubkey, seconds(now), tags)
        return RawBlock(block.header, block.raw)

    def carry(self, ready_changes: Callable[[Micros], CoinbaseTags]) -> None:
        """From now on proposals carry the changes that this gives."""
        self._ready_changes = ready_changes

    def set_mining(self, script_pubkey: bytes | None, now: Micros) -> None:
        """Mine to this script from now on; None stops."""
        self._script = script_pubkey
        self._renew(now)

    def generate(self, request: RequestId, count: int, script_pubkey: bytes, now: Micros) -> None:
        """Mine `count` blocks at once."""
        if count <= 0:
            self._node.reply(request, Mined(()))
            return
        self._take_order(_Order(request, count, script_pubkey), now)

    def generate_block(self, request: RequestId, command: GenerateBlock, now: Micros) -> None:
        """Mine one block of given transactions; without `submits` it is handed back instead."""
        order = _Order(request, 1, command.script_pubkey, command.transactions, command.submits)
        self._take_order(order, now)

    def _take_order(self, order: _Order, now: Micros) -> None:
        if len(self._orders) >= GENERATE_COMMANDS_MAX:
            self._node.refuse(order.request, Reason.CROWDED, "too many generate commands wait")
            return
        self._orders.append(order)
        if self._job_order is None or self._job_order not in self._orders:
            self._renew(now)

    def abort_generate(self, now: Micros) -> int:
        """End all generate commands; how many there were. A block found already goes its way."""
        aborted = list(self._orders)
        self._orders.clear()
        for order in aborted:
            self._node.reply(order.request, Mined(tuple(order.found)))
        if aborted:
            self._renew(now)
        return len(aborted)

    def hold(self, request: RequestId, poll: AwaitTemplate, now: Micros) -> None:
        """Answer when there is another template to be had."""
        if poll.tip != self._node.tree.tip.hash:
            self._node.reply(request, Done())
            return
        self._answer_polls(self._polls.hold(request, poll.tip, poll.mempool_updates, now))
        self.alarm.by(self._polls.next_deadline())

    def on_found(self, event: NonceFound, now: Micros) -> None:
        """A worker found a block; a stale job's is still a block, but no use."""
        if event.job != self._job or event.block.header.previous != self._node.tree.tip.hash:
            return
        self._is_searching = False
        self._last_own_us = now
        if self._job_order is not None and not self._job_order.submits:
            if self._job_order in self._orders:
                self._orders.remove(self._job_order)
                self._node.reply(self._job_order.request, Mined((event.block.hash,), event.block))
            self._renew(now)
            return
        try:
            effects = self._node.sync.submit(event.block, now)
        except BlockRejected as rejected:
            # The parent's clock is ahead of ours, say: build the job anew, but not in a tight loop.
            self._node.emit(MinedBlockRefused(str(rejected)))
            self._refresh_by(Micros(now + SECOND_US))
            return
        self._awaited, self._awaited_for = event.block.hash, self._job_order
        # Nothing more on this tip: the block's fate renews the job.
        self._refresh_at = None
        self._node.emit(BlockMined(event.block.hash))
        self._node.emit(*effects)

    def on_tip(self, connected: tuple[BlockHash, ...], now: Micros) -> None:
        """The tip moved."""
        self._answer_polls(self._polls.on_tip(self._node.tree.tip.hash))
        if self._awaited is not None and self._awaited in connected:
            self._deliver(self._awaited)
            self._awaited = None
        if self._awaited is not None:
            own = self._node.tree.get(self._awaited)
            if own is None or own.is_failed or own.parent is not self._node.tree.tip:
                # Another block took its place.
                self._awaited = None
        self._renew(now)

    def on_refused(self, block: BlockHash, reason: str, now: Micros) -> None:
        """One of our own was invalid after all: a bug in the template, said loudly, and no endless loop."""
        if block != self._awaited:
            return
        self._awaited = None
        self._node.emit(MinedBlockRefused(reason))
        order = self._awaited_for
        if order in self._orders:
            self._orders.remove(order)
            self._node.refuse(order.request, Reason.UNABLE, f"the mined block was refused: {reason}")
        self._refresh_by(Micros(now + TEMPLATE_REFRESH_US))

    def on_failure(self, failure: str) -> None:
        """The chain stands still until a restart: nobody waits for a block of ours, and none is searched for."""
        for order in self._orders:
            self._node.refuse(order.request, Reason.STOPPED, failure)
        for request in self._polls.end():
            self._node.refuse(request, Reason.NO_TEMPLATE, failure)
        self._orders.clear()
        self._script = None
        self._awaited = None
        self._stop()

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        """New transactions wait: build the job anew, and answer miners who wait for it."""
        self._answer_polls(self._polls.on_deadline(self._node.mempool.updates, now))
        if self._refresh_at is not None and now >= self._refresh_at:
            self._renew(now)
        return ()

    def next_deadline(self) -> Micros | None:
        """When the job is renewed, or a long poll looked at."""
        return min((at for at in (self._refresh_at, self._polls.next_deadline()) if at is not None), default=None)

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        out = bytearray()
        _SCRIPT.write(self._script, out)
        return (("mining", bytes(out)),)

    def _answer_polls(self, requests: list[RequestId]) -> None:
        for request in requests:
            self._node.reply(request, Done())

    def _refresh_by(self, at: Micros) -> None:
        self._refresh_at = at
        self.alarm.by(at)

    def _deliver(self, block: BlockHash) -> None:
        order = self._awaited_for
        if order not in self._orders:
            # Mined for nobody's command.
            return
        order.found.append(block)
        order.left -= 1
        if order.left == 0:
            self._orders.remove(order)
            self._node.reply(order.request, Mined(tuple(order.found)))

    def _renew(self, now: Micros) -> None:
        order = self._orders[0] if self._orders else None
        script = self._script if order is None else order.script_pubkey
        if script is None:
            self._stop()
            return
        if self._awaited is not None:
            # A block of ours is on its way to this very tip: another one beside it would be wasted.
            return
        if order is None and not self._may_mine(now):
            self._refresh_by(Micros(now + SECOND_US))
            return
        self._job += 1
        self._is_searching = True
        self._refresh_by(Micros(now + TEMPLATE_REFRESH_US))
        self._job_order = order
        if order is None or order.transactions is None:
            template = self.template(script, now)
        else:
            template = self.exact_template(script, order.transactions, now)
        self._node.emit(make_job(template, self._job, 0 if order is not None else self._pace()))

    def _stop(self) -> None:
        if self._is_searching:
            self._node.emit(StopSearch())
        self._is_searching = False
        self._refresh_at = None

    def _may_mine(self, now: Micros) -> bool:
        """Not while a better chain is known and on its way, and not before peers had time to tell of one."""
        node = self._node
        tip = node.tree.tip
        if node.tree.best_header.chainwork > tip.chainwork:
            awaited = node.sync.awaited or tip.hash
            if self._held_back_on != awaited:
                self._held_back_on = awaited
                self._held_back_until = Micros(now + MINING_PEER_WAIT_US)
            # Whoever shows a header and keeps its block to itself must not stop the network, nor slow each block.
            return now >= self._held_back_until
        self._held_back_on = None
        has_heard = any(peer.is_header_synced for peer in node.sync.peers())
        expects_peers = bool(node.policy.connect or node.policy.add_nodes or node.policy.seed_nodes)
        return has_heard or not expects_peers or now >= self._wait_until

    def _pace(self) -> int:
        """Where work is trivial, blocks come at the network's spacing instead of as fast as the machine hashes."""
        if not self._node.network.has_trivial_work:
            return 0
        interval = self._node.policy.mining_interval_us or self._node.network.spacing_s * SECOND_US
        return self._last_own_us + interval
