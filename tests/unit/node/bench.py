"""One node by hand: events in, effects out, with a scripted peer that shakes hands and an engine that works on call."""

from dataclasses import replace

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.commands import take_answer
from minicoin.core.effects import (
    Activate,
    Close,
    ReadBlock,
    Reply,
    Rescan,
    SaveHeaders,
    SaveState,
    SearchNonce,
    Send,
    SetClock,
    StopSearch,
    StoreBlock,
    StretchKey,
    VerifyProposal,
    VerifyTransaction,
    Watch,
)
from minicoin.core.events import (
    CommandReceived,
    ConnectionOpened,
    DeadlineReached,
    KeyStretched,
    MessageReceived,
    NonceFound,
    Saved,
)
from minicoin.core.mempool.pool_flow import MEMPOOL_KEY
from minicoin.core.mining.search import search
from minicoin.core.node.assemble import assemble_node, state_of
from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.messages import NetAddress, Verack, Version
from minicoin.core.work import perform, rest_of
from minicoin.drivers.kernel import KernelVerifier

NETWORK = lookup("regtest")
LETTERS = replace(NETWORK, own_messages=True)
"""The same network, whose nodes have messages of their own."""
NOBODY = b"\x00\x14" + bytes(20)


class Bench:
    """A node whose world is the test."""

    def __init__(
        self,
        policy=None,
        *,
        is_working=True,
        saves=True,
        store=None,
        documents=None,
        now=None,
        overlay=None,
        parts=(),
        network=NETWORK,
        identity=None,
    ):
        self.now = now or Micros((NETWORK.genesis.header.time + 600) * SECOND_US)
        self.store = store or MemoryChainStore()
        self.engine = ChainEngine(network, self.store, KernelVerifier())
        self.documents = documents or {}
        """What is on disk, and what a crash leaves of it: the store's unflushed coins are lost as well."""
        state = state_of(self.engine, dict(self.documents))
        self.node = assemble_node(
            network,
            policy or NodePolicy(peer_id=identity.peer_id.multihash if identity else b""),
            state,
            Rng(b"bench"),
            Rng(b"keys").bytes,
            self.now,
            identity=identity,
            overlay=overlay,
            parts=parts,
        )
        self.is_working = is_working
        self.saves = saves
        self.seen = []
        self.held = []
        self.replies = {}
        self.next_request = 1
        self.save_error = ""
        self.job = None
        self.node.start(self.documents.get(MEMPOOL_KEY), self.now)
        self._perform()

    def crash(self, policy=None, *, is_working=True, **documents):
        """The node that starts on what this one had on disk; `documents` stand in the place of those that were there,
        None for one that is gone."""
        kept = {key: raw for key, raw in (self.documents | documents).items() if raw is not None}
        return Bench(policy, is_working=is_working, store=self.store, documents=kept, now=self.now)

    def handle(self, event):
        """One event, and whatever the world answers to it."""
        self.node.handle(event, self.now)
        self._perform()

    def _drain(self):
        """The effects of the last event. Whatever it did, no deadline may be missed."""
        assert self.node.next_deadline() <= self.node.earliest_deadline()
        return self.node.drain_effects()

    def _perform(self):
        for effect in self._drain():
            self.seen.append(effect)
            if isinstance(effect, Reply):
                assert effect.request not in self.replies, "answered twice"
                self.replies[effect.request] = effect
            self.held.append(effect)
        if self.is_working:
            self.work()

    def work(self):
        """Perform what is held, until nothing is."""
        while self.held:
            event = self.perform(self.held.pop(0))
            if event is not None:
                self.node.handle(event, self.now)
                for effect in self._drain():
                    self.seen.append(effect)
                    if isinstance(effect, Reply):
                        assert effect.request not in self.replies, "answered twice"
                        self.replies[effect.request] = effect
                    self.held.append(effect)

    def perform(self, effect):
        match effect:
            case SaveState(key, value) if self.saves:
                if not self.save_error:
                    self.documents[key] = value
                return Saved(key, self.save_error)
            case StretchKey(request, passphrase):
                return KeyStretched(request, passphrase.ljust(32, b"-")[:32])
            case (
                StoreBlock()
                | Activate()
                | ReadBlock()
                | VerifyTransaction()
                | VerifyProposal()
                | Watch()
                | Rescan()
                | SaveHeaders()
            ):
                answer = perform(self.engine, effect)
                rest = rest_of(effect, answer)
                if rest is not None:
                    self.held.insert(0, rest)
                return answer
            case StopSearch():
                self.job = None
            case SetClock(at) if at is not None:
                self.now = at
                return DeadlineReached()
            case SearchNonce():
                self.job = effect
                return self._found()
        return None

    def _found(self):
        job = self.job
        if job is None or job.not_before_us > self.now:
            return None
        self.job = None
        return NonceFound(job.job, search(job, 0, 1 << 20))

    def _search_paced(self):
        found = self._found()
        if found is not None:
            self.handle(found)

    def command(self, command):
        request = self.next_request
        self.next_request += 1
        self.handle(CommandReceived(request, command))
        return request

    def ask(self, command):
        """The answer, which must have come and be of the command's kind. Raises CommandRefused."""
        return take_answer(command, self.replies[self.command(command)].answer)

    def wait(self, duration_us):
        """Time passes, deadline by deadline."""
        end = self.now + duration_us
        wakes = 0
        while (deadline := self.node.next_deadline()) is not None and deadline <= end:
            wakes += 1
            assert wakes < 5_000, "a busy loop"
            self.now = Micros(max(self.now, deadline))
            self.handle(DeadlineReached())
            self._search_paced()
        self.now = Micros(end)

    def take(self, kind):
        """Effects of one kind since the last look at any; sent messages count by their own class."""
        found = [
            effect.message if isinstance(effect, Send) and isinstance(effect.message, kind) else effect
            for effect in self.seen
            if isinstance(effect, kind) or (isinstance(effect, Send) and isinstance(effect.message, kind))
        ]
        self.seen.clear()
        return found

    def seen_sends(self):
        """What went to connections since the last look, closings included, in order."""
        found = [effect for effect in self.seen if isinstance(effect, Send | Close)]
        self.seen.clear()
        return found

    def connect(self, conn, *, nonce=None, host="127.0.0.1", number=70016, height=None, clock_s=0):
        """An inbound peer with a finished handshake, as high as the node, and `clock_s` ahead of its clock."""
        self.handle(ConnectionOpened(conn, NodeAddress(host, 40_000 + conn), True, None))
        theirs = Version(
            number,
            9,
            self.now // SECOND_US + clock_s,
            NetAddress(),
            NetAddress(),
            nonce or 1_000 + conn,
            "/scripted/",
            self.node.view.tree.tip.height if height is None else height,
        )
        self.say(conn, theirs)
        self.say(conn, Verack())
        return conn

    def say(self, conn, message):
        self.handle(MessageReceived(conn, message, 100))
