"""Each network model in twelve processes: they agree on payments, some are killed, and the rest keeps what the model
promises.

A row of `ROWS` says what is killed, what must be so before (or the loss would show nothing), and what the model then
promises. The story is the same for all: payments before, payments after.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import pytest
from tests.waiting import wait_until

from minicoin.core.overlay.table import OVERLAYS

from .fleet import Fleet, Member, Start, fleet, network_of, running

NODES = 12


def nothing(nodes: Fleet) -> None:
    """The story itself shows what is promised."""


def a_third_with_the_first(nodes: Fleet) -> list[Member]:
    """Among them the one that the first others were told of."""
    return [nodes.members[0], *nodes.members[5:8]]


# --- gossip ---


def see_all_others(nodes: Fleet) -> None:
    """Of twelve, which is fewer than a view holds."""
    others = len(nodes.members) - 1
    nodes.wait_for_all(lambda one: one.figure("view") == others, f"a view of {others}")


def forget_the_dead(nodes: Fleet) -> None:
    """Silence is what they are known by, and the view has room for none of them."""
    see_all_others(nodes)
    nodes.wait_for_all(lambda one: one.figure("partners") > 0, "partners")


# --- the index ---


def the_index(nodes: Fleet) -> list[Member]:
    """The only one."""
    return nodes.of_role("index")


def know_members(nodes: Fleet) -> None:
    """Each member of all the others, and is connected to some."""
    others = len(nodes.members) - 2
    members = nodes.of_role("member")
    nodes.wait_for_all(lambda one: one.figure("known") >= others, f"{others} members known", members)
    nodes.wait_for_all(lambda one: len(one.neighbours("member")) >= 3, "connections to members", members)


def go_on_without_the_index(nodes: Fleet) -> None:
    """Nobody loses a connection, payments go on; who comes anew waits, says why, and is in once the index is back."""
    (index,) = nodes.killed
    members = nodes.of_role("member")
    nodes.wait_for_all(lambda one: one.overlay()["says"].startswith("waits for an index"), "to be missed", members)
    connected = {one.name: set(one.neighbours()) for one in members}
    nodes.pay()
    for one in members:
        assert connected[one.name] <= set(one.neighbours()), one.name

    (joiner,) = nodes.start(Start("joiner", "member", index.start.network_file, (index.process.address,)))
    assert joiner.overlay()["says"] == "waits for an index: none is connected, and it is dialled again"
    assert joiner.neighbours() == {}
    nodes.bring_back(index)
    nodes.wait_for_all(lambda one: one.neighbours("member") and one.neighbours("index"), "to be in", [joiner])
    nodes.wait_for_all(lambda one: one.neighbours("index"), "the index to be followed again", members)


# --- kademlia ---


def fill_their_tables(nodes: Fleet) -> None:
    """With all others."""
    others = len(nodes.members) - 1
    nodes.wait_for_all(lambda one: one.figure("contacts") == others, f"{others} contacts")


def find_the_living(nodes: Fleet) -> None:
    """Each of them surely, as far round as the next; of the dead nobody is sure."""
    dead = nodes.killed[0].peer_id
    for one, sought in zip(nodes.members, [*nodes.members[1:], nodes.members[0]], strict=True):
        found = wait_until(
            lambda one=one, sought=sought: find_surely(one, sought.peer_id), f"{one.name} to find the next"
        )
        assert sought.process.address in found["addresses"]
    nodes.wait_for_all(lambda one: find_surely(one, dead) is None, "no trace of the dead")


def find_surely(one: Member, peer_id: str) -> dict | None:
    """Where it is, by its own word."""
    found = one.call("findpeer", peer_id)
    return found if found["certain"] else None


# --- super nodes ---

PARENTS = 2


def sit_at_two_parents(nodes: Fleet) -> None:
    """Every leaf, and it knows the others: the first found parents before those had met each other."""
    leaves, supers = nodes.of_role("leaf"), len(nodes.of_role("super"))
    nodes.wait_for_all(lambda one: len(one.neighbours("parent")) == PARENTS, "two parents", leaves)
    nodes.wait_for_all(lambda one: one.figure("supers known") == supers, "all super nodes known", leaves)


def two_of_three_supers(nodes: Fleet) -> list[Member]:
    """Those who together are all that the most leaves have; of nine leaves with two of three parents some have both."""
    parents = [set(leaf.neighbours("parent")) for leaf in nodes.of_role("leaf")]

    def orphans(lost: tuple[Member, ...]) -> int:
        return sum(ids <= {one.peer_id for one in lost} for ids in parents)

    lost = max(combinations(nodes.of_role("super"), 2), key=orphans)
    assert orphans(lost) > 0
    return list(lost)


def sit_at_the_one_left(nodes: Fleet) -> None:
    """Those that lost all their parents too."""
    (left,) = nodes.of_role("super")
    leaves = nodes.of_role("leaf")
    nodes.wait_for_all(lambda one: list(one.neighbours("parent")) == [left.peer_id], "the parent that is left", leaves)
    nodes.wait_for_all(lambda one: one.figure("leaves") == len(leaves), "its leaves", [left])


@dataclass(frozen=True)
class Row:
    """What is lost, and what then holds."""

    lost: Callable[[Fleet], list[Member]]
    before: Callable[[Fleet], None] = nothing
    promise: Callable[[Fleet], None] = nothing
    settings: tuple[str, ...] = ()
    """Periods of seconds where the model's own are of minutes."""


ROWS = {
    "random": Row(a_third_with_the_first),
    "everybody": Row(a_third_with_the_first),
    "gossip": Row(
        a_third_with_the_first,
        before=see_all_others,
        promise=forget_the_dead,
        settings=("alive_period=1", "expiry=8", "pull_period=2"),
    ),
    "index": Row(the_index, before=know_members, promise=go_on_without_the_index),
    "kademlia": Row(
        a_third_with_the_first,
        before=fill_their_tables,
        promise=find_the_living,
        settings=("pull_period=2", "refresh_period=10"),
    ),
    "supernode": Row(
        two_of_three_supers,
        before=sit_at_two_parents,
        promise=sit_at_the_one_left,
        settings=(f"parents={PARENTS}", "check=5"),
    ),
}


@pytest.mark.parametrize("model", OVERLAYS)
def test_twelve_nodes_pay_and_go_on_as_their_model_promises(model: str, tmp_path: Path) -> None:
    row = ROWS[model]
    with fleet(model, row.settings, NODES, tmp_path) as nodes:
        nodes.fund()
        nodes.pay()
        row.before(nodes)
        nodes.kill(row.lost(nodes))
        row.promise(nodes)
        nodes.pay()


def test_nodes_of_all_models_are_one_network(tmp_path: Path) -> None:
    plans = {model: network_of(model, (), NODES) for model in OVERLAYS}
    nodes = Fleet(plans["random"].network, tmp_path)
    with running(nodes):
        told_of: tuple[str, ...] = ()
        # In a line: each passes on what it hears, to a node of another model.
        for number, (model, plan) in enumerate(plans.items()):
            file = plan.name_for_nodes(tmp_path / model)
            (started,) = nodes.start(Start(f"node{number}", plan.roles[0], file, told_of))
            told_of = (started.process.address,)
        nodes.fund()
        nodes.pay()
        assert [one.overlay()["model"] for one in nodes.members] == list(OVERLAYS)
