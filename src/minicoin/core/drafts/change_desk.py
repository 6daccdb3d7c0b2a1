"""Has this node's member sign changes, and publishes them: the signature is asked for by an effect, as the core holds
no key, and whoever asked is answered when it is on disk.

What may be signed is the caller's to judge. A node that signs for no member can look on, and sign nothing.
"""

from collections.abc import Callable
from typing import Final, Generic

from minicoin.core.answers import Answer, Reason
from minicoin.core.chain.change_history import C
from minicoin.core.drafts.changes import ChangeDraft, ChangeStanding, Drafts
from minicoin.core.effects import SignStatement
from minicoin.core.events import StatementSigned
from minicoin.core.faults import MisuseError
from minicoin.core.limits import CHANGES_WAITING_MAX
from minicoin.core.part import Outbox
from minicoin.core.records.flow import RecordFlow
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.units import Micros, RequestId

HASH_CHARACTERS_MIN: Final = 8


class ChangeDesk(Generic[C]):
    """Of one node, for one kind of change."""

    def __init__(
        self,
        drafts: Drafts[C],
        records: RecordFlow,
        standing: Callable[[], ChangeStanding[C]],
        own_keys: OwnKeys,
        outbox: Outbox,
        answer: Callable[[ChangeDraft[C], Micros], Answer],
    ) -> None:
        """`own_keys` say whom this node signs for; `answer` is what is said of a draft that it signed."""
        self._drafts: Drafts[C] = drafts
        self._records: Final = records
        self._standing: Callable[[], ChangeStanding[C]] = standing
        self._own_keys: Final = own_keys
        self._outbox: Final = outbox
        self._answer: Callable[[ChangeDraft[C], Micros], Answer] = answer
        self._waiting: dict[bytes, list[RequestId]] = {}
        """Who asked for a signature under a change, by its hash."""

    def standing(self) -> ChangeStanding[C]:
        """Where the chain is at this moment."""
        return self._standing()

    def open(self) -> tuple[ChangeDraft[C], ...]:
        """The drafts that collect signatures, or could be carried."""
        return self._drafts.open(self._standing())

    def is_own(self, change: C) -> bool:
        """Whether this node's member has signed it."""
        return any(key in self._own_keys for key, _ in change.signatures)

    @property
    def held(self) -> tuple[bytes, ...]:
        """The keys that this node signs with, at one height or another."""
        return self._own_keys.all

    def own(self, members: MemberList) -> bytes | None:
        """Whom this node signs for under a list."""
        return self._own_keys.of(members)

    def require(self) -> ChangeStanding[C]:
        """The moment, for who is about to sign. Raises MisuseError that says why nothing is to be signed now."""
        at = self._standing()
        member = self._own_keys.of(at.members)
        if member is None:
            raise MisuseError("this node signs for no member: propose and approve at a node that does")
        if member not in at.members:
            raise MisuseError(f"the key of this node is no member's at height {at.height}")
        pending = at.history.pending(at.height)
        if pending is not None:
            raise MisuseError(f"a change is pending until height {pending.from_height}: the next one comes behind it")
        return at

    def find(self, prefix: str) -> C:
        """The open draft whose hash begins so. Raises MisuseError."""
        found = self.matches(prefix)
        if len(found) != 1:
            raise MisuseError(f"{len(found) or 'no'} open changes have a hash that begins with {prefix}")
        return found[0]

    def matches(self, prefix: str) -> tuple[C, ...]:
        """The open drafts whose hash begins so. Raises MisuseError for a beginning that is too short."""
        if len(prefix) < HASH_CHARACTERS_MIN:
            raise MisuseError(f"name the change by the first {HASH_CHARACTERS_MIN} or more characters of its hash")
        return tuple(draft.change for draft in self.open() if draft.change.hash.hex().startswith(prefix.lower()))

    def ask(self, request: RequestId, change: C) -> None:
        """Have it signed, once `require` was asked."""
        member = self._own_keys.of(self._standing().members)
        assert member is not None, "nothing is signed for nobody"
        if sum(map(len, self._waiting.values())) >= CHANGES_WAITING_MAX:
            self._outbox.refuse(request, Reason.CROWDED, "too many changes wait for their signature")
            return
        waiting = self._waiting.setdefault(change.hash, [])
        waiting.append(request)
        if len(waiting) == 1:
            self._outbox.emit(SignStatement(member, self._drafts.form.statement, change.body()))

    def on_signed(self, event: StatementSigned, now: Micros) -> None:
        """The signature is there: publish it, and answer when that is on disk."""
        form = self._drafts.form
        bare = form.decode_body(event.body)
        requests = self._waiting.pop(bare.hash, [])
        if not requests:
            return
        if event.signature is None:
            for request in requests:
                self._outbox.refuse(request, Reason.UNABLE, f"it is not signed: {event.reason}")
            return
        own = bare.with_signature(event.member, event.signature)
        try:
            self._records.publish(form.record_kind, own.hash.hex()[:32], own.encode(), now)
        except MisuseError as error:
            for request in requests:
                self._outbox.refuse(request, Reason.UNABLE, str(error))
            return
        drafts = [one for one in self.open() if one.change.hash == own.hash]
        draft = drafts[0] if drafts else ChangeDraft(own, self._standing().members.quorum - 1)
        answer = self._answer(draft, now)
        for request in requests:
            self._records.answer_when_saved(request, answer)
        self._outbox.emit(self._records.save())
