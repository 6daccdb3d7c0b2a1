"""Faults that chance writes: valid ones of every kind, equal for equal draws, at the rate asked for."""

from typing import get_args

import pytest

from minicoin.core.rng import Rng
from minicoin.sim.faults.chance import draw_fault, plan_random
from minicoin.sim.scenario.fault_rates import FaultKind, RandomFaults
from minicoin.sim.scenario.faults import LastingFault


@pytest.mark.parametrize("kind", get_args(FaultKind))
def test_every_kind_can_be_drawn(kind: FaultKind) -> None:
    for seed in range(20):
        fault = draw_fault(kind, 3.0, 9.0, (1, 4), Rng(bytes([seed])))
        assert fault == draw_fault(kind, 3.0, 9.0, (1, 4), Rng(bytes([seed])))
        assert (fault.kind, fault.at_s) == (kind, 3.0)
        if isinstance(fault, LastingFault):
            assert fault.until_s == 9.0


def test_random_faults_keep_their_rate_and_their_time() -> None:
    chosen = RandomFaults(per_hour={"crash": 36.0, "loss": 6.0}, start_s=600.0, duration_s=20.0, share=0.2)
    planned = plan_random(chosen, 50, 36_600.0, Rng(b"1"))
    crashes = [fault for fault in planned if fault.kind == "crash"]
    losses = [fault for fault in planned if fault.kind == "loss"]
    assert len(crashes) == pytest.approx(360, rel=0.15)
    assert len(losses) == pytest.approx(60, rel=0.35)
    assert all(600 <= fault.at_s < 36_600 for fault in planned)
    assert all(1 <= len(fault.nodes) <= 10 for fault in crashes)  # type: ignore[union-attr, arg-type]
    lengths = [fault.until_s - fault.at_s for fault in losses if isinstance(fault, LastingFault) and fault.until_s]
    assert sum(lengths) / len(lengths) == pytest.approx(20, rel=0.35)
    assert planned == plan_random(chosen, 50, 36_600.0, Rng(b"1"))


def test_none_begins_after_the_end() -> None:
    chosen = RandomFaults(per_hour={"reset": 600.0}, stop_s=60.0)
    assert max(fault.at_s for fault in plan_random(chosen, 5, 3_600.0, Rng(b"2"))) < 60
