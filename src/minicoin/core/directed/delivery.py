"""Letters as a part of the node: those it writes, those it passes on, and those that are for it.

Owns no way to anybody: whom a letter is given to next it asks `Ways`, the network model. What is waited for and how
long is `passage`'s, the disk and what is known again `letterbox`'s.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from minicoin.core.alarm import Alarm
from minicoin.core.answers import LetterProblem, Outcome, Reason, Told
from minicoin.core.commands import Tell
from minicoin.core.directed.letter import (
    LETTER_ID_BYTES,
    Letter,
    check_letter,
    check_receipt,
    hash_of,
    is_in_time,
    sign_receipt,
    write_letter,
)
from minicoin.core.directed.letterbox import LETTERS_KEY, Asker, Letterbox, ReceivedLetter
from minicoin.core.directed.messages import LETTER_MESSAGES, LetterFailed, LetterMessage, LetterTaken, Receipt
from minicoin.core.directed.passage import Failure, Passage
from minicoin.core.directed.rates import Rates
from minicoin.core.effects import Effect, SaveState, Send
from minicoin.core.events import Saved
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import (
    LETTER_HOPS_MAX,
    LETTER_LOOK_AGAIN_US,
    LETTERS_OWN_WAITING_MAX,
    LETTERS_WAITING_MAX,
    LETTERS_WAITING_PER_GROUP_MAX,
    LETTERS_WAITING_PER_PEER_MAX,
)
from minicoin.core.notices import LetterReceived
from minicoin.core.overlay.contract import Hops
from minicoin.core.part import Outbox, Part, PeerView, Route, route
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros, RequestId
from minicoin.core.wire.messages_extension import ExtensionMessage


class Ways(Protocol):
    """The network model, as far as letters go."""

    def route(self, target: bytes, peers: tuple[PeerView, ...], now: Micros) -> Hops:
        """To whom of these a letter for this peer goes next."""

    def reach(self, addresses: tuple[NodeAddress, ...], now: Micros) -> None:
        """Letters wait for these to be connected, and for no others."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who we are, and what came for us in earlier runs."""

    identity: Identity
    letterbox: Letterbox


@dataclass(frozen=True, slots=True)
class DirectedSetup:
    """What delivery is made with."""

    addressee: Addressee
    network_id: bytes
    ways: Ways
    group: Callable[[NodeAddress], bytes]
    """The source group of an address, as the address book has it."""
    outbox: Outbox
    rng: Rng


@dataclass(frozen=True, slots=True)
class LetterUnderWay:
    """A letter that is passed on, at one moment."""

    hash: bytes
    hops: int
    until: Micros
    given: tuple[tuple[ConnId, str], ...]
    is_done: bool


@dataclass(frozen=True, slots=True)
class DirectedSnapshot:
    """What there is of letters at one moment."""

    under_way: tuple[LetterUnderWay, ...]
    kept: tuple[bytes, ...]
    unwritten_count: int


