"""What holds the keys signs one vote for each slot, whoever asks and whatever is killed when."""

from dataclasses import dataclass, replace
from itertools import count

import pytest
from tests.unit.consensus.samples import ALICE, BOB
from tests.unit.signers.banks import BANKS, BLOCK, DRAFT, KEYS, NETWORK_ID, public

from minicoin.core.consensus.messages import MemberGreeting
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.signers.recovery import NO_RECOVERY, Recovery, domain_of
from minicoin.core.signers.statements import StatementKind
from minicoin.core.signers.votes import NIL, SignedVote, Vote, VoteKind
from minicoin.drivers.signer.keyholder import HeldKey, Keyholder
from minicoin.drivers.signer.protocol import (
    Answered,
    GreetingAsked,
    SignatureGiven,
    SignatureRefused,
    StatementAsked,
    VoteAsked,
)

from .samples import MEMBER, PREVOTE

NOTHING = replace(PREVOTE, block=NIL, next_members=NIL)


class Killed(Exception):
    """The process ends here."""


@dataclass
class Disk:
    """Of one key: what survives, and where the next write is cut off."""

    kept: bytes
    killed_before: bool = False
    killed_after: bool = False
    is_full: bool = False
    writes: int = 0

    def save(self, state: bytes) -> None:
        if self.is_full:
            raise OSError(28, "No space left on device")
        if self.killed_before:
            raise Killed
        self.kept = state
        self.writes += 1
        if self.killed_after:
            raise Killed


class Signer:
    """A process that is started on what its disk has."""

    def __init__(self, disk: Disk | None = None) -> None:
        self.disk = disk or Disk(SignState(MEMBER).encode())
        self.told: list[str] = []
        self._numbers = count(1)
        self.start()

    def start(self) -> None:
        held = HeldKey(KEYS[0], SignState.decode(self.disk.kept), self.disk)
        self.holder = Keyholder(NETWORK_ID, [held], self.told.append)

    def ask(self, vote: Vote, key: bytes = MEMBER) -> Answered:
        return self.holder.answer(VoteAsked(next(self._numbers), key, vote))

    def signs(self, vote: Vote) -> bool:
        answer = self.ask(vote)
        if isinstance(answer, SignatureRefused):
            return False
        assert isinstance(answer, SignatureGiven)
        assert SignedVote(vote, MEMBER, answer.signature).holds(NETWORK_ID)
        return True


def test_a_vote_is_on_disk_before_it_is_signed_and_signed_again_without_a_write() -> None:
    signer = Signer()
    assert signer.signs(PREVOTE)
    assert PREVOTE in SignState.decode(signer.disk.kept).votes
    assert signer.disk.writes == 1
    assert signer.signs(PREVOTE)
    assert signer.disk.writes == 1
    assert signer.told == []


def test_no_second_vote_of_a_slot_and_none_of_a_lower_one_also_after_a_restart() -> None:
    signer = Signer()
    assert signer.signs(PREVOTE)
    for _ in range(2):
        assert not signer.signs(NOTHING)
        assert not signer.signs(replace(PREVOTE, round=0))
        assert not signer.signs(replace(PREVOTE, height=6))
        assert not signer.signs(replace(PREVOTE, next_members=b"m" * 32))
        assert signer.signs(PREVOTE)
        signer.start()
    assert signer.signs(replace(NOTHING, kind=VoteKind.PRECOMMIT))
    assert any("refuses a vote: prevote of height 7, round 1 is not signed" in line for line in signer.told)


@pytest.mark.parametrize("step", ["before the record", "behind the record", "behind the signature"])
def test_a_kill_at_any_step_leaves_one_vote_for_the_slot(step: str) -> None:
    signer = Signer()
    signer.disk.killed_before = step == "before the record"
    signer.disk.killed_after = step == "behind the record"
    try:
        left = signer.signs(PREVOTE)
    except Killed:
        left = False
    signer.disk.killed_before = signer.disk.killed_after = False
    signer.start()
    # A signature that may have left has its record; where none can have, either vote may be the slot's, and one is.
    other = signer.signs(NOTHING)
    assert not (left and other)
    assert signer.signs(PREVOTE) is not other
    assert other == (step == "before the record")


def test_what_the_disk_refuses_is_not_signed_and_not_believed_to_be_written() -> None:
    signer = Signer()
    signer.disk.is_full = True
    answer = signer.ask(PREVOTE)
    assert isinstance(answer, SignatureRefused)
    assert "No space left" in answer.reason
    signer.disk.is_full = False
    assert signer.signs(NOTHING)
    assert not signer.signs(PREVOTE)
    signer.start()
    assert not signer.signs(PREVOTE)


