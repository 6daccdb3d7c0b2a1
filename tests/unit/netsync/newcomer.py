"""A node that joins where members sign: netsync alone, and peers that serve chains of theirs."""

from tests.unit.alarms import check_alarm
from tests.unit.netsync.banks_chain import (
    LATER,
    NETWORK,
    tree_of,
)
from tests.unit.netsync.scripted import peer_view

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Close, SaveHeaders, Send
from minicoin.core.netsync.certified import CertifiedHeaders
from minicoin.core.netsync.following import HeaderFollower
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.netsync.serve import answer_getheaders
from minicoin.core.netsync.sync import BlockSync
from minicoin.core.part import make_router
from minicoin.core.primitives.address import Services
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId
from minicoin.core.wire.messages import GetHeaders


class Newcomer:
    """A follower of headers, and its peers' chains."""

    def __init__(self, front=HeaderFollower, anchor=None):
        self.tree = HeaderTree(NETWORK)
        self.follower = HeaderFollower(self.tree, Rng(b"newcomer"), anchor=anchor)
        self.part = self.follower if front is HeaderFollower else BlockSync(self.tree, self.follower)
        self.router = make_router([self.part])
        self.now = LATER
        self.served = {}
        self.closed = {}
        self.asked = []
        self.sent = []

    def connect(self, conn, chain=None):
        """A ready peer that offers certified headers; with a chain it answers."""
        if chain is not None:
            self.served[conn] = (tree_of(chain), SyncPeer(ConnId(1), True, Services.NETWORK))
        self.perform(self.part.on_ready(peer_view(conn), self.now))
        self.perform(self.part.on_offer(peer_view(conn), (CertifiedHeaders,), self.now))

    def say(self, conn, message):
        route = self.router.get(type(message))
        if route is None:
            return
        self.perform(route.handle(peer_view(conn), message, self.now))

    def perform(self, effects):
        for effect in effects:
            match effect:
                case Send(conn, GetHeaders() as request):
                    self.asked.append(conn)
                    if conn in self.served:
                        tree, peer = self.served[conn]
                        self.say(conn, answer_getheaders(tree, peer, request))
                case Send(conn, message):
                    self.sent.append((conn, message))
                case Close(conn, reason):
                    self.closed[conn] = reason
                    self.perform(self.part.on_closed(conn, self.now))
                case SaveHeaders():
                    pass
                case _:
                    raise AssertionError(effect)
        check_alarm(self.part)

    @property
    def height(self):
        return self.tree.best_header.height
