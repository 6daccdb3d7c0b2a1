"""Letters and searches: nodes of the run write to peer ids, or look for them, at Poisson times. Whom and when is drawn
from the seed; how each ended is recorded as the node that asked was told.

Addressees are drawn whether they run or not: who writes cannot know that either.
"""

from collections.abc import Callable, Sequence
from typing import Final

from minicoin.core.answers import Outcome, PeerFound, Refused, Told
from minicoin.core.commands import Command, FindPeer, Tell
from minicoin.core.effects import Reply
from minicoin.core.units import SECOND_US
from minicoin.sim.measure.record import NEVER, ErrandKind, ErrandRecord
from minicoin.sim.scenario.load import Errands
from minicoin.world.host import Host
from minicoin.world.world import World

REFUSED: Final = "refused"
UNANSWERED: Final = "unanswered"
FOUND, UNCERTAIN, UNKNOWN = "found", "uncertain", "unknown"
_TEXT: Final = "Are you there?"


class ErrandLoad:
    """One kind of errand, from the load's start to its end."""

    def __init__(
        self, world: World, load: Errands, kind: ErrandKind, honest: Sequence[Host], addressees: Sequence[Host]
    ) -> None:
        self.records: list[ErrandRecord] = []
        self._world = world
        self._load = load
        self._kind = kind
        self._honest = honest
        self._addressees = addressees
        self._rng = world.rng.stream(f"errands {kind}")
        self._mean_us = round(SECOND_US / load.rate_per_s)
        self._began_at = 0
        self._is_over = False

    def begin(self) -> None:
        """Time zero is now."""
        self._began_at = self._world.now
        self._wait(self._world.now + round(self._load.start_s * SECOND_US))

    def end(self) -> None:
        """No errand from now on; those under way come to their end."""
        self._is_over = True

    def _wait(self, from_us: int) -> None:
        self._world.queue.at(from_us + self._rng.exponential_us(self._mean_us), self._due)

    def _due(self, _: object, __: object) -> None:
        stop_s = self._load.stop_s
        if self._is_over or (stop_s is not None and self._world.now >= self._began_at + round(stop_s * SECOND_US)):
            return
        self._wait(self._world.now)
        sender, addressee = (some[self._rng.below(len(some))] for some in (self._honest, self._addressees))
        if sender.is_up and sender is not addressee:
            self._send(sender, addressee)

    def _send(self, sender: Host, addressee: Host) -> None:
        now = self._world.now
        record = ErrandRecord(
            kind=self._kind,
            sender=sender.index,
            addressee=addressee.index,
            sent_at_us=now - self._began_at,
            was_up=addressee.is_up,
            outcome=UNANSWERED,
            took_us=NEVER,
            cost=0,
        )
        self.records.append(record)
        target = addressee.address.peer_id
        command: Command = Tell(target, _TEXT) if self._kind == "letter" else FindPeer(target)
        self._world.command(sender, command, self._taker(record, now))

    def _taker(self, record: ErrandRecord, sent_at: int) -> Callable[[Reply], None]:
        def take(reply: Reply) -> None:
            record.took_us = self._world.now - sent_at
            match reply.answer:
                case Told() as told:
                    record.outcome = str(told.outcome)
                    record.cost = told.hops if told.outcome is Outcome.DELIVERED else told.hop
                case PeerFound() as found:
                    record.cost = found.asked
                    record.outcome = UNKNOWN if not found.addresses else FOUND if found.is_certain else UNCERTAIN
                case Refused():
                    record.outcome = REFUSED
                case _:
                    pass

        return take
