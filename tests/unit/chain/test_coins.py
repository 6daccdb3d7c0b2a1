"""The coins cache against a naive model: one dict that is always right."""

from hypothesis import given, settings
from hypothesis import strategies as st

from minicoin.core.chain.coins import CoinsCache
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.undo import pack_coin
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Outpoint, TxOut
from minicoin.core.primitives.verdicts import Coin

TIP = BlockHash(bytes(32))


def outpoint(number: int) -> Outpoint:
    return Outpoint(number.to_bytes(36, "big"))


def coin(value: int) -> bytes:
    return pack_coin(Coin(TxOut(value, b"\x51"), value % 7, bool(value % 2)))


steps = st.lists(
    st.tuples(st.sampled_from(["add", "spend", "replace", "get", "flush"]), st.integers(0, 5), st.integers(1, 99)),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps)
def test_behaves_like_a_dict(steps):
    store = MemoryChainStore()
    cache = CoinsCache(store)
    model: dict[Outpoint, bytes] = {}
    for action, number, value in steps:
        key = outpoint(number)
        if action == "add" and key not in model:
            cache.add(key, coin(value))
            model[key] = coin(value)
        elif action == "replace":
            cache.replace(key, coin(value))
            model[key] = coin(value)
        elif action == "spend":
            assert cache.spend(key) == model.pop(key, None)
        elif action == "get":
            assert cache.get(key) == model.get(key)
        elif action == "flush":
            cache.flush(TIP)
            assert cache.changes == 0
            assert dict(store.coins()) == model
        assert dict(cache.items()) == model
        assert [key for key, _ in cache.items()] == sorted(model)


def test_what_is_spent_before_a_flush_never_reaches_the_store():
    cache = CoinsCache(MemoryChainStore())
    cache.add(outpoint(1), coin(5))
    assert cache.spend(outpoint(1)) == coin(5)
    assert cache.changes == 0


def test_totals_do_not_depend_on_history():
    one, other = CoinsCache(MemoryChainStore()), CoinsCache(MemoryChainStore())
    for number in range(10):
        one.add(outpoint(number), coin(number))
    one.flush(TIP)
    one.spend(outpoint(3))
    for number in reversed(range(10)):
        if number != 3:
            other.add(outpoint(number), coin(number))
    assert one.totals() == other.totals()
    assert one.totals().total_sat == 45 - 3
    assert one.totals().coins == 9
    other.spend(outpoint(0))
    assert one.totals().digest != other.totals().digest


def test_totals_count_transactions_once():
    cache = CoinsCache(MemoryChainStore())
    for index in range(3):
        cache.add(Outpoint(b"\x01" * 32 + index.to_bytes(4, "little")), coin(1))
    cache.add(Outpoint(b"\x02" * 32 + bytes(4)), coin(1))
    assert cache.totals().transactions == 2
