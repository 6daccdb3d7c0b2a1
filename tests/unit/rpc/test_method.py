"""What arguments mean beyond their JSON types."""

from decimal import Decimal

import pytest

from minicoin.rpc.errors import RpcError
from minicoin.rpc.method import parse_feerate


@pytest.mark.parametrize(("value", "sat"), [(0, 0), ("0.00001", 1_000), (Decimal("0.99999999"), 99_999_999)])
def test_fee_rates_are_coins_per_kvb(value: object, sat: int) -> None:
    assert parse_feerate(value, "maxfeerate") == sat


@pytest.mark.parametrize(("value", "code"), [(1, -8), ("1.00000001", -8), (Decimal("-0.01"), -3), ("1e-9", -3)])
def test_a_whole_coin_and_what_is_no_amount_are_refused(value: object, code: int) -> None:
    with pytest.raises(RpcError) as refused:
        parse_feerate(value, "maxfeerate")
    assert refused.value.code == code
