import math

import pytest

from minicoin.sim.measure.record import ABSENT, NEVER, NO_NODE, NO_PARENT
from minicoin.sim.result.forks import Fork, expected_stale_rate, find_forks, groups, miners, summarize_forks

from .synthetic import block, empty_record, node


def forked_chain():
    """0 - 1 - 2 - 3 - 6, and 1 - 4 - 5 on the side."""
    return [
        block(0, 0, [0, 1, 1], parent=NO_PARENT),
        block(1, 1, [1, 0, 1]),
        block(2, 0, [0, 1, 1]),
        block(3, 0, [0, 1, 1]),
        block(4, 2, [1, 1, 0], parent=1, height=3, is_best=False),
        block(5, 2, [1, 1, 0], parent=4, height=4, is_best=False),
        block(6, 1, [1, 0, 1], parent=3, height=5),
    ]


NODES = [node(0, hash_share=0.5, group="pool"), node(1, hash_share=0.3, group="pool"), node(2, hash_share=0.2)]


def test_figures_by_hand() -> None:
    found = summarize_forks(empty_record(nodes=NODES, blocks=forked_chain()))
    assert (found.blocks, found.stale, found.forks, found.deepest) == (7, 2, 1, 2)
    assert found.stale_rate == pytest.approx(2 / 7)
    assert found.mean_interval_us == 60_000_000


def test_a_fork_names_parent_children_and_depth() -> None:
    assert find_forks(forked_chain()) == [Fork(1, (2, 4), 2)]


def test_first_blocks_fork_only_at_one_height() -> None:
    first = block(0, 0, [0], parent=NO_PARENT, height=5)
    assert find_forks([first, block(1, 0, [0], parent=NO_PARENT, height=6)]) == []
    assert find_forks([first, block(1, 0, [0], parent=NO_PARENT, height=5, is_best=False)]) == [
        Fork(NO_PARENT, (0, 1), 1)
    ]


def test_a_fork_within_a_side_branch() -> None:
    chain = forked_chain()
    chain.append(block(7, 2, [1, 1, 0], parent=4, height=4, is_best=False))
    assert find_forks(chain) == [Fork(1, (2, 4), 2), Fork(4, (5, 7), 1)]


def test_who_earned_what() -> None:
    record = empty_record(nodes=NODES, blocks=forked_chain())
    assert [(earner.name, earner.found, earner.best, earner.revenue_share) for earner in miners(record)] == [
        ("n0", 3, 3, 0.6),
        ("n1", 2, 2, 0.4),
        ("n2", 2, 0, 0.0),
    ]
    pool, ordinary = groups(record)
    assert (pool.name, pool.hash_share, pool.best, pool.revenue_share) == ("pool", 0.8, 5, 1.0)
    assert (ordinary.found, ordinary.best) == (2, 0)


def test_blocks_of_nobody_are_revenue_that_others_miss() -> None:
    blocks = [block(0, 0, [0], parent=NO_PARENT), block(1, NO_NODE, [1])]
    (earner,) = miners(empty_record(nodes=[node(0)], blocks=blocks))
    assert earner.revenue_share == 0.5


def test_expected_stale_rate_by_hand() -> None:
    record = empty_record(nodes=NODES, blocks=[block(0, 0, [0, 1_000, 2_000])])
    by_hand = 0.3 * (1 - math.exp(-0.1)) + 0.2 * (1 - math.exp(-0.2))
    assert expected_stale_rate(record, 10_000) == pytest.approx(by_hand)


def test_expected_stale_rate_with_missing_and_absent_nodes() -> None:
    record = empty_record(nodes=NODES, blocks=[block(0, 0, [0, NEVER, ABSENT])])
    assert expected_stale_rate(record, 10_000) == pytest.approx(0.3)
    assert expected_stale_rate(empty_record(nodes=[node(0)], blocks=[block(0, 0, [0])]), 10_000) is None


def test_expected_stale_rate_without_attackers() -> None:
    nodes = [*NODES, node(3, hash_share=0.4, is_attacker=True)]
    blocks = [block(0, 0, [0, NEVER, 0, 0]), block(1, 3, [NEVER, NEVER, NEVER, 0])]
    assert expected_stale_rate(empty_record(nodes=nodes, blocks=blocks), 10_000) == pytest.approx(0.3)


def test_expected_stale_rate_of_arrivals_that_leave_out_the_last_nodes() -> None:
    shorter, unrecorded = block(0, 0, [0, 1_000]), block(1, 0, [])
    by_hand = 0.3 * (1 - math.exp(-0.1))
    record = empty_record(nodes=NODES, blocks=[shorter, unrecorded])
    assert expected_stale_rate(record, 10_000) == pytest.approx(by_hand)


def test_no_blocks() -> None:
    found = summarize_forks(empty_record())
    assert (found.blocks, found.stale_rate, found.deepest, found.mean_interval_us) == (0, 0.0, 0, None)
    assert found.expected_stale_rate is None
