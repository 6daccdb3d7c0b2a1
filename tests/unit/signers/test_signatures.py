"""Signatures of several members, as bytes."""

import pytest
from tests.unit.signers.banks import BANKS, KEYS, public

from minicoin.core.faults import DecodeError
from minicoin.core.signers.signatures import (
    encode_signatures,
    holding_signers,
    quorum_problem,
    read_signatures,
    sign_digest,
    with_signature,
)

DIGEST = b"d" * 32


def signed_by(count: int):
    signatures = ()
    for key in KEYS[:count]:
        signatures = with_signature(signatures, *sign_digest(key, DIGEST))
    return signatures


def test_they_read_back_behind_a_body():
    raw = b"body" + encode_signatures(signed_by(3))
    assert read_signatures(raw, 4, "it") == signed_by(3)
    assert read_signatures(encode_signatures(()), 0, "it") == ()


def test_they_stand_in_order_each_once():
    assert [key for key, _ in signed_by(5)] == sorted(public(key) for key in KEYS)
    assert with_signature(signed_by(3), *sign_digest(KEYS[0], DIGEST)) == signed_by(3)
    for wrong in (signed_by(3)[::-1], signed_by(1) * 2):
        with pytest.raises(DecodeError, match="in order, each once"):
            read_signatures(encode_signatures(wrong), 0, "it")


@pytest.mark.parametrize("cut", [0, 1, 50, 97])
def test_they_are_as_many_as_they_say(cut):
    raw = encode_signatures(signed_by(2))
    for wrong in (raw[:cut], raw[:-1], raw + b"\0", bytes((101,)) + bytes(101 * 96)):
        with pytest.raises(DecodeError):
            read_signatures(wrong, 0, "it")


def test_a_quorum_stands_behind_what_it_signed():
    assert quorum_problem(signed_by(4), DIGEST, BANKS) is None
    assert quorum_problem(signed_by(3), DIGEST, BANKS) == "3 members signed it, and the quorum is 4"
    assert "no member's" in str(quorum_problem(signed_by(4), b"e" * 32, BANKS))
    assert len(holding_signers(with_signature(signed_by(4), b"x" * 32, bytes(64)), DIGEST, BANKS)) == 4
