"""The law of the rounds, on thousands of seeds: never two certificates at a height, never two signatures of an honest
signer for one slot, and a block within three rounds of an honest proposer once the network is whole again.

Signatures are stand-ins (see `network`); all else is the code that signs.
"""

import pytest
from tests.soak import IS_SOAK, times
from tests.unit.consensus.liars import LIARS
from tests.unit.consensus.network import START, Network, Weather

from minicoin.core.rng import Rng
from minicoin.core.signers.votes import VoteKind
from minicoin.core.units import SECOND_US

SEEDS = 10_000 if IS_SOAK else 100
PARTS = 10
SIZES = (4, 5, 7, 10)


def storm(seed):
    """One seed: loss, partitions, delays, skewed clocks, f liars, restarts and a kill of all, then healing."""
    rng = Rng(b"storm", str(seed))
    count = SIZES[seed % len(SIZES)]
    network = Network(count, seed)
    faults = network.members.faults
    for number in rng.sample(range(count), rng.below(faults + 1)):
        network.replace(number, rng.choice(LIARS))
    for node in network.nodes:
        node.skew_us = rng.below(SECOND_US)
        node.start()
    kill_all_at = network.steps + rng.below(60 * count)

    def on_step(step):
        if step == kill_all_at:
            kill_all(network, rng)

    network.on_step = on_step
    end = START
    for _ in range(3 + rng.below(4)):
        network.weather = Weather(
            loss=rng.choice((0.0, 0.05, 0.3)),
            precommit_loss=rng.choice((0.0, 0.0, 0.4, 0.7)),
            deaf=tuple(rng.sample(range(count), rng.below(1 + count - network.members.quorum))),
            isolates_deciders=bool(rng.below(2)),
            delay_us=rng.choice(((5_000, 40_000), (50_000, 400_000), (1_000, 2_000_000))),
            cut={number: rng.below(2) for number in range(count)} if rng.below(2) else {},
        )
        end += (1 + rng.below(8)) * SECOND_US
        network.run(end)
        for node in network.honest():
            if rng.below(4) == 0:
                restart(node, rng)
    network.on_step = None
    for node in network.honest():
        if not node.is_up:
            node.start()
    # What is under way is of the old weather, up to 2 s.
    network.weather = Weather()
    end += 2 * SECOND_US
    network.run(end)
    return network


def restart(node, rng):
    if node.is_up:
        node.kill()
        node.network.after(rng.below(3 * SECOND_US), lambda: None if node.is_up else node.start())


def kill_all(network, rng):
    """All lose power at one moment."""
    for node in network.honest():
        node.kill()
        node.network.after(SECOND_US + rng.below(SECOND_US), lambda node=node: None if node.is_up else node.start())


def check_heals(network):
    """Everybody decides the next height that nobody has, in few rounds."""
    heights = max(len(node.disk.chain) for node in network.honest()) + 1
    rounds = [node.heights.rounds for node in network.honest()]
    at = max([one.round for one in rounds if one.height == heights], default=0)
    proposers = [network.members.proposer(heights, one) for one in range(at + 1, at + 20)]
    honest = {node.key for node in network.honest()}
    # The round at hand may be lost already.
    limit = at + [place for place, key in enumerate(proposers, 1) if key in honest][2]
    assert network.run(network.now + 120 * SECOND_US, lambda: network.height() >= heights), f"stalls at {heights}"
    took = min(next(one.round for one in node.disk.chain if one.height == heights) for node in network.honest())
    assert took <= limit, f"height {heights} was decided in round {took}, healed in {at}"
    assert not any(node.alarms for node in network.honest())


@pytest.mark.parametrize("seed", [3456, 6232, 6288])
def test_who_went_on_by_a_liars_vote_and_was_killed_does_not_hold_up_the_rest(seed):
    """The vote was known to nobody else, so the rest could not leave the round; found by the storms."""
    check_heals(storm(seed))


@pytest.mark.parametrize("part", range(PARTS))
def test_storms(part):
    for seed in range(part, SEEDS, PARTS):
        try:
            check_heals(storm(seed))
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


