"""Rumours: the rounds that theory gives, and the residue e^-m of pushing that loses interest."""

import math

import pytest

from minicoin.sim.model.gossip import push_with_coin, spread_to_all

NODES, RUNS = 1_000, 30


@pytest.mark.parametrize(("style", "rounds", "messages"), [("push", 18.0, 8.0), ("push-pull", 9.1, 3.4)])
def test_rounds_and_transmissions(style: str, rounds: float, messages: float) -> None:
    runs = [spread_to_all(NODES, style, seed) for seed in range(RUNS)]
    assert sum(run.rounds for run in runs) / RUNS == pytest.approx(rounds, rel=0.08)
    assert sum(run.transmissions_per_node for run in runs) / RUNS == pytest.approx(messages, rel=0.08)


def test_pull_sends_the_rumour_once_to_each() -> None:
    run = spread_to_all(NODES, "pull", 1)
    assert run.transmissions_per_node == (NODES - 1) / NODES
    assert 10 <= run.rounds <= 20


def test_who_loses_interest_leaves_a_residue() -> None:
    runs = [push_with_coin(NODES, 3, seed) for seed in range(RUNS)]
    messages = sum(run.transmissions_per_node for run in runs) / RUNS
    residue = sum(run.residue for run in runs) / RUNS
    assert residue == pytest.approx(math.exp(-messages), rel=0.1)
    assert residue == pytest.approx(0.060, rel=0.15)


def test_the_smallest_networks() -> None:
    assert spread_to_all(1, "push", 1).rounds == 0
    assert spread_to_all(2, "push", 1).rounds == 1
