"""The iterative lookup, without time: who is asked, when it ends, and what it found."""

from tests.unit.overlay.kademlia.contacts import OWN, contact

from minicoin.core.limits import KAD_ASKS_PER_LOOKUP_MAX, KAD_GROUP_IN_LOOKUP_MAX
from minicoin.core.overlay.kademlia.keyspace import Contact
from minicoin.core.overlay.kademlia.lookup import Found, Lookup
from minicoin.core.rng import Rng

TARGET = contact(777)


def nearest(numbers, target: Contact = TARGET) -> list[Contact]:
    return sorted(map(contact, numbers), key=lambda each: each.key ^ target.key)


def lookup(seeds, *, k=20, alpha=3, enough=3, wanted=b"") -> Lookup:
    return Lookup(TARGET.key, seeds, own=OWN.peer_id, k=k, alpha=alpha, enough=enough, wanted=wanted)


def ask_all(made: Lookup) -> list[Contact]:
    asked: list[Contact] = []
    while (each := made.next_ask()) is not None:
        asked.append(each)
    return asked


def test_alpha_of_the_nearest_are_asked_at_a_time():
    order = nearest(range(1, 30))
    made = lookup(reversed(order), k=29)
    assert ask_all(made) == order[:3]
    made.answer(order[1].peer_id, ())
    assert ask_all(made) == [order[3]]
    made.fail(order[0].peer_id)
    assert ask_all(made) == [order[4]] and made.asks == 5


def test_it_ends_when_the_nearest_have_answered():
    order = nearest(range(1, 30))
    made = lookup(order[3:])
    ask_all(made)
    made.answer(order[3].peer_id, order[:3])
    assert ask_all(made) == order[:1] and not made.is_over
    made.answer(order[4].peer_id, ())
    made.answer(order[5].peer_id, ())
    ask_all(made)
    for each in order[:3]:
        assert not made.is_over
        made.answer(each.peer_id, ())
    assert made.is_over and made.next_ask() is None
    assert made.closest(4) == order[:4]


def test_the_silent_do_not_count():
    order = nearest(range(1, 6))
    made = lookup(order, enough=2)
    ask_all(made)
    made.fail(order[0].peer_id)
    made.answer(order[1].peer_id, ())
    assert not made.is_over
    made.answer(order[2].peer_id, ())
    assert made.is_over and made.closest(9) == order[1:3]


def test_it_ends_when_nobody_is_left():
    assert lookup(()).is_over
    made = lookup([contact(1)])
    assert ask_all(made) == [contact(1)]
    made.fail(contact(1).peer_id)
    assert made.is_over and made.closest(5) == []


def test_whoever_names_the_wanted_ends_it():
    made = lookup(nearest(range(1, 9)), wanted=TARGET.peer_id)
    first, second, _ = ask_all(made)
    made.answer(first.peer_id, [contact(50)])
    assert made.found is None
    made.answer(second.peer_id, [TARGET])
    assert made.found == Found(TARGET, second.peer_id, 1) and made.is_over


def test_depth_counts_the_answers_on_the_way():
    made = lookup([contact(1)], enough=20, wanted=TARGET.peer_id)
    for number in range(1, 5):
        assert contact(number) in ask_all(made)
        made.answer(contact(number).peer_id, [contact(number + 1)])
    ask_all(made)
    made.answer(contact(5).peer_id, [TARGET])
    assert made.found == Found(TARGET, contact(5).peer_id, 5)
    assert lookup([TARGET], wanted=TARGET.peer_id).found == Found(TARGET, b"", 0)


def test_an_answer_that_was_not_asked_for_teaches_nothing():
    made = lookup([contact(1)])
    made.answer(contact(1).peer_id, [contact(2)])
    assert ask_all(made) == [contact(1)]
    made.answer(contact(1).peer_id, ())
    made.answer(contact(1).peer_id, [contact(2)])
    assert made.is_over


def test_of_one_answer_k_are_taken_and_never_we_ourselves():
    made = lookup([contact(1)], k=5)
    ask_all(made)
    made.answer(contact(1).peer_id, [OWN, *map(contact, range(2, 30))])
    for _ in range(30):
        for each in ask_all(made):
            assert each != OWN
            made.fail(each.peer_id)
    assert made.is_over and made.asks == 5


def test_peers_that_invent_ever_nearer_ones_hold_it_up_for_so_many_questions():
    made = lookup([contact(1)], enough=20)
    number = 1
    while not made.is_over:
        for each in ask_all(made):
            invented = [
                Contact(
                    contact(number + n).address,
                    TARGET.key ^ (1 << 200) - number - n,
                    bytes((n,)) + number.to_bytes(4, "big"),
                )
                for n in range(9)
            ]
            number += 9
            made.answer(each.peer_id, invented)
    assert made.asks == KAD_ASKS_PER_LOOKUP_MAX


def test_of_one_network_group_few_are_asked_and_the_wanted_is_found_all_the_same():
    made = lookup([contact(1)], enough=20, wanted=TARGET.peer_id)
    ask_all(made)
    crowd = [Contact(contact(number).address, contact(number).key, b"one") for number in range(2, 20)]
    made.answer(contact(1).peer_id, crowd)
    asked = []
    while found := ask_all(made):
        asked += found
        for each in found:
            made.answer(each.peer_id, crowd)
    assert [each.group for each in asked] == [b"one"] * KAD_GROUP_IN_LOOKUP_MAX and made.is_over
    made = lookup([contact(1)], wanted=TARGET.peer_id)
    ask_all(made)
    made.answer(contact(1).peer_id, [*crowd[:5], Contact(TARGET.address, TARGET.key, b"one")])
    assert made.found is not None


def test_it_finds_the_nearest_of_all_in_a_network_of_full_tables():
    """Everybody knows the 20 nearest of each bucket that it can know: the lookup ends at the true nearest."""
    everybody = [contact(number) for number in range(1, 400)]
    rng = Rng(b"lookup")
    for trial in range(20):
        target = contact(10_000 + trial)
        order = sorted(everybody, key=lambda each: each.key ^ target.key)
        made = Lookup(target.key, rng.sample(everybody, 3), own=OWN.peer_id, k=20, alpha=3, enough=3)
        while not made.is_over:
            for each in ask_all(made):
                # Whom it knows: a fifth of all, and everybody near to itself.
                known = [other for other in everybody if other.key % 5 == each.key % 5]
                known += sorted(everybody, key=lambda other: other.key ^ each.key)[:40]
                made.answer(each.peer_id, sorted(known, key=lambda other: other.key ^ target.key)[:20])
        assert made.closest(3) == order[:3] and made.asks < 20
