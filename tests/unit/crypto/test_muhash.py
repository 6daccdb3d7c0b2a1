from hypothesis import given
from hypothesis import strategies as st

from minicoin.core.crypto.muhash import MuHash

# The vector of Bitcoin Core's crypto_tests and of its functional tests' own implementation.
KNOWN = "10d312b100cbd32ada024a6646e40d3482fcff103668d2625f10002a607d5863"


def _element(number: int) -> bytes:
    return bytes((number,)) + bytes(31)


def test_the_known_vector() -> None:
    found = MuHash()
    found.add(_element(0))
    found.add(_element(1))
    found.remove(_element(2))
    assert found.digest()[::-1].hex() == KNOWN


@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=6), st.randoms())
def test_the_order_does_not_matter_and_removing_undoes_adding(steps, chance) -> None:
    one, other = MuHash(), MuHash()
    for number, enters in steps:
        (one.add if enters else one.remove)(_element(number))
    mixed = list(steps)
    chance.shuffle(mixed)
    for number, enters in mixed:
        (other.add if enters else other.remove)(_element(number))
    assert one.digest() == other.digest()
    for number, enters in steps:
        (one.remove if enters else one.add)(_element(number))
    assert one.digest() == MuHash().digest()
