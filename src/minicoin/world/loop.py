"""The loop that every host's runner goes through: one event in, its effects out, its deadline set, all in virtual time.

Owns time, the trace digest and who observes. The classes on top of it say what becomes of an effect: `Transport` what
is sent, `Connections` what is dialled and closed, `World` the rest.
"""

from abc import ABC, abstractmethod

from minicoin.core.effects import Effect, Send
from minicoin.core.events import BlockStored, ChainMoved, DeadlineReached, Event, TransactionVerified
from minicoin.core.units import ConnId, Micros
from minicoin.core.wire.messages import Message
from minicoin.world.digest import TraceDigest, event_key
from minicoin.world.host import Host, Runner
from minicoin.world.queue import EventQueue
from minicoin.world.settings import Observer


class Loop(ABC):
    """Hands events to hosts, in the order of the queue."""

    def __init__(self, started_at: Micros) -> None:
        self.started_at = started_at
        self.queue = EventQueue(started_at)
        self.digest = TraceDigest()
        self.observers: list[Observer] = []

    @abstractmethod
    def _send(self, host: Host, conn: ConnId, message: Message) -> None:
        """The most frequent effect."""

    @abstractmethod
    def _perform_one(self, host: Host, effect: Effect) -> None:
        """Any other."""

    # --- time ---

    @property
    def now(self) -> Micros:
        """The true time; a host's clock may be off."""
        return self.queue.now

    def run(self, until_us: int, most: int | None = None) -> int:
        """Let time pass up to a moment; how many things happened."""
        return self.queue.run(until_us, most)

    def wake(self, host: Host) -> None:
        """Let a host look at the clock: after its runner was told something from outside."""
        self._perform(host)

    def tell(self, host: Host, event: Event) -> None:
        """Hand in an event from outside, behind all that is due by now."""
        self._post(host, event)

    def _clock(self, host: Host) -> Micros:
        return Micros(self.queue.now + host.clock_offset_us)

    # --- events in ---

    def _handle(self, host: Host, event: Event) -> None:
        runner = host.runner
        if runner is None:
            return
        self.digest.note(self.queue.now, host.index, 0, event_key(event))
        runner.handle(event, self._clock(host))
        self._perform(host)

    def _post(self, host: Host, event: Event, delay_us: int = 0) -> None:
        self.queue.at(self.queue.now + delay_us, self._answer, host, (host.runner, event))

    def _answer(self, host: Host, answer: tuple[Runner, Event]) -> None:
        """The result of an effect, unless the node that asked is gone."""
        runner, event = answer
        if host.runner is not runner:
            return
        if isinstance(event, ChainMoved | BlockStored):
            for observer in self.observers:
                observer.on_stood(host, event, self.queue.now)
        elif isinstance(event, TransactionVerified):
            for observer in self.observers:
                observer.on_verified(host, event, self.queue.now)
        self._handle(host, event)

    def _wake(self, host: Host, runner: Runner) -> None:
        # An alarm that a later one replaced, or that another has answered, wakes nobody.
        if host.runner is not runner or not host.wake_at or host.wake_at > self._clock(host):
            return
        host.wake_at = 0
        deadline = runner.next_deadline()
        if deadline is not None and deadline > self._clock(host):
            # An event in between has dealt with it: nothing is due before the next one.
            self._wake_at(host, runner, deadline)
        else:
            self._handle(host, DeadlineReached())

    def _wake_at(self, host: Host, runner: Runner, deadline: Micros) -> None:
        host.wake_at = deadline
        self.queue.at(max(deadline - host.clock_offset_us, self.queue.now), self._wake, host, runner)

    # --- effects out ---

    def _perform(self, host: Host) -> None:
        runner = host.runner
        if runner is None:
            return
        for effect in runner.drain_effects():
            if type(effect) is Send:
                self._send(host, effect.conn, effect.message)
            else:
                self._perform_one(host, effect)
        deadline = runner.next_deadline()
        if deadline is not None and (not host.wake_at or deadline < host.wake_at):
            self._wake_at(host, runner, deadline)
