"""Dishonest miners on a small network of real nodes, against Eyal and Sirer's formula."""

from collections.abc import Callable
from typing import Any

import pytest

from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.sim.attackers.handles import MinerHandle
from minicoin.sim.engine.funding import PAY_SCRIPT
from minicoin.sim.scenario.attackers import MinerAttacker, SelfishMiner, WithholdBlocks
from minicoin.sim.schedule import MiningDraws

_NODES = 4
_SPACING_US = 60 * SECOND_US


def eyal_sirer(share: float, gamma: float) -> float:
    """The selfish pool's part of the best chain (equation 8 of the paper)."""
    won = share * (1 - share) ** 2 * (4 * share + gamma * (1 - 2 * share)) - share**3
    return won / (1 - share * (1 + (2 - share) * share))


class Race:
    """Blocks found by honest nodes and one attacker, by chance."""

    def __init__(self, small_net: Callable[..., Any], attack: MinerAttacker, blocks: int, seed: int) -> None:
        self.net = small_net(_NODES, [attack])
        self.net.begin()
        self.miner: MinerHandle = self.net.attacker
        honest = (1 - attack.hash_share) / _NODES
        draws = MiningDraws(seed, [honest] * _NODES + [attack.hash_share])
        self.finders: list[bool] = []
        """Whether the attacker found each block."""
        for number in range(blocks):
            self.net.run(draws.interval_us(number, _SPACING_US) / SECOND_US)
            self._find(draws.miner(number))
        self.found_share = len(self.miner.found) / blocks
        self.net.run(60)

    def _find(self, finder: int) -> None:
        self.finders.append(finder == _NODES)
        if finder == _NODES:
            self.miner.find_block(self.net.world.now)
        elif not self.miner.steer(self.net.hosts[finder], PAY_SCRIPT, self.net.world.now):
            self.net.mine(finder, 0)

    @property
    def revenue(self) -> float:
        """The attacker's part of the best chain."""
        node = self.net.node(0).view.tree.tip
        height, own = node.height, 0
        while node.height:
            own += node.hash in self.miner.found
            node = node.parent
        return float(own / height)


def play_sm1(finders: list[bool], gamma: float, rng: Rng) -> float:
    """The strategy without a network: the attacker's part of the blocks that count, from who found each block."""
    lead, is_tied, own, others = 0, False, 0, 0
    for is_own in finders:
        if is_own and is_tied:
            own, is_tied = own + 2, False
        elif is_own:
            lead += 1
        elif is_tied:
            on_ours = rng.uniform() < gamma
            own, others, is_tied = own + on_ours, others + 2 - on_ours, False
        elif lead == 0:
            others += 1
        elif lead == 1:
            lead, is_tied = 0, True
        elif lead == 2:
            own, lead = own + 2, 0
        else:
            own, lead = own + 1, lead - 1
    return own / (own + others)


@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("share", [0.2, 0.33, 0.4])
def test_the_model_of_the_strategy_is_the_paper_s(share: float, gamma: float) -> None:
    rng = Rng(b"model")
    finders = [rng.uniform() < share for _ in range(60_000)]
    assert play_sm1(finders, gamma, rng) == pytest.approx(eyal_sirer(share, gamma), abs=0.015)


@pytest.mark.parametrize(("share", "gamma"), [(0.4, 0.0), (0.4, 1.0), (0.2, 0.0)])
def test_real_nodes_do_what_the_model_does(share: float, gamma: float, small_net: Callable[..., Any]) -> None:
    attack = SelfishMiner(kind="selfish-miner", hash_share=share, tie_share=gamma, connections=_NODES)
    race = Race(small_net, attack, 300, 5)
    # Blocks that the attacker still keeps at the end, and the few that travel while the next is found, differ.
    assert race.revenue == pytest.approx(play_sm1(race.finders, gamma, Rng(b"model")), abs=0.012)
    assert race.miner.fired > 20


def test_a_share_of_the_ties_is_a_matter_of_dice(small_net: Callable[..., Any]) -> None:
    attack = SelfishMiner(kind="selfish-miner", hash_share=0.4, tie_share=0.5, connections=_NODES)
    race = Race(small_net, attack, 400, 5)
    all_lost, all_won = (play_sm1(race.finders, gamma, Rng(b"model")) for gamma in (0.0, 1.0))
    assert all_lost + 0.02 < race.revenue < all_won - 0.02


def test_above_a_third_it_pays_and_below_it_does_not(small_net: Callable[..., Any]) -> None:
    """Where the network decides ties, not the dice: honest nodes keep what they heard first, so gamma is near 0."""
    strong = Race(small_net, SelfishMiner(kind="selfish-miner", hash_share=0.42, connections=_NODES), 300, 5)
    weak = Race(small_net, SelfishMiner(kind="selfish-miner", hash_share=0.2, connections=_NODES), 300, 5)
    assert strong.revenue > strong.found_share
    assert weak.revenue < weak.found_share
    assert len(set(strong.net.heights())) == 1


def test_several_gateways_are_one_miner(small_net: Callable[..., Any]) -> None:
    attack = SelfishMiner(kind="selfish-miner", hash_share=0.4, tie_share=0.0, connections=_NODES, count=2)
    race = Race(small_net, attack, 150, 5)
    assert [len(peer.ready_links()) for peer in race.miner.peers] == [2, 2]
    assert race.revenue == pytest.approx(play_sm1(race.finders, 0.0, Rng(b"model")), abs=0.02)


def test_blocks_that_are_never_published_only_cost_hash_power(small_net: Callable[..., Any]) -> None:
    race = Race(small_net, WithholdBlocks(kind="withhold-blocks", hash_share=0.3, connections=2), 100, 5)
    assert race.revenue == 0
    assert race.net.heights() == [100 - len(race.miner.found)] * _NODES
    assert race.miner.fired == len(race.miner.found) > 20


def test_late_blocks_are_often_orphans(small_net: Callable[..., Any]) -> None:
    late = Race(small_net, WithholdBlocks(kind="withhold-blocks", hash_share=0.3, connections=2, delay_s=40.0), 100, 5)
    prompt = Race(small_net, WithholdBlocks(kind="withhold-blocks", hash_share=0.3, connections=2, delay_s=0.1), 100, 5)
    assert prompt.revenue == pytest.approx(prompt.found_share, abs=0.02)
    assert 0 < late.revenue < late.found_share - 0.05


def test_a_miner_that_is_gone_finds_nothing(small_net: Callable[..., Any]) -> None:
    net = small_net(2, [SelfishMiner(kind="selfish-miner", hash_share=0.4)])
    net.begin()
    net.attacker.stop(net.world.now)
    net.run(1)
    net.attacker.find_block(net.world.now)
    assert not net.attacker.found
    net.attacker.stop(net.world.now)
    net.run(1)
