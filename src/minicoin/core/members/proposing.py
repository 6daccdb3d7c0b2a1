"""Proposing and approving changes of the member list: commands in, records of kind `change` out.

1. Whoever proposes or approves signs with the member's key, which the core does not hold: the signature is asked for
   by an effect, and the answer to the command waits for it, and for the disk.
2. A change that would leave no quorum among the members heard lately is not signed here unless forced. Nothing else
   stops it: what others sign is theirs to judge.
3. A node that signs for no member can look on, and propose nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

from minicoin.core.answers import MembersDrafted, Reason
from minicoin.core.chain.change_history import CARRIED_AHEAD_BLOCKS
from minicoin.core.chain.member_history import MemberHistory
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.commands import ApproveMembers, MembersCommand, ProposeMembers
from minicoin.core.effects import SignStatement
from minicoin.core.events import StatementSigned
from minicoin.core.faults import MisuseError
from minicoin.core.limits import MEMBER_CHANGES_WAITING_MAX, MEMBERS_AHEAD_BLOCKS
from minicoin.core.members.drafts import Drafts, MemberDraft
from minicoin.core.members.judgement import halting_problem, warnings
from minicoin.core.params.rules import SignersKind
from minicoin.core.part import Outbox
from minicoin.core.records.flow import RecordFlow
from minicoin.core.records.kinds import CHANGE
from minicoin.core.signers.changes import MemberChange, member_change
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.signers.statements import StatementKind
from minicoin.core.units import Micros, RequestId

_HASH_CHARACTERS_MIN: Final = 8
IsHeard = Callable[[bytes, Micros], bool]


@dataclass(frozen=True, slots=True)
class MemberStanding:
    """The lists at one moment: those of the tip's next block, and what the chain carried."""

    height: int
    """Of the block to come."""
    members: MemberList
    names: tuple[str, ...]
    history: MemberHistory


def standing_of(tree: HeaderReader) -> MemberStanding:
    """At the tip of a tree whose blocks members sign."""
    certified, kind = tree.signers, tree.network.proof
    assert certified is not None and isinstance(kind, SignersKind)
    height = tree.tip.height + 1
    history = certified.carried.members
    carried = history.at(height)
    names = kind.names if carried is None else carried.change.names
    return MemberStanding(height, history.members_at(height), names, history)


