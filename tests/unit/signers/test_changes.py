"""Changes of the member list."""

from dataclasses import replace

import pytest
from tests.unit.signers.banks import BANKS, KEYS, NETWORK_ID, public

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.signers.changes import MemberChange, member_change

NAMES = tuple((public(key), f"Bank {number}") for number, key in enumerate(KEYS))
DRAFT = member_change(1, 20, BANKS.hash, NAMES)


def _signed(count: int) -> MemberChange:
    change = DRAFT
    for key in KEYS[:count]:
        change = change.signed_by(key, NETWORK_ID)
    return change


def test_a_quorum_of_the_old_list_changes_it() -> None:
    change = _signed(4)
    assert change.problem(BANKS, NETWORK_ID) is None
    assert MemberChange.decode(change.encode()) == change
    assert dict(zip(change.members.keys, change.names, strict=True)) == dict(NAMES)


def test_too_few_do_not() -> None:
    assert _signed(3).problem(BANKS, NETWORK_ID) == "3 members signed it, and the quorum is 4"
    assert _signed(3).signed_by(KEYS[0], NETWORK_ID) == _signed(3)


def test_a_foreign_or_forged_signature_spoils_it() -> None:
    forged = _signed(4).with_signature(public(KEYS[4]), bytes(64))
    assert "no member's" in str(forged.problem(BANKS, NETWORK_ID))
    assert _signed(5).problem(BANKS, NETWORK_ID) is None
    assert "no member's" in str(_signed(5).problem(BANKS, b"m" * 32))


def test_signatures_are_no_part_of_what_is_signed() -> None:
    assert _signed(4).hash == DRAFT.hash
    assert replace(DRAFT, from_height=21).hash != DRAFT.hash
    assert replace(DRAFT, names=("x", *DRAFT.names[1:])).hash != DRAFT.hash


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb", "ä" * 33])
def test_names_are_short_and_can_be_shown(name: str) -> None:
    with pytest.raises(MisuseError, match="name"):
        member_change(1, 20, BANKS.hash, [(public(KEYS[0]), name)])


def test_broken_bytes_are_refused() -> None:
    raw = _signed(4).encode()
    for broken in (b"", raw[:-1], raw + b"\0", raw[:39], raw[:200]):
        with pytest.raises(DecodeError):
            MemberChange.decode(broken)
    twice = replace(_signed(4), signatures=(_signed(4).signatures[0],) * 2)
    with pytest.raises(DecodeError, match="each once"):
        MemberChange.decode(twice.encode())
