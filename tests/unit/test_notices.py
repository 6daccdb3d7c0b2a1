"""What notices are: values that nobody can change, part of what a node may want, and written down as they are."""

from dataclasses import fields
from typing import get_args

import pytest

from minicoin.core.effects import Effect
from minicoin.core.notices import Notice, RemovalReason, TransactionRemoved
from minicoin.core.primitives.transaction import Txid
from minicoin.core.recording.codec import EFFECT

TXID, OTHER = Txid(bytes(range(32))), Txid(bytes(range(1, 33)))


@pytest.mark.parametrize("kind", get_args(Notice), ids=lambda kind: kind.__name__)
def test_a_notice_cannot_be_changed_by_who_hears_it(kind: type) -> None:
    assert kind.__dataclass_params__.frozen and "__slots__" in vars(kind)
    assert fields(kind) and kind.__doc__


def test_every_notice_is_an_effect() -> None:
    assert set(get_args(Notice)) < set(get_args(Effect))


def test_what_differs_is_written_differently() -> None:
    """By recordings, which tell by it whether a core went another way."""
    written: list[bytes] = []
    for notice in (
        TransactionRemoved(TXID, RemovalReason.EVICTED),
        TransactionRemoved(OTHER, RemovalReason.EVICTED),
        TransactionRemoved(TXID, RemovalReason.EXPIRED),
        TransactionRemoved(TXID, RemovalReason.REPLACED, OTHER),
    ):
        out = bytearray()
        EFFECT.write(notice, out)
        written.append(bytes(out))
    assert len(dict.fromkeys(written)) == 4
