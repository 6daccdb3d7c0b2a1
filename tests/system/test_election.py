"""Processes of the role `auto`: somebody becomes a super node, is killed, and another takes its place."""

from pathlib import Path

from tests.waiting import wait_until

from .fleet import Fleet, Member, Start, network_of, running

NODES = 6


def supers(nodes: Fleet) -> list[Member]:
    """Who of those that run are super nodes by now."""
    return [member for member in nodes.members if member.overlay()["role"] == "super"]


def sits_at_one_that_runs(nodes: Fleet) -> bool:
    """Whether every leaf has its parent, which is a super node that was elected and lives."""
    elected = {member.peer_id for member in supers(nodes)}
    leaves = [member for member in nodes.members if member.peer_id not in elected]
    return bool(elected) and all(set(leaf.neighbours("parent")) & elected for leaf in leaves)


def test_one_of_those_alike_becomes_a_super_node_and_another_when_it_is_killed(tmp_path: Path) -> None:
    plan = network_of("supernode", ("parents=1", "check=5"), NODES)
    file = plan.name_for_nodes(tmp_path)
    nodes = Fleet(plan.network, tmp_path)
    with running(nodes):
        told_of: tuple[str, ...] = ()
        for numbers in (range(1), range(1, 2), range(2, NODES)):
            # Everybody is told of two, so that no loss of one parts the others.
            nodes.start(*(Start(f"node{number}", "auto", file, told_of) for number in numbers))
            told_of = tuple(member.process.address for member in nodes.members[:2])
        assert wait_until(lambda: sits_at_one_that_runs(nodes), "everybody at an elected super node")
        nodes.fund()
        nodes.kill(wait_until(lambda: supers(nodes), "a super node to kill"))
        assert wait_until(lambda: sits_at_one_that_runs(nodes), "everybody at another one")
        nodes.fund()
        nodes.pay()
