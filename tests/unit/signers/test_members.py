"""Member lists."""

import pytest
from tests.unit.signers.banks import BANKS

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import MEMBERS_MAX
from minicoin.core.signers.members import MemberList, member_list


def _list(count: int) -> MemberList:
    return member_list(bytes((number,)) * 32 for number in range(count))


@pytest.mark.parametrize(("count", "quorum"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 4), (6, 4), (7, 5), (10, 7)])
def test_two_quorums_share_an_honest_member(count: int, quorum: int) -> None:
    members = _list(count)
    assert members.quorum == quorum
    assert members.spare == count - quorum >= members.faults
    assert 2 * members.quorum - count > members.faults


def test_everybody_proposes_in_turn() -> None:
    assert {BANKS.proposer(9, round_) for round_ in range(5)} == set(BANKS.keys)
    assert BANKS.proposer(3, 1) == BANKS.proposer(4, 0)


def test_bytes_come_back_and_the_order_given_is_no_matter() -> None:
    assert MemberList.decode(BANKS.encode()) == BANKS
    assert member_list(reversed(BANKS.keys)).hash == BANKS.hash


def test_a_key_that_comes_twice_is_refused() -> None:
    with pytest.raises(MisuseError, match="each once"):
        member_list((BANKS.keys[0], BANKS.keys[0]))


def test_too_many_and_none_are_refused() -> None:
    for count in (0, MEMBERS_MAX + 1):
        with pytest.raises(MisuseError, match="1 to 100"):
            _list(count)


@pytest.mark.parametrize("raw", [b"", b"\0\0", BANKS.encode()[:-1], BANKS.encode() + b"\0", b"\2\0" + bytes(64)])
def test_broken_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(DecodeError):
        MemberList.decode(raw)
