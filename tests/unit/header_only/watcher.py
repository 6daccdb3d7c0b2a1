"""A header-only node by hand: events in, effects out, with scripted peers that shake hands."""

from tests.unit.node.bench import NETWORK

from minicoin.core.effects import (
    Activate,
    ReadBlock,
    Reply,
    SearchNonce,
    Send,
    StoreBlock,
    VerifyTransaction,
)
from minicoin.core.events import (
    CommandReceived,
    ConnectionOpened,
    DeadlineReached,
    MessageReceived,
)
from minicoin.core.header_only.assemble import assemble_header_only
from minicoin.core.node.assemble import NodeState
from minicoin.core.policy.node import NodePolicy
from minicoin.core.policy.roles import Role
from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.core.wire.messages import (
    NetAddress,
    Verack,
    Version,
)

POLICY = NodePolicy(role=Role.HEADERS)
# What only a node with blocks asks the world for.
OF_BLOCKS = (StoreBlock, Activate, ReadBlock, VerifyTransaction, SearchNonce)


class Watcher:
    """The header-only node and what it wanted of the world."""

    def __init__(self, now, network=NETWORK, state=None):
        self.now = now
        self.node = assemble_header_only(network, POLICY, state or NodeState(), Rng(b"watcher"), now)
        self.seen = []
        self.told = []
        self.replies = {}
        self.dialled = None
        self.node.start(now)
        self._drain()

    def handle(self, event):
        self.node.handle(event, self.now)
        return self._drain()

    def _drain(self):
        assert self.node.next_deadline() <= self.node.earliest_deadline()
        effects = self.node.drain_effects()
        self.seen += effects
        self.told += effects
        for effect in effects:
            assert not isinstance(effect, OF_BLOCKS)
            if isinstance(effect, Reply):
                self.replies[effect.request] = effect
        return effects

    def command(self, command):
        request = len(self.replies) + 1_000
        self.handle(CommandReceived(request, command))
        return self.replies.get(request)

    def say(self, conn, message):
        """A peer's message; the messages that answer it."""
        effects = self.handle(MessageReceived(conn, message, 100))
        return [effect.message for effect in effects if isinstance(effect, Send)]

    def wait(self, duration_us):
        """Time passes, deadline by deadline."""
        end = self.now + duration_us
        while (deadline := self.node.next_deadline()) <= end:
            self.now = max(self.now, deadline)
            self.handle(DeadlineReached())
        self.now = end

    def connect(self, conn, services=Services.NETWORK | Services.WITNESS, host="127.0.0.1"):
        """An inbound peer with a finished handshake; what it heard from us meanwhile."""
        opened = self.handle(ConnectionOpened(conn, NodeAddress(host, 40_000 + conn), True, None))
        theirs = Version(
            70016, services, self.now // SECOND_US, NetAddress(), NetAddress(), 1_000 + conn, "/scripted/", 0
        )
        heard = [effect.message for effect in opened if isinstance(effect, Send)]
        return heard + self.say(conn, theirs) + self.say(conn, Verack())

    @property
    def tip(self):
        return self.node.snapshot(self.now).tip
