"""What a leaf keeps over a stop."""

import pytest
from tests.unit.overlay.supernode.made import address

from minicoin.core.faults import DecodeError
from minicoin.core.limits import SUPER_PARENTS_MAX
from minicoin.core.overlay.supernode.memory import read_memory, write_memory

PARENTS = tuple(map(address, range(3)))


def test_it_comes_back_and_nothing_is_nothing():
    assert read_memory(write_memory(PARENTS)) == PARENTS
    assert read_memory(None) == () == read_memory(write_memory(()))


def test_damage_is_told():
    raw = write_memory(PARENTS)
    for place in range(0, len(raw), 5):
        with pytest.raises(DecodeError, match="damaged"):
            read_memory(raw[:place] + bytes((raw[place] ^ 1,)) + raw[place + 1 :])
    with pytest.raises(DecodeError, match="damaged"):
        read_memory(b"")


def test_more_than_there_are_parents_is_refused():
    with pytest.raises(DecodeError, match="at most"):
        read_memory(write_memory(tuple(map(address, range(SUPER_PARENTS_MAX + 1)))))
