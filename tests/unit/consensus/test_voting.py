"""What the rounds ask for is carried out; test_flow plays whole networks of it."""

from dataclasses import replace

from tests.unit.consensus.bank_world import JUDGE_US, BankWorld

from minicoin.core.consensus.voting import times_of
from minicoin.core.effects import VerifyProposal
from minicoin.core.events import ProposalVerified
from minicoin.core.limits import CONSENSUS_PROPOSAL_AHEAD_MAX_US
from minicoin.core.notices import ProposalRefused
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.verdicts import InvalidBlock
from minicoin.core.units import SECOND_US


def test_the_settings_of_a_network_are_the_rounds_own() -> None:
    kind = BankWorld(4, starts=False).network.proof
    assert isinstance(kind, SignersKind)
    times = times_of(replace(kind, propose_timeout_ms=2_000, min_interval_s=3, empty_after_s=9))
    assert (times.propose_us, times.min_interval_s, times.empty_after_s) == (2_000_000, 3, 9)
    assert (times.prevote_us, times.precommit_us, times.step_us) == (500_000, 500_000, 250_000)


def test_a_block_that_is_dated_too_far_ahead_is_refused_by_the_clock_alone() -> None:
    world = BankWorld(4)
    assert world.wait(5 * SECOND_US, lambda: world.heights() == [1] * 4)
    late = world.banks[world.leader().place - 1]
    # Its clock stands so far behind that the block is from its future.
    late.clock_behind_us = CONSENSUS_PROPOSAL_AHEAD_MAX_US + 2 * SECOND_US
    world.pay()
    assert world.wait(10 * SECOND_US, lambda: min(world.heights()) >= 2)
    assert any(isinstance(one, ProposalRefused) and "ahead of our clock" in one.reason for one in late.emitted)


def test_a_spoilt_body_is_let_go_and_the_block_is_judged_when_it_comes_whole() -> None:
    world = BankWorld(4)
    assert world.wait(5 * SECOND_US, lambda: world.heights() == [1] * 4)
    judge = world.banks[world.leader().place - 1]
    spoilt: list[VerifyProposal] = []

    def spoils(effect: VerifyProposal) -> ProposalVerified | None:
        if spoilt:
            return None
        spoilt.append(effect)
        return ProposalVerified(effect.block.hash, InvalidBlock(effect.block.hash, "mutated", "", is_permanent=False))

    judge.judges = spoils
    count = len(judge.signed)
    world.pay()
    assert world.wait(5 * SECOND_US, lambda: bool(spoilt))
    world.wait(2 * JUDGE_US)
    # It has no word on it yet: neither for nor against.
    assert all(vote.height < 2 for vote in judge.signed[count:])
    assert not any(isinstance(one, ProposalRefused) for one in judge.emitted)
    assert world.wait(10 * SECOND_US, lambda: min(world.heights()) >= 2)
    world.check()
