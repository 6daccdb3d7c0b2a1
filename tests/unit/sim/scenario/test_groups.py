"""Groups of nodes and the hash power of each node."""

import pytest

from minicoin.sim.scenario.groups import groups_by_node
from minicoin.sim.scenario.schema import Scenario

TOP = 'name = "a"\nquestion = "b"\n'
GROUPS = (
    '[[nodes.group]]\nname = "big"\ncount = 2\nhash_share = 0.5\n'
    '[[nodes.group]]\nname = "small"\nshare = 0.3\nhash_share = 0.3\n'
)


def scenario(mining: str = "blocks = 1", groups: str = "", count: int = 10) -> Scenario:
    return Scenario.from_toml(f"{TOP}[nodes]\ncount = {count}\n{groups}[mining]\n{mining}\n")


def test_groups_take_the_lowest_indices_in_order() -> None:
    made = scenario('blocks = 1\nhash_shares = "groups"', GROUPS)
    assert made.groups == {"big": range(2), "small": range(2, 5)}
    names = [group.name if group is not None else "" for group in groups_by_node(made.nodes)]
    assert names == ["big", "big", "small", "small", "small", "", "", "", "", ""]


def test_hash_power_of_groups_is_spread_evenly_and_the_rest_is_the_others() -> None:
    weights = scenario('blocks = 1\nhash_shares = "groups"', GROUPS).hash_weights
    assert weights == pytest.approx([0.25, 0.25, 0.1, 0.1, 0.1, *[0.04] * 5])


def test_hash_power_of_lists_miners_and_pools() -> None:
    assert scenario("blocks = 1\nhash_shares = [0.5, 0.25, 0.25]").hash_weights == (0.5, 0.25, 0.25)
    assert scenario("blocks = 1\nhash_shares = [1, 3]".replace("3", "0.6").replace("1,", "0.2,")).hash_weights == (
        pytest.approx((0.25, 0.75))
    )
    assert scenario("blocks = 1\nminers = 4").hash_weights == (0.25,) * 4
    pools = scenario('blocks = 1\nhash_shares = "gervais"', count=20).hash_weights
    assert len(pools) == 16
    assert sum(pools) == pytest.approx(1)
    assert pools[0] == pytest.approx(0.289, rel=0.01)


def test_degrees_are_repeated_to_the_number_of_nodes() -> None:
    text = f'{TOP}[nodes]\ncount = 5\n[mining]\nblocks = 1\n[topology]\nsource = "static"\ndegrees = [1, 2]\n'
    assert Scenario.from_toml(text).link_degrees == (1, 2, 1, 2, 1)
    assert scenario().link_degrees == ()
