"""What is signed, and what makes two letters one."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.directed.post import NETWORK, NOW, hash_, identity, letter, peer_id

from minicoin.core.directed.letter import (
    LETTER_BYTES_MAX,
    Letter,
    check_letter,
    check_receipt,
    find_text_problem,
    hash_of,
    is_in_time,
    read_letter,
    sign_receipt,
    write_letter,
)
from minicoin.core.faults import DecodeError, MisuseError, PeerFault
from minicoin.core.libp2p.keys import KeyType, encode_key_message
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import LETTER_AGE_MAX_S, LETTER_TEXT_BYTES_MAX
from minicoin.core.units import SECOND_US, Micros
from minicoin.core.wire.reader import Reader

LETTER = letter()
TEXTS = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=300)


def decoded(raw):
    reader = Reader(raw, "letter")
    found = read_letter(reader)
    reader.end()
    return found


@given(TEXTS)
def test_it_survives_its_encoding(text):
    one = letter(text=text)
    raw = one.encode()
    assert decoded(raw) == one
    assert check_letter(decoded(raw), NETWORK) == hash_(one)
    assert len(raw) <= LETTER_BYTES_MAX


def test_the_longest_one_fits():
    key = encode_key_message(KeyType.RSA, bytes(2_040))
    one = Letter(key, PeerId.of_key(key).multihash, bytes(16), 0, "x" * LETTER_TEXT_BYTES_MAX, bytes(1_024))
    assert decoded(one.encode()) == one
    assert len(one.encode()) <= LETTER_BYTES_MAX


def test_a_repeat_is_the_same_letter_and_anything_else_another():
    later = letter(now=Micros(NOW + 60 * SECOND_US))
    assert later.written_s == LETTER.written_s + 60 and later.signature != LETTER.signature
    assert hash_(later) == hash_(LETTER)
    others = [letter(text="hello!"), letter(number=1), letter(target=3), letter(sender=3)]
    assert len({hash_(one) for one in (LETTER, *others)} | {hash_of(LETTER, bytes(32))}) == 6


@pytest.mark.parametrize(
    "forged",
    [
        replace(LETTER, text="hullo"),
        replace(LETTER, target=peer_id(3)),
        replace(LETTER, letter_id=bytes(15) + b"\1"),
        replace(LETTER, written_s=LETTER.written_s + 1),
        replace(LETTER, sender_key=identity(3).public_key),
        replace(LETTER, signature=bytes(64)),
        replace(LETTER, signature=b""),
    ],
)
def test_what_its_sender_did_not_sign_is_the_fault_of_whoever_brought_it(forged):
    with pytest.raises(PeerFault, match="did not sign"):
        check_letter(forged, NETWORK)


def test_a_letter_of_another_network_is_forged_here():
    with pytest.raises(PeerFault):
        check_letter(LETTER, bytes(32))


def test_a_key_that_is_none():
    with pytest.raises(PeerFault, match="no key"):
        check_letter(replace(LETTER, sender_key=b"\0" * 36), NETWORK)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "empty"),
        ("two\nlines", "one line"),
        ("\x1b[31m", "control"),
        ("right\u202eleft", "control"),
        ("\ud800", "control"),
        ("x" * (LETTER_TEXT_BYTES_MAX + 1), "at most 1024"),
        ("é" * (LETTER_TEXT_BYTES_MAX // 2 + 1), "at most 1024"),
    ],
)
def test_texts_that_are_no_letter(text, problem):
    assert problem in find_text_problem(text)
    with pytest.raises(MisuseError, match=problem):
        letter(text=text)


def test_a_hostile_text_is_refused_when_it_is_read():
    raw = LETTER.encode()
    with pytest.raises(DecodeError, match="one line"):
        decoded(raw.replace(b"hello", b"he\x1blo"))
    with pytest.raises(DecodeError, match="UTF-8"):
        decoded(raw.replace(b"hello", b"he\xfflo"))
    with pytest.raises(DecodeError, match="at most 1024"):
        decoded(raw.replace(b"\x05hello", b"\xfd\x01\x04" + bytes(1025)))


def test_a_target_that_is_no_peer_id():
    with pytest.raises(DecodeError, match="peer id"):
        decoded(LETTER.encode().replace(LETTER.target, b"\x55" + LETTER.target[1:]))


def test_an_id_has_its_length():
    with pytest.raises(MisuseError, match="16 expected"):
        write_letter(identity(1), NETWORK, target=peer_id(2), letter_id=b"short", text="x", now=NOW)


def test_it_is_in_time_for_an_hour_either_way():
    for offset_s, is_good in ((0, True), (LETTER_AGE_MAX_S, True), (LETTER_AGE_MAX_S + 1, False)):
        for sign in (1, -1):
            assert is_in_time(LETTER, Micros(NOW + sign * offset_s * SECOND_US)) is is_good


def test_a_receipt_is_the_addressees_signature_over_this_letter():
    key, hash__ = identity(2).public_key, hash_(LETTER)
    signature = sign_receipt(identity(2), NETWORK, LETTER.letter_id, hash__)
    check_receipt(LETTER, hash__, key, signature, NETWORK)
    for wrong_key, wrong_signature, wrong_network, reason in (
        (key, bytes(64), NETWORK, "did not sign"),
        (key, signature, bytes(32), "did not sign"),
        (key, sign_receipt(identity(2), NETWORK, LETTER.letter_id, bytes(32)), NETWORK, "did not sign"),
        (key, sign_receipt(identity(2), NETWORK, bytes(15) + b"\1", hash__), NETWORK, "did not sign"),
        (identity(3).public_key, sign_receipt(identity(3), NETWORK, LETTER.letter_id, hash__), NETWORK, "not the addr"),
        (b"", signature, NETWORK, "no key"),
    ):
        with pytest.raises(PeerFault, match=reason):
            check_receipt(LETTER, hash__, wrong_key, wrong_signature, wrong_network)


def test_a_senders_signature_is_no_receipt():
    mine = letter(sender=2, target=2)
    with pytest.raises(PeerFault):
        check_receipt(mine, hash_(mine), mine.sender_key, mine.signature, NETWORK)
