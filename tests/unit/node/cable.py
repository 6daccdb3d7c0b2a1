"""Nodes on benches whose frames reach each other as bytes, in one thread."""

from tests.unit.node.bench import NETWORK, Bench

from minicoin.core.effects import Close, Dial, Send
from minicoin.core.events import BytesReceived, ConnectionClosed, ConnectionOpened
from minicoin.core.notices import Notice
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.wire.frame import encode_frame


class Cable:
    """Carries what benches send until nobody sends anything. Each bench is known by the address it listens at."""

    def __init__(self, benches: dict[NodeAddress, Bench]) -> None:
        self.benches = benches
        self.passed: list[tuple[Bench, Bench, str]] = []
        """(from, to, command) of every frame."""
        self.notices: list[tuple[Bench, Notice]] = []
        self._far: dict[tuple[int, int], tuple[Bench, int]] = {}
        self._next_inbound = 1

    def run(self) -> None:
        """Until nothing is on its way."""
        while any(self._carry(bench) for bench in self.benches.values()):
            pass

    def wait(self, duration_us: int) -> None:
        """Time passes for all, second by second."""
        for _ in range(max(1, duration_us // 1_000_000)):
            for bench in self.benches.values():
                bench.wait(min(duration_us, 1_000_000))
            self.run()

    def ends(self, one: Bench, other: Bench) -> list[int]:
        """The connections of `one` that lead to `other`."""
        return [conn for (bench, conn), (far, _) in self._far.items() if bench == id(one) and far is other]

    def _carry(self, bench: Bench) -> bool:
        effects, bench.seen[:] = list(bench.seen), []
        for effect in effects:
            match effect:
                case Dial(conn, address):
                    self._dial(bench, conn, address)
                case _ if isinstance(effect, Notice):
                    self.notices.append((bench, effect))
                case Send(conn, message) if (id(bench), conn) in self._far:
                    far, far_conn = self._far[id(bench), conn]
                    frame = encode_frame(NETWORK.magic, message)
                    self.passed.append((bench, far, frame[4:16].rstrip(b"\0").decode()))
                    far.handle(BytesReceived(far_conn, frame))
                case Close(conn) if (id(bench), conn) in self._far:
                    far, far_conn = self._far.pop((id(bench), conn))
                    self._far.pop((id(far), far_conn), None)
                    bench.handle(ConnectionClosed(conn, "closed"))
                    far.handle(ConnectionClosed(far_conn, "closed"))
        return bool(effects)

    def _dial(self, bench: Bench, conn: int, address: NodeAddress) -> None:
        far = self.benches[NodeAddress(address.host, address.port)]
        far_conn, self._next_inbound = self._next_inbound, self._next_inbound + 2
        self._far[id(bench), conn] = (far, far_conn)
        self._far[id(far), far_conn] = (bench, conn)
        own = next(known for known, other in self.benches.items() if other is bench)
        far.handle(ConnectionOpened(far_conn, NodeAddress(own.host, 40_000 + conn), True, None))
        bench.handle(ConnectionOpened(conn, address, False, None))
