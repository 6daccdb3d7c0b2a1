"""Whole nodes of a consortium over libp2p, in virtual time: what they promise each other when some are killed."""

import pytest

from minicoin.core.units import SECOND_US
from minicoin.testing.certified_chain import public

from .consortium import Consortium


@pytest.mark.parametrize(("count", "messages"), [(4, 27), (5, 44), (7, 90), (10, 189)])
def test_payments_are_final_by_just_these_messages(count: int, messages: int) -> None:
    banks = Consortium(count)
    assert banks.reach(1)
    banks.world.run(banks.world.now + 2 * SECOND_US)
    before = banks.messages()
    for bank in banks.banks[:3]:
        height = bank.height
        banks.pay(bank)
        assert banks.reach(height + 1, 3)
        assert all(len(one.node.view.mempool) == 0 for one in banks.banks)
        banks.world.run(banks.world.now + 2 * SECOND_US)
    sent = banks.messages() - before
    blocks = banks.banks[0].height - 1
    assert sent == {
        "consensus/proposal": blocks * (count - 1),
        "consensus/vote": blocks * 2 * count * (count - 1),
    }
    assert sum(sent.values()) == blocks * messages


def test_the_leader_is_killed_and_the_next_block_comes_within_a_second_and_a_half() -> None:
    banks = Consortium(5)
    banks.world.run(banks.world.now + 2 * SECOND_US)
    leader = banks.leader()
    other = next(bank for bank in banks.banks if bank is not leader)
    banks.kill(leader)
    banks.pay(other)
    begun = banks.world.now
    assert banks.reach(2, 5)
    assert banks.world.now - begun <= 1_500_000
    banks.world.restart(leader)
    assert banks.reach(2)
    banks.pay(leader)
    assert banks.reach(3)


def test_two_are_killed_and_it_goes_on_by_itself_within_three_rounds_of_the_second_s_return() -> None:
    banks = Consortium(5)
    banks.world.run(banks.world.now + 2 * SECOND_US)
    first, second, third = banks.banks[:3]
    banks.kill(first)
    banks.kill(second)
    banks.pay(third)
    assert not banks.reach(2, 60)
    status = third.node.view.consensus()
    assert set(status.missing) == {public(first.signing_keys[0]), public(second.signing_keys[0])}
    assert any("no quorum: 3 of 5" in line for line in status.warnings())
    round_ = max(bank.node.view.consensus().round for bank in banks.up)
    banks.world.restart(first)
    assert banks.reach(2, 60)
    certificate = third.node.view.tree.signers.certificate(third.tip)
    assert certificate.round <= round_ + 3
    banks.world.restart(second)
    assert banks.reach(2)


@pytest.mark.parametrize("loses_power", [False, True])
@pytest.mark.parametrize("after_ms", range(0, 140, 20))
def test_all_are_killed_at_one_moment_of_a_height_and_it_decides(after_ms: int, loses_power: bool) -> None:
    banks = Consortium(4)
    banks.world.run(banks.world.now + 2 * SECOND_US)
    # One block more, so that something is there which no store has written.
    banks.pay(banks.banks[0])
    assert banks.reach(2)
    banks.world.run(banks.world.now + 2 * SECOND_US)
    banks.pay(banks.banks[1])
    banks.world.run(banks.world.now + after_ms * 1_000)
    for bank in banks.banks:
        banks.kill(bank, loses_power=loses_power)
    banks.world.run(banks.world.now + SECOND_US)
    for bank in banks.banks:
        banks.world.restart(bank)
    assert banks.reach(3, 150)
    banks.pay(banks.banks[2])
    assert banks.reach(4, 90)


def test_a_payment_that_only_one_still_has_is_told_to_those_who_came_back() -> None:
    banks = Consortium(4)
    witness = banks.add_observer(*banks.banks)
    payer = banks.add_observer(witness)
    # All others lose the witness; its payer is the one that hears from it.
    barrier = banks.cut_off(banks.banks)
    banks.pay(payer)
    assert banks.world.wait(30 * SECOND_US, lambda: len(witness.node.view.mempool) == 1)
    banks.kill(payer)
    banks.world.connections.barriers.remove(barrier)
    assert banks.world.wait(180 * SECOND_US, lambda: len(witness.node.view.mempool) == 0)
    assert witness.height > 1
