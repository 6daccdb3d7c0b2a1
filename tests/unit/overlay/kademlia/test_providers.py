"""Who provides what: for how long, and how much of it."""

from tests.unit.overlay.kademlia.contacts import contact

from minicoin.core.limits import (
    KAD_PROVIDER_LIFE_US,
    KAD_PROVIDER_RECORDS_MAX,
    KAD_PROVIDER_RECORDS_PER_GROUP_MAX,
    KAD_PROVIDERS_PER_KEY_MAX,
)
from minicoin.core.overlay.kademlia.providers import ProviderStore
from minicoin.core.units import Micros

T0 = Micros(1_700_000_000_000_000)


def test_a_word_is_kept_until_it_expires():
    store = ProviderStore()
    store.add(b"key", contact(1), T0)
    store.add(b"key", contact(2), Micros(T0 + 5))
    assert store.get(b"key", T0) == (contact(1), contact(2)) and store.get(b"other", T0) == ()
    assert store.get(b"key", Micros(T0 + KAD_PROVIDER_LIFE_US)) == (contact(2),)
    assert store.get(b"key", Micros(T0 + KAD_PROVIDER_LIFE_US + 5)) == () and len(store) == 0


def test_saying_so_again_makes_it_last():
    store = ProviderStore()
    store.add(b"key", contact(1), T0)
    store.add(b"key", contact(2), Micros(T0 + 1))
    store.add(b"key", contact(1), Micros(T0 + 2))
    assert len(store) == 2
    assert store.get(b"key", Micros(T0 + KAD_PROVIDER_LIFE_US + 1)) == (contact(1),)


def test_of_one_key_the_oldest_gives_way():
    store = ProviderStore()
    for number in range(KAD_PROVIDERS_PER_KEY_MAX + 1):
        store.add(b"key", contact(number), T0)
    assert store.get(b"key", T0) == tuple(contact(number) for number in range(1, KAD_PROVIDERS_PER_KEY_MAX + 1))


def test_a_network_group_pushes_out_its_own():
    store = ProviderStore()
    store.add(b"mine", contact(1), T0)
    for number in range(2 * KAD_PROVIDER_RECORDS_PER_GROUP_MAX):
        store.add(number.to_bytes(4, "big"), contact(2 + number % 7, b"one"), T0)
    assert len(store) == 1 + KAD_PROVIDER_RECORDS_PER_GROUP_MAX
    assert store.get(b"mine", T0) == (contact(1),)


def test_there_is_an_end_to_all():
    store = ProviderStore()
    for number in range(KAD_PROVIDER_RECORDS_MAX + 3):
        store.add(number.to_bytes(4, "big"), contact(number % 1_000), T0)
    assert len(store) == KAD_PROVIDER_RECORDS_MAX
    assert store.get((2).to_bytes(4, "big"), T0) == () and store.get((3).to_bytes(4, "big"), T0) == (contact(3),)
