"""The law of recovery, on hundreds of seeds: never two certificates at a height, whatever list signed them, and blocks
again once enough of those that are left have signed.

The storms of `test_law`, in which members are lost for good at a random moment. Those that are left agree on the last
block, by the longest of their chains, and sign, killed and started as it falls; liars among them hide what they are
locked on; any set that suffices is combined. Some of the lost come back later, with what they certified in their last
moment. Sizes are those where a recovery takes fewer than a quorum.
"""

import pytest
from tests.soak import IS_SOAK
from tests.unit.consensus.liars import LIARS
from tests.unit.consensus.network import START, Network, Signer, Weather, key_of
from tests.unit.consensus.test_law import restart

from minicoin.core.consensus.sign_state import SignState
from minicoin.core.faults import MisuseError
from minicoin.core.primitives.block import BlockHash
from minicoin.core.rng import Rng
from minicoin.core.signers.members import member_list
from minicoin.core.signers.recovery import NO_RECOVERY, Recovery, SignerLock, combine, signers_needed
from minicoin.core.signers.votes import SIGNATURE_BYTES
from minicoin.core.units import SECOND_US

SEEDS = 500 if IS_SOAK else 12
PARTS = 4
SIZES = (5, 5, 8, 11)
SIGNATURE = bytes(SIGNATURE_BYTES)


