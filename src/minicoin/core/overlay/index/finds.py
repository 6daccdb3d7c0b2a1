"""Questions to the indexes for one member, on behalf of somebody who waits: each is answered once, at its end at the
latest."""

from dataclasses import dataclass

from minicoin.core.answers import FoundBy, PeerFound, Reason
from minicoin.core.limits import INDEX_FIND_PATIENCE_US, INDEX_FINDS_WAITING_MAX
from minicoin.core.overlay.index.entry import MemberEntry
from minicoin.core.overlay.index.messages import IdxFind, IdxKnown
from minicoin.core.part import Outbox, PeerView
from minicoin.core.rng import Rng
from minicoin.core.units import Micros, RequestId


@dataclass(slots=True)
class _Find:
    request: RequestId
    target: bytes
    left: int
    """Indexes that have not answered."""
    asked: int
    ends_at: Micros


class Finds:
    """Those that wait."""

    def __init__(self, outbox: Outbox, rng: Rng) -> None:
        self._outbox = outbox
        self._rng = rng
        self._waiting: dict[int, _Find] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def begin(self, request: RequestId, target: bytes, asked: int, now: Micros) -> IdxFind | None:
        """The question for that many indexes; None where it was refused, since too many wait."""
        if len(self._waiting) >= INDEX_FINDS_WAITING_MAX:
            self._outbox.refuse(request, Reason.CROWDED, "too many searches wait already: try again later")
            return None
        nonce = self._rng.below(1 << 63)
        self._waiting[nonce] = _Find(request, target, asked, asked, Micros(now + INDEX_FIND_PATIENCE_US))
        return IdxFind(nonce, target)

    def is_for(self, nonce: int) -> bool:
        """Whether an answer is to one of ours."""
        return nonce in self._waiting

    def take(self, peer: PeerView, answer: IdxKnown, now: Micros) -> MemberEntry | None:
        """An index's answer; the member, where it names the one that was asked for."""
        find = self._waiting[answer.nonce]
        found = next((entry for entry in answer.entries if entry.peer_id == find.target), None)
        if found is not None:
            del self._waiting[answer.nonce]
            self._outbox.reply(find.request, found_at(found, find.asked, peer.address.peer_id, now))
            return found
        find.left -= 1
        if find.left <= 0:
            self._end(answer.nonce)
        return None

    def on_deadline(self, now: Micros) -> None:
        """Nobody waits longer than that."""
        for nonce, find in list(self._waiting.items()):
            if find.ends_at <= now:
                self._end(nonce)

    def next_deadline(self) -> Micros | None:
        """When the first has waited long enough."""
        return min((find.ends_at for find in self._waiting.values()), default=None)

    def _end(self, nonce: int) -> None:
        find = self._waiting.pop(nonce)
        self._outbox.reply(find.request, PeerFound(asked=find.asked))


def found_at(entry: MemberEntry, asked: int, told_by: bytes, now: Micros) -> PeerFound:
    """What a record says of where its member is: certain while it lives."""
    return PeerFound((entry.address,), FoundBy.RECORD, told_by, asked, is_certain=not entry.is_expired(now))
