"""What policy counts: fees are rounded up, sizes by weight or by signature checks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.mempool.policy import MempoolPolicy, fee_at, policy_for, policy_vsize


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_a_fee_is_the_least_that_reaches_the_rate(feerate: int, vsize: int) -> None:
    fee = fee_at(feerate, vsize)
    assert fee * 1_000 >= feerate * vsize
    assert fee == 0 or (fee - 1) * 1_000 < feerate * vsize


@pytest.mark.parametrize(
    ("weight", "sigop_cost", "bytes_per_sigop", "vsize"),
    [(400, 0, 20, 100), (401, 0, 20, 101), (400, 20, 20, 100), (400, 21, 20, 105), (400, 10_000, 0, 100)],
)
def test_a_size_is_a_quarter_of_the_weight_or_what_its_signature_checks_count(
    weight: int, sigop_cost: int, bytes_per_sigop: int, vsize: int
) -> None:
    assert policy_vsize(weight, sigop_cost, bytes_per_sigop) == vsize


def test_bitcoin_has_its_own_prices_and_every_other_network_a_satoshi_a_byte() -> None:
    assert policy_for(is_bitcoin=True) == MempoolPolicy()
    other = policy_for(is_bitcoin=False)
    assert (other.min_relay_feerate, other.incremental_feerate) == (1_000, 1_000)
