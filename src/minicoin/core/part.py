"""The contract between a node and its parts: what node tells each of them, and what it takes from them.

1. A part hears of a peer once its handshake is over (`on_ready`), of every session's end (`on_closed`, also of one that
   was never ready), and of time (`on_deadline`). Node tells its parts in the order of one tuple, written in node/flows.
2. What a part wants is what it returns: effects, performed in that order before the next part is told. A Close ends the
   session at once, and nobody behind hears of the peer any more.
3. Its alarm is at most `next_deadline()`, always: a part lowers it wherever it sets a deadline. Only then is it asked.
4. Its routes name the messages it takes, each by a handler of just that message. No message has two takers; what nobody
   takes is ignored, as protocol extensions demand. A handler blames the peer it hears by raising PeerFault.
5. What it shows of itself it shows frozen: a snapshot to look at, and a digest that replay compares. Looking changes
   nothing.
6. What it takes beyond Bitcoin's messages goes to peers that offered it, and to no others (wire/messages_extension):
   node drops the rest. Which those are it hears when their offer comes (`on_offer`), a message after their handshake.
7. Whom it hears of is a PeerView: what the handshake settled, which changes no more. What it keeps of a peer beyond
   that it keeps itself, and no other part writes it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Protocol, TypeVar, cast

from minicoin.core.alarm import Alarm
from minicoin.core.answers import Answer, Reason
from minicoin.core.effects import Effect
from minicoin.core.faults import MisuseError
from minicoin.core.forms.derived import make_codec
from minicoin.core.forms.plain import Codec
from minicoin.core.params.network import Network
from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.rng import Rng
from minicoin.core.units import ConnId, Micros, RequestId
from minicoin.core.wire.codec import make_extensions
from minicoin.core.wire.messages import Message
from minicoin.core.wire.messages_extension import ExtensionMessage, Extensions


@dataclass(frozen=True, slots=True)
class PeerView:
    """A connected peer whose handshake is over, and what that settled."""

    conn: ConnId
    address: NodeAddress
    is_inbound: bool
    services: Services = Services.NONE
    kind: SlotKind = SlotKind.INBOUND
    """Why we are connected."""
    permissions: Permission = Permission.NONE
    """What the operator lets it do beyond what anybody may."""
    start_height: int = 0
    """Of its best chain, as it says."""
    sees_us_at: str = ""
    """Our own host, as its version message has it."""
    takes_transactions: bool = True
    """It wants to hear of transactions (BIP37)."""
    gives_transactions: bool = True
    """We asked it for transactions; one that was not asked and sends some breaks BIP37."""
    uses_wtxid: bool = False
    """Transactions are announced and asked for by wtxid (BIP339)."""
    takes_addrv2: bool = False
    """BIP155."""
    takes_feefilter: bool = False
    """It is new enough to know what a feefilter is (BIP133)."""
    feefilter_sat_per_kvb: int = 0
    """What it said before its handshake was over; so with `prefers_headers` (BIP130)."""
    prefers_headers: bool = False


M = TypeVar("M", bound=Message)

Handler = Callable[[PeerView, M, Micros], Iterable[Effect]]
"""Takes one kind of message from a ready peer. Raises PeerFault."""

_AnyHandler = Handler[Message]


@dataclass(frozen=True, slots=True)
class Route:
    """One kind of message and who takes it. Made by `route` only, which sees that the two fit."""

    message: type
    taker: str
    handle: _AnyHandler


def route(kind: type[M], handler: Handler[M]) -> Route:
    """A route to a handler of just this kind. A message finds its route by its type, so that no other gets there, and
    nothing stands between session and handler."""
    return Route(kind, handler.__qualname__, cast(_AnyHandler, handler))


class Outbox(Protocol):
    """Where a part puts what it has to say in the middle of an event: effects, and answers to commands."""

    def emit(self, *effects: Effect) -> None:
        """Queue effects of the event at hand."""

    def reply(self, request: RequestId | None, answer: Answer) -> None:
        """Answer a command, if one waits."""

    def refuse(self, request: RequestId | None, reason: Reason, text: str) -> None:
        """Answer a command with why it is not carried out, if one waits."""


@cache
def _codec_of(kind: type) -> Codec:
    return make_codec(kind, {})


class Part(Protocol):
    """One part of a node. Parts inherit what they have no use for: here are those answers."""

    alarm: Alarm

    def routes(self) -> tuple[Route, ...]:
        """The messages it takes; asked once, when the node is assembled."""
        return ()

    def on_ready(self, peer: PeerView, now: Micros) -> Iterable[Effect]:
        """A handshake is over."""
        return ()

    def on_offer(self, peer: PeerView, speaks: tuple[type[ExtensionMessage], ...], now: Micros) -> Iterable[Effect]:
        """A ready peer offered messages beyond Bitcoin's: those that this node speaks, too."""
        return ()

    def on_closed(self, conn: ConnId, now: Micros) -> Iterable[Effect]:
        """A session ended; the peer may be one it never heard of."""
        return ()

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        """A deadline of its own has come."""
        return ()

    def next_deadline(self) -> Micros | None:
        """The earliest deadline, computed from its state."""
        return None

    def snapshot(self, now: Micros) -> object:
        """What it shows of itself at one moment, as a frozen value; None where that is nothing."""
        return None

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        """What of it must be equal in equal nodes: canonical bytes (core/forms) under the names that a difference is
        told by. Its snapshot under the name of its class, unless it says otherwise. A brief one looks at the totals
        only of a table of more than DIGEST_ITEMS_MAX rows."""
        shown = self.snapshot(now)
        if shown is None:
            return ()
        kind: type = type(shown)
        out = bytearray()
        _codec_of(kind).write(shown, out)
        return ((type(self).__name__, bytes(out)),)


Router = Mapping[type, Route]
"""The one map from message type to its taker."""


def make_router(parts: Iterable[Part]) -> Router:
    """All routes of all parts. Raises MisuseError where two take the same message."""
    router: dict[type, Route] = {}
    for part in parts:
        for one in part.routes():
            other = router.setdefault(one.message, one)
            if other is not one:
                raise MisuseError(f"{one.message.__name__} has two takers: {other.taker} and {one.taker}")
    return router


def extensions_of(router: Router, network: Network) -> Extensions:
    """What a node with this router speaks beyond Bitcoin's messages. Raises MisuseError where it may not or cannot."""
    extensions = make_extensions(kind for kind in router if issubclass(kind, ExtensionMessage))
    if extensions and network.is_bitcoin:
        names = ", ".join(extensions)
        raise MisuseError(f"nodes of {network.name} speak Bitcoin's messages only, and none of {names}")
    return extensions


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a part that is added to a node may know of it beside what it is told."""

    network: Network
    rng: Rng
    """Its own: what it draws moves nobody else's dice."""
    peers: Callable[[], tuple[PeerView, ...]]
    """The ready peers of this moment, in the order of their connections."""


MakePart = Callable[[Surroundings], Part]
"""Makes a part that is added to a node; assemble_node calls it once."""
