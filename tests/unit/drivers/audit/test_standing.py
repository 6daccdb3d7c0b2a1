"""How far a log has come follows from its entries, and comes back from the first of a file."""

from dataclasses import replace

import pytest

from minicoin.core.faults import DecodeError
from minicoin.core.limits import AUDIT_VOTES_REMEMBERED_MAX
from minicoin.drivers.audit.entry import NONE_BEFORE, AuditDraft, AuditEntry, EntryKind
from minicoin.drivers.audit.standing import LogStanding

from .audited import FOUNDING, NOW, vote


def behind(*drafts: AuditDraft) -> LogStanding:
    standing = LogStanding()
    for draft in drafts:
        standing = standing.after(AuditEntry(0, NONE_BEFORE, draft))
    return standing


def told(kind: EntryKind, **fields: int | str) -> AuditDraft:
    return AuditDraft(NOW, 5, kind, fields)


def test_it_counts_what_came() -> None:
    standing = behind(
        AuditDraft(NOW, 0, EntryKind.NETWORK, FOUNDING),
        told(EntryKind.MEMBERS, version=1),
        told(EntryKind.RECOVERY, version=2, recovery="ab"),
        told(EntryKind.SETTINGS, version=3),
        told(EntryKind.ADMISSION, version=4),
        told(EntryKind.CONFIGURATION, version=5),
        told(EntryKind.EVIDENCE),
        told(EntryKind.RECOVERY_SIGNED),
        vote(6),
        vote(7),
        vote(7, 1),
        vote(5),
        told(EntryKind.STOP),
    )
    assert standing == LogStanding(
        str(FOUNDING["id"]),
        2,
        ("ab",),
        3,
        4,
        5,
        1,
        7,
        ((0, "prevote", ""), (1, "prevote", "")),
        is_stopped=True,
        promised=(5,),
    )
    assert standing.has(told(EntryKind.RECOVERY_SIGNED))
    assert not standing.has(AuditDraft(NOW, 6, EntryKind.RECOVERY_SIGNED))
    assert not behind(told(EntryKind.STOP), told(EntryKind.START)).is_stopped
    assert behind(AuditDraft(NOW, 5, EntryKind.SEGMENT, standing.to_fields())) == standing
    # As files of earlier versions begin.
    earlier = {name: value for name, value in standing.to_fields().items() if name != "promised"}
    assert behind(AuditDraft(NOW, 5, EntryKind.SEGMENT, earlier)) == replace(standing, promised=())


def test_the_votes_of_a_height_that_never_ends_are_bounded() -> None:
    standing = behind(*(vote(5, round_) for round_ in range(AUDIT_VOTES_REMEMBERED_MAX + 50)))
    assert len(standing.votes) == AUDIT_VOTES_REMEMBERED_MAX
    assert standing.votes[-1] == (AUDIT_VOTES_REMEMBERED_MAX + 49, "prevote", "")


@pytest.mark.parametrize(
    "change",
    [
        {"members": -1},
        {"votes": [[1]]},
        {"votes": 3},
        {"network": 5},
        {"evidence": None},
        {"recoveries": 1},
        {"promised": 1},
        {"promised": [-1]},
    ],
)
def test_what_does_not_say_it_is_refused(change: dict[str, object]) -> None:
    fields = LogStanding("ab").to_fields() | change
    with pytest.raises(DecodeError):
        behind(AuditDraft(NOW, 5, EntryKind.SEGMENT, fields))
    with pytest.raises(DecodeError):
        behind(told(EntryKind.MEMBERS, version="two"))


def test_a_vote_is_in_once_and_another_one_of_its_slot_is_another() -> None:
    standing = behind(vote(7))
    assert standing.has(vote(7)) and not standing.has(vote(8)) and not standing.has(vote(7, 1))
    other = AuditDraft(NOW, 7, EntryKind.VOTE, {"block": "ab", "kind": "prevote", "round": 0})
    assert not standing.has(other)
    assert standing.has(told(EntryKind.MEMBERS, version=0)) and not standing.has(told(EntryKind.MEMBERS, version=1))
    assert not standing.has(told(EntryKind.EVIDENCE))
    recovered = told(EntryKind.RECOVERY, version=2, recovery="ab")
    assert behind(recovered).has(recovered) and not standing.has(recovered)