class Storm:
    """One seed."""

    def __init__(self, seed):
        self.rng = Rng(b"recovery", str(seed))
        self.count = SIZES[self.rng.below(len(SIZES))]
        self.network = Network(self.count, seed)
        self.end = START
        self.bound_checked = False
        for number in self.rng.sample(range(self.count), self.rng.below(self.network.members.faults + 1)):
            self.network.replace(number, self.rng.choice(LIARS))
        for node in self.network.nodes:
            node.skew_us = self.rng.below(SECOND_US)
            node.start()

    def blow(self, phases, numbers):
        """Bad weather; those of `numbers` are killed and started."""
        rng, network = self.rng, self.network
        for _ in range(phases):
            network.weather = Weather(
                loss=rng.choice((0.0, 0.05, 0.3)),
                precommit_loss=rng.choice((0.0, 0.4, 0.7)),
                deaf=tuple(rng.sample(range(self.count), rng.below(1 + self.count - network.members.quorum))),
                isolates_deciders=bool(rng.below(2)),
                delay_us=rng.choice(((5_000, 40_000), (50_000, 400_000))),
                cut={number: rng.below(2) for number in range(self.count)} if rng.below(2) else {},
            )
            self.end += 1 + rng.below(5 * SECOND_US)
            network.run(self.end)
            for number in numbers:
                if rng.below(4) == 0 and type(network.nodes[number]) is Signer:
                    restart(network.nodes[number], rng)

    def lose(self):
        """Members that are lost for good: with all others there is no quorum, and without them enough to recover."""
        members = self.network.members
        # Starts that are under way come first, or the lost would be back.
        self.end += 3 * SECOND_US
        self.network.run(self.end)
        fewest, most = self.count - members.quorum + 1, self.count - signers_needed(members)
        honest = [node.number for node in self.network.nodes if type(node) is Signer]
        # Liars that are left help to sign, or all is lost.
        shuffled = self.rng.sample(honest, len(honest))
        if self.rng.below(2):
            # Who knows the most is lost.
            shuffled.sort(key=lambda number: -len(self.network.nodes[number].disk.chain))
        lost = shuffled[: min(len(honest) - 1, fewest + self.rng.below(most - fewest + 1))]
        for number in lost:
            self.network.nodes[number].kill()
        return lost

    def agree(self, left):
        """What those that are left propose: behind the longest of their chains, once they have told each other."""
        self.network.weather = Weather()
        self.end += 5 * SECOND_US
        self.network.run(self.end)
        honest = [self.network.nodes[number] for number in left if type(self.network.nodes[number]) is Signer]
        for node in honest:
            if not node.is_up:
                node.start()
        self.end += 3 * SECOND_US
        self.network.run(self.end)
        last = max((node.disk.chain for node in honest), key=len)
        for node in honest:
            # Synchronised, as their operators wait for.
            if len(node.disk.chain) < len(last):
                node.disk.chain[:] = last
                node.kill()
                node.start()
        liars = sum(type(self.network.nodes[number]) is not Signer for number in left)
        keys = [self.network.keys[number] for number in left]
        for number in range(100, 120):
            if (len(keys) - 1) // 3 >= liars and len(keys) >= 3:
                break
            self.join(key_of(number))
            keys.append(key_of(number))
        members = member_list(keys)
        block = last[-1].block if last else BlockHash(bytes(32))
        return Recovery(NO_RECOVERY, len(last), block, members, tuple("M" for _ in members.keys))

    def join(self, key):
        """A new member's node, which knows nothing."""
        network = self.network
        network.keys.append(key)
        network.nodes.append(Signer(network, len(network.nodes)))

    def sign(self, node, recovery):
        """One of those that are left: the promise on disk, then the signature."""
        if type(node) is not Signer:
            return recovery.stated(node.key, None, (), SIGNATURE)
        if node.is_up and self.rng.below(2):
            # A vote under way reaches the disk after all, or never.
            self.network.run(self.network.now + self.rng.below(SECOND_US))
        node.kill()
        promised = SignState.decode(node.disk.state).promised(recovery)
        node.disk.state = promised.encode()
        with pytest.raises(MisuseError, match="another recovery"):
            promised.promised(Recovery(NO_RECOVERY, recovery.height, recovery.block, recovery.members, ("X",)))
        node.start()
        lock = promised.lock_behind(recovery.height)
        if lock is None:
            return recovery.stated(node.key, None, (), SIGNATURE)
        said = SignerLock(lock.round, lock.choice.block, lock.choice.next_members)
        prevotes = tuple((one.member, one.signature) for one in lock.prevotes)
        assert len(prevotes) >= self.network.members.quorum
        assert all(pair in self.network.signatures for pair in prevotes)
        return recovery.stated(node.key, said, prevotes, SIGNATURE)

    def name(self, node, recovery):
        """Its operator names it; the node starts anew."""
        node.kill()
        node.recovery = recovery
        del node.disk.chain[recovery.height :]
        node.start()

    def run(self):
        rng, network = self.rng, self.network
        self.blow(1 + rng.below(3), range(self.count))
        lost = self.lose()
        left = [number for number in range(self.count) if number not in lost]
        self.blow(rng.below(2), left)
        draft = self.agree(left)
        # The height behind the last block may be under way, and some are locked.
        statements = []
        for number in rng.sample(left, len(left)):
            statements.append(self.sign(network.nodes[number], draft))
            network.run(network.now + rng.below(SECOND_US))
        needed = signers_needed(network.members)
        assert len(statements) >= needed
        recovery = combine(rng.sample(statements, needed + rng.below(len(statements) - needed + 1)))
        decided = network.certified.get(recovery.height + 1)
        if decided is not None:
            assert recovery.bound is not None and recovery.bound.block == decided
            self.bound_checked = True
        # Some of the lost come back, and know nothing of it.
        for number in lost:
            if rng.below(3) == 0:
                network.nodes[number].start()
        fresh = range(self.count, len(network.nodes))
        for number in rng.sample((*left, *fresh), len(left) + len(fresh)):
            self.name(network.nodes[number], recovery)
            network.run(network.now + rng.below(2 * SECOND_US))
        return recovery, [network.nodes[number] for number in (*left, *fresh)]


def check(seed):
    storm = Storm(seed)
    recovery, members = storm.run()
    network, honest = storm.network, [node for node in members if type(node) is Signer]
    wanted = recovery.height + 4

    def has_recovered():
        return all(len(node.disk.chain) >= wanted for node in honest)

    assert network.run(network.now + 300 * SECOND_US, has_recovered), (
        f"stalls at {[len(node.disk.chain) for node in honest]} behind {recovery.height}"
    )
    for node in network.nodes:
        if type(node) is Signer:
            assert [one.block for one in node.disk.chain] == [
                network.certified[height] for height in range(1, len(node.disk.chain) + 1)
            ]
            if node.recovery is None:
                assert len(node.disk.chain) <= recovery.height + 1, "the old list went on"
    return storm


@pytest.mark.parametrize("part", range(PARTS))
def test_storms_with_members_lost_for_good(part):
    for seed in range(part, SEEDS, PARTS):
        try:
            check(seed)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
