"""Feeds a recording to a fresh core and compares: the effects of every event, the state at every checkpoint.

The only inputs are the recording's: time, chance, policy, saved documents and events. An event that the recorded core
could not handle fails here in the same way; its exception travels on with a note that names the event.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.mempool.pool_flow import MEMPOOL_KEY
from minicoin.core.node.assemble import assemble_node
from minicoin.core.node.node import Node
from minicoin.core.primitives.block import BlockHash
from minicoin.core.recording.digest import differing, join_digests, part_digests
from minicoin.core.recording.reader import EndEntry, Entry, EventEntry, RecordingReader, StartEntry
from minicoin.core.recording.writer import CHECK_BYTES, Checkpoint, EffectsDigest
from minicoin.core.rng import Rng
from minicoin.core.units import Micros

NoteProgress = Callable[[int], None]
"""Told the number of events replayed so far."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Where the replay went another way: between which numbers of events it was noticed, and in what."""

    after_events: int
    before_events: int
    what: str


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay came to. `end_reason` is None where the recording is cut; `damage` says where it is damaged."""

    version: str
    network: str
    events: int
    checkpoints: int
    height: int
    tip: BlockHash
    mempool_count: int
    started_at: Micros
    ended_at: Micros
    state_digest: bytes
    effects_digest: bytes
    end_reason: str | None
    damage: str
    mismatch: Mismatch | None

    @property
    def is_equal(self) -> bool:
        """Whether everything that could be compared was equal, and nothing was damaged."""
        return self.mismatch is None and not self.damage


def replay(reader: RecordingReader, on_progress: NoteProgress = lambda events: None) -> ReplayReport:
    """Replay to the end, or to the checkpoint behind the first difference. Raises DecodeError where nothing was
    started, and whatever the recorded core failed with."""
    return _Replay(reader, on_progress).run()


class _Replay:
    def __init__(self, reader: RecordingReader, on_progress: NoteProgress) -> None:
        opening = reader.opening
        self._reader = reader
        self._on_progress = on_progress
        self._node: Node = assemble_node(
            opening.network, opening.policy, opening.state, Rng(opening.seed), _no_entropy, opening.assembled_at
        )
        self._effects = EffectsDigest()
        self._now = opening.assembled_at
        self._events = 0
        self._checkpoints = 0
        self._agreed_at = 0
        self._last_kind = "the start"
        self._damage = ""
        self._mismatch: Mismatch | None = None

    def run(self) -> ReplayReport:
        end_reason: str | None = None
        is_started = False
        for entry in self._entries():
            match entry:
                case StartEntry(now):
                    is_started = True
                    self._start(now)
                case EventEntry():
                    self._handle(entry)
                case Checkpoint():
                    self._compare(entry)
                    if self._mismatch is not None:
                        break
                case EndEntry(reason):
                    end_reason = reason
        if not is_started:
            raise DecodeError(
                self._damage or "the recording is cut before the node started: there is nothing to replay"
            )
        return self._report(end_reason)

    def _entries(self) -> Iterator[Entry]:
        """Up to the damage, if there is any; what the core itself raises is none of it."""
        try:
            yield from self._reader.entries()
        except DecodeError as error:
            self._damage = str(error)

    def _start(self, now: Micros) -> None:
        self._now = now
        self._node.start(self._reader.opening.state.documents.get(MEMPOOL_KEY), now)
        self._effects.add(self._node.drain_effects())

    def _handle(self, entry: EventEntry) -> None:
        if self._mismatch is None and entry.check != self._effects.value[:CHECK_BYTES]:
            what = f"the effects of {self._last_kind} differ"
            self._mismatch = Mismatch(max(self._events - 1, 0), self._events, what)
        self._events += 1
        self._last_kind = f"event {self._events} ({type(entry.event).__name__})"
        self._now = entry.now
        try:
            self._node.handle(entry.event, entry.now)
        except Exception as error:
            error.add_note(
                f"while replaying {self._last_kind} of a recording by minicoin {self._reader.opening.version}"
            )
            raise
        self._effects.add(self._node.drain_effects())
        self._on_progress(self._events)

    def _compare(self, checkpoint: Checkpoint) -> None:
        self._checkpoints += 1
        found = part_digests(self._node, self._now, is_brief=checkpoint.is_brief)
        parts = list(differing(dict(checkpoint.parts), found))
        if checkpoint.effects != self._effects.value and self._mismatch is None:
            what = f"the effects of {self._last_kind} differ"
            self._mismatch = Mismatch(max(self._events - 1, 0), self._events, what)
        if parts:
            what = f"the state differs in: {', '.join(parts)}"
            first = self._mismatch or Mismatch(self._agreed_at, self._events, "")
            self._mismatch = replace(first, what="; ".join(filter(None, (first.what, what))))
        self._agreed_at = self._events

    def _report(self, end_reason: str | None) -> ReplayReport:
        opening, node = self._reader.opening, self._node
        snapshot = node.snapshot(self._now)
        return ReplayReport(
            version=opening.version,
            network=opening.network.name,
            events=self._events,
            checkpoints=self._checkpoints,
            height=snapshot.height,
            tip=snapshot.tip,
            mempool_count=snapshot.mempool_count,
            started_at=opening.assembled_at,
            ended_at=self._now,
            state_digest=join_digests(part_digests(node, self._now)),
            effects_digest=self._effects.value,
            end_reason=end_reason,
            damage=self._damage,
            mismatch=self._mismatch,
        )


def _no_entropy(count: int) -> bytes:
    raise MisuseError(f"a replayed node asked for {count} secret bytes: no recorded node has a use for them")
