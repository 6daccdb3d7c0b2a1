"""Which blocks are valid, as far as we were told."""

from tests.unit.consensus.ballots import BLOCK, NEXT, OTHER

from minicoin.core.consensus.choice import Choice
from minicoin.core.consensus.verdicts import Verdicts
from minicoin.core.limits import ROUNDS_KEPT_MAX

CHOICE = Choice(BLOCK, NEXT)


def test_it_is_asked_for_once_and_the_list_belongs_to_it() -> None:
    verdicts = Verdicts()
    assert verdicts.asks(BLOCK, 0)
    assert not verdicts.asks(BLOCK, 0)
    assert verdicts.allows(CHOICE) is None
    verdicts.answer(BLOCK, NEXT)
    assert verdicts.allows(CHOICE) is True
    assert verdicts.allows(Choice(BLOCK, bytes(32))) is False


def test_what_nobody_asked_for_is_not_kept() -> None:
    verdicts = Verdicts()
    verdicts.answer(BLOCK, NEXT)
    assert verdicts.allows(CHOICE) is None


def test_a_refusal_is_forgotten_with_its_round_and_a_valid_block_is_not() -> None:
    verdicts = Verdicts()
    for block, answer in ((BLOCK, NEXT), (OTHER, None)):
        verdicts.asks(block, 0)
        verdicts.answer(block, answer)
    assert verdicts.allows(Choice(OTHER, NEXT)) is False
    verdicts.forget_before(1, [])
    assert verdicts.allows(CHOICE) is True
    assert verdicts.asks(OTHER, 1)


def test_what_binds_us_outlives_the_rest() -> None:
    verdicts = Verdicts()
    verdicts.know(CHOICE, 0)
    verdicts.know(Choice(OTHER, NEXT), 0)
    verdicts.forget_before(ROUNDS_KEPT_MAX + 1, [BLOCK])
    assert verdicts.allows(CHOICE) is True
    assert verdicts.allows(Choice(OTHER, NEXT)) is None


def test_what_was_found_valid_is_not_refused_by_an_answer_that_comes_late() -> None:
    verdicts = Verdicts()
    verdicts.asks(BLOCK, 0)
    # The node is fit to sign meanwhile, and takes up what binds it.
    verdicts.know(CHOICE, 0)
    verdicts.answer(BLOCK, None)
    assert verdicts.allows(CHOICE) is True


def test_a_refusal_is_forgotten_of_a_block_that_binds_us_too() -> None:
    verdicts = Verdicts()
    verdicts.asks(BLOCK, 0)
    verdicts.answer(BLOCK, None)
    verdicts.forget_before(1, [BLOCK])
    assert verdicts.asks(BLOCK, 1)
