"""The real world around one node: takes events from the inbox, hands them in, performs the effects.

The loop never waits for a socket, a disk or a worker; everything slow comes back as an event. Commands and queries from
other threads (RPC) enter here.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial

import trio

from minicoin.core.answers import Reason, Refused
from minicoin.core.chain.engine import ChainEngine
from minicoin.core.commands import Command, Stop
from minicoin.core.effects import (
    Activate,
    AdmitPeers,
    AnswerQuestion,
    Close,
    Dial,
    Effect,
    ReadBlock,
    Reply,
    Rescan,
    Resolve,
    SaveHeaders,
    SaveState,
    SearchNonce,
    Send,
    SetClock,
    Shutdown,
    SignGreeting,
    SignStatement,
    SignVote,
    StopSearch,
    StoreBlock,
    StretchKey,
    VerifyProposal,
    VerifyTransaction,
    Watch,
)
from minicoin.core.events import CommandReceived, DeadlineReached, KeyStretched
from minicoin.core.node.node import Node
from minicoin.core.notices import Notice
from minicoin.core.units import SECOND_US, Micros, RequestId
from minicoin.core.wallet.crypt import stretch_key
from minicoin.drivers.chain_worker import ChainWorker
from minicoin.drivers.clock import NodeClock
from minicoin.drivers.document_worker import DocumentWorker
from minicoin.drivers.documents import DocumentStore
from minicoin.drivers.inbox import Inbox
from minicoin.drivers.lag import LagMeter
from minicoin.drivers.mining_worker import MiningWorker
from minicoin.drivers.network import Listening, Sockets
from minicoin.drivers.recorder import Recorder
from minicoin.drivers.reports import AcceptFailed, MiningFailed, NoticeTaker, Report
from minicoin.drivers.signing import KeyHolding, SigningWorker
from minicoin.drivers.threads import NoThread, finish, in_thread

_BATCH_SECONDS = 0.005
"""Events are handled in a row this long before the sockets get their turn."""

_THREAD_AGAIN_S = 1.0
"""Until it is asked for a thread again, where the system had none."""

ReplyTaker = Callable[[Reply], None]


class Runtime:
    """Runs one node until it is asked to stop. Make it inside trio; `run` does the rest."""

    def __init__(
        self,
        node: Node,
        engine: ChainEngine,
        documents: DocumentStore,
        network: Sockets,
        inbox: Inbox,
        clock: NodeClock,
        on_notice: NoticeTaker,
        recorder: Recorder | None = None,
        signer: KeyHolding | None = None,
    ) -> None:
        """`signer` is asked where the node's policy names a signing key, which is its own."""
        self.node = node
        self.clock = clock
        self.network = network
        self.network.on_trouble = lambda reason: self.report(AcceptFailed(reason))
        self.lag = LagMeter()
        self.stop_reason = ""
        self.finished = trio.Event()
        """Set when everything is closed and flushed."""
        self._inbox = inbox
        self._on_notice = on_notice
        self._notices: list[Notice] = []
        self._answers: list[Reply] = []
        self._recorder = recorder
        self._token = trio.lowlevel.current_trio_token()
        self._chain = ChainWorker(engine, inbox.put_from_thread)
        self._documents = DocumentWorker(documents, inbox.put_from_thread)
        self._miner: MiningWorker | None = None
        self._signing = None if signer is None else SigningWorker(signer, inbox.put_from_thread)
        self._replies: dict[RequestId, ReplyTaker] = {}
        self._next_request = 1
        self._is_stopping = False
        self._nursery: trio.Nursery | None = None

    async def run(
        self,
        listeners: Sequence[Listening],
        mempool: bytes | None,
        *,
        task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Until the node shuts down; connections closed, stores flushed when it returns."""
        try:
            async with trio.open_nursery() as nursery:
                self._nursery = nursery
                await nursery.start(self.network.run, listeners)
                nursery.start_soon(self.lag.run)
                self._start(mempool)
                task_status.started()
                await self._loop()
                if self._recorder is not None:
                    self._recorder.finish("the node stopped", self.node)
                await self.network.close_all(self.stop_reason)
                nursery.cancel_scope.cancel()
        finally:
            with trio.CancelScope(shield=True):
                await finish(self._stop_workers)
            self._answer_late_commands()
            self.finished.set()

    async def _loop(self) -> None:
        while not self._is_stopping:
            if not len(self._inbox):
                wait_us = self.node.next_deadline() - self.clock()
                if wait_us > 0:
                    with trio.move_on_after(math.inf if self.clock.is_standing else wait_us / SECOND_US):
                        await self._inbox.wait()
            end = trio.current_time() + _BATCH_SECONDS
            self._step()
            while not self._is_stopping and len(self._inbox) and trio.current_time() < end:
                self._step()
            # Writers and readers get their turn also when events never run out.
            await trio.lowlevel.checkpoint()

    def _start(self, mempool: bytes | None) -> None:
        now = self.clock()
        if self._recorder is not None:
            self._recorder.start(now)
        self.node.start(mempool, now)
        self._perform_all()

    def _step(self) -> None:
        event = self._inbox.take_nowait() or DeadlineReached()
        now = self.clock()
        if self._recorder is not None:
            # Before it is handled: an event that breaks the core is the one worth having.
            self._recorder.before(event, now, self.node)
        self.node.handle(event, now)
        self._perform_all()

    def _perform_all(self) -> None:
        effects = self.node.drain_effects()
        if self._recorder is not None:
            self._recorder.after(effects, self.node)
        for effect in effects:
            self._perform(effect)
        self.network.flush()
        # Peers hear of a block before the log does, and who asked for something when the log has it.
        notices, self._notices = self._notices, []
        for notice in notices:
            self._on_notice(self.clock.wall(), notice)
        answers, self._answers = self._answers, []
        for answer in answers:
            taker = self._replies.pop(answer.request, None)
            if taker is not None:
                taker(answer)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Send():
                self.network.send(effect)
            case (
                StoreBlock()
                | Activate()
                | ReadBlock()
                | VerifyTransaction()
                | VerifyProposal()
                | SaveHeaders()
                | Watch()
                | Rescan()
            ):
                self._chain.put(effect)
            case Dial():
                self.network.dial(effect)
            case Close():
                self.network.close(effect)
            case AdmitPeers(peer_ids):
                self.network.gate.admitted = frozenset(peer_ids)
            case AnswerQuestion():
                self.network.answer(effect)
            case Resolve():
                self.network.resolve(effect)
            case SaveState():
                self._documents.save(effect)
            case Reply():
                self._answers.append(effect)
            case SearchNonce() | StopSearch():
                self._search(effect)
            case StretchKey():
                assert self._nursery is not None
                self._nursery.start_soon(self._stretch, effect)
            case SignVote() | SignGreeting() | SignStatement():
                assert self._signing is not None
                self._signing.sign(effect)
            case SetClock(at):
                self.clock.set(at)
                self._inbox.put_nowait(DeadlineReached())
            case Shutdown(reason):
                self.stop_reason = reason
                self._is_stopping = True
            case _:
                # What is left is the closed union of notices, as the type checker sees.
                self._notices.append(effect)

    def _search(self, effect: SearchNonce | StopSearch) -> None:
        if self._miner is None:
            if isinstance(effect, StopSearch):
                return
            # Started on first use: a node that does not mine has no second process.
            self._miner = MiningWorker(self._inbox.put_from_thread, lambda reason: self.report(MiningFailed(reason)))
        if isinstance(effect, SearchNonce):
            # The worker waits by the wall clock.
            not_before_us = self.clock.wall_time(Micros(effect.not_before_us)) if effect.not_before_us else 0
            self._miner.search(replace(effect, not_before_us=not_before_us))
        else:
            self._miner.search(None)

    async def _stretch(self, effect: StretchKey) -> None:
        while True:
            try:
                key = await in_thread(partial(stretch_key, effect))
                break
            except NoThread:
                await trio.sleep(_THREAD_AGAIN_S)
        self._inbox.put_nowait(KeyStretched(effect.request, key))

    def _answer_late_commands(self) -> None:
        """Those that came behind the one that stopped the node."""
        late, self._replies = self._replies, {}
        for request, taker in late.items():
            taker(Reply(request, Refused(Reason.STOPPED, self.stop_reason or "the node is shutting down")))

    def _stop_workers(self) -> None:
        if self._miner is not None:
            self._miner.stop()
        if self._signing is not None:
            self._signing.stop()
        self._documents.stop()
        self._chain.stop()
        if self._recorder is not None:
            self._recorder.close()

    # --- from outside ---

    def report(self, report: Report) -> None:
        """What a part has to say that the core does not know."""
        self._on_notice(self.clock.wall(), report)

    def report_from_thread(self, report: Report) -> None:
        """The same from another thread."""
        with suppress(trio.RunFinishedError):
            self._token.run_sync_soon(self.report, report)

    def command_nowait(self, command: Command, taker: ReplyTaker) -> None:
        """Hand in a command; `taker` gets its reply, on this thread."""
        request = RequestId(self._next_request)
        self._next_request += 1
        self._replies[request] = taker
        self._inbox.put_nowait(CommandReceived(request, command))

    def command_from_thread(self, command: Command, taker: ReplyTaker) -> None:
        """The same from another thread; `taker` is still called on this one. Raises trio.RunFinishedError."""
        self._token.run_sync_soon(self.command_nowait, command, taker)

    def call_from_thread(self, function: Callable[[], None]) -> None:
        """Run a pure read between two events. Raises trio.RunFinishedError."""
        self._token.run_sync_soon(function)

    def read_chain(
        self, function: Callable[[ChainEngine], object], done: Callable[[object, Exception | None], None]
    ) -> None:
        """Run a read on the engine in the chain worker; `done` is called on that thread. From any thread."""
        self._chain.call(function, done)

    def stop_nowait(self) -> None:
        """Ask the node to stop."""
        self.command_nowait(Stop(), lambda reply: None)
