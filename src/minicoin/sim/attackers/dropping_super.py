"""Says that it is a super node, the best there is: nothing but free places, no delay, always at the tip. Whoever comes
gets a place, and whatever comes goes no further.

It signs for itself, as any node may, and cannot speak for others: honest super nodes pass its status on, since it is
one's like any other. Of a letter it says that it passes it on, which is worse than silence: nobody tries another way.
"""

from typing import Final

from minicoin.core.directed.letter import hash_of
from minicoin.core.directed.messages import LetterFailed, LetterMessage, LetterTaken, Receipt
from minicoin.core.libp2p.identity import Identity
from minicoin.core.limits import SUPER_PLACES_MAX
from minicoin.core.overlay.supernode.entries import STATUS_KEY, Signer, SuperStatus
from minicoin.core.overlay.supernode.messages import (
    SuperAsk,
    SuperAttach,
    SuperFind,
    SuperFound,
    SuperGet,
    SuperHave,
    SuperNews,
    SuperPage,
    SuperPlace,
    Verdict,
    Wanted,
)
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.codec import make_extensions
from minicoin.core.wire.messages import GetHeaders, Headers, Message
from minicoin.core.wire.messages_extension import offer_of
from minicoin.sim.attackers.band import Band
from minicoin.sim.attackers.follower import Follower
from minicoin.sim.attackers.link import Link

_MODEL: Final = (SuperNews, SuperHave, SuperGet, SuperAsk, SuperPage, SuperAttach, SuperPlace, SuperFind, SuperFound)
_LETTERS: Final = (LetterMessage, LetterTaken, Receipt, LetterFailed)
_OFFER: Final = offer_of(make_extensions((*_MODEL, *_LETTERS)))
_LINKS_SAID: Final = 8
_SAYS_EVERY_US: Final = 20 * SECOND_US


class DroppingSuper(Follower):
    """Fires once for each leaf that it takes, and once for each letter."""

    def __init__(
        self, band: Band, address: NodeAddress, rng: Rng, targets: tuple[NodeAddress, ...], *, identity: Identity
    ) -> None:
        super().__init__(band, address, rng, targets)
        self._signer = Signer(identity, band.network.network_id)

    def on_start(self, now: Micros) -> None:
        super().on_start(now)
        self.every(_SAYS_EVERY_US, self._say)

    def on_ready(self, link: Link, now: Micros) -> None:
        super().on_ready(link, now)
        self.send(link, _OFFER, self._status(now))

    def on_message(self, link: Link, message: Message, now: Micros) -> None:
        match message:
            case SuperAsk(wanted=Wanted.SUPERS):
                self.send(link, self._status(now))
            case SuperAsk():
                self.send(link, SuperPage((), has_more=False))
            case SuperAttach():
                self.band.fired += 1
                self.send(link, SuperPlace(Verdict.PLACED))
            case SuperFind(number):
                self.send(link, SuperFound(number, ()))
            case LetterMessage(letter):
                self.band.fired += 1
                self.send(link, LetterTaken(hash_of(letter, self.network.network_id)))
            case _:
                super().on_message(link, message, now)

    def answer_getheaders(self, link: Link, request: GetHeaders) -> None:
        """What it heard it keeps to itself."""
        self.send(link, Headers(()))

    def _say(self, now: Micros) -> None:
        """Unasked, so that whoever has gone elsewhere hears how well it is."""
        for link in self.ready_links():
            self.send(link, self._status(now))

    def _status(self, now: Micros) -> SuperNews:
        tip = self.band.chain.heard
        status = SuperStatus(self.address, 0, SUPER_PLACES_MAX, _LINKS_SAID, 0, tip.height, tip.hash)
        return SuperNews((self._signer.sign(STATUS_KEY, status.encode(), now),))
