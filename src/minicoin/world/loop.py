"""The loop that every host's runner goes through: one event in, its effects out, its deadline set, all in virtual time.

Owns time, the trace digest and who observes. What becomes of an effect is said by those it serves: `send` for messages,
the most frequent, `perform` for all others.
"""

from collections import deque
from collections.abc import Callable

from minicoin.core.effects import Effect, Send
from minicoin.core.events import BlockStored, ChainMoved, DeadlineReached, Event, TransactionVerified
from minicoin.core.units import ConnId, Micros
from minicoin.core.wire.messages import Message
from minicoin.world.digest import TraceDigest, event_key
from minicoin.world.host import Host, Runner
from minicoin.world.queue import EventQueue
from minicoin.world.settings import Observer

SendMessage = Callable[[Host, ConnId, Message], None]
PerformEffect = Callable[[Host, Effect], None]


class Loop:
    """Hands events to hosts, in the order of the queue."""

    __slots__ = ("_at_once", "_perform_one", "_send", "digest", "observers", "queue")

    def __init__(self, started_at: Micros) -> None:
        self.queue = EventQueue(started_at)
        self.digest = TraceDigest()
        self.observers: list[Observer] = []
        self._at_once: deque[tuple[Host, tuple[Runner | None, Event]]] = deque()
        self._send: SendMessage
        self._perform_one: PerformEffect

    def serve(self, send: SendMessage, perform: PerformEffect) -> None:
        """Hand effects to these, from the first event on."""
        self._send = send
        self._perform_one = perform

    # --- events in ---

    def handle(self, host: Host, event: Event) -> None:
        """An event for a host's runner, now."""
        runner = host.runner
        if runner is None:
            return
        now = self.queue.now
        self.digest.note(now, host.index, 0, event_key(event))
        runner.handle(event, host.clock.read(now))
        self.perform(host)

    def handle_in_part(self, host: Host, event: Event, is_performed: Callable[[Effect], bool]) -> None:
        """The same; of what the runner wants, these effects are performed and the others left."""
        runner = host.runner
        if runner is None:
            return
        now = self.queue.now
        self.digest.note(now, host.index, 0, event_key(event))
        runner.handle(event, host.clock.read(now))
        self._carry_out(host, runner, [effect for effect in runner.drain_effects() if is_performed(effect)])

    def post(self, host: Host, event: Event, delay_us: int = 0) -> None:
        """The result of an effect, behind all that is due by then; for nobody where the node that asked is gone."""
        self.queue.at(self.queue.now + delay_us, self._answer, host, (host.runner, event))

    def answer_at_once(self, host: Host, event: Event) -> None:
        """The result of an effect that took no time: heard as soon as the effects beside it are performed, without a
        place in the queue."""
        self._at_once.append((host, (host.runner, event)))

    def _answer(self, host: Host, answer: tuple[Runner | None, Event]) -> None:
        runner, event = answer
        if host.runner is not runner:
            return
        if isinstance(event, ChainMoved | BlockStored):
            for observer in self.observers:
                observer.on_stood(host, event, self.queue.now)
        elif isinstance(event, TransactionVerified):
            for observer in self.observers:
                observer.on_verified(host, event, self.queue.now)
        self.handle(host, event)

    def _wake(self, host: Host, runner: Runner) -> None:
        # An alarm that a later one replaced, or that another has answered, wakes nobody.
        shown = host.clock.read(self.queue.now)
        if host.runner is not runner or host.wake_at is None or host.wake_at > shown:
            return
        host.wake_at = None
        # A node's alarm may have been set for something that an event in between has dealt with.
        deadline = runner.next_deadline() if host.node is None else host.node.earliest_deadline()
        if deadline is not None and deadline > shown:
            self._wake_at(host, runner, deadline)
        else:
            self.handle(host, DeadlineReached())

    def _wake_at(self, host: Host, runner: Runner, deadline: Micros) -> None:
        now = self.queue.now
        at = host.clock.true_time(deadline, now)
        if at is not None:
            host.wake_at = deadline
            self.queue.at(at, self._wake, host, runner)

    # --- effects out ---

    def perform(self, host: Host) -> None:
        """All that a host's runner wants."""
        runner = host.runner
        if runner is not None:
            self._carry_out(host, runner, runner.drain_effects())

    def _carry_out(self, host: Host, runner: Runner, effects: list[Effect]) -> None:
        for effect in effects:
            if type(effect) is Send:
                self._send(host, effect.conn, effect.message)
            else:
                self._perform_one(host, effect)
        while self._at_once:
            self._answer(*self._at_once.popleft())
        if host.runner is not runner:
            return
        deadline = runner.next_deadline()
        if deadline is not None and (host.wake_at is None or deadline < host.wake_at):
            self._wake_at(host, runner, deadline)
