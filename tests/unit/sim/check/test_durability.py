"""A store that forgets to sync is seen at the first crash."""

import pytest
from tests.unit.sim.faults.runs import record

from minicoin.world.faulty_store import FaultyStore

_CRASH = '[[fault]]\nkind = "crash"\nat_s = 30.0\nnodes = [0, 1, 2, 3]\n'


def test_what_was_acknowledged_survives() -> None:
    assert record(_CRASH).violations == []


def test_a_store_that_never_syncs_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FaultyStore, "sync", lambda store: None)
    found = record(_CRASH).violations
    assert {violation.checker for violation in found} == {"durability"}
    assert " in a crash" in found[0].text
