"""How long nodes that are switched on during a run take to be part of it again: until a first handshake is over, and
until they stand on a block that is the tip of some other node."""

from minicoin.core.notices import Notice, PeerReady, TipMoved
from minicoin.core.units import Micros
from minicoin.sim.measure.record import NEVER, JoinRecord
from minicoin.world.host import Host
from minicoin.world.world import World


class JoinWatch:
    """A reader of notices."""

    def __init__(self, world: World, count: int) -> None:
        self.records: list[JoinRecord] = []
        self._world = world
        self._count = count
        self._began_at = 0
        self._joining: dict[int, JoinRecord] = {}

    def begin(self) -> None:
        """Time zero is now: who comes from now on joins."""
        self._began_at = self._world.now
        self._world.start_hooks.append(self._on_started)
        self._world.readers.append(self._hear)

    def _on_started(self, host: Host) -> None:
        if host.index < self._count:
            record = JoinRecord(host.index, self._world.now - self._began_at, NEVER, NEVER)
            self.records.append(record)
            self._joining[host.index] = record

    def _hear(self, host: Host, notice: Notice, now: Micros) -> None:
        record = self._joining.get(host.index)
        if record is None:
            return
        since = now - self._began_at - record.started_us
        if isinstance(notice, PeerReady) and record.ready_us == NEVER:
            record.ready_us = since
        if isinstance(notice, PeerReady | TipMoved) and record.ready_us != NEVER and self._is_level(host):
            record.level_us = since
            del self._joining[host.index]

    def _is_level(self, host: Host) -> bool:
        """Whether it has caught up with those that it is connected to."""
        tip = host.tip
        return any(
            end.other.host.node is not None and end.other.host.tip == tip for end in host.links.values() if end.is_open
        )
