"""Questions under way: to whom, what became of them, and whom we must be connected to for them.

A question to somebody we are not connected to waits for the connection, which the model wants for so long, and one
whose connection ends for another; from the question to its answer it all may take KAD_ASK_TIMEOUT_US. What peers may be
asked at a time is bounded by what asks: lookups have alpha each, and there are KAD_LOOKUPS_MAX of them.
"""

from dataclasses import dataclass

from minicoin.core.effects import Send
from minicoin.core.limits import KAD_ASK_TIMEOUT_US
from minicoin.core.overlay.kademlia.dht_message import DhtMessage
from minicoin.core.overlay.kademlia.keyspace import Contact
from minicoin.core.overlay.kademlia.links import KadLink, KadLinks
from minicoin.core.overlay.kademlia.messages import KadAsk
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import ConnId, Micros


@dataclass(slots=True)
class KadQuestion:
    """One question. `search` is the number of the search that asks, None for a sign of life only."""

    contact: Contact
    message: DhtMessage
    search: int | None
    deadline: Micros
    conn: ConnId | None = None
    """Where it was sent."""


class KadQuestions:
    """By number, in the order in which they end."""

    __slots__ = ("_links", "_next", "_open")

    def __init__(self, links: KadLinks) -> None:
        self._links = links
        self._next = 0
        self._open: dict[int, KadQuestion] = {}

    def __len__(self) -> int:
        return len(self._open)

    def ask(self, contact: Contact, message: DhtMessage, search: int | None, now: Micros) -> list[Send]:
        """Ask now, or as soon as there is a connection."""
        self._next = (self._next + 1) & 0xFFFF_FFFF
        question = KadQuestion(contact, message, search, Micros(now + KAD_ASK_TIMEOUT_US))
        self._open[self._next] = question
        link = self._links.to(contact.peer_id)
        return [] if link is None else [self._send(self._next, question, link)]

    def can_ask_now(self, contact: Contact) -> bool:
        """Whether we are connected to it."""
        return self._links.to(contact.peer_id) is not None

    def on_link(self, link: KadLink) -> list[Send]:
        """A connection is there: what waited for it goes out."""
        return [
            self._send(number, question, link)
            for number, question in self._open.items()
            if question.conn is None and question.contact.peer_id == link.peer_id
        ]

    def answered(self, conn: ConnId, number: int, message: DhtMessage) -> KadQuestion | None:
        """The question that this answers, which is over; None for an answer to nothing, or of somebody else."""
        question = self._open.get(number)
        if question is None or question.conn != conn or question.message.type is not message.type:
            return None
        del self._open[number]
        return question

    def on_closed(self, conn: ConnId) -> list[Send]:
        """What was asked there is asked on another connection with the same peer, now or when there is one: who made
        this one may have let it go before the question came."""
        sends: list[Send] = []
        for number, question in self._open.items():
            if question.conn != conn:
                continue
            question.conn = None
            link = self._links.to(question.contact.peer_id)
            if link is not None:
                sends.append(self._send(number, question, link))
        return sends

    def on_unreachable(self, address: NodeAddress) -> list[KadQuestion]:
        """The questions that waited for a connection with this address."""
        lost = [
            number
            for number, question in self._open.items()
            if question.conn is None and question.contact.address == address
        ]
        return [self._open.pop(number) for number in lost]

    def take_late(self, now: Micros) -> list[KadQuestion]:
        """Those that were not answered in time."""
        late: list[KadQuestion] = []
        for number, question in list(self._open.items()):
            if question.deadline > now:
                break
            late.append(self._open.pop(number))
        return late

    def drop(self, search: int) -> None:
        """A search is over: its questions have no more use, but those that are on their way tell who is alive."""
        for number, question in list(self._open.items()):
            if question.search == search and question.conn is None:
                del self._open[number]

    def next_deadline(self) -> Micros | None:
        return next((question.deadline for question in self._open.values()), None)

    def addresses(self) -> list[NodeAddress]:
        """Where we must be connected for them, in the order they were asked."""
        return [question.contact.address for question in self._open.values()]

    def _send(self, number: int, question: KadQuestion, link: KadLink) -> Send:
        question.conn = link.conn
        return Send(link.conn, KadAsk(number, question.message))
