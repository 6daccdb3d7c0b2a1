"""Scenarios in which members sign the blocks."""

import pytest

from minicoin.sim.scenario.problems import ScenarioError
from minicoin.sim.scenario.schema import Scenario
from minicoin.sim.scenario.signers import member_indices

TOP = 'name = "a"\nquestion = "b"\n'
NODES = "[nodes]\ncount = 6\n"
OTHERS = '[[nodes.group]]\nname = "others"\ncount = 1\n'
BANKS = '[[nodes.group]]\nname = "banks"\ncount = 4\nsigns = true\n'
SIGNERS = '[network]\nproof = "signers"\n'
LINKS = '[links]\ntransport = "named"\n'
MINING = "[mining]\nduration_s = 30.0\n"
GOOD = TOP + NODES + OTHERS + BANKS + SIGNERS + LINKS + MINING

CASES = {
    "nodes.group[1].signs: is read with network.proof = 'signers' only": GOOD.replace(SIGNERS, ""),
    "nodes.group[0].lies: is read with network.proof = 'signers' only": (
        TOP + NODES + OTHERS + 'lies = "silent"\n' + MINING
    ),
    "network.proof: needs 1 to 100 nodes in groups with signs = true, not 0": GOOD.replace("signs = true\n", ""),
    "nodes.group[0].lies: is about signing": GOOD.replace(OTHERS, OTHERS + 'lies = "silent"\n'),
    "links.transport: members know each other by peer id": GOOD.replace(LINKS, ""),
    "mining.duration_s: nobody mines where members sign": GOOD.replace("duration_s = 30.0", "blocks = 3"),
    "network.block_bytes: is what miners pad blocks to": GOOD.replace(SIGNERS, SIGNERS + "block_bytes = 5\n"),
    "attacker: is for networks that are mined": GOOD + '[[attacker]]\nkind = "sybil"\n',
}


@pytest.mark.parametrize("expected", CASES)
def test_what_does_not_fit_is_named(expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Scenario.from_toml(CASES[expected])
    assert expected in str(caught.value)


def test_members_are_the_nodes_of_the_groups_that_sign() -> None:
    assert member_indices(Scenario.from_toml(GOOD)) == (1, 2, 3, 4)
