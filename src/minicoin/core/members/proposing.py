"""Proposing and approving changes of the member list: commands in, records of kind `change` out.

1. Whoever proposes or approves signs with the member's key (core/drafts).
2. A change that would leave no quorum among the members heard lately is not signed here unless forced. Nothing else
   stops it: what others sign is theirs to judge.
3. A node that signs for no member can look on, and propose nothing.
"""

from collections.abc import Callable
from typing import Final, assert_never

from minicoin.core.answers import MembersDrafted
from minicoin.core.chain.change_history import CARRIED_AHEAD_BLOCKS
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.commands import ApproveMembers, MembersCommand, ProposeMembers
from minicoin.core.drafts.change_desk import ChangeDesk
from minicoin.core.drafts.changes import ChangeDraft, ChangeStanding, Drafts
from minicoin.core.events import StatementSigned
from minicoin.core.faults import MisuseError
from minicoin.core.limits import CHANGES_AHEAD_BLOCKS
from minicoin.core.members.judgement import halting_problem, key_problem, warnings
from minicoin.core.part import Outbox
from minicoin.core.records.flow import RecordFlow
from minicoin.core.signers.changes import MemberChange, member_change
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.units import Micros, RequestId

IsHeard = Callable[[bytes, Micros], bool]
MemberStanding = ChangeStanding[MemberChange]


def standing_of(tree: HeaderReader) -> MemberStanding:
    """At the tip of a tree whose blocks members sign."""
    assert tree.signers is not None
    carried, height = tree.signers.carried, tree.tip.height + 1
    return ChangeStanding(height, carried.members.members_at(height), carried.names_at(height), carried.members)


def changed_members(
    at: MemberStanding, added: tuple[tuple[str, bytes], ...], removed: tuple[str, ...]
) -> dict[bytes, str]:
    """Key and name of the members with these more, and without those, each by name or key. Raises MisuseError."""
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
    return named


class MemberChanges:
    """Of one node of a network of signers."""

    def __init__(
        self,
        drafts: Drafts[MemberChange],
        records: RecordFlow,
        standing: Callable[[], MemberStanding],
        is_heard: IsHeard,
        own_keys: OwnKeys,
        outbox: Outbox,
    ) -> None:
        """`own_keys` say whom this node signs for."""
        self._is_heard: Final = is_heard
        self._desk: Final = ChangeDesk(drafts, records, standing, own_keys, outbox, self._answer)

    def standing(self) -> MemberStanding:
        """The lists of this moment."""
        return self._desk.standing()

    @property
    def held(self) -> tuple[bytes, ...]:
        """The keys that this node signs with, at one height or another."""
        return self._desk.held

    def own(self, members: MemberList) -> bytes | None:
        """Whom this node signs for under a list."""
        return self._desk.own(members)

    def open(self) -> tuple[ChangeDraft[MemberChange], ...]:
        """The drafts that collect signatures, or could be carried."""
        return self._desk.open()

    def ready(self, now: Micros) -> MemberChange | None:
        """What our next proposal carries: the first draft that a quorum has signed. One that would halt the chain waits
        until more of its members are heard, unless this node's operator signed it all the same."""
        for draft in self.open():
            change = draft.change
            if draft.is_ready and (self._desk.is_own(change) or self._halting(change, now) is None):
                return change
        return None

    # --- commands ---

    def handle(self, request: RequestId, command: MembersCommand, now: Micros) -> None:
        """Raises MisuseError that says why it is not signed."""
        at = self._desk.require()
        match command:
            case ProposeMembers(added, removed, from_height, forced):
                change = self._propose(at, added, removed, from_height)
            case ApproveMembers(prefix, forced):
                change = self._desk.find(prefix)
            case _:
                assert_never(command)
        if (problem := key_problem(change.members, change.names, at.members)) is not None:
            raise MisuseError(problem)
        halting = self._halting(change, now)
        if halting is not None and not forced:
            raise MisuseError(f"{halting}; force it if you know better")
        self._desk.ask(request, change)

    def _propose(
        self,
        at: MemberStanding,
        added: tuple[tuple[str, bytes], ...],
        removed: tuple[str, ...],
        from_height: int | None,
    ) -> MemberChange:
        named = changed_members(at, added, removed)
        first = at.height + CARRIED_AHEAD_BLOCKS
        height = at.height + CHANGES_AHEAD_BLOCKS if from_height is None else from_height
        if height < first:
            raise MisuseError(f"a change proposed now holds from height {first} at the earliest, not {height}")
        change = member_change(at.history.next_version, height, at.history.last_hash, named.items())
        if change.members == at.members and change.names == at.names:
            raise MisuseError("it changes nothing")
        return change

    def on_signed(self, event: StatementSigned, now: Micros) -> None:
        """The signature is there."""
        self._desk.on_signed(event, now)

    def _halting(self, change: MemberChange, now: Micros) -> str | None:
        return halting_problem(change, lambda key: self._is_heard(key, now))

    def _answer(self, draft: ChangeDraft[MemberChange], now: Micros) -> MembersDrafted:
        at = self._desk.standing()
        told = warnings(draft.change, at.members, lambda key: self._is_heard(key, now))
        return MembersDrafted(draft.change, at.members.quorum, draft.missing, told)
