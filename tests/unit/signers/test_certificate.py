"""Certificates."""

from dataclasses import replace

import pytest
from tests.unit.signers.banks import BANKS, KEYS, NETWORK_ID, precommit, public

from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.primitives.block import BlockHash
from minicoin.core.signers.certificate import Certificate, certificate_of
from minicoin.core.signers.members import member_list

CERTIFICATE = certificate_of([precommit(key) for key in KEYS[:4]], BANKS)


def test_a_quorum_certifies() -> None:
    assert CERTIFICATE.problem(BANKS, NETWORK_ID) is None
    assert set(CERTIFICATE.signers(BANKS)) == {public(key) for key in KEYS[:4]}
    assert Certificate.decode(CERTIFICATE.encode()) == CERTIFICATE


def test_fewer_than_a_quorum_do_not() -> None:
    with pytest.raises(MisuseError, match="quorum"):
        certificate_of([precommit(key) for key in KEYS[:3]] + [precommit(KEYS[0])], BANKS)
    signatures = CERTIFICATE.signatures[:3]
    bitmap = 0
    for place in [place for place in range(5) if CERTIFICATE.bitmap[0] >> place & 1][:3]:
        bitmap |= 1 << place
    few = replace(CERTIFICATE, bitmap=bytes((bitmap,)), signatures=signatures)
    assert few.problem(BANKS, NETWORK_ID) == "3 members signed, and the quorum is 4"


def test_votes_for_two_blocks_make_none() -> None:
    votes = [precommit(key) for key in KEYS[:3]] + [precommit(KEYS[3], BlockHash(b"c" * 32))]
    with pytest.raises(MisuseError, match="equal"):
        certificate_of(votes, BANKS)


def test_another_block_network_or_list_is_noticed() -> None:
    assert "does not hold" in str(CERTIFICATE.problem(BANKS, b"m" * 32))
    assert "does not hold" in str(replace(CERTIFICATE, block=BlockHash(b"c" * 32)).problem(BANKS, NETWORK_ID))
    assert "does not hold" in str(replace(CERTIFICATE, next_members=bytes(32)).problem(BANKS, NETWORK_ID))
    assert CERTIFICATE.problem(member_list(bytes((number,)) * 32 for number in range(5)), NETWORK_ID) is not None


def test_a_bitmap_fits_its_list() -> None:
    ten = member_list(bytes((number,)) * 32 for number in range(10))
    assert "bitmap" in str(CERTIFICATE.problem(ten, NETWORK_ID))
    stranger = replace(CERTIFICATE, bitmap=bytes((CERTIFICATE.bitmap[0] | 0x80,)))
    assert "does not have" in str(
        replace(stranger, signatures=(*stranger.signatures, bytes(64))).problem(BANKS, NETWORK_ID)
    )


def test_broken_bytes_are_refused() -> None:
    raw = CERTIFICATE.encode()
    for broken in (b"", raw[:-1], raw + b"\0", raw[:72] + b"\0" + raw[73:], raw[:73] + b"\0" + raw[74:]):
        with pytest.raises(DecodeError):
            Certificate.decode(broken)