def test_a_node_that_was_restored_from_a_backup_gets_no_second_signature() -> None:
    """The node's own record is behind, or there are two nodes: what they ask for is all the same to the signer."""
    signer = Signer()
    votes = [replace(PREVOTE, height=height, kind=kind) for height in (7, 8) for kind in VoteKind if kind > 1]
    assert all(signer.signs(vote) for vote in votes)
    assert [signer.signs(vote) for vote in votes] == [False, False, True, True]
    assert not any(signer.signs(replace(vote, block=NIL, next_members=NIL)) for vote in votes)


def test_a_key_that_is_not_held_signs_nothing() -> None:
    answer = Signer().ask(PREVOTE, public(KEYS[1]))
    assert isinstance(answer, SignatureRefused)
    assert "is not held here" in answer.reason


def test_two_keys_have_a_record_each() -> None:
    disks = [Disk(SignState(public(key)).encode()) for key in KEYS[:2]]
    keys = [HeldKey(key, SignState.decode(disk.kept), disk) for key, disk in zip(KEYS, disks, strict=False)]
    holder = Keyholder(NETWORK_ID, keys, print)
    assert holder.held.keys == (public(KEYS[0]), public(KEYS[1]))
    for key, vote in ((KEYS[0], PREVOTE), (KEYS[1], NOTHING)):
        answer = holder.answer(VoteAsked(1, public(key), vote))
        assert isinstance(answer, SignatureGiven)
        assert SignedVote(vote, public(key), answer.signature).holds(NETWORK_ID)
    assert [disk.writes for disk in disks] == [1, 1]


def test_greetings_and_statements_are_signed_and_told_of() -> None:
    signer = Signer()
    greeting = signer.holder.answer(GreetingAsked(1, MEMBER, ALICE, BOB))
    assert isinstance(greeting, SignatureGiven)
    assert MemberGreeting(MEMBER, greeting.signature).holds(NETWORK_ID, ALICE, BOB)
    assert signer.told == []
    statement = signer.holder.answer(StatementAsked(2, MEMBER, StatementKind.ADMISSION, DRAFT.body()))
    assert isinstance(statement, SignatureGiven)
    assert DRAFT.with_signature(MEMBER, statement.signature) == DRAFT.signed_by(KEYS[0], NETWORK_ID)
    assert len(signer.told) == 1
    assert signer.disk.writes == 0


RECOVERY = Recovery(NO_RECOVERY, 6, BLOCK, BANKS, ("Bank",) * len(BANKS))


def state(signer: Signer, recovery: Recovery) -> Answered:
    return signer.holder.answer(StatementAsked(1, MEMBER, StatementKind.RECOVERY, recovery.statement(None)))


def test_a_recovery_is_promised_on_disk_before_it_is_signed() -> None:
    signer = Signer()
    assert signer.signs(PREVOTE)
    signer.disk.killed_after = True
    with pytest.raises(Killed):
        state(signer, RECOVERY)
    signer.disk.killed_after = False
    signer.start()
    assert not signer.signs(replace(PREVOTE, round=9))
    answer = state(signer, RECOVERY)
    assert isinstance(answer, SignatureGiven)
    assert RECOVERY.stated(MEMBER, None, (), answer.signature).flaw(BANKS, NETWORK_ID) is None
    other = state(signer, replace(RECOVERY, names=("Other",) * len(BANKS)))
    assert isinstance(other, SignatureRefused)
    assert "another recovery" in other.reason
    assert any("refuses a statement" in told for told in signer.told)


def test_behind_a_recovery_its_record_begins_anew_and_does_not_go_back() -> None:
    signer = Signer()
    assert signer.signs(replace(PREVOTE, round=9))
    answer = signer.holder.answer(VoteAsked(1, MEMBER, PREVOTE, RECOVERY.hash))
    assert isinstance(answer, SignatureGiven)
    assert SignedVote(PREVOTE, MEMBER, answer.signature).holds(domain_of(NETWORK_ID, RECOVERY.hash))
    signer.start()
    assert not signer.signs(replace(PREVOTE, round=10))
    again = signer.holder.answer(VoteAsked(1, MEMBER, NOTHING, RECOVERY.hash))
    assert isinstance(again, SignatureRefused)
    greeting = signer.holder.answer(GreetingAsked(1, MEMBER, ALICE, BOB, RECOVERY.hash))
    assert isinstance(greeting, SignatureGiven)
    assert MemberGreeting(MEMBER, greeting.signature, RECOVERY.hash).holds(NETWORK_ID, ALICE, BOB)
