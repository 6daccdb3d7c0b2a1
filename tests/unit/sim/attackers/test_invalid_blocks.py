"""Blocks that break a rule: whoever sends them is banned, and no tip ever stands on one."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

from minicoin.core.notices import PeerRefused
from minicoin.sim.attackers.invalid_blocks import BlockFlaw
from minicoin.sim.scenario.attackers import InvalidBlocks

REASONS = {
    "merkle-root": "bad-txnmrklroot",
    "coinbase-value": "bad-cb-amount",
    "double-spend": "bad-txns",
    "missing-coin": "bad-txns",
    "script": "block-script-verify-flag-failed",
}


def test_every_flaw_of_the_scenario_file_is_known() -> None:
    assert set(get_args(BlockFlaw)) == set(REASONS)


@pytest.mark.parametrize("flaw", REASONS)
def test_its_sender_is_banned_and_the_chain_goes_on(flaw: BlockFlaw, small_net: Callable[..., Any]) -> None:
    attack = InvalidBlocks(kind="invalid-blocks", flaw=flaw, per_hour=720.0, target=(0, 1))
    net = small_net(4, [attack], coins=2)
    net.begin()
    start = net.heights()[0]
    net.run(60)
    assert net.attacker.fired == 2
    assert net.bans(0) == net.bans(1) == ["20.0.0.1/32"]
    assert any(reason.startswith(f"invalid block: {REASONS[flaw]}") for reason in net.notes.reasons)
    assert net.heights() == [start] * 4
    # At once, though the header of a broken body was there first and has as much work.
    net.mine(2)
    assert net.heights() == [start + 1] * 4
    net.mine(3)
    assert net.heights() == [start + 2] * 4


def test_a_banned_sender_is_refused_when_it_comes_back(small_net: Callable[..., Any]) -> None:
    net = small_net(3, [InvalidBlocks(kind="invalid-blocks", per_hour=720.0, target=(0,))], coins=1)
    net.begin()
    net.run(300)
    assert net.attacker.fired == 1
    assert net.attacker.peers[0].opened == 1
    assert net.notes.kinds[PeerRefused] > 3
    assert any(reason.startswith("banned: invalid block") for reason in net.notes.reasons)


def test_encoded_messages_carry_the_same_attack(small_net: Callable[..., Any]) -> None:
    net = small_net(3, [InvalidBlocks(kind="invalid-blocks", per_hour=720.0, target=(0,))], coins=1, encodes=True)
    net.begin()
    net.run(60)
    assert net.attacker.fired == 1
    assert net.bans(0) == ["20.0.0.1/32"]
