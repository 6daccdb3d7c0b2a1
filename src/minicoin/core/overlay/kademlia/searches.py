"""The lookups of a node: what each is for, what it asks, and what becomes of the answers.

1. `OWN`: of our own id, until as many as stand in a bucket have answered: who is near to us. As soon as there is
   somebody to ask, and at each refresh.
2. `BUCKET`: of a random key in a bucket of which nobody was heard, until the nearest known has answered: for those it
   names. After the own lookup one for each such bucket, one after the other; at each refresh one of a random bucket. A
   key is the hash of what is sent, so one in a near bucket is not to be had by trying; there the own lookup does.
3. `FIND`: of a peer's id, because somebody asks where it is. Who is found is asked for a sign of life before we say so.

There are at most KAD_LOOKUPS_MAX at a time. Whoever answers is alive and a server: it may enter the table. Whoever
gives no answer is silent.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Final

from minicoin.core.answers import FoundBy, PeerFound
from minicoin.core.effects import Effect, Reply
from minicoin.core.limits import KAD_LOOKUPS_MAX, KAD_RESILIENCY, KAD_SEARCHED_BITS_MAX
from minicoin.core.overlay.kademlia.dht_message import DhtMessage, DhtPeer, DhtType
from minicoin.core.overlay.kademlia.keyspace import KEY_BITS, Contact, bucket_of, key_of
from minicoin.core.overlay.kademlia.lookup import Lookup
from minicoin.core.overlay.kademlia.neighbours import KadNeighbours
from minicoin.core.overlay.kademlia.questions import KadQuestion, KadQuestions
from minicoin.core.overlay.kademlia.settings import KademliaSettings
from minicoin.core.overlay.kademlia.table import RoutingTable
from minicoin.core.rng import Rng
from minicoin.core.units import Micros, RequestId

NOBODY_KNOWS: Final = PeerFound()


class SearchKind(Enum):
    """What a search is for."""

    OWN = auto()
    BUCKET = auto()
    FIND = auto()


@dataclass(slots=True)
class _Search:
    kind: SearchKind
    lookup: Lookup
    name: bytes
    """What is sent in the questions."""
    requests: list[RequestId]
    """Commands that wait for it."""
    otherwise: PeerFound
    """The answer where nobody knows."""
    is_verifying: bool = False


ReadContacts = Callable[[Iterable[DhtPeer]], list[Contact]]
"""Those peers of an answer that may be asked."""


class KadSearches:
    """Of one node; `own` is its id."""

    def __init__(
        self,
        own: bytes,
        settings: KademliaSettings,
        table: RoutingTable,
        neighbours: KadNeighbours,
        questions: KadQuestions,
        read: ReadContacts,
        rng: Rng,
    ) -> None:
        self._own = own
        self._settings = settings
        self._table = table
        self._neighbours = neighbours
        self._questions = questions
        self._read = read
        self._rng = rng
        self._running: dict[int, _Search] = {}
        self._next = 0
        self._buckets: list[int] = []
        self.ended = 0
        """Lookups that came to an end."""

    def __len__(self) -> int:
        return len(self._running)

    # --- begun ---

    def refresh(self, now: Micros) -> list[Effect]:
        """Who is near to us, and who is in one other bucket; and who is still there of those that were not heard of for
        the longest time."""
        effects: list[Effect] = []
        for contact in self._table.oldest():
            if self._questions.can_ask_now(contact):
                # Its connection is a sign of life.
                self._table.see(contact)
            else:
                effects += self._questions.ask(contact, DhtMessage(DhtType.PING), None, now)
        if all(search.kind is SearchKind.FIND for search in self._running.values()):
            self._buckets = [KEY_BITS - 1 - self._rng.below(KAD_SEARCHED_BITS_MAX)]
            effects += self._begin(SearchKind.OWN, self._own, self._settings.k, now)
        return effects

    def find(self, request: RequestId, target: bytes, otherwise: PeerFound, now: Micros) -> list[Effect] | None:
        """Look for a peer; None where too many are looked for."""
        for search in self._running.values():
            if search.kind is SearchKind.FIND and search.name == target:
                search.requests.append(request)
                return []
        if len(self._running) >= KAD_LOOKUPS_MAX:
            return None
        return self._begin(SearchKind.FIND, target, KAD_RESILIENCY, now, request, otherwise)

    def _begin(
        self,
        kind: SearchKind,
        name: bytes,
        enough: int,
        now: Micros,
        request: RequestId | None = None,
        otherwise: PeerFound = NOBODY_KNOWS,
    ) -> list[Effect]:
        key, settings = key_of(name), self._settings
        lookup = Lookup(
            key,
            self._table.closest(key, settings.k),
            own=self._own,
            k=settings.k,
            alpha=settings.alpha,
            enough=enough,
            wanted=name if kind is SearchKind.FIND else b"",
        )
        self._next += 1
        search = _Search(kind, lookup, name, [] if request is None else [request], otherwise)
        self._running[self._next] = search
        return self._go_on(self._next, search, now)

    # --- what became of questions ---

    def on_answer(self, question: KadQuestion, message: DhtMessage, now: Micros) -> list[Effect]:
        """Somebody answered."""
        contact = question.contact
        self._table.see(contact)
        closer = self._read(message.closer)
        self._neighbours.hear_of(closer)
        search = self._search_of(question)
        if search is None or question.search is None:
            return []
        if search.is_verifying:
            return self._answer_found(question.search, search, is_certain=True)
        search.lookup.answer(contact.peer_id, closer)
        return self._go_on(question.search, search, now)

    def on_silence(self, questions: Iterable[KadQuestion], now: Micros) -> list[Effect]:
        """These got no answer."""
        effects: list[Effect] = []
        for question in questions:
            contact = question.contact
            self._table.fail(contact)
            self._neighbours.forget(contact)
            search = self._search_of(question)
            if search is None or question.search is None:
                continue
            if search.is_verifying:
                effects += self._answer_found(question.search, search, is_certain=False)
            else:
                search.lookup.fail(contact.peer_id)
                effects += self._go_on(question.search, search, now)
        return effects

    # --- inside ---

    def _search_of(self, question: KadQuestion) -> _Search | None:
        """The search that the question is of, unless that is over, or verifies and the question is an older one."""
        search = None if question.search is None else self._running.get(question.search)
        if search is None or search.is_verifying is not (question.message.type is DhtType.PING):
            return None
        return search

    def _go_on(self, number: int, search: _Search, now: Micros) -> list[Effect]:
        effects: list[Effect] = []
        lookup = search.lookup
        while (contact := lookup.next_ask()) is not None:
            effects += self._questions.ask(contact, DhtMessage(DhtType.FIND_NODE, search.name), number, now)
        if lookup.is_over:
            effects += self._end(number, search, now)
        return effects

    def _end(self, number: int, search: _Search, now: Micros) -> list[Effect]:
        self.ended += 1
        self._questions.drop(number)
        found = search.lookup.found
        if found is not None:
            search.is_verifying = True
            return list(self._questions.ask(found.contact, DhtMessage(DhtType.PING), number, now))
        del self._running[number]
        match search.kind:
            case SearchKind.FIND:
                answer = replace(search.otherwise, asked=search.lookup.asks)
                return [Reply(request, answer) for request in search.requests]
            case SearchKind.OWN:
                self._buckets += self._unheard(search.lookup)
                return self._next_bucket(now)
            case SearchKind.BUCKET:
                return self._next_bucket(now)

    def _answer_found(self, number: int, search: _Search, *, is_certain: bool) -> list[Effect]:
        found = search.lookup.found
        del self._running[number]
        assert found is not None
        answer = PeerFound(
            (found.contact.address,),
            FoundBy.LOOKUP,
            found.told_by,
            search.lookup.asks,
            is_certain=is_certain,
            hops=found.depth,
        )
        return [Reply(request, answer) for request in search.requests]

    def _unheard(self, lookup: Lookup) -> list[int]:
        """The buckets farther away than our nearest that nobody was heard of in, as far as keys can be had there."""
        nearest = lookup.closest(self._settings.k)
        if not nearest:
            return []
        lowest = bucket_of(lookup.target, nearest[-1].key)
        indexes = range(KEY_BITS - 1, max(lowest, KEY_BITS - 1 - KAD_SEARCHED_BITS_MAX), -1)
        return [index for index in indexes if not self._neighbours.has_heard(index)]

    def _next_bucket(self, now: Micros) -> list[Effect]:
        if not self._buckets:
            return []
        name = self._name_in(self._buckets.pop(0))
        return self._begin(SearchKind.BUCKET, name, 1, now)

    def _name_in(self, index: int) -> bytes:
        """A name whose key lies in that bucket, found by trying: each bucket nearer takes twice as many."""
        own = key_of(self._own)
        while True:
            name = self._rng.bytes(32)
            if bucket_of(own, key_of(name)) == index:
                return name
