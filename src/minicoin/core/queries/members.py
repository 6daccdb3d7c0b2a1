"""What outside may read of the members who sign the blocks, as frozen values."""

from dataclasses import dataclass

from minicoin.core.chain.change_history import CarriedChange
from minicoin.core.chain.member_history import RecoveredList
from minicoin.core.drafts.changes import ChangeDraft
from minicoin.core.limits import MEMBERS_COUNTED_BLOCKS
from minicoin.core.members.proposing import MemberStanding
from minicoin.core.params.rules import SignersKind
from minicoin.core.policy.anchor import Anchor, anchor_to_toml
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.members import MemberList
from minicoin.core.view import NodeView


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member of the list of the block to come, and its part in the last certified blocks."""

    name: str
    key: bytes
    signed: int
    missed: int
    """Of the last MEMBERS_COUNTED_BLOCKS blocks, those under whose list it stood. A certificate holds the signatures of
    the first quorum that its maker heard: who is slower is missed without any fault."""
    last_signed: int | None
    """The highest of them that it signed."""
    is_own: bool
    """This node signs for it."""


@dataclass(frozen=True, slots=True)
class ChangeReport:
    """A change of the list: what is other in it, and who stands behind it."""

    hash: bytes
    version: int
    from_height: int
    added: tuple[tuple[str, bytes], ...]
    removed: tuple[tuple[str, bytes], ...]
    members: tuple[tuple[str, bytes], ...]
    """All of the list."""
    signers: tuple[str, ...]
    """By name, as the list before has it."""
    missing: int = 0
    carried_at: int | None = None
    """The height of the block that carries it; None for the founding list and for a recovery."""


@dataclass(frozen=True, slots=True)
class MembersReport:
    """The lists at one moment."""

    finalized: int
    """The highest certified block."""
    height: int
    """Of the block to come, whose list `members` is."""
    members: tuple[MemberRow, ...]
    quorum: int
    faults: int
    """So many members may lie."""
    pending: ChangeReport | None
    """Carried, and not in force yet."""
    drafts: tuple[ChangeReport, ...]
    """Collecting signatures."""


class MemberQueries:
    """Reads of one moment."""

    def __init__(self, view: NodeView) -> None:
        self._view = view

    @property
    def is_on(self) -> bool:
        """Whether members sign the blocks of this network."""
        return self._view.tree.signers is not None

    @property
    def held_keys(self) -> tuple[bytes, ...]:
        """The signing keys of this node. Only where it is on."""
        assert self._view.member_changes is not None
        return self._view.member_changes.held

    def report(self) -> MembersReport:
        """The lists. Only where it is on."""
        member_changes = self._view.member_changes
        assert member_changes is not None
        at = member_changes.standing()
        pending = at.history.pending(at.height)
        before = dict(zip(at.members.keys, at.names, strict=True))
        carried = at.history.carried()
        return MembersReport(
            finalized=at.height - 1,
            height=at.height,
            members=self._rows(at),
            quorum=at.members.quorum,
            faults=at.members.faults,
            pending=None if pending is None else _report(pending, before, carried_at=carried[-1].height),
            drafts=tuple(_draft_report(draft, before) for draft in member_changes.open()),
        )

    def history(self) -> tuple[ChangeReport, ...]:
        """The founding list as version 0, and every change that the chain carried, lowest first."""
        member_changes, kind = self._view.member_changes, self._view.network.proof
        assert member_changes is not None and isinstance(kind, SignersKind)
        founding = tuple(zip(kind.names, kind.members, strict=True))
        reports = [ChangeReport(kind.founding_list.hash, 0, 1, founding, (), founding, ())]
        before = {key: name for name, key in founding}
        for carried in member_changes.standing().history.carried():
            reports.append(_carried_report(carried, before))
            before = dict(zip(carried.change.members.keys, carried.change.names, strict=True))
        return tuple(reports)

    def anchor(self) -> str | None:
        """What a newcomer's operator gives its node, as the text of an anchor's file; None before the first block."""
        certified, tip, admission = self._view.tree.signers, self._view.tree.tip, self._view.admission
        assert certified is not None
        if tip.height == 0:
            return None
        current = None if admission is None else admission.state.current
        anchor = Anchor(tip.height, tip.hash, certified.members_at(tip.height + 1), current)
        return anchor_to_toml(anchor, self._view.network)

    def _rows(self, at: MemberStanding) -> tuple[MemberRow, ...]:
        signed, missed, last = self._counts(at)
        assert self._view.member_changes is not None
        own = self._view.member_changes.own(at.members)
        return tuple(
            MemberRow(name, key, signed.get(key, 0), missed.get(key, 0), last.get(key), key == own)
            for name, key in zip(at.names, at.members.keys, strict=True)
        )

    def _counts(self, at: MemberStanding) -> tuple[dict[bytes, int], dict[bytes, int], dict[bytes, int]]:
        certified = self._view.tree.signers
        assert certified is not None
        signed: dict[bytes, int] = {}
        missed: dict[bytes, int] = {}
        last: dict[bytes, int] = {}
        for height in range(max(1, at.height - MEMBERS_COUNTED_BLOCKS), at.height):
            members: MemberList = certified.members_at(height)
            who = certified.kept_at(height).certificate.signers(members)
            for key in members.keys:
                if key in who:
                    signed[key] = signed.get(key, 0) + 1
                    last[key] = height
                else:
                    missed[key] = missed.get(key, 0) + 1
        return signed, missed, last


def _draft_report(draft: ChangeDraft[MemberChange], before: dict[bytes, str]) -> ChangeReport:
    return _report(draft.change, before, missing=draft.missing)


def _carried_report(carried: CarriedChange[MemberChange], before: dict[bytes, str]) -> ChangeReport:
    is_carried = not isinstance(carried.change, RecoveredList)
    return _report(carried.change, before, carried_at=carried.height if is_carried else None)


def _report(
    change: MemberChange, before: dict[bytes, str], *, missing: int = 0, carried_at: int | None = None
) -> ChangeReport:
    after = dict(zip(change.members.keys, change.names, strict=True))
    return ChangeReport(
        hash=change.hash,
        version=change.version,
        from_height=change.from_height,
        added=tuple((name, key) for key, name in after.items() if key not in before),
        removed=tuple((name, key) for key, name in before.items() if key not in after),
        members=tuple((name, key) for key, name in after.items()),
        signers=tuple(before.get(key, key.hex()) for key, _ in change.signatures),
        missing=missing,
        carried_at=carried_at,
    )
