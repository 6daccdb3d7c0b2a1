"""Every subset of small trees proves exactly itself; whatever is changed in a proof changes its root or breaks it."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.faults import DecodeError
from minicoin.core.primitives.merkle import merkle_root
from minicoin.core.primitives.partial_merkle import prove_leaves, proved_leaves


def leaves(count: int) -> list[bytes]:
    return [bytes([number + 1]) * 32 for number in range(count)]


@pytest.mark.parametrize("count", range(1, 8))
def test_every_subset_proves_itself(count: int) -> None:
    tree = leaves(count)
    for chosen in product((False, True), repeat=count):
        hashes, flags = prove_leaves(tree, chosen)
        root, found = proved_leaves(count, hashes, flags)
        assert root == merkle_root(tree)[0]
        assert found == [leaf for leaf, is_chosen in zip(tree, chosen, strict=True) if is_chosen]


@given(st.integers(1, 40), st.integers(0), st.binary(max_size=12), st.lists(st.binary(min_size=32, max_size=32)))
def test_nonsense_is_refused_or_leads_elsewhere(count: int, seed: int, flags: bytes, hashes: list[bytes]) -> None:
    try:
        root, _ = proved_leaves(count, hashes, flags)
    except DecodeError:
        return
    assert root != merkle_root(leaves(count))[0]


def test_two_equal_halves_prove_nothing() -> None:
    # CVE-2012-2459: with a leaf repeated, a tree of three has the root of four.
    tree = leaves(3)
    hashes, flags = prove_leaves([*tree, tree[2]], [False, False, False, True])
    with pytest.raises(DecodeError, match="equal halves"):
        proved_leaves(4, hashes, flags)


def test_what_is_left_over_is_refused() -> None:
    hashes, flags = prove_leaves(leaves(5), [True] * 5)
    for more in ((5, (*hashes, hashes[0]), flags), (5, hashes, flags + b"\0"), (5, hashes[:-1], flags)):
        with pytest.raises(DecodeError):
            proved_leaves(*more)
    for count in (0, 1 << 31):
        with pytest.raises(DecodeError):
            proved_leaves(count, hashes, flags)