class Directed(Part):
    """The letters of one node."""

    def __init__(self, setup: DirectedSetup, now: Micros) -> None:
        self.alarm = Alarm()
        self._identity = setup.addressee.identity
        self._own_id = self._identity.peer_id.multihash
        self._network_id = setup.network_id
        self._ways = setup.ways
        self._group = setup.group
        self._outbox = setup.outbox
        self._rng = setup.rng
        self._letterbox = setup.addressee.letterbox
        self._rates = Rates()
        self._speaking: dict[ConnId, PeerView] = {}
        """The peers that letters can be given to."""
        self._passages: dict[bytes, Passage] = {}
        self._reached: tuple[NodeAddress, ...] = ()

    def routes(self) -> tuple[Route, ...]:
        return (
            route(LetterMessage, self.take_letter),
            route(LetterTaken, self.take_taken),
            route(Receipt, self.take_receipt),
            route(LetterFailed, self.take_failed),
        )

    # --- peers ---

    def on_offer(self, peer: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> Iterable[Effect]:
        if not all(kind in speaks for kind in LETTER_MESSAGES):
            return ()
        self._speaking[peer.conn] = peer
        effects: list[Effect] = []
        for passage in [one for one in self._passages.values() if one.is_looking]:
            effects += self._advance(passage, now)
        return self._settled(effects, now)

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        if self._speaking.pop(conn, None) is None:
            return ()
        self._rates.forget(conn)
        effects: list[Effect] = []
        for passage in list(self._passages.values()):
            if conn in passage.askers:
                passage.askers.remove(conn)
            if passage.is_done or passage.floods:
                # Remembered for whoever sends it again.
                continue
            if passage.request is None and not passage.askers:
                del self._passages[passage.hash]
            elif passage.on_failed(conn, Failure(passage.hop, LetterProblem.NO_ANSWER)):
                effects += self._advance(passage, now)
        return self._settled(effects, now)

    # --- a letter of our own ---

    def tell(self, request: RequestId, command: Tell, now: Micros) -> Iterable[Effect]:
        """Write a letter; answered when it is known what became of it. Raises MisuseError."""
        if command.target == self._own_id:
            self._outbox.refuse(request, Reason.INVALID, "that is the peer id of this node: nobody to be told")
            return ()
        if sum(one.request is not None for one in self._passages.values()) >= LETTERS_OWN_WAITING_MAX:
            self._outbox.refuse(request, Reason.CROWDED, "too many letters of this node are under way: try again soon")
            return ()
        letter_id = command.letter_id or self._rng.bytes(LETTER_ID_BYTES)
        letter = write_letter(
            self._identity,
            self._network_id,
            target=command.target,
            letter_id=letter_id,
            text=command.text,
            now=now,
        )
        hash_ = hash_of(letter, self._network_id)
        under_way = self._passages.get(hash_)
        if under_way is not None and not under_way.is_done:
            self._outbox.refuse(request, Reason.CROWDED, "this very letter is under way: wait for its answer")
            return ()
        passage = Passage(letter, hash_, LETTER_HOPS_MAX, floods=False, began_at=now, request=request)
        self._passages[hash_] = passage
        return self._settled(self._advance(passage, now), now)

    def on_stop(self, text: str) -> None:
        """Nobody who waits will hear otherwise."""
        for passage in self._passages.values():
            self._outbox.refuse(passage.request, Reason.STOPPED, text)
            passage.request = None

    # --- letters of others ---

    def take_letter(self, peer: PeerView, message: LetterMessage, now: Micros) -> Iterable[Effect]:
        """For us, or to be passed on."""
        letter, conn = message.letter, peer.conn
        if conn not in self._speaking:
            # It could be told nothing of what becomes of it.
            return ()
        group = self._group(peer.address)
        if not self._rates.take(conn, group, now):
            return _refusal(conn, hash_of(letter, self._network_id), message, LetterProblem.CROWDED)
        hash_ = check_letter(letter, self._network_id)
        if not is_in_time(letter, now):
            return _refusal(conn, hash_, message, LetterProblem.EXPIRED)
        if letter.target == self._own_id:
            return self._receive(conn, hash_, message, now)
        passage = self._passages.get(hash_)
        if passage is not None:
            return self._meet_again(passage, conn, message)
        problem = self._find_problem(conn, group, message)
        if problem is not None:
            return _refusal(conn, hash_, message, problem)
        passage = Passage(letter, hash_, message.hops_left, message.floods, now, askers=[conn], group=group)
        self._passages[hash_] = passage
        effects = self._advance(passage, now)
        if hash_ in self._passages and not passage.floods:
            effects = [Send(conn, LetterTaken(hash_)), *effects]
        return self._settled(effects, now)

    def _find_problem(self, conn: ConnId, group: bytes, message: LetterMessage) -> LetterProblem | None:
        """Why this letter is not passed on."""
        if message.letter.sender == self._own_id:
            return LetterProblem.GONE_ROUND
        if message.hops_left == 0:
            return LetterProblem.TOO_FAR
        # Fewer than one peer may have are not worth the counting.
        if len(self._passages) < LETTERS_WAITING_PER_PEER_MAX:
            return None
        waiting = [one for one in self._passages.values() if not one.is_done]
        is_full = (
            len(self._passages) >= LETTERS_WAITING_MAX
            or sum(one.group == group for one in waiting) >= LETTERS_WAITING_PER_GROUP_MAX
            or sum(conn in one.askers for one in waiting) >= LETTERS_WAITING_PER_PEER_MAX
        )
        return LetterProblem.CROWDED if is_full else None

    def _meet_again(self, passage: Passage, conn: ConnId, message: LetterMessage) -> Iterable[Effect]:
        """A letter that is under way here came again."""
        if passage.receipt is not None:
            return (Send(conn, passage.receipt),)
        if conn in passage.given or passage.request is not None or passage.floods != message.floods:
            return _refusal(conn, passage.hash, message, LetterProblem.GONE_ROUND)
        if not passage.add_asker(conn):
            return _refusal(conn, passage.hash, message, LetterProblem.CROWDED)
        return () if passage.floods else (Send(conn, LetterTaken(passage.hash)),)

    # --- letters for us ---

    def _receive(self, conn: ConnId, hash_: bytes, message: LetterMessage, now: Micros) -> Iterable[Effect]:
        asker = Asker(conn, LETTER_HOPS_MAX - message.hops_left)
        if self._letterbox.has(hash_):
            return (Send(conn, self._receipt(message.letter, hash_, asker.hops)),)
        problem = self._letterbox.take(message.letter, hash_, asker, now)
        if problem is not None:
            return _refusal(conn, hash_, message, problem)
        return self._write()

    def _write(self) -> tuple[Effect, ...]:
        document = self._letterbox.begin_write()
        return () if document is None else (SaveState(LETTERS_KEY, document),)

    def on_saved(self, event: Saved) -> Iterable[Effect]:
        """Letters are on disk, so their senders may hear of it; or they are not, and hear that."""
        if event.key != LETTERS_KEY:
            return ()
        effects: list[Effect] = []
        for arrival in self._letterbox.end_write(event.error):
            letter, hash_ = arrival.received.letter, arrival.received.hash
            if not event.error:
                effects.append(LetterReceived(letter.sender, letter.letter_id, letter.text))
            for asker in arrival.askers:
                if asker.conn not in self._speaking:
                    continue
                if event.error:
                    effects.append(Send(asker.conn, LetterFailed(hash_, asker.hops, LetterProblem.NOT_SAVED)))
                else:
                    effects.append(Send(asker.conn, self._receipt(letter, hash_, asker.hops)))
        effects += self._write()
        return effects

    def _receipt(self, letter: Letter, hash_: bytes, hops: int) -> Receipt:
        signature = sign_receipt(self._identity, self._network_id, letter.letter_id, hash_)
        return Receipt(hash_, hops, self._identity.public_key, signature)

    # --- what the next ones say ---

    def take_taken(self, peer: PeerView, message: LetterTaken, now: Micros) -> Iterable[Effect]:
        """A next hop passes it on."""
        passage = self._passages.get(message.hash)
        if passage is not None and not passage.floods:
            passage.on_taken(peer.conn)
        return ()

    def take_failed(self, peer: PeerView, message: LetterFailed, now: Micros) -> Iterable[Effect]:
        """It came to nothing with a next hop; another one may do better."""
        passage = self._passages.get(message.hash)
        if passage is None or passage.floods or passage.is_done:
            return ()
        failure = Failure(max(message.hop, passage.hop), message.problem)
        return self._settled(self._advance(passage, now) if passage.on_failed(peer.conn, failure) else [], now)

    def take_receipt(self, peer: PeerView, message: Receipt, now: Micros) -> Iterable[Effect]:
        """The addressee has it, and whoever gave it to us hears so. Raises PeerFault for a forged one."""
        passage = self._passages.get(message.hash)
        if passage is None or passage.is_done or peer.conn not in passage.given:
            return ()
        check_receipt(passage.letter, passage.hash, message.key, message.signature, self._network_id)
        passage.receipt = message
        passage.try_until = None
        passage.reach = ()
        if passage.request is not None:
            self._outbox.reply(passage.request, Told(Outcome.DELIVERED, passage.letter.letter_id, hops=message.hops))
            passage.request = None
        return self._settled([Send(conn, message) for conn in passage.askers], now)

    # --- giving it on ---

    def _advance(self, passage: Passage, now: Micros) -> list[Effect]:
        """To the next of those that the model names; where there is none, the letter fails here."""
        passage.reach = ()
        passage.try_until = None
        hops = self._ways.route(passage.letter.target, self._candidates(passage), now)
        if passage.floods or (hops.is_flood and passage.request is not None and not passage.given):
            return self._flood(passage, hops, now)
        conns = () if hops.is_flood else self._open_ways(passage, hops)
        if passage.may_try_at(now):
            if conns:
                passage.reach = hops.reach
                passage.ask(conns[0], len(conns) - 1 + bool(hops.reach), now)
                message = LetterMessage(passage.letter, passage.hops - 1, floods=False)
                return [Send(conns[0], message)]
            if hops.reach:
                passage.reach = hops.reach
                passage.look_again(Micros(now + LETTER_LOOK_AGAIN_US))
                return []
        return self._fail(passage)

    def _candidates(self, passage: Passage) -> tuple[PeerView, ...]:
        """Whom it may be given to."""
        return tuple(
            peer for conn, peer in self._speaking.items() if conn not in passage.given and conn not in passage.askers
        )

    def _open_ways(self, passage: Passage, hops: Hops) -> tuple[ConnId, ...]:
        """A model may name connections beside those it was asked about."""
        allowed = {peer.conn: None for peer in self._candidates(passage)}
        return tuple(conn for conn in hops.conns if conn in allowed)

    def _flood(self, passage: Passage, hops: Hops, now: Micros) -> list[Effect]:
        conns = self._open_ways(passage, hops)
        if not conns and passage.request is not None:
            return self._fail(passage)
        passage.floods = True
        passage.flood(conns)
        message = LetterMessage(passage.letter, passage.hops - 1, floods=True)
        return [Send(conn, message) for conn in conns]

    def _fail(self, passage: Passage) -> list[Effect]:
        """It goes no further. It is forgotten, so that it may be tried again."""
        del self._passages[passage.hash]
        failure = passage.outcome()
        told = Told(Outcome.FAILED, passage.letter.letter_id, hop=failure.hop, problem=failure.problem)
        self._outbox.reply(passage.request, told)
        message = LetterFailed(passage.hash, failure.hop, failure.problem)
        return [Send(conn, message) for conn in passage.askers]

    def _settled(self, effects: list[Effect], now: Micros) -> list[Effect]:
        """After a change: whom letters wait for, and when something is due."""
        reached = tuple(dict.fromkeys(address for one in self._passages.values() for address in one.reach))
        if reached != self._reached:
            self._reached = reached
            self._ways.reach(reached, now)
        self.alarm.by(self.next_deadline())
        return effects

    # --- time ---

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        """Tries that were silent, hops that are over, and letters that are remembered no longer."""
        effects: list[Effect] = []
        for passage in list(self._passages.values()):
            if now >= passage.until:
                effects += self._expire(passage)
            elif passage.try_until is not None and now >= passage.try_until:
                passage.on_silence()
                if not passage.is_taken:
                    effects += self._advance(passage, now)
        return self._settled(effects, now)

    def _expire(self, passage: Passage) -> list[Effect]:
        if not passage.floods and not passage.is_done:
            passage.on_silence()
            return self._fail(passage)
        del self._passages[passage.hash]
        told = Told(Outcome.MAYBE, passage.letter.letter_id, neighbours=len(passage.given))
        self._outbox.reply(passage.request, told)
        return []

    def next_deadline(self) -> Micros | None:
        return min((passage.next_deadline() for passage in self._passages.values()), default=None)

    # --- looking ---

    def listing(self) -> tuple[ReceivedLetter, ...]:
        """The letters that came for us, oldest first."""
        return self._letterbox.listing()

    def snapshot(self, now: Micros) -> DirectedSnapshot:
        return DirectedSnapshot(
            tuple(
                LetterUnderWay(
                    one.hash,
                    one.hops,
                    one.until,
                    tuple((conn, given.name) for conn, given in one.given.items()),
                    one.is_done,
                )
                for one in self._passages.values()
            ),
            tuple(one.hash for one in self._letterbox.listing()),
            self._letterbox.unwritten_count,
        )


def _refusal(conn: ConnId, hash_: bytes, message: LetterMessage, problem: LetterProblem) -> tuple[Effect, ...]:
    """Of a letter that is not taken: its last hop failed. One that floods waits for no word."""
    if message.floods:
        return ()
    return (Send(conn, LetterFailed(hash_, LETTER_HOPS_MAX - message.hops_left, problem)),)
