"""Whole nodes, super nodes and leaves, in one world: everybody finds a place, also when half the super nodes go."""

from dataclasses import replace

from tests.unit.overlay.supernode.worlds import NOBODY, REGTEST, Hive

from minicoin.core.commands import Generate
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import SECOND_US


def mine(hive, host):
    """A block that every living node has soon."""
    hive.world.ask(host, Generate(1, NOBODY))
    assert hive.reaches(hive.agree)


def test_every_leaf_finds_its_parents_and_a_block_of_one_reaches_all():
    hive = Hive(4, 12)
    assert hive.reaches(lambda: hive.all_attached(3))
    mine(hive, hive.leaves[0])
    mine(hive, hive.supers[0])
    # Whom leaves have dialled is super nodes: they keep nobody from the address book once they sit there.
    slots = [slot for leaf in hive.leaves for slot in leaf.node.view.connections.snapshot()]
    homes = [host.address for host in hive.supers]
    dialled = [slot.address in homes for slot in slots if slot.kind is not SlotKind.INBOUND]
    assert dialled == [True] * 3 * len(hive.leaves)
    assert hive.reaches(lambda: [hive.figure(host, "directory") for host in hive.supers] == [12] * 4)


def test_half_the_super_nodes_are_lost_and_every_leaf_is_attached_again():
    hive = Hive(6, 18, places=12, admissions=2, parents=2, encodes=False)
    assert hive.reaches(lambda: hive.all_attached(2))
    survivors, lost = hive.supers[:3], hive.supers[3:]
    admitted = {host.index: [hive.figure(host, "admitted")] * 5 for host in survivors}
    hive.stop(*lost)
    ends_at = hive.world.now + 120 * SECOND_US
    while not hive.all_attached(1) or hive.world.now < ends_at - 60 * SECOND_US:
        assert hive.world.now < ends_at, "everybody is attached again in two minutes"
        hive.world.run(hive.world.now + SECOND_US // 4)
        for host in survivors:
            assert hive.figure(host, "leaves") <= 12
            seen = admitted[host.index]
            seen.append(hive.figure(host, "admitted"))
            # In no second more than two.
            assert seen[-1] - seen[-5] <= 2
    assert sum(hive.figure(leaf, "re-attachments") for leaf in hive.leaves) > 0
    mine(hive, hive.leaves[-1])


def rush(admissions):
    """Two of four super nodes are lost: the most leaves that one of the others admitted in a second, until all sat
    again."""
    hive = Hive(4, 24, places=24, parents=1, admissions=admissions, encodes=False)
    assert hive.reaches(lambda: hive.all_attached(1))
    survivors, lost = hive.supers[:2], hive.supers[2:]
    orphans = [leaf for leaf in hive.leaves if hive.parents(leaf)[0] in lost]
    others = [leaf for leaf in hive.leaves if leaf not in orphans]
    hive.stop(*lost)
    seen = [[hive.figure(host, "admitted") for host in survivors]] * 5
    while sum(hive.figure(leaf, "re-attachments") for leaf in orphans) < len(orphans):
        hive.world.run(hive.world.now + SECOND_US // 4)
        seen.append([hive.figure(host, "admitted") for host in survivors])
        assert len(seen) < 4 * 120, "everybody sits again in two minutes"
    # Who had a place at one of those that were left has it still.
    assert [hive.figure(leaf, "re-attachments") for leaf in others] == [0] * len(others)
    assert hive.all_attached(1)
    seconds = zip(seen, seen[4:], strict=False)
    return max(late - early for before, after in seconds for early, late in zip(before, after, strict=True))


def test_the_bound_alone_keeps_a_rush_from_being_admitted_at_once():
    # The control: without it more come in one second, and nobody who sits there is the worse for it either.
    assert rush(admissions=2) <= 2 < rush(admissions=1_000)


def test_leaves_that_lost_everything_sit_again_in_seconds_and_storm_nobody():
    """All lose their connections at one moment, and three of ten super nodes never answer again. Before leaves tried
    others beside the silent, waited where they were told to come again and took any of those known, the last one sat
    after 12 to 14 s, and a super node had 25 to 33 dials in one second."""
    hive = Hive(10, 40, seeds=10, places=16, admissions=2, parents=2, encodes=False, meets=True)
    assert hive.reaches(lambda: hive.all_attached(2))
    connections, dead = hive.world.connections, hive.supers[:3]
    connections.is_meeting = False
    # Long enough for a connection to have been a good one.
    hive.spend(70)
    connections.barriers.append(lambda one, other: one in dead or other in dead)
    opened = []
    connections.link_hooks.append(lambda end: opened.append((end.host.index, hive.world.now // SECOND_US)))
    began = hive.world.now
    for leaf in hive.leaves:
        for end in list(leaf.links.values()):
            connections.reset(end, "connection reset")
    hive.spend(1)
    while not hive.all_attached(1):
        hive.world.run(hive.world.now + SECOND_US // 4)
    homes = [host.index for host in hive.supers]
    most = max(opened.count(one) for one in dict.fromkeys(opened) if one[0] in homes)
    print(f"all sit after {(hive.world.now - began) / SECOND_US} s; {most} connections to a super node in a second")
    assert hive.world.now - began <= 10 * SECOND_US and most <= 16


def test_places_go_to_those_without_parents_first():
    # Twelve places for ten leaves that want two each: nobody has none.
    hive = Hive(3, 10, places=4, parents=2, seeds=3, encodes=False)
    assert hive.reaches(lambda: hive.all_attached(1))
    leaves = [hive.figure(host, "leaves") for host in hive.supers]
    assert sum(leaves) >= 10 and max(leaves) <= 4


def test_a_leaf_that_comes_back_remembers_a_parent_and_a_super_node_learns_the_directory_anew():
    hive = Hive(4, 6, parents=2, encodes=False)
    assert hive.reaches(lambda: hive.all_attached(2))
    hive.spend(5)
    leaf, hub = hive.leaves[0], hive.supers[0]
    assert "overlay" in leaf.disk.documents
    hive.world.seeds = ()
    hive.stop(leaf, hub)
    hive.start(hub)
    hive.start(leaf)
    assert hive.reaches(lambda: hive.all_attached(2))
    assert hive.reaches(lambda: hive.figure(hub, "directory") == 6)
    mine(hive, leaf)


def test_nodes_of_another_model_are_served_as_peers():
    hive = Hive(2, 2, parents=1, encodes=False)
    other = hive.world.add_host(name="other")
    hive.world.network = replace(REGTEST, dns_seeds=("seed",))
    hive.world.start(other, NodePolicy(add_nodes=(hive.supers[0].address, hive.leaves[0].address)))
    assert hive.reaches(lambda: hive.all_attached(1) and len(other.links) >= 2)
    hive.world.ask(other, Generate(1, NOBODY))
    assert hive.reaches(lambda: hive.agree() and hive.leaves[1].tip == other.tip)


def test_without_any_super_node_leaves_live_as_bitcoin_s_nodes_and_say_so():
    hive = Hive(0, 4, encodes=False)
    hive.world.seeds = tuple(host.address for host in hive.leaves)
    for host in hive.leaves:
        hive.stop(host)
        hive.start(host)
    assert hive.reaches(lambda: all(leaf.links for leaf in hive.leaves))
    hive.spend(10)
    mine(hive, hive.leaves[0])
    assert "no super node is known" in hive.about(hive.leaves[0]).says
