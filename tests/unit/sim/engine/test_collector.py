"""The collector is quiet during a run, and afterwards as it was."""

import gc

import pytest

from minicoin.sim.engine.collector import keep_all, quiet_collector


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


def test_who_had_it_off_keeps_it_off() -> None:
    gc.disable()
    try:
        with quiet_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
