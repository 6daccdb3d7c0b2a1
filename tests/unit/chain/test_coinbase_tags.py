"""What members write into coinbases: one form of bytes, and a refusal of any other."""

import pytest

from minicoin.core.chain.coinbase_tags import (
    CERTIFICATE_TAG,
    CHANGE_TAG,
    SETTINGS_TAG,
    CoinbaseTags,
    carried_certificate,
    decode_change,
    read_tags,
)
from minicoin.core.faults import DecodeError
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut
from minicoin.core.script.opcodes import OP_PUSHDATA4
from minicoin.core.script.pushes import push

from .five_banks import KEYS, maker

MADE = maker(3)
CERTIFICATE = MADE.blocks[-1].certificate
CHANGE = MADE.change(KEYS[1:])
SETTINGS = MADE.change_settings(("min_interval_s", "5"))
BOTH = CoinbaseTags(CERTIFICATE, CHANGE)
ALL = CoinbaseTags(CERTIFICATE, CHANGE, SETTINGS)
CERTIFICATE_PUSH = push(CERTIFICATE_TAG + CERTIFICATE.encode())
CHANGE_PUSH = push(CHANGE_TAG + CHANGE.encode())
SETTINGS_PUSH = push(SETTINGS_TAG + SETTINGS.encode())


def test_they_read_back() -> None:
    for tags in (
        CoinbaseTags(),
        CoinbaseTags(CERTIFICATE),
        CoinbaseTags(None, CHANGE),
        CoinbaseTags(settings=SETTINGS),
        BOTH,
        ALL,
    ):
        assert CoinbaseTags.decode(tags.encode()) == tags
    assert BOTH.encode() == CERTIFICATE_PUSH + CHANGE_PUSH
    assert ALL.encode() == CERTIFICATE_PUSH + CHANGE_PUSH + SETTINGS_PUSH
    assert [decode_change(change) for change in ALL.changes()] == [CHANGE, SETTINGS]


def test_a_coinbase_carries_them_behind_its_commitment() -> None:
    made = maker(2)
    block = made.next_block(change=made.change(KEYS[1:]))
    tags = read_tags(block.transactions[0])
    assert tags.certificate == made.blocks[-1].certificate
    assert tags.change is not None
    assert carried_certificate(RawBlock(block.header, block.raw)) == tags.certificate
    assert carried_certificate(RawBlock(block.header, block.raw[:90])) is None
    bare = Transaction(2, (TxIn(NULL_OUTPOINT, b"\x51\x51"),), (TxOut(0, b"\x6a"),))
    assert read_tags(bare) == CoinbaseTags()


@pytest.mark.parametrize(
    "script",
    [
        CERTIFICATE_PUSH * 2,
        CHANGE_PUSH * 2,
        CHANGE_PUSH + CERTIFICATE_PUSH,
        SETTINGS_PUSH * 2,
        SETTINGS_PUSH + CHANGE_PUSH,
        push(SETTINGS_TAG),
        CERTIFICATE_PUSH + b"\x51",
        CERTIFICATE_PUSH + push(b"more"),
        b"\x00" + CERTIFICATE_PUSH,
        CERTIFICATE_PUSH[:-1],
        push(CERTIFICATE_TAG),
        push(CHANGE_TAG),
        push(CERTIFICATE_TAG + CERTIFICATE.encode() + b"\0"),
        bytes((OP_PUSHDATA4,))
        + (4 + len(CERTIFICATE.encode())).to_bytes(4, "little")
        + CERTIFICATE_TAG
        + CERTIFICATE.encode(),
    ],
)
def test_any_other_form_is_refused(script: bytes) -> None:
    with pytest.raises(DecodeError):
        CoinbaseTags.decode(script)
