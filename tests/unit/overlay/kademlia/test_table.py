"""The routing table: who stands in it, who gives way, who is nearest; the latter against a naive model."""

from tests.unit.overlay.kademlia.contacts import OWN, contact, in_bucket

from minicoin.core.limits import KAD_GROUP_IN_BUCKET_MAX, KAD_GROUP_IN_TABLE_MAX, KAD_WAITING_PER_BUCKET_MAX
from minicoin.core.overlay.kademlia.keyspace import Contact, bucket_of, contact_of
from minicoin.core.overlay.kademlia.table import RoutingTable
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng

K = 4


def table(k: int = K) -> RoutingTable:
    return RoutingTable(OWN.key, k)


def filled(contacts: list[Contact], k: int = K) -> RoutingTable:
    made = table(k)
    for each in contacts:
        made.see(each)
    return made


def test_we_do_not_stand_in_our_own():
    made = table()
    assert not made.see(OWN) and len(made) == 0 and made.sizes() == ()


def test_a_bucket_is_in_the_order_of_the_last_sign_of_life():
    first, second, third = in_bucket(255, 3)
    made = filled([first, second, third])
    assert made.bucket(255) == (first, second, third)
    assert made.see(first)
    assert made.bucket(255) == (second, third, first) == tuple(made)
    assert first in made and contact(99_999) not in made


def test_it_tells_who_came_and_who_left_and_no_signs_of_life():
    told: list[tuple[int, Contact]] = []

    def tell(index: int, each: Contact) -> None:
        told.append((index, each))

    contacts = in_bucket(255, K + 1)
    first = contacts[0]
    made = table()
    made.tell = tell
    for each in contacts:
        made.see(each)
    assert told == [(255, each) for each in contacts[:K]]
    told.clear()
    made.see(first)
    assert told == [] and made.bucket(255)[-1] == first
    made.fail(first)
    assert told == [(255, first), (255, contacts[K])]
    made.fail(contacts[1])
    told.clear()
    made.see(contacts[1])
    assert told == [(255, contacts[1])]
    moved = contact_of(NodeAddress("10.9.9.9", 1, contacts[1].peer_id), b"elsewhere")
    made.see(moved)
    made.remove(moved)
    made.remove(moved)
    assert told[1:] == [(255, moved), (255, moved)]


def test_who_was_there_before_stays_and_newcomers_wait():
    contacts = in_bucket(255, K + 2)
    made = filled(contacts)
    assert made.bucket(255) == tuple(contacts[:K])
    assert made.sizes() == ((255, K),) and len(made) == K
    assert made.oldest() == [contacts[0]]
    made.see(contacts[0])
    assert made.oldest() == [contacts[1]]


def test_the_silent_give_way_to_the_youngest_that_waits():
    contacts = in_bucket(255, K + 2)
    made = filled(contacts)
    made.fail(contacts[1])
    assert made.bucket(255) == (contacts[0], contacts[2], contacts[3], contacts[K + 1])
    made.fail(contacts[2])
    assert contacts[K] in made and contacts[2] not in made


def test_the_silent_are_told_to_nobody_and_kept_for_want_of_others():
    contacts = in_bucket(255, 2)
    made = filled(contacts)
    made.fail(contacts[0])
    assert made.closest(contacts[0].key, 5) == [contacts[1]] and made.bucket(255) == (contacts[1],)
    made.fail(contacts[1])
    assert len(made) == 2 and made.bucket(255) == () and made.oldest() == []
    assert made.closest(contacts[0].key, 5) == contacts
    # A sign of life, and it is one like any other.
    made.see(contacts[0])
    assert made.bucket(255) == (contacts[0],)


def test_the_silent_of_a_bucket_are_known():
    one, two = in_bucket(255, 2)
    table = RoutingTable(OWN.key, 20)
    assert table.silent(255) == ()
    for each in (one, two):
        table.see(each)
    table.fail(one)
    assert (table.silent(255), table.bucket(255)) == ((one,), (two,))
    table.see(one)
    assert table.silent(255) == ()


def test_a_newcomer_takes_the_place_of_a_silent_one():
    contacts = in_bucket(255, K + 1)
    made = filled(contacts[:K])
    made.fail(contacts[2])
    assert made.see(contacts[K])
    assert contacts[2] not in made and len(made) == K


def test_so_many_wait_and_no_more():
    contacts = in_bucket(255, K + 2 * KAD_WAITING_PER_BUCKET_MAX)
    made = filled(contacts)
    for each in contacts[:K]:
        made.fail(each)
    # The last ones that came were the ones that waited.
    assert set(made.bucket(255)) == set(contacts[-KAD_WAITING_PER_BUCKET_MAX:])


def test_who_waits_and_falls_silent_waits_no_longer():
    contacts = in_bucket(255, K + 1)
    made = filled(contacts)
    made.fail(contacts[K])
    made.fail(contacts[0])
    assert len(made) == K and contacts[K] not in made


def test_one_network_group_has_few_places():
    far = [Contact(each.address, each.key, b"one") for each in in_bucket(255, 3)]
    near = [Contact(each.address, each.key, b"one") for each in in_bucket(254, 3)]
    made = filled(far, 20)
    assert len(made) == KAD_GROUP_IN_BUCKET_MAX == 2
    for each in near:
        made.see(each)
    assert len(made) == KAD_GROUP_IN_TABLE_MAX == 3
    made.remove(far[0])
    assert made.see(near[1]) and len(made) == 3
    # An old contact moves into the group, where there is no place: it is known by its old address.
    other = in_bucket(253, 1)[0]
    made.see(other)
    made.see(Contact(other.address, other.key, b"one"))
    assert made.bucket(253) == (other,)


def test_a_contact_may_move():
    old = in_bucket(255, 1)[0]
    made = filled([old])
    new = contact_of(NodeAddress("192.0.2.7", 1, old.peer_id), b"another")
    assert made.see(new)
    assert made.bucket(255) == (new,) and made.get(old.key, old.peer_id) == new


def test_who_is_no_server_any_more_leaves():
    contacts = in_bucket(255, K + 1)
    made = filled(contacts)
    made.remove(contacts[0])
    made.remove(contacts[K])
    made.remove(contacts[0])
    assert made.bucket(255) == tuple(contacts[1:K])


def test_the_nearest_are_those_of_a_naive_model():
    rng = Rng(b"table")
    made = table(8)
    for number in range(1, 600):
        made.see(contact(number))
    for each in list(made)[::7]:
        made.fail(each)
    living = [each for index, _ in made.sizes() for each in made.bucket(index)]
    assert len(living) > 40
    for _ in range(200):
        target = int.from_bytes(rng.bytes(32), "big")
        if rng.below(2):
            # Near to us or to somebody we know.
            target = rng.choice([OWN, *living]).key ^ rng.below(1 << 40)
        count = 1 + rng.below(30)
        assert made.closest(target, count) == sorted(living, key=lambda each: each.key ^ target)[:count]


def test_its_buckets_are_those_of_the_distance():
    made = table(8)
    for number in range(1, 200):
        made.see(contact(number))
    for index, size in made.sizes():
        assert 0 < size <= 8 and {bucket_of(OWN.key, each.key) for each in made.bucket(index)} == {index}
