"""The collector is quiet during a run, and afterwards as it was."""

import gc
import weakref

import pytest
from tests.unit.sim.engine.runs import SMALL, scenario_of

from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.sim.engine.collector import collect_fresh, collect_lost, keep_all, quiet_collector
from minicoin.sim.engine.simulation import Simulation


def test_it_is_off_inside_and_on_again_outside_even_after_a_failure() -> None:
    assert gc.isenabled()
    with quiet_collector():
        assert not gc.isenabled()
        keep_all()
        assert gc.get_freeze_count() > 0
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    with pytest.raises(KeyError), quiet_collector():
        raise KeyError
    assert gc.isenabled()


class _Node:
    """Refers to itself, as parts of a node refer to each other."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_to_live_to_the_end_is_let_go_of_when_it_was_lost() -> None:
    with quiet_collector():
        node = _Node()
        is_there = weakref.ref(node)
        keep_all()
        del node
        collect_fresh()
        assert is_there() is not None
        collect_lost()
        assert is_there() is None
        assert gc.get_freeze_count() > 0


@pytest.mark.parametrize(("count", "is_kept"), [(6, False), (50, True)])
def test_a_network_that_is_large_is_kept_out_of_sight(count: int, is_kept: bool) -> None:
    scenario = scenario_of(SMALL.replace("count = 6", f"count = {count}"))
    with quiet_collector():
        before = gc.get_freeze_count()
        Simulation(scenario, 1, ScriptedVerifier()).set_up(lambda progress: None)
        assert (gc.get_freeze_count() > before) is is_kept


def test_who_had_it_off_keeps_it_off() -> None:
    gc.disable()
    try:
        with quiet_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
