"""From tables to faults: who is struck, and by what names people know them."""

from minicoin.core.rng import Rng
from minicoin.sim.faults.making import FaultMaker
from minicoin.sim.scenario import faults as written


def _maker(count: int = 40) -> FaultMaker:
    return FaultMaker(count, {"core": range(3)}, lambda index: f"n{index}")


def test_nodes_of_a_group_by_name() -> None:
    fault = written.Crash(kind="crash", at_s=0.0, nodes="core")
    assert _maker().make(fault, Rng(b"")).targets == ["n0", "n1", "n2"]


def test_links_name_both_ends() -> None:
    loss = written.Loss(kind="loss", at_s=0.0, probability=0.1, nodes="core")
    assert _maker().make(loss, Rng(b"")).targets == ["n0 n1 n2 - all"]


def test_drawn_nodes_come_from_the_faults_own_chance() -> None:
    fault = written.Crash(kind="crash", at_s=0.0, nodes="random:4")
    drawn = [_maker().make(fault, Rng(bytes([seed]))).targets for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len(drawn[0]) == 4


def test_a_partition_names_its_parts_and_long_ones_in_short() -> None:
    fault = written.Partition(kind="partition", at_s=0.0, groups=("core", "rest"))
    left, right = _maker().make(fault, Rng(b"")).targets
    assert left == "n0 n1 n2"
    assert right.startswith("n3 n4 ")
    assert right.endswith(" and 17 more")
