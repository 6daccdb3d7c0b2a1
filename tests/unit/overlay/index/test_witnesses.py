"""Questions to witnesses: bounded, answered once, and forgotten with who was asked."""

import pytest
from tests.unit.overlay.index.members import LIFE_US, T0, entry, peer, peer_id

from minicoin.core.faults import PeerFault
from minicoin.core.limits import INDEX_CHECK_EVERY_US, INDEX_WITNESSES_ASKED_MAX
from minicoin.core.overlay.index.messages import IdxKnown
from minicoin.core.overlay.index.witnesses import Witnesses
from minicoin.core.rng import Rng
from minicoin.core.units import Micros


def asked(*numbers):
    made = Witnesses(Rng(b"test"))
    questions = made.ask(tuple(map(peer, numbers)), T0)
    return made, dict(questions)


def test_a_few_are_asked_and_again_after_a_while():
    made, questions = asked(*range(1, 20))
    assert len(questions) == INDEX_WITNESSES_ASKED_MAX
    assert INDEX_CHECK_EVERY_US // 2 < made.check_at - T0 < 2 * INDEX_CHECK_EVERY_US


def test_whom_an_answer_names_with_a_living_record_is_vouched_for():
    made, questions = asked(1)
    dead = entry(3, Micros(T0 - LIFE_US))
    assert made.take(1, IdxKnown(questions[1].nonce, (entry(2), dead)), T0) == (entry(2),)
    assert list(made.vouched) == [peer_id(2)] and made.heard_count == 1
    made.on_closed(1)
    assert made.heard_count == 0


def test_what_nobody_asked_is_a_fault():
    made, questions = asked(1)
    with pytest.raises(PeerFault, match="nobody asked"):
        made.take(1, IdxKnown(questions[1].nonce ^ 1, ()), T0)
    made, questions = asked(1)
    made.take(1, IdxKnown(questions[1].nonce, ()), T0)
    with pytest.raises(PeerFault, match="nobody asked"):
        made.take(1, IdxKnown(questions[1].nonce, ()), T0)
    with pytest.raises(PeerFault, match="nobody asked"):
        made.take(2, IdxKnown(questions[1].nonce, ()), T0)
