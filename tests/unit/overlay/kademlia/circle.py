"""A circle of overlays without nodes: what they send arrives at once, whom they want they are connected to."""

from collections import deque
from ipaddress import ip_address

from tests.unit.alarms import check_alarm
from tests.unit.overlay.kademlia.contacts import contact, peer_view

from minicoin.core.answers import Reason
from minicoin.core.effects import Effect, Reply, SaveState, Send
from minicoin.core.overlay.contract import LedgerView, NetworkView, OverlaySetup
from minicoin.core.overlay.kademlia.model import KademliaOverlay
from minicoin.core.part import make_router
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros, RequestId
from minicoin.core.wire.messages import Message
from minicoin.core.wire.messages_extension import ExtensionMessage

T0 = Micros(1_700_000_000_000_000)


def group_of(address: NodeAddress) -> bytes:
    """Each host is one of its own, as contact() has it."""
    return b"\0" + ip_address(address.host).packed[1:]


class Member:
    """One of the circle."""

    def __init__(self, number: int, *, ledger: LedgerView | None = None, listens: bool = True, **facts) -> None:
        self.number = number
        self.contact = contact(number)
        self.replies: dict[RequestId, object] = {}
        self.refused: list[tuple[Reason, str]] = []
        self.saved: bytes | None = None
        self.got: list[Message] = []
        """Messages of Bitcoin's that the model sent it."""
        self.is_dead = False
        """It takes what is sent to it, and says nothing."""
        self.listens = listens
        self.ends: dict[ConnId, tuple[Member, ConnId]] = {}
        setup = OverlaySetup(
            Rng(b"member", str(number)),
            8,
            2,
            role=facts.pop("role", "server"),
            is_private_network=True,
            own_address=lambda: self.contact.address if self.listens else None,
            peer_id=self.contact.peer_id,
            ledger=ledger or LedgerView(lambda: 0, lambda count: (bytes(32),)[:count]),
            group=facts.pop("group", group_of),
            outbox=self,
            saved=facts.pop("saved", None),
            settings=facts,
        )
        self.overlay = KademliaOverlay(setup)
        self.router = make_router([self.overlay])
        self.speaks = tuple(kind for kind in self.router if issubclass(kind, ExtensionMessage))

    def refuse(self, request: RequestId, reason: Reason, text: str) -> None:
        self.refused.append((reason, text))

    @property
    def peers(self):
        return self.overlay.links


class Circle:
    """All of them, and the messages between them."""

    def __init__(self, *members: Member) -> None:
        self.members = {member.contact.address: member for member in members}
        self.now = T0
        self._next = 1
        self._queue: deque[tuple[Member, ConnId, Message]] = deque()
        self.messages = 0

    def connect(self, one: Member, other: Member, **facts) -> tuple[ConnId, ConnId]:
        """`one` dials, a connection of which `facts` may tell; both speak the model's messages."""
        here, there = ConnId(self._next), ConnId(self._next + 1)
        self._next += 2
        one.ends[here], other.ends[there] = (other, there), (one, here)
        seen = [(one, peer_view(other.number, here, **facts)), (other, peer_view(one.number, there, is_inbound=True))]
        for member, view in seen:
            self.do(member, member.overlay.on_offer(view, member.speaks, self.now))
        return here, there

    def close(self, member: Member, conn: ConnId) -> None:
        other, there = member.ends.pop(conn)
        del other.ends[there]
        for end, name in ((member, conn), (other, there)):
            self.do(end, end.overlay.on_closed(name, self.now))

    def do(self, member: Member, effects) -> None:
        """What a model returned, as node does it."""
        for effect in effects:
            self._perform(member, effect)
        check_alarm(member.overlay)

    def _perform(self, member: Member, effect: Effect) -> None:
        match effect:
            case Send(conn, message):
                if conn in member.ends:
                    self._queue.append((*member.ends[conn], message))
            case Reply(request, answer):
                member.replies[request] = answer
            case SaveState(_, document):
                member.saved = document

    def settle(self, rounds: int = 1_000) -> None:
        """Until nothing is on its way and everybody has whom it wants."""
        for _ in range(rounds):
            while self._queue:
                self._deliver(*self._queue.popleft())
            considered = [self._consider(member) for member in self.members.values() if not member.is_dead]
            if not any(considered):
                return
        raise AssertionError("they never come to rest")

    def _deliver(self, member: Member, conn: ConnId, message: Message) -> None:
        self.messages += 1
        if member.is_dead or conn not in member.ends:
            return
        route = member.router.get(type(message))
        if route is None:
            member.got.append(message)
            return
        other = member.ends[conn][0]
        is_inbound = next(link.peer.is_inbound for link in member.peers if link.conn == conn)
        view = peer_view(other.number, conn, is_inbound=is_inbound)
        self.do(member, route.handle(view, message, self.now))

    def _consider(self, member: Member) -> bool:
        """Connect it to whom it wants, as far as those live; whether anything changed."""
        wants = member.overlay.wants(NetworkView(), self.now)
        check_alarm(member.overlay)
        for conn in wants.unwanted:
            self.close(member, conn)
        met = {other.contact.peer_id for other, _ in member.ends.values()}
        missing = [address for address in wants.addresses if address.peer_id not in met]
        reachable = [address for address in missing if address in self.members and self.members[address].listens]
        for address in reachable:
            if not self.members[address].is_dead:
                self.connect(member, self.members[address])
                return True
        return bool(wants.unwanted)

    def let_pass(self, duration_us: int) -> None:
        """Let time pass; everybody is told of each deadline."""
        end = Micros(self.now + duration_us)
        self.settle()
        while True:
            living = [member for member in self.members.values() if not member.is_dead]
            due = [(at, member) for member in living if (at := member.overlay.next_deadline())]
            at, member = min(due, key=lambda each: each[0])
            if at > end:
                break
            self.now = max(self.now, at)
            self.do(member, member.overlay.on_deadline(self.now))
            self.settle()
        self.now = end


def circle_of(count: int, **facts) -> Circle:
    """Members 1 to `count` that found each other through the first. They pull seldom, for the sake of speed."""
    members = [Member(number, **{"pull_period": 3_600, **facts}) for number in range(1, count + 1)]
    circle = Circle(*members)
    for member in members[1:]:
        circle.connect(member, members[0])
        circle.settle()
    circle.let_pass(60_000_000)
    return circle