class MemberChanges:
    """Of one node of a network of signers."""

    def __init__(
        self,
        drafts: Drafts,
        records: RecordFlow,
        standing: Callable[[], MemberStanding],
        is_heard: IsHeard,
        own_keys: OwnKeys,
        outbox: Outbox,
    ) -> None:
        """`own_keys` say whom this node signs for."""
        self._drafts: Final = drafts
        self._records: Final = records
        self._standing: Final = standing
        self._is_heard: Final = is_heard
        self._own_keys: Final = own_keys
        self._outbox: Final = outbox
        self._waiting: dict[bytes, list[RequestId]] = {}
        """Who asked for a signature under a change, by its hash."""

    def standing(self) -> MemberStanding:
        """The lists of this moment."""
        return self._standing()

    def own(self, members: MemberList) -> bytes | None:
        """Whom this node signs for under a list."""
        return self._own_keys.of(members)

    def open(self) -> tuple[MemberDraft, ...]:
        """The drafts that collect signatures, or could be carried."""
        at = self._standing()
        return self._drafts.open(at.history, at.members, at.height)

    def ready(self, now: Micros) -> MemberChange | None:
        """What our next proposal carries: the first draft that a quorum has signed. One that would halt the chain waits
        until more of its members are heard, unless this node's operator signed it all the same."""
        for draft in self.open():
            change = draft.change
            is_own = any(key in self._own_keys for key, _ in change.signatures)
            if draft.is_ready and (is_own or halting_problem(change, lambda key: self._is_heard(key, now)) is None):
                return change
        return None

    # --- commands ---

    def handle(self, request: RequestId, command: MembersCommand, now: Micros) -> None:
        """Raises MisuseError that says why it is not signed."""
        at = self._standing()
        member = self._own_keys.of(at.members)
        if member is None:
            raise MisuseError("this node signs for no member: propose and approve at a node that does")
        if member not in at.members:
            raise MisuseError(f"the key of this node is no member's at height {at.height}")
        pending = at.history.pending(at.height)
        if pending is not None:
            raise MisuseError(f"a change is pending until height {pending.from_height}: the next one comes behind it")
        match command:
            case ProposeMembers(added, removed, from_height, forced):
                change = self._propose(at, added, removed, from_height)
            case ApproveMembers(prefix, forced):
                change = self._find(prefix)
            case _:
                assert_never(command)
        halting = halting_problem(change, lambda key: self._is_heard(key, now))
        if halting is not None and not forced:
            raise MisuseError(f"{halting}; force it if you know better")
        self._ask_for_signature(request, change, member)

    def _propose(
        self,
        at: MemberStanding,
        added: tuple[tuple[str, bytes], ...],
        removed: tuple[str, ...],
        from_height: int | None,
    ) -> MemberChange:
        named = dict(zip(at.members.keys, at.names, strict=True))
        for who in removed:
            keys = [key for key, name in named.items() if who in (name, key.hex())]
            if not keys:
                raise MisuseError(f"{who!r} is no member at height {at.height}; there are {', '.join(named.values())}")
            del named[keys[0]]
        for name, key in added:
            if key in named:
                raise MisuseError(f"{named[key]} has this key already: {key.hex()}")
            if name in named.values():
                raise MisuseError(
                    f"a member has the name {name!r} already; remove it in the same change to give it a new key"
                )
            named[key] = name
        first = at.height + CARRIED_AHEAD_BLOCKS
        height = at.height + MEMBERS_AHEAD_BLOCKS if from_height is None else from_height
        if height < first:
            raise MisuseError(f"a change proposed now holds from height {first} at the earliest, not {height}")
        change = member_change(at.history.next_version, height, at.history.last_hash, named.items())
        if change.members == at.members and change.names == at.names:
            raise MisuseError("it changes nothing")
        return change

    def _find(self, prefix: str) -> MemberChange:
        if len(prefix) < _HASH_CHARACTERS_MIN:
            raise MisuseError(f"name the change by the first {_HASH_CHARACTERS_MIN} or more characters of its hash")
        found = [draft.change for draft in self.open() if draft.change.hash.hex().startswith(prefix.lower())]
        if len(found) != 1:
            raise MisuseError(f"{len(found) or 'no'} open changes have a hash that begins with {prefix}")
        return found[0]

    def _ask_for_signature(self, request: RequestId, change: MemberChange, member: bytes) -> None:
        if sum(map(len, self._waiting.values())) >= MEMBER_CHANGES_WAITING_MAX:
            self._outbox.refuse(request, Reason.CROWDED, "too many changes wait for their signature")
            return
        waiting = self._waiting.setdefault(change.hash, [])
        waiting.append(request)
        if len(waiting) == 1:
            self._outbox.emit(SignStatement(member, StatementKind.MEMBER_CHANGE, change.body()))

    def on_signed(self, event: StatementSigned, now: Micros) -> None:
        """The signature is there: publish it, and answer when that is on disk."""
        bare = MemberChange.decode_body(event.body)
        requests = self._waiting.pop(bare.hash, [])
        if not requests:
            return
        if event.signature is None:
            for request in requests:
                self._outbox.refuse(request, Reason.UNABLE, f"it is not signed: {event.reason}")
            return
        own = bare.with_signature(event.member, event.signature)
        try:
            self._records.publish(CHANGE, own.hash.hex()[:32], own.encode(), now)
        except MisuseError as error:
            for request in requests:
                self._outbox.refuse(request, Reason.UNABLE, str(error))
            return
        at = self._standing()
        drafts = [one for one in self.open() if one.change.hash == own.hash]
        change, missing = (drafts[0].change, drafts[0].missing) if drafts else (own, at.members.quorum - 1)
        told = warnings(change, at.members, lambda key: self._is_heard(key, now))
        answer = MembersDrafted(change, at.members.quorum, missing, told)
        for request in requests:
            self._records.answer_when_saved(request, answer)
        self._outbox.emit(self._records.save())
