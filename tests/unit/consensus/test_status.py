"""What a signer says of itself."""

from dataclasses import replace

import pytest
from tests.unit.signers.banks import BANKS

from minicoin.core.consensus.round_state import RoundStep
from minicoin.core.consensus.status import ConsensusStatus, MemberPresence


def status(here: int, *, abstains: str = "") -> ConsensusStatus:
    presence = tuple(MemberPresence(key, place == 0, place < here, None, None) for place, key in enumerate(BANKS.keys))
    return ConsensusStatus(7, 0, RoundStep.PROPOSE, BANKS.keys[0], BANKS, presence, None, abstains)


@pytest.mark.parametrize(
    ("here", "has_quorum", "one_more_halts", "words"),
    [(5, True, False, ()), (4, True, True, ("one more failure halts",)), (3, False, False, ("no quorum: 3 of 5",))],
)
def test_five_members_need_four(here: int, has_quorum: bool, one_more_halts: bool, words: tuple[str, ...]) -> None:
    shown = status(here)
    assert (shown.present, shown.has_quorum, shown.one_more_halts) == (here, has_quorum, one_more_halts)
    assert shown.missing == BANKS.keys[here:]
    warnings = shown.warnings()
    assert len(warnings) == len(words)
    assert all(word in warning for word, warning in zip(words, warnings, strict=True))


@pytest.mark.parametrize(
    ("here", "way_out"),
    [
        (3, "until 1 more is back"),
        (2, "until 2 more are back"),
        (1, "this node is cut off from them, or they are down"),
    ],
)
def test_a_halt_says_how_many_are_lacking_and_whoever_sees_nobody_may_be_the_one_cut_off(
    here: int, way_out: str
) -> None:
    (warning,) = status(here).warnings()
    assert way_out in warning


@pytest.mark.parametrize(("here", "halts"), [(5, True), (4, True), (3, False)])
def test_who_is_here_and_does_not_vote_will_not_step_in(here: int, halts: bool) -> None:
    shown = replace(status(here), silent=BANKS.keys[1:2])
    assert shown.one_more_halts == halts
    assert any(BANKS.keys[1].hex()[:16] in warning for warning in shown.warnings())
    if here == 5:
        assert any("5 of 5 members are here, and 4 of them vote: just the quorum" in one for one in shown.warnings())


def test_why_it_signs_nothing_is_said() -> None:
    assert status(5, abstains="it is lost").warnings() == ("this node signs nothing: it is lost",)
