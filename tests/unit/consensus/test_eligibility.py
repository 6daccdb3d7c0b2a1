"""Whether a key may sign: each thing that keeps it from that, alone, and what is said of it."""

from dataclasses import dataclass

import pytest
from tests.unit.consensus.bank_world import Bank, BankWorld

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.consensus.desk import SIGN_STATE_KEY, Desk
from minicoin.core.consensus.eligibility import Eligibility
from minicoin.core.consensus.heights import Heights
from minicoin.core.consensus.held_keys import HeldKeys
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.consensus.timeouts import Pause, RoundTimes
from minicoin.core.faults import MisuseError
from minicoin.core.notices import SigningStopped, TakeOverRefused
from minicoin.core.signers.members import MemberList
from minicoin.core.signers.own_keys import OwnKeys
from minicoin.core.signers.recovery import NO_RECOVERY, Recovery
from minicoin.core.units import Micros
from minicoin.testing.certified_chain import public

NOW = Micros(1_000_000_000)


@dataclass
class Stage:
    bank: Bank
    held: HeldKeys
    members: MemberList
    eligibility: Eligibility

    def answer(self, height: int = 1) -> None:
        """Two of the three others say what they work on, and hold no vote of the key."""
        for member in [key for key in self.members.keys if key != public(self.bank.key)][:2]:
            self.held.current.take(member, height, ())

    def recovery(self) -> Recovery:
        block = self.bank.network.genesis.hash
        return Recovery(NO_RECOVERY, 0, block, self.members, tuple("M" for _ in self.members.keys))


def stage(key: bytes = b"") -> Stage:
    """At the first height of four members, of whom the key is one's unless it is given."""
    world = BankWorld(4, starts=False)
    bank = world.banks[0]
    signers = HeaderTree(world.network).signers
    assert signers is not None
    members = signers.members_at(1)
    own = key or public(bank.key)
    held = HeldKeys(OwnKeys((own,)), members, {SIGN_STATE_KEY: SignState(own)})
    heights = Heights(RoundTimes())
    heights.begin(Pause(1, 0, NOW), members, None, NOW)
    return Stage(bank, held, members, Eligibility(bank, signers, held, heights, Desk()))


def test_a_fit_key_of_a_member_signs() -> None:
    made = stage()
    assert made.eligibility.state is None
    assert made.eligibility.abstains_because.startswith("it ")
    made.answer()
    assert made.eligibility.state == SignState(made.eligibility.member)
    assert made.eligibility.abstains_because == ""
    made.eligibility.alarm()
    assert made.bank.emitted == []


def test_where_its_record_begins_above_the_height_at_hand_it_says_so() -> None:
    made = stage()
    made.answer()
    made.held.take_over(2)
    assert made.eligibility.abstains_because == (
        "its key may have signed what comes before block 2: it signs from there on, not block 1"
    )
    made.held.take_over(1)
    assert made.eligibility.abstains_because == ""


def test_a_twin_stops_it_and_is_told_once() -> None:
    made = stage()
    made.answer()
    made.eligibility.twin = b"other"
    assert made.eligibility.is_stopped and made.eligibility.state is None
    for _ in range(2):
        made.eligibility.alarm()
    (told,) = made.bank.emitted
    assert isinstance(told, SigningStopped) and "same signing key" in made.eligibility.abstains_because
    with pytest.raises(MisuseError, match="same signing key"):
        made.eligibility.promise(made.recovery())


def test_a_key_of_no_member_says_so_and_signs_no_recovery() -> None:
    made = stage(b"k" * 32)
    made.answer()
    assert made.eligibility.abstains_because == "its key is none of the members'"
    with pytest.raises(MisuseError, match="no member's at height 1"):
        made.eligibility.promise(made.recovery())


def test_who_promised_a_recovery_signs_nothing_more_of_what_it_takes_over_from() -> None:
    made = stage()
    made.answer()
    made.eligibility.promise(made.recovery())
    assert made.eligibility.state is None
    assert "signed a recovery behind block 0" in made.eligibility.abstains_because


def test_a_key_of_an_epoch_that_the_chain_is_not_in_signs_nothing() -> None:
    made = stage()
    made.answer()
    check = made.held.current
    check.state = SignState(made.eligibility.member, epoch=b"e" * 32)
    assert made.eligibility.state is None
    assert "signs behind recovery " + (b"e" * 32).hex() in made.eligibility.abstains_because


def test_a_standby_gives_the_key_back_when_it_sees_it_sign() -> None:
    made = stage()
    made.held.stand_by()
    assert made.eligibility.stands_by and made.eligibility.state is None
    with pytest.raises(MisuseError, match="cannot sign it"):
        made.eligibility.promise(made.recovery())
    made.held.take_over(None)
    made.answer()
    assert made.eligibility.takes_over
    # At a height from before it looked the other may well have signed.
    made.eligibility.note_signed(1, "a vote")
    assert made.eligibility.takes_over and made.bank.emitted == []
    made.eligibility.note_signed(9, "a vote")
    assert made.eligibility.stands_by
    assert made.bank.emitted == [TakeOverRefused("its key signed at height 9 (a vote): the other node is alive")]
    assert "the other node is alive" in made.eligibility.abstains_because
