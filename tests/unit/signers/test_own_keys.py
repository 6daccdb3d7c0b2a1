"""Under each list the node signs for one member."""

import pytest

from minicoin.core.faults import MisuseError
from minicoin.core.signers.members import member_list
from minicoin.core.signers.own_keys import OwnKeys

OLD, NEW, OTHER, LAST = (name * 32 for name in (b"o", b"n", b"x", b"l"))


def test_the_first_that_stands_in_the_list_signs() -> None:
    keys = OwnKeys((OLD,))
    keys.add(NEW)
    assert keys.all == (OLD, NEW) and NEW in keys and OTHER not in keys
    for listed, expected in (([OLD, OTHER], OLD), ([NEW, OTHER], NEW), ([NEW, OLD], OLD), ([OTHER], OLD)):
        assert keys.of(member_list(listed)) == expected
    assert OwnKeys().of(member_list([OLD])) is None


def test_two_are_the_most_and_none_twice() -> None:
    keys = OwnKeys((OLD, NEW))
    with pytest.raises(MisuseError, match="holds the key"):
        keys.add(NEW)
    with pytest.raises(MisuseError, match="2 signing keys at the most"):
        keys.add(LAST)
