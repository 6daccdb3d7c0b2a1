"""The tree over the buckets: on full knowledge each node is reached, with one contact a bucket exactly once."""

from collections import Counter

from tests.unit.overlay.kademlia.contacts import contact, links_of

from minicoin.core.limits import KAD_ITEMS_HEARD_MAX
from minicoin.core.overlay.contract import Item, ItemKind
from minicoin.core.overlay.kademlia.keyspace import KEY_BITS, bucket_of
from minicoin.core.overlay.kademlia.tree import Delegate, Tree, choose_delegates
from minicoin.core.rng import Rng

RNG = Rng(b"tree")


def test_each_bucket_below_the_height_has_its_delegates():
    buckets = {255: [1], 254: [2], 250: [3]}
    assert choose_delegates(buckets, KEY_BITS, 1, RNG) == [Delegate(1, 255), Delegate(2, 254), Delegate(3, 250)]
    assert choose_delegates(buckets, 254, 1, RNG) == [Delegate(3, 250)]
    assert choose_delegates(buckets, 0, 3, RNG) == []


def test_so_many_of_a_bucket_as_there_are():
    chosen = choose_delegates({255: [1, 2, 3, 4], 7: [5, 6]}, KEY_BITS, 3, RNG)
    assert [each.height for each in chosen] == [255, 255, 255, 7, 7]
    assert len({each.conn for each in chosen}) == 5


def spread(keys: list[int], beta: int, seed: int) -> Counter[int]:
    """How many times an item reaches each node, where each knows all."""
    rng = Rng(b"spread", str(seed))
    buckets: list[dict[int, list[int]]] = []
    for key in keys:
        mine: dict[int, list[int]] = {}
        for number, other in enumerate(keys):
            if other != key:
                mine.setdefault(bucket_of(key, other), []).append(number)
        buckets.append(mine)
    copies: Counter[int] = Counter({0: 0})
    queue = [Delegate(0, KEY_BITS)]
    had: set[int] = set()
    while queue:
        node = queue.pop(0)
        if node.conn not in had:
            had.add(node.conn)
            queue += choose_delegates(buckets[node.conn], node.height, beta, rng)
        copies[node.conn] += 1
    return copies


def test_with_one_contact_a_bucket_each_node_is_sent_an_item_once():
    keys = [contact(number).key for number in range(100)]
    assert spread(keys, 1, 0) == Counter(range(100))


def test_with_more_each_node_is_reached_several_times():
    keys = [contact(number).key for number in range(100)]
    copies = spread(keys, 3, 0)
    assert len(copies) == 100 and sum(copies.values()) > 300


ITEM = b"i" * 32


def heights(said, origin: int) -> list[int]:
    """Below which an item is passed on that `origin` brought, after these said their heights."""
    links = links_of(*range(1, 60))
    tree = Tree(links, 1, RNG)
    for conn, height in said:
        tree.hear(links.get(conn), ITEM, height)
    assert tree.casts == len(said)
    peers = tuple(link.peer for link in links)
    spread = tree.spread(Item(ItemKind.BLOCK, ITEM, origin), peers, is_client=False)
    return [one.ahead.height for one in spread]


def test_the_height_that_came_first_counts_or_the_greater_one_of_who_brought_it():
    whole = heights([], 1)
    assert whole[0] == 255 and len(whole) > 3
    below = [height for height in whole if height < 254]
    assert heights([(1, 254)], 1) == heights([(1, 254), (2, 255)], 1) == heights([(1, 254), (2, 0)], 2) == below
    assert heights([(2, 0), (1, 254)], 1) == below
    # Who announced it is not who brought it, and that one said nothing.
    assert heights([(1, 254)], 3) == below
    assert heights([(1, 0)], 1) == []


def test_of_so_many_items_it_is_known_what_was_said_first():
    links = links_of(*range(1, 60))
    tree = Tree(links, 1, RNG)
    tree.hear(links.get(1), ITEM, 0)
    for number in range(KAD_ITEMS_HEARD_MAX):
        tree.hear(links.get(2), number.to_bytes(32, "big"), 5)
    peers = tuple(link.peer for link in links)
    assert tree.spread(Item(ItemKind.BLOCK, ITEM, 3), peers, is_client=False) != ()
