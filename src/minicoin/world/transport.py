"""What is sent on its way: the sender's uplink, the latency, the receiver's downlink, and faults in between.

The rule of the lines is `bandwidth`'s. What is sent in one direction of a connection arrives in that order, as TCP has
it, unless a disturbance sees to the opposite. Where an end has a machine, bytes travel and it makes messages of them.
"""

from minicoin.core.events import BytesReceived, Event, MessageReceived, SendQueueLow
from minicoin.core.limits import SEND_QUEUE_LOW_BYTES
from minicoin.core.params.network import Network
from minicoin.core.units import ConnId
from minicoin.core.wire.messages import Message
from minicoin.world.bandwidth import departure, reception, transfer_us
from minicoin.world.freight import Freight, encoded, freight_of, freight_of_bytes
from minicoin.world.host import Host, LinkEnd
from minicoin.world.loop import Loop
from minicoin.world.settings import Latency, WorldSettings
from minicoin.world.traffic import MessageKinds


class WorldTransport:
    """Carries messages over open connections."""

    def __init__(self, loop: Loop, network: Network, latency: Latency, settings: WorldSettings) -> None:
        self.kinds = MessageKinds()
        self._loop = loop
        self._queue = loop.queue
        self._network = network
        self._latency = latency
        self._encodes = settings.encodes or settings.runs_libp2p
        self._draws_per_message = settings.draws_per_message
        # The message sent last: announcements go to many peers one after the other as one object.
        self._freighted: Message | None = None
        self._freight = Freight(b"", 0, -1, b"")

    def send(self, host: Host, conn: ConnId, message: Message) -> None:
        """A message of a host's runner, if the connection is still there."""
        end = host.links.get(conn)
        if end is None:
            return
        if host.says is not None:
            said = host.says(conn, message)
            if said is None:
                return
            message = said
        freight = self._freight
        if message is not self._freighted:
            if self._encodes:
                freight = encoded(self._network.magic, message, self.kinds)
            else:
                freight = freight_of(message, self.kinds)
            self._freighted, self._freight = message, freight
        traffic = host.traffic
        if freight.kind >= len(traffic.sent_messages):
            traffic.widen(freight.kind)
        traffic.sent_messages[freight.kind] += 1
        traffic.sent_bytes[freight.kind] += freight.size
        if end.machine is None:
            self.carry(end, freight)
        else:
            assert isinstance(freight.content, bytes)
            end.machine.send(freight.content, freight.kind)

    def carry(self, end: LinkEnd, freight: Freight) -> None:
        """What leaves at an end of a connection, through its host's uplink."""
        size = freight.size
        lines = end.host.lines
        now = self._queue.now
        latency = end.latency_us
        if self._draws_per_message:
            end.number += 1
            latency = self._latency(end.host.index, end.other.host.index, end.number)
        lines.up_free, _, last = departure(now, lines.up_free, transfer_us(size, lines.up_rate), latency)
        end.unacknowledged += size
        if end.unacknowledged >= SEND_QUEUE_LOW_BYTES:
            end.unacknowledged = 0
            self._loop.post(end.host, SendQueueLow(end.conn), lines.up_free - now)
        if end.held is not None:
            end.held.append((freight.content, size))
        elif end.disturbance is not None:
            # By itself: what a disturbance adds to one message must not add up over those behind it.
            end.disturbance.carry(end, freight.content, size, last)
        else:
            if last < end.last_arrival:
                last = end.last_arrival
            end.last_arrival = last
            self._queue.at(last, self._receive, end.other, freight)

    def arrive(self, end: LinkEnd, content: Message | bytes, arrival_us: int) -> None:
        """Have the last byte of a message, or of a piece of one, at the far end at a time."""
        end.last_arrival = arrival_us
        self._queue.at(arrival_us, self._receive, end.other, self._freight_of(content))

    def _receive(self, end: LinkEnd, freight: Freight) -> None:
        """The last byte is there: wait for the downlink, where that is the narrower one."""
        lines = end.host.lines
        now = self._queue.now
        # Also at an unlimited rate nothing overtakes what came while the line was narrow.
        if lines.down_rate or lines.down_free >= now:
            first = now - transfer_us(freight.size, end.other.host.lines.up_rate)
            done, lines.down_free = reception(first, now, lines.down_free, transfer_us(freight.size, lines.down_rate))
            if done > now or not lines.down_rate:
                self._queue.at(done, self._deliver, end, freight)
                return
        self._deliver(end, freight)

    def _deliver(self, end: LinkEnd, freight: Freight) -> None:
        host = end.host
        runner = host.runner
        if runner is None or not end.is_open:
            return
        now = self._queue.now
        self._loop.digest.note(now, host.index, end.conn, freight.mark())
        content = freight.content
        event: Event
        if not isinstance(content, bytes):
            event = MessageReceived(end.conn, content, freight.size)
        elif end.machine is None:
            event = BytesReceived(end.conn, content)
        else:
            end.machine.receive(content)
            return
        kind = freight.kind
        if kind >= 0:
            if kind >= len(host.traffic.received_messages):
                host.traffic.widen(kind)
            host.traffic.received_messages[kind] += 1
            host.traffic.received_bytes[kind] += freight.size
        else:
            self._count_bytes(end, freight)
        runner.handle(event, host.clock.read(now))
        self._loop.perform(host)

    def _freight_of(self, content: Message | bytes) -> Freight:
        return freight_of_bytes(content) if isinstance(content, bytes) else freight_of(content, self.kinds)

    def _count_bytes(self, end: LinkEnd, freight: Freight) -> None:
        """Bytes that a fault made of a message: a frame or a piece, which belongs to the frame that began last."""
        content, traffic = freight.content, end.host.traffic
        kind = self.kinds.of_frame(self._network.magic, content) if isinstance(content, bytes) else None
        if kind is not None:
            end.receiving = kind
            traffic.widen(kind)
            traffic.received_messages[kind] += 1
        traffic.received_bytes[end.receiving] += freight.size
