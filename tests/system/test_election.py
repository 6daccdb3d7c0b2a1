"""Processes of the role `auto`: somebody becomes a super node, is killed, and another takes its place."""

from pathlib import Path

from tests.waiting import wait_until

from .fleet import Fleet, Member, Start, network_of, running

LEAVES = 3
"""They pay, are paid and mine: whoever is elected and killed is none of them."""
ELIGIBLE = 4


def supers(nodes: Fleet) -> list[Member]:
    """Who of those that run are super nodes by now."""
    return [member for member in nodes.members if member.overlay()["role"] == "super"]


def sits_at_one_that_runs(nodes: Fleet) -> bool:
    """Whether every leaf has its parent, which is a super node that was elected and lives."""
    elected = {member.peer_id for member in supers(nodes)}
    leaves = [member for member in nodes.members if member.peer_id not in elected]
    return bool(elected) and all(set(leaf.neighbours("parent")) & elected for leaf in leaves)


def test_one_of_those_alike_becomes_a_super_node_and_another_when_it_is_killed(tmp_path: Path) -> None:
    plan = network_of("supernode", ("parents=1", "check=5"), ELIGIBLE + LEAVES)
    file = plan.name_for_nodes(tmp_path)
    nodes = Fleet(plan.network, tmp_path)
    with running(nodes):
        told_of: tuple[str, ...] = ()
        # The fleet's cast are those of the highest numbers.
        for role, numbers in (
            ("leaf", range(ELIGIBLE, ELIGIBLE + 1)),
            ("leaf", range(ELIGIBLE + 1, ELIGIBLE + LEAVES)),
            ("auto", range(ELIGIBLE)),
        ):
            # Everybody is told of leaves, which are not killed, so that no loss parts those left.
            nodes.start(*(Start(f"node{number}", role, file, told_of) for number in numbers))
            told_of = tuple(member.process.address for member in nodes.members[:2])
        assert wait_until(lambda: sits_at_one_that_runs(nodes), "everybody at an elected super node")
        nodes.fund()
        elected = wait_until(lambda: supers(nodes), "a super node to kill")
        # Several may stand at once, by chance all of them: then the last one takes the place of the others.
        nodes.kill(elected[: ELIGIBLE - 1])
        assert wait_until(lambda: sits_at_one_that_runs(nodes), "everybody at another one")
        nodes.fund()
        nodes.pay()