@pytest.mark.parametrize(("count", "messages"), [(4, 27), (5, 44), (7, 90), (10, 189)])
def test_a_healthy_height_takes_so_many_messages(count, messages):
    network = Network(count, 1)
    for node in network.nodes:
        node.start()
    assert network.run(START + 60 * SECOND_US, lambda: network.height() >= 1)
    network.run(network.now + 300_000)
    network.sent.clear()
    heights = network.height()
    assert network.run(network.now + 60 * SECOND_US, lambda: network.height() >= heights + 10)
    network.run(network.now + 300_000)
    assert dict(network.sent) == {"proposal": 10 * (count - 1), "vote": 20 * count * (count - 1)}
    assert sum(network.sent.values()) == 10 * messages
    assert {round_ for rounds in network.decided_in.values() for round_ in rounds} == {0}


@pytest.mark.parametrize("count", [4, 5])
def test_all_may_be_killed_at_any_step(count):
    """Each moment of two heights: a vote on disk and not signed, signed and not sent, sent to all."""
    steps = 2 * 4 * count + 4
    for at in range(1, steps):
        network = Network(count, at)
        rng = Rng(b"kill", str(at))

        def on_step(step, network=network, rng=rng, at=at):
            if step == at:
                kill_all(network, rng)

        network.on_step = on_step
        for node in network.nodes:
            node.start()
        assert network.run(START + 60 * SECOND_US, lambda network=network: network.height() >= 4), f"killed at {at}"


class Hunter:
    """Plays the network against the lock, at one height. Round 0 is decided, and a single witness learns it and is cut
    off. The proposer of round 1 saw neither the proposal nor a quorum of prevotes, so it has to propose another block;
    all others are locked, and see a quorum of precommits, but not for one block. If one of them let go without a
    reason, the rest would certify a second block."""

    def __init__(self, network, height, rng):
        self.network, self.height, self.hides = network, height, True
        self.keys = network.members.keys
        places = {key: place for place, key in enumerate(self.keys)}
        first, self.blind = (places[network.members.proposer(height, round_)] for round_ in (0, 1))
        others = [place for place in range(len(self.keys)) if place != self.blind]
        self.witness = rng.choice([place for place in others if place != first])
        others.remove(self.witness)
        # One less than a quorum of votes for the block; with the blind one's, a quorum in all.
        self.seen = rng.sample(others, network.members.quorum - 1)

    def is_decided(self):
        return len(self.network.nodes[self.witness].disk.chain) >= self.height

    def drops(self, sender, receiver, message):
        if self.is_decided() and self.witness in (sender, receiver):
            return True
        if message[0] not in ("proposal", "vote") or not self.hides:
            return False
        signed = message[1]
        height, round_, kind = signed.vote.slot
        if (height, round_) != (self.height, 0):
            return False
        voter = self.keys.index(signed.member)
        if kind == VoteKind.PRECOMMIT:
            if receiver == self.witness or not self.is_decided():
                return receiver != self.witness
            counted = self.seen if receiver in (*self.seen, self.blind) else self.seen[1:]
            return voter not in counted and voter != self.blind
        return receiver == self.blind and (kind == VoteKind.PROPOSAL or voter not in self.seen)


def hunt(seed, count, restarts):
    rng = Rng(b"hunt", str(seed))
    network = Network(count, seed)
    hunter = Hunter(network, 1 + rng.below(3), rng)
    network.drops = hunter.drops
    for node in network.nodes:
        node.start()
    assert network.run(START + 60 * SECOND_US, hunter.is_decided)
    rest = [node for node in network.nodes if node.number != hunter.witness]
    if restarts:
        # While they are in round 0, and all but the blind one are locked.
        for node in rest:
            node.kill()
            node.start()
    network.run(network.now + 6 * SECOND_US)
    # All but the witness is as it should be now.
    hunter.hides = False
    assert network.run(
        network.now + 60 * SECOND_US, lambda: all(len(node.disk.chain) >= hunter.height for node in rest)
    )
    # Nobody voted for what round 1 was offered.
    assert min(node.disk.chain[hunter.height - 1].round for node in rest) > 1


@pytest.mark.parametrize("restarts", [False, True])
@pytest.mark.parametrize("count", SIZES)
def test_a_block_that_one_witness_saw_decided_is_the_one_that_the_rest_decides(count, restarts):
    for seed in range(times(2)):
        hunt(seed, count, restarts)
