"""Letters of small identities, and parts of delivery joined by hand: who knows a way to whom is a table of the test."""

from collections import deque
from functools import cache

from tests.unit.alarms import check_alarm

from minicoin.core.commands import Tell
from minicoin.core.directed.delivery import Addressee, Directed, DirectedSetup
from minicoin.core.directed.letter import LETTER_ID_BYTES, hash_of, write_letter
from minicoin.core.directed.letterbox import LETTERS_KEY, Letterbox
from minicoin.core.directed.messages import LETTER_MESSAGES, LetterMessage
from minicoin.core.effects import SaveState, Send
from minicoin.core.events import Saved
from minicoin.core.faults import PeerFault
from minicoin.core.libp2p.identity import Identity
from minicoin.core.notices import LetterReceived
from minicoin.core.overlay.contract import Hops
from minicoin.core.part import PeerView
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, ConnId, Micros, RequestId

NETWORK = bytes(range(32))
NOW = Micros(1_800_000_000 * SECOND_US)


def identity(number):
    return _identity(number)


@cache
def _identity(number):
    return Identity.from_number(number)


def peer_id(number):
    return identity(number).peer_id.multihash


def address(number):
    return NodeAddress(f"10.{number >> 8}.{number & 255}.1", 8333, peer_id(number))


def letter(sender=1, target=2, text="hello", number=0, now=NOW):
    return write_letter(
        identity(sender),
        NETWORK,
        target=peer_id(target),
        letter_id=number.to_bytes(LETTER_ID_BYTES, "big"),
        text=text,
        now=now,
    )


def hash_(one):
    return hash_of(one, NETWORK)


class Post:
    """One node's delivery. A connection to node n has the id n, and what it sends is `sent`. `ways` says for a target
    to which connections a letter goes; connections are made by `meet`."""

    def __init__(self, number=0, letterbox=None, group=lambda where: where.host.encode()[:5]):
        self.number = number
        self.now = NOW
        self.ways = {}
        self.reach_of = {}
        self.floods = False
        self.wanted = ()
        self.answers = {}
        self.sent = []
        self.saves = []
        self.disk = None
        self.received = []
        self.asked = 0
        self.part = Directed(
            DirectedSetup(
                Addressee(identity(number), letterbox or Letterbox()),
                NETWORK,
                ways=self,
                group=group,
                outbox=self,
                rng=Rng(bytes([number])),
            ),
            self.now,
        )

    # --- what the part sees of the node ---

    def route(self, target, peers, now):
        conns = tuple(ConnId(conn) for conn in self.ways.get(target, ()))
        return Hops(conns, self.reach_of.get(target, ()), self.floods and bool(conns))

    def reach(self, addresses, now):
        self.wanted = addresses

    def emit(self, *effects):
        raise AssertionError("effects are returned")

    def reply(self, request, answer):
        if request is not None:
            assert request not in self.answers
            self.answers[request] = answer

    def refuse(self, request, reason, text):
        if request is not None:
            assert request not in self.answers
            self.answers[request] = (reason, text)

    # --- what happens ---

    def take(self, effects):
        for effect in effects:
            if isinstance(effect, Send):
                self.sent.append((effect.conn, effect.message))
            elif isinstance(effect, SaveState):
                assert effect.key == LETTERS_KEY
                self.saves.append(effect.value)
            else:
                assert isinstance(effect, LetterReceived)
                self.received.append(effect)
        check_alarm(self.part)

    def meet(self, *numbers):
        for number in numbers:
            self.take(self.part.on_offer(self.peer(number), LETTER_MESSAGES, self.now))

    def leave(self, number):
        self.take(self.part.on_closed(ConnId(number), self.now))

    def peer(self, number):
        return PeerView(ConnId(number), address(number), is_inbound=False)

    def tell(self, target, text="hello", letter_id=b""):
        self.asked += 1
        self.take(self.part.tell(RequestId(self.asked), Tell(peer_id(target), text, letter_id), self.now))
        return RequestId(self.asked)

    def hear(self, number, message):
        """A message of the node with this number."""
        routes = {one.message: one.handle for one in self.part.routes()}
        self.take(routes[type(message)](self.peer(number), message, self.now))

    def faults(self, number, message):
        """The reason that the sender of this message is blamed with."""
        try:
            self.hear(number, message)
        except PeerFault as fault:
            return fault.reason
        return None

    def save(self, error=""):
        """The disk is done with the oldest write."""
        document = self.saves.pop(0)
        self.disk = self.disk if error else document
        self.take(self.part.on_saved(Saved(LETTERS_KEY, error)))

    def later(self, seconds):
        """So much time passes, in the steps that the part asks for."""
        until = Micros(self.now + round(seconds * SECOND_US))
        while (due := self.part.next_deadline()) is not None and due <= until:
            self.now = max(due, self.now)
            self.take(self.part.on_deadline(self.now))
        self.now = until

    def take_sent(self):
        sent, self.sent = self.sent, []
        return sent


class Town:
    """Several of them with lines between them. Whoever is `dead` keeps its lines and says nothing."""

    def __init__(self, *pairs):
        numbers = dict.fromkeys(number for pair in pairs for number in pair)
        self.posts = {number: Post(number) for number in numbers}
        self.dead = set()
        self.passed = []
        for one, other in pairs:
            self.posts[one].meet(other)
            self.posts[other].meet(one)

    def __getitem__(self, number):
        return self.posts[number]

    def way(self, target, **steps):
        """The way to it, as n1="2 3": node 1 gives a letter to 2, and else to 3."""
        for name, conns in steps.items():
            self.posts[int(name[1:])].ways[peer_id(target)] = tuple(int(conn) for conn in conns.split())

    def run(self):
        """Until nobody has anything to say at this moment; disks answer at once."""
        queue = deque()
        while True:
            for number, post in self.posts.items():
                while post.saves:
                    post.save()
                queue.extend((number, to, message) for to, message in post.take_sent())
            if not queue:
                return
            number, to, message = queue.popleft()
            self.passed.append((number, to, type(message).command))
            if to not in self.dead and number not in self.dead:
                self.posts[to].hear(number, message)

    def later(self, seconds):
        """Time passes for all alike, a tenth of a second at a time."""
        for _ in range(round(seconds * 10)):
            for post in self.posts.values():
                post.later(0.1)
            self.run()


def message(one, hops_left=2, floods=False):
    return LetterMessage(one, hops_left, floods)
