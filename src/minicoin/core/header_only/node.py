"""The node of the role `headers`: it follows the best header over all its peers, and keeps no block.

It has no engine, hence no mempool, wallet or miner, and offers peers no service. The same contract as Node: one event
in, effects out; the parts it shares with a full node are the same objects in the same order.

Its tip is the best header. Every event that may have changed which one that is moves the tip before it is over; the
headers on the way there are saved, whoever waits for the tip is answered. What headers alone cannot tell (whether the
blocks below keep the rules) it takes on trust in their work, as every header-only client does.

Where members sign the blocks it is the light check: of every header it verifies the certificate under the member list
of that height, and of every list that it is the one which the certificate in front of it names.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from minicoin.core import commands
from minicoin.core.addrmgr.book_flow import BookFlow
from minicoin.core.answers import MEMBERS_SIGN, Done, Reason
from minicoin.core.chain.header_node import find_common_ancestor
from minicoin.core.connmgr.dial_flow import DialFlow
from minicoin.core.directed.delivery import Addressee
from minicoin.core.discovery.address_flow import AddressFlow
from minicoin.core.effects import Effect, SaveHeaders, Shutdown
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
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.netsync.header_inventory import HeaderInventory
from minicoin.core.netsync.tip_watch import TipWatch
from minicoin.core.node.agenda import Agenda
from minicoin.core.node.common_commands import STOPPING, CommonCommands
from minicoin.core.node.flows import (
    make_admission_flow,
    make_configuration_flow,
    make_evidence_flow,
    make_founder_settings,
    make_record_flow,
)
from minicoin.core.node.overlay_flow import OverlayFlow
from minicoin.core.node.parts import CommonParts
from minicoin.core.node.peer_flow import PeerFlow
from minicoin.core.node.peer_id_commands import PeerIdCommands, make_directed
from minicoin.core.node.settable_parts import common_settables
from minicoin.core.notices import ChainHalted, InboundLost, Reorganised, TipMoved
from minicoin.core.overlay.contract import Overlay
from minicoin.core.part import Part, extensions_of, make_router
from minicoin.core.peer.session import SessionPolicy, SessionSnapshot
from minicoin.core.primitives.block import BlockHash
from minicoin.core.units import Micros, RequestId

NO_BLOCKS = "this node follows headers only (role headers): it has no blocks, mempool, wallet or miner"


@dataclass(frozen=True, slots=True)
class HeaderOnlySnapshot:
    """The node from outside, at one moment."""

    height: int
    tip: BlockHash
    peers: tuple[SessionSnapshot, ...]
    is_initial: bool


class HeaderOnlyNode:
    """One header-only node's core."""

    def __init__(
        self,
        shared: CommonParts,
        model: Overlay,
        session: SessionPolicy,
        now: Micros,
        addressee: Addressee | None = None,
    ) -> None:
        self._shared = shared
        self._overlay = OverlayFlow(shared, model)
        self._addresses = AddressFlow(shared, self._overlay.consider)
        self._book = BookFlow(shared.book, shared.policy.book_save_after_us, now)
        self._tip_watch = TipWatch(shared.tree, shared)
        self._directed = make_directed(shared, addressee, self._overlay, now)
        self._records = make_record_flow(shared, now)
        self._evidence = make_evidence_flow(shared)
        self._admission = make_admission_flow(shared, self._evidence, lambda now: None)
        self._configuration = make_configuration_flow(shared, common_settables(shared), self._evidence)
        self._founder_settings = make_founder_settings(shared, common_settables(shared))
        listeners: tuple[Part, ...] = (
            self._addresses,
            shared.headers,
            HeaderInventory(shared.headers),
            shared.bootstrap,
            shared.gossip,
            self._book,
            self._tip_watch,
            *(() if self._directed is None else (self._directed,)),
            self._overlay,
            *([] if self._evidence is None else [self._evidence]),
            *([] if self._records is None else [self._records]),
            *([] if self._admission is None else [self._admission]),
            *([] if self._configuration is None else [self._configuration]),
            *([] if self._founder_settings is None else [self._founder_settings]),
            DialFlow(shared.connections, shared.book),
        )
        router = make_router(listeners)
        session = replace(session, extensions=extensions_of(router, shared.network))
        self._peers = PeerFlow(shared, self._addresses, session, listeners, router)
        self._commands = CommonCommands(
            shared, self._peers, self._records, self._admission, self._evidence, self._configuration
        )
        self._agenda = Agenda((self._peers, *listeners), self._peers.perform)
        self._peer_ids = PeerIdCommands(shared, self._overlay, self._directed)
        self._has_stopped = False

    # --- the contract ---

    def start(self, now: Micros) -> None:
        """Queue what the first moment asks for."""
        self._shared.emit_unanchored()
        if self._admission is not None:
            self._admission.on_start(now)
        if self._evidence is not None:
            self._evidence.on_start(now)
        if self._configuration is not None:
            self._configuration.on_start(now)
        if self._founder_settings is not None:
            self._founder_settings.on_start(now)
        self._overlay.consider(now)
        self._shared.bootstrap.start(now, self._shared.book.size)
        self._addresses.on_start()
        self._finish(now)

    def handle(self, event: Event, now: Micros) -> None:
        """Take one event. The effects of the event before must have been drained."""
        assert not self._shared.effects, "effects of the last event were not drained"
        self._dispatch(event, now)
        self._finish(now)

    def drain_effects(self) -> list[Effect]:
        """Everything the node wants from the world since the last call, in order."""
        return self._shared.drain()

    def next_deadline(self) -> Micros:
        """When to hand in DeadlineReached, if nothing happens before. It may turn out that nothing is due."""
        return self._agenda.alarm.at

    def earliest_deadline(self) -> Micros:
        """What next_deadline() is never later than, computed from the state of all parts: a check for tests."""
        return self._agenda.earliest()

    def snapshot(self, now: Micros) -> HeaderOnlySnapshot:
        """The node from outside."""
        tip = self._shared.tree.tip
        is_initial = self._shared.headers.snapshot(now).is_initial
        return HeaderOnlySnapshot(tip.height, tip.hash, self._peers.snapshot(now), is_initial)

    # --- events ---

    def _dispatch(self, event: Event, now: Micros) -> None:
        match event:
            case BytesReceived():
                self._peers.on_bytes(event, now)
            case MessageReceived():
                self._peers.on_message(event, now)
            case ConnectionOpened():
                self._peers.on_connection_opened(event, now)
            case ConnectionClosed():
                self._peers.on_connection_closed(event, now)
            case DialFailed():
                self._peers.on_dial_failed(event, now)
                self._peers.perform(self._overlay.on_unreachable(event.address, now), now)
            case InboundFailed(remote, reason):
                self._shared.emit(InboundLost(remote, reason))
            case AddressesFound():
                self._addresses.on_found(event, now)
            case AddressesWithdrawn():
                self._addresses.on_withdrawn(event)
            case RecordsHeard():
                if self._records is not None:
                    self._records.on_heard(event, now)
            case CommandReceived():
                self._on_command(event, now)
            case WorkFailed():
                self._shared.emit(ChainHalted(event.what, event.error))
            case Saved():
                if self._directed is not None:
                    self._peers.perform(self._directed.on_saved(event), now)
                if self._records is not None:
                    self._records.on_saved(event)
                if self._admission is not None:
                    self._admission.on_saved(event)
                if self._evidence is not None:
                    self._evidence.on_saved(event)
                if self._configuration is not None:
                    self._configuration.on_saved(event)
            case QuestionAsked():
                self._overlay.on_question(event, now)
            case SendQueueLow() | DeadlineReached():
                # Nothing large is ever sent.
                pass
            case (
                BlockStored()
                | BlockRefused()
                | ChainMoved()
                | BlockRead()
                | TransactionVerified()
                | ProposalVerified()
                | NonceFound()
                | KeyStretched()
                | RescanProgress()
                | VoteSigned()
                | GreetingSigned()
                | StatementSigned()
            ):
                raise MisuseError(f"{type(event).__name__} for a node that asked for nothing of the kind")
            case _:
                assert_never(event)

    def _finish(self, now: Micros) -> None:
        """What follows every event."""
        is_led = self._shared.headers.headers.guide.is_needed
        if self._shared.tree.best_header is not self._shared.tree.tip and not is_led:
            self._follow(now)
        if now >= self._agenda.alarm.at:
            self._agenda.on_alarm(now)

    def _follow(self, now: Micros) -> None:
        """The best header is another one: it is the tip from now on."""
        shared, tree = self._shared, self._shared.tree
        before, best = tree.tip, tree.best_header
        fork = find_common_ancestor(before, best)
        tree.set_tip(best.hash)
        unsaved = tree.take_unsaved(best)
        if unsaved:
            shared.emit(SaveHeaders(unsaved, tree.certificates(unsaved)))
        if fork is not before:
            gone, come = before.height - fork.height, best.height - fork.height
            shared.emit(Reorganised(gone, come, best.hash))
        shared.emit(TipMoved(best.hash, best.height, best.height))
        shared.headers.on_chain_moved(now)
        self._tip_watch.end_waits()

    # --- commands ---

    def _on_command(self, event: CommandReceived, now: Micros) -> None:
        try:
            self._handle(event.request, event.command, now)
        except (MisuseError, DecodeError) as error:
            self._shared.refuse(event.request, Reason.INVALID, str(error))

    def _handle(self, request: RequestId, command: commands.Command, now: Micros) -> None:
        if isinstance(command, commands.NetworkCommand):
            self._commands.handle(request, command, now)
            return
        if isinstance(command, commands.PeerIdCommand):
            self._peers.perform(self._peer_ids.handle(request, command, now), now)
            return
        if isinstance(command, commands.RecordCommand):
            self._commands.of_records(request, command, now)
            return
        if isinstance(command, commands.SettingsCommand):
            self._commands.of_settings(request, command, now)
            return
        if isinstance(command, commands.AdmissionCommand):
            self._commands.of_admission(request, command, now)
            return
        if isinstance(command, commands.AcknowledgeEvidence):
            self._commands.of_evidence(request, command)
            return
        if isinstance(
            command,
            commands.PoolCommand
            | commands.MiningCommand
            | commands.WalletCommand
            | commands.MembersCommand
            | commands.HoldSigningKey
            | commands.TakeOver
            | commands.RecoveryCommand
            | commands.TrialCommand,
        ):
            self._shared.refuse(request, Reason.WRONG_ROLE, NO_BLOCKS)
            return
        match command:
            case commands.Stop():
                self._shared.reply(request, Done())
                self._stop()
            case commands.SubmitHeader() if self._shared.tree.signers is not None:
                self._shared.refuse(request, Reason.UNABLE, MEMBERS_SIGN)
            case commands.SubmitHeader(header):
                self._commands.submit_header(request, header, self._shared.headers.submit, now)
            case commands.WaitForTip():
                self._tip_watch.wait(request, command, now)
            case commands.WaitForChain():
                # The tip never lags behind the headers.
                self._shared.reply(request, Done())
            case (
                commands.SubmitBlock()
                | commands.InvalidateBlock()
                | commands.ReconsiderBlock()
                | commands.PreferBlock()
                | commands.WaitForFinal()
            ):
                self._shared.refuse(request, Reason.WRONG_ROLE, NO_BLOCKS)
            case _:
                assert_never(command)

    def _stop(self) -> None:
        if self._has_stopped:
            return
        self._has_stopped = True
        self._tip_watch.end_waits()
        self._peer_ids.on_stop(STOPPING)
        self._shared.emit(self._book.save())
        if self._records is not None:
            self._shared.emit(self._records.save())
        self._shared.emit(Shutdown("asked to stop"))
