"""The super nodes one node knows, and which of them it chooses."""

from tests.unit.overlay.supernode.made import NETWORK_ID, T0, identity, peer_id, status, status_record

from minicoin.core.limits import SUPERS_KNOWN_MAX, SUPERS_KNOWN_PER_GROUP_MAX, SUPERS_KNOWN_PER_SOURCE_MAX
from minicoin.core.overlay.supernode.entries import LIFE_US, STATUS_KEY, Signer, SuperStatus
from minicoin.core.overlay.supernode.supers import SuperBook, choose_super, draw
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import Micros


def by_host(found):
    return found.host.encode()


def by_block(found):
    """As on public networks: the first two numbers."""
    return found.host.rsplit(".", 2)[0].encode()


def test_it_knows_the_newest_status_of_each():
    book = SuperBook(by_host)
    assert book.take(status_record(1), b"a") and book.take(status_record(1, Micros(T0 + 1), leaves=3), b"b")
    assert book.get(peer_id(1)) == status(1, leaves=3) and len(book) == 1
    assert not book.is_news(status_record(1), T0) and peer_id(2) not in book


def test_one_group_of_addresses_has_room_for_a_few_and_room_comes_back():
    book = SuperBook(by_block)
    numbers = range(1, SUPERS_KNOWN_PER_GROUP_MAX + 2)
    taken = [book.take(status_record(number), b"source") for number in numbers]
    assert taken == [True] * SUPERS_KNOWN_PER_GROUP_MAX + [False]
    assert book.take(status_record(1, Micros(T0 + 5), leaves=1), b"source"), "who is known stays"
    elsewhere = NodeAddress("10.9.0.1", 8333)
    assert book.take(status_record(2, Micros(T0 + 5), at=elsewhere), b"source"), "it may move"
    assert book.take(status_record(numbers[-1]), b"source")
    book.expire(Micros(T0 + LIFE_US))
    assert sorted(one.address.host for one in book) == ["10.0.0.1", "10.9.0.1"]
    book.expire(Micros(T0 + 2 * LIFE_US))
    assert len(book) == 0 and book.take(status_record(9, Micros(T0 + LIFE_US)), b"source")


class Cheap:
    """Statuses without the price of a signature."""

    def __init__(self, number):
        self.kind, self.key, self.version, self.expires_us = "super", STATUS_KEY, 1, None
        self.owner = b"\0\2" + number.to_bytes(2, "big")
        at = NodeAddress(f"10.0.{number >> 8}.{number & 255}", 1)
        self.value = SuperStatus(at, 0, 1, 0, 0, 0, bytes(32)).encode()


def test_what_peers_of_one_group_bring_and_all_together_is_bounded():
    book = SuperBook(by_host)
    for number in range(SUPERS_KNOWN_MAX + 10):
        book.take(Cheap(number), b"one" if number < SUPERS_KNOWN_PER_SOURCE_MAX + 3 else b"other")
        if number == SUPERS_KNOWN_PER_SOURCE_MAX + 2:
            assert len(book) == SUPERS_KNOWN_PER_SOURCE_MAX
    assert len(book) == SUPERS_KNOWN_MAX


def test_a_status_without_an_address_is_of_no_use():
    book = SuperBook(by_host)
    record = Signer(identity(1), NETWORK_ID).sign(STATUS_KEY, SuperStatus(None, 0, 1, 0, 0, 0, bytes(32)).encode(), T0)
    assert not book.take(record, b"a") and len(book) == 0


def test_a_free_place_is_worth_more_than_a_short_way_and_load_as_much_as_delay():
    full, near, far = status(1, leaves=64, delay_ms=1), status(2, leaves=32, delay_ms=10), status(3, delay_ms=400)
    assert choose_super([full, near, far], Rng(b"1")) == far
    assert choose_super([full, near], Rng(b"1")) == near and choose_super([full], Rng(b"1")) == full
    assert choose_super([], Rng(b"1")) is None


def test_many_that_choose_at_once_do_not_choose_the_same():
    known = [status(number, leaves=number) for number in range(20)]
    chosen = [choose_super(known, Rng(bytes((seed,)))) for seed in range(100)]
    assert len(dict.fromkeys(chosen)) > 8
    any_of_them = [choose_super(known, Rng(bytes((seed,))), 1) for seed in range(200)]
    assert set(any_of_them) == set(known)


def test_drawing():
    assert sorted(draw(range(5), 9, Rng(b"1"))) == list(range(5))
    drawn = [tuple(draw(range(50), 3, Rng(bytes((seed,))))) for seed in range(60)]
    assert all(len(dict.fromkeys(one)) == 3 for one in drawn) and len(dict.fromkeys(drawn)) > 50


def test_the_free_are_told_of_first():
    book = SuperBook(by_host)
    for number in range(1, 9):
        book.take(status_record(number, leaves=64 if number < 5 else 1), b"a")
    assert sorted(record.owner for record in book.some(4, Rng(b"1"))) == sorted(map(peer_id, range(5, 9)))
