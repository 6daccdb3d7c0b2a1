"""The load of records: nodes of the run publish small signed values at Poisson times, and when each node had each is
recorded. Who and when is drawn from the seed.

A publisher that is down at its time publishes nothing. A record is out when its publisher says that it holds it, and
has reached another node when that says that it holds it, or a newer one in its place: nobody sends it the older one
then.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np

from minicoin.core.answers import Refused
from minicoin.core.commands import PutRecord
from minicoin.core.effects import Reply
from minicoin.core.notices import LearnedRecord, Notice, RecordsLearned
from minicoin.core.units import SECOND_US, Micros
from minicoin.sim.measure.record import ABSENT, NEVER, PublishedRecord
from minicoin.sim.scenario.load import Records
from minicoin.world.host import Host
from minicoin.world.world import World

KEY: Final = "load-"


class RecordLoad:
    """Publishes, and reads the notices of all honest nodes."""

    def __init__(self, world: World, load: Records, honest: Sequence[Host]) -> None:
        self.published: list[PublishedRecord] = []
        self.refused: list[str] = []
        """Why publishers' own nodes did not take records, one reason for each."""
        self._world = world
        self._load = load
        self._honest = honest
        self._rng = world.rng.stream("records")
        self._mean_us = round(SECOND_US / load.rate_per_s)
        self._turns: Counter[int] = Counter()
        """How many records each publisher has been told to publish."""
        self._versions: dict[tuple[bytes, str], dict[int, PublishedRecord]] = {}
        """By owner and key: what was published there, by its version."""
        self._began_at = 0
        self._is_over = False

    def begin(self) -> None:
        """Time zero is now."""
        self._began_at = self._world.now
        self._world.readers.append(self._hear)
        self._wait(self._world.now + round(self._load.start_s * SECOND_US))

    def end(self) -> None:
        """No record from now on; those under way go on."""
        self._is_over = True

    def _wait(self, from_us: int) -> None:
        self._world.queue.at(from_us + self._rng.exponential_us(self._mean_us), self._due)

    def _due(self, _: object, __: object) -> None:
        stop_s = self._load.stop_s
        if self._is_over or (stop_s is not None and self._world.now >= self._began_at + round(stop_s * SECOND_US)):
            return
        self._wait(self._world.now)
        publisher = self._honest[self._rng.below(self._load.publishers or len(self._honest))]
        if publisher.is_up:
            key = f"{KEY}{self._turns[publisher.index] % self._load.keys}"
            self._turns[publisher.index] += 1
            put = PutRecord(self._load.kind, key, bytes(self._load.value_bytes))
            self._world.command(publisher, put, self._note_refusal)

    def _note_refusal(self, reply: Reply) -> None:
        if isinstance(reply.answer, Refused):
            self.refused.append(reply.answer.text)

    def _hear(self, host: Host, notice: Notice, now: Micros) -> None:
        if not isinstance(notice, RecordsLearned) or host.index >= len(self._honest):
            return
        for learned in notice.records:
            if learned.kind == self._load.kind and learned.key.startswith(KEY):
                self._learned(host, learned, now - self._began_at)

    def _learned(self, host: Host, learned: LearnedRecord, at_us: int) -> None:
        versions = self._versions.setdefault((learned.owner, learned.key), {})
        if learned.owner == host.address.peer_id and learned.version not in versions:
            up = np.array([one.is_up for one in self._honest])
            arrivals = np.where(up, np.int64(NEVER), np.int64(ABSENT)).astype(np.int64)
            index = len(self.published)
            record = PublishedRecord(index, learned.kind, learned.key, host.index, at_us, arrivals)
            versions[learned.version] = record
            self.published.append(record)
        for version, record in versions.items():
            if version <= learned.version and record.arrivals[host.index] == NEVER:
                record.arrivals[host.index] = at_us - record.published_at_us
