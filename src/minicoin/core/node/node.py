"""The node: one event in, effects out. The only place that knows the order in which parts hear of something.

Contract: handle(event, now), then drain_effects() to the end, then the next event; next_deadline() says when the node
wants to be woken. Nothing in here waits, reads a clock or touches the world.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, assert_never

from minicoin.core.effects import Effect, Shutdown
from minicoin.core.events import (
    AddressesFound,
    AddressesWithdrawn,
    BlockRead,
    BlockRefused,
    BlockStored,
    BytesReceived,
    ChainMoved,
    CommandReceived,
    ConnectionClosed,
    ConnectionOpened,
    DeadlineReached,
    DialFailed,
    Event,
    GreetingSigned,
    InboundFailed,
    KeyStretched,
    MessageReceived,
    NonceFound,
    ProposalVerified,
    QuestionAsked,
    RecordsHeard,
    RescanProgress,
    Saved,
    SendQueueLow,
    StatementSigned,
    TransactionVerified,
    VoteSigned,
    WorkFailed,
)
from minicoin.core.faults import MisuseError
from minicoin.core.forms.derived import make_codec
from minicoin.core.mempool.outcomes import Accepted
from minicoin.core.node.agenda import Agenda
from minicoin.core.node.flows import Flows
from minicoin.core.node.parts import Parts
from minicoin.core.notices import ChainHalted, InboundLost, TipMoved
from minicoin.core.peer.session import SessionSnapshot
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import Micros
from minicoin.core.view import NodeView

_REST: Final = make_codec(tuple[int, tuple[int | None, ...], str, int], {})


@dataclass(frozen=True, slots=True)
class NodeSnapshot:
    """The node from outside, at one moment."""

    height: int
    tip: BlockHash
    best_header_height: int
    mempool_count: int
    peers: tuple[SessionSnapshot, ...]
    is_initial: bool
    failure: str


class Node:
    """One full node's core."""

    def __init__(self, shared: Parts, flows: Flows) -> None:
        self._shared = shared
        self._flows = flows
        self.view = NodeView(shared, flows)
        """Everything that may be read of it."""
        self._has_stopped = False
        self._agenda = Agenda(flows.parts, flows.peers.perform)

    # --- the contract ---

    def start(self, mempool: bytes | None, now: Micros) -> None:
        """Queue what the first moment asks for."""
        self._shared.emit_unanchored()
        if self._flows.admission is not None:
            self._flows.admission.on_start(now)
        if self._flows.evidence is not None:
            self._flows.evidence.on_start(now)
        if self._flows.configuration is not None:
            self._flows.configuration.on_start(now)
        if self._flows.founder_settings is not None:
            self._flows.founder_settings.on_start(now)
        if self._flows.recovering is not None:
            self._flows.recovering.start()
        self._flows.overlay.consider(now)
        self._shared.bootstrap.start(now, self._shared.book.size)
        self._flows.addresses.on_start()
        self._flows.pool.on_start(mempool)
        self._flows.wallet.on_start()
        self._flows.chain.advance()
        self._when_settled(now)
        if self._flows.consensus is not None:
            self._flows.peers.perform(self._flows.consensus.start(now), now)
        self._finish(now)

    def _when_settled(self, now: Micros) -> None:
        """The engine stands where it should for now, if it does; after a crash that takes a while."""
        if self._flows.chain.is_settled:
            self._flows.pool.on_settled(now)
            self._flows.wallet.on_settled(now)

    def handle(self, event: Event, now: Micros) -> None:
        """Take one event. The effects of the event before must have been drained."""
        assert not self._shared.effects, "effects of the last event were not drained"
        self._dispatch(event, now)
        self._finish(now)

    def _finish(self, now: Micros) -> None:
        """What follows every event; nothing, as a rule."""
        if now >= self._agenda.alarm.at:
            self._agenda.on_alarm(now)
        if self._flows.peers.holds_pongs:
            self._flows.peers.answer_pings(is_settled=self._flows.chain.is_settled)
        self._flows.wallet.save_if_changed()
        if self._flows.commands.is_stopping and not self._has_stopped and self._flows.wallet.is_settled:
            # An answer that the disk owes is given first: whoever was told nothing could not know what became of it.
            self._has_stopped = True
            self._shared.emit(self._flows.book.save())
            self._flows.pool.on_stop(now)
            if self._flows.records is not None:
                self._shared.emit(self._flows.records.save())
            self._shared.emit(Shutdown("asked to stop"))

    def drain_effects(self) -> list[Effect]:
        """Everything the node wants from the world since the last call, in order."""
        return self._shared.drain()

    def next_deadline(self) -> Micros:
        """When to hand in DeadlineReached, if nothing happens before. It may turn out that nothing is due."""
        return self._agenda.alarm.at

    def earliest_deadline(self) -> Micros:
        """When something is due indeed, computed from the state of the parts; next_deadline() is never later."""
        return self._agenda.earliest()

    def snapshot(self, now: Micros) -> NodeSnapshot:
        """The node from outside."""
        tree = self._shared.tree
        return NodeSnapshot(
            height=tree.tip.height,
            tip=tree.tip.hash,
            best_header_height=tree.best_header.height,
            mempool_count=len(self._shared.mempool),
            peers=tuple(session.snapshot() for session in self._shared.sessions.values()),
            is_initial=self._shared.sync.snapshot(now).is_initial,
            failure=self._flows.chain.failure,
        )

    def forms(self, now: Micros, *, is_brief: bool) -> Iterator[tuple[str, bytes]]:
        """All that must be equal in equal nodes, by name, as canonical bytes."""
        for part in self._flows.parts:
            yield from part.digest(now, is_brief=is_brief)
        out = bytearray()
        deadlines = tuple(part.next_deadline() for part in self._flows.parts)
        _REST.write((self.next_deadline(), deadlines, self._flows.chain.failure, self._shared.rng.position), out)
        yield "deadlines", bytes(out)

    # --- events ---

    def _dispatch(self, event: Event, now: Micros) -> None:
        match event:
            case BytesReceived():
                self._flows.peers.on_bytes(event, now)
            case MessageReceived():
                self._flows.peers.on_message(event, now)
            case ConnectionOpened():
                self._flows.peers.on_connection_opened(event, now)
            case ConnectionClosed():
                self._flows.peers.on_connection_closed(event, now)
            case DialFailed():
                self._flows.peers.on_dial_failed(event, now)
                self._flows.peers.perform(self._flows.overlay.on_unreachable(event.address, now), now)
            case InboundFailed(remote, reason):
                self._shared.emit(InboundLost(remote, reason))
            case SendQueueLow(conn):
                self._flows.inventory.on_send_queue_low(conn)
            case QuestionAsked():
                self._flows.overlay.on_question(event, now)
            case DeadlineReached():
                pass
            case AddressesFound():
                self._flows.addresses.on_found(event, now)
            case AddressesWithdrawn():
                self._flows.addresses.on_withdrawn(event)
            case RecordsHeard():
                if self._flows.records is not None:
                    self._flows.records.on_heard(event, now)
            case BlockStored():
                self._on_stored(event, now)
            case BlockRefused():
                self._on_refused(event, now)
            case ChainMoved():
                self._on_moved(event, now)
            case BlockRead():
                self._flows.inventory.on_read(event)
            case TransactionVerified():
                self._on_verified(event, now)
            case NonceFound():
                self._flows.mining.on_found(event, now)
            case Saved():
                self._flows.pool.on_saved(event)
                self._flows.wallet.on_saved(event, now)
                if self._flows.directed is not None:
                    self._flows.peers.perform(self._flows.directed.on_saved(event), now)
                if self._flows.records is not None:
                    self._flows.records.on_saved(event)
                if self._flows.admission is not None:
                    self._flows.admission.on_saved(event)
                if self._flows.evidence is not None:
                    self._flows.evidence.on_saved(event)
                if self._flows.configuration is not None:
                    self._flows.configuration.on_saved(event)
                if self._flows.consensus is not None:
                    self._flows.peers.perform(self._flows.consensus.on_saved(event, now), now)
            case KeyStretched():
                self._flows.wallet.on_key(event, now)
            case RescanProgress():
                self._flows.wallet.on_rescan(event, now)
            case StatementSigned():
                self._on_statement(event, now)
            case VoteSigned() | GreetingSigned() | ProposalVerified():
                self._on_signing(event, now)
            case WorkFailed():
                self._on_work_failed(event)
            case CommandReceived():
                self._flows.commands.handle(event, now)
            case _:
                assert_never(event)

    def _on_stored(self, event: BlockStored, now: Micros) -> None:
        self._flows.chain.on_stored(event, now)
        self._flows.commands.settle()

    def _on_refused(self, event: BlockRefused, now: Micros) -> None:
        source, fault = self._flows.chain.on_refused(event, now)
        self._flows.mining.on_refused(event.block, event.invalid.reason, now)
        self._flows.commands.on_refused(event.invalid)
        self._flows.commands.settle()
        if source is not None and fault is not None:
            self._flows.peers.punish(source, fault, now)

    def _on_moved(self, event: ChainMoved, now: Micros) -> None:
        # The written order: header tree, netsync, mempool, wallet, relay, mining.
        parts = self._shared
        parts.tree.follow(event.update, event.stored)
        connected, source, fault = self._flows.chain.on_moved(event, now)
        if event.invalid is not None:
            self._flows.mining.on_refused(event.invalid.hash, event.invalid.reason, now)
            self._flows.commands.on_refused(event.invalid)
            if source is not None and fault is not None:
                self._flows.peers.punish(source, fault, now)
        parts.emit(*parts.sync.on_chain_moved(now))
        change = self._flows.transactions.on_chain_update(event.update, now)
        self._flows.pool.save_deltas()
        if event.update.connected:
            newest = dict.fromkeys(event.update.connected[-1].txids)
            parts.relay.on_block(entry.transaction for entry in change.confirmed if entry.txid in newest)
        self._flows.wallet.on_chain_update(event.update, change, now)
        self._flows.relay.follow_feerate(now)
        if event.update.connected or event.update.disconnected:
            tip = parts.tree.tip
            parts.emit(TipMoved(tip.hash, tip.height, parts.tree.best_header.height))
        if connected and not parts.sync.is_initial(now):
            self._flows.inventory.announce(connected, now)
        self._flows.mining.on_tip(tuple(node.hash for node in connected), now)
        if self._flows.consensus is not None:
            self._flows.peers.perform(self._flows.consensus.on_tip(now), now)
        self._flows.commands.on_connected(connected, event.update.connected)
        if event.update.connected or event.update.disconnected:
            self._flows.tip_watch.end_waits()
        self._flows.chain.advance()
        self._flows.commands.settle()
        self._when_settled(now)

    def _on_verified(self, event: TransactionVerified, now: Micros) -> None:
        outcome = self._flows.transactions.on_verified(event.verdict, now, event.cost_us)
        self._flows.relay.follow_feerate(now)
        if isinstance(outcome, Accepted):
            if outcome.source is not None:
                self._flows.peers.note_transaction(outcome.source, now)
            for one in outcome.in_order():
                self._flows.wallet.on_accepted(one, now)
            self._flows.transactions.on_recorded(outcome, now)
            if self._flows.consensus is not None:
                self._flows.peers.perform(self._flows.consensus.on_pool(now), now)
        elif outcome is not None:
            self._flows.wallet.on_rejected(outcome, now)
        self._flows.commands.on_verified()

    def _on_statement(self, event: StatementSigned, now: Micros) -> None:
        taker = self._flows.statement_taker(event.kind)
        if taker is None:
            raise MisuseError(f"a signature under {event.kind} for a node that asked for none")
        taker.on_signed(event, now)
        if self._flows.consensus is not None:
            # What goes with a promise waited in line with votes.
            self._flows.peers.perform(self._flows.consensus.on_statement_signed(event, now), now)

    def _on_signing(self, event: VoteSigned | GreetingSigned | ProposalVerified, now: Micros) -> None:
        consensus = self._flows.consensus
        if consensus is None:
            raise MisuseError(f"{type(event).__name__} for a node that signs for no member")
        match event:
            case VoteSigned():
                effects = consensus.on_signed(event, now)
            case GreetingSigned():
                effects = consensus.on_greeting_signed(event, now)
            case ProposalVerified():
                effects = consensus.on_verdict(event, now)
        self._flows.peers.perform(effects, now)

    def _on_work_failed(self, event: WorkFailed) -> None:
        self._flows.chain.on_failed(event)
        self._shared.emit(ChainHalted(event.what, event.error))
        self._flows.commands.on_failure(self._flows.chain.failure)
