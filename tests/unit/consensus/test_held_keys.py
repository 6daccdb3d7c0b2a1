"""One or two keys, each with a record and a check of its own, and the one that signs a height."""

import pytest
from tests.unit.signers.banks import BANKS, KEYS, public

from minicoin.core.consensus.desk import SIGN_STATE_KEYS
from minicoin.core.consensus.fitness import Fitness
from minicoin.core.consensus.held_keys import HeldKeys
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.faults import MisuseError
from minicoin.core.signers.members import member_list
from minicoin.core.signers.own_keys import OwnKeys

OLD, NEW = public(KEYS[0]), b"n" * 32
BEFORE, BEHIND = BANKS, member_list([NEW, *(key for key in BANKS.keys if key != OLD)])
FIRST, SECOND = SIGN_STATE_KEYS


def test_the_key_of_each_list_has_its_own_record() -> None:
    held = HeldKeys(OwnKeys((OLD,)), BEFORE, {FIRST: SignState(OLD, 7)})
    held.hold(NEW, BEFORE, SignState(NEW))
    assert held.all == (OLD, NEW) and NEW in held
    for members, key, document, height in ((BEFORE, OLD, FIRST, 7), (BEHIND, NEW, SECOND, 0)):
        held.choose(members)
        assert (held.current.state, held.document) == (SignState(key, height), document)
    # Under a list that has neither, the first one looks on.
    held.choose(member_list([public(KEYS[1])]))
    assert held.current.state.member == OLD


def test_a_record_goes_with_its_key_wherever_it_lies() -> None:
    held = HeldKeys(OwnKeys((OLD, NEW)), BEFORE, {SECOND: SignState(OLD, 7), FIRST: SignState(NEW, 3)})
    held.choose(BEHIND)
    assert (held.document, held.current.state.height) == (FIRST, 3)
    held.choose(BEFORE)
    assert (held.document, held.current.state.height) == (SECOND, 7)


def test_a_key_without_its_record_has_lost_it_and_writes_where_there_is_room() -> None:
    held = HeldKeys(OwnKeys((OLD, NEW)), BEFORE, {FIRST: SignState(NEW)})
    assert held.current.fitness is Fitness.RECORD_LOST
    assert held.check_of(NEW).fitness is Fitness.ASKING
    held.choose(BEFORE)
    assert held.document == SECOND
    for key in BANKS.keys:
        held.check_of(OLD).take(key, 7, ())
    held.on_certified(9)
    assert held.check_of(OLD).state.height == 10


def test_what_cannot_be_held_is_refused() -> None:
    with pytest.raises(MisuseError, match="belongs to its data directory"):
        HeldKeys(OwnKeys((OLD,)), BEFORE, {FIRST: SignState(NEW)})
    held = HeldKeys(OwnKeys((OLD,)), BEFORE, {})
    for key, state, expected in ((OLD, None, "already"), (NEW, SignState(OLD), "is that of")):
        with pytest.raises(MisuseError, match=expected):
            held.hold(key, BEFORE, state)
    held.hold(NEW, BEFORE, None)
    with pytest.raises(MisuseError, match="2 signing keys at the most"):
        held.hold(b"x" * 32, BEFORE, None)
