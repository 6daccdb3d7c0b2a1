"""500 random regtest blocks, valid and invalid, on the tip and on side branches: the same verdict, reason and tip from
us and from libbitcoinkernel's ChainstateManager."""

from collections import Counter

import pytest
from tests.soak import times

from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import Block, RawBlock
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.testing.chain_maker import Branch, ChainMaker
from minicoin.testing.faulty_blocks import FAULTS
from minicoin.testing.oracle import KernelOracle
from minicoin.testing.spends import sign_inputs

BLOCKS = times(500)
SEEDS = tuple(range(1, times(2) + 1))


class Duel:
    """One block at a time to both."""

    def __init__(self, directory) -> None:
        network = lookup("bitcoin-regtest")
        self.oracle = KernelOracle(directory)
        self.chain = LocalChain(network, MemoryChainStore())
        self.verdicts = Counter()

    def submit(self, raw: bytes, what: str) -> bool:
        theirs = self.oracle.submit(raw)
        invalid = self.chain.accept(RawBlock.parse(raw))
        ours = "" if invalid is None else invalid.name
        assert (invalid is None) == theirs.is_valid, f"{what}: ours {ours!r}, theirs {theirs}"
        # A fault may make the same block twice: we remember it, the kernel looks at it again.
        is_again = ours == "duplicate-invalid"
        assert is_again or ours == theirs.reason, f"{what}: ours {ours!r}, theirs {theirs}"
        assert self.chain.tip == self.oracle.tip, f"{what}: tips differ"
        self.verdicts[ours or "valid"] += 1
        return invalid is None

    def submit_blindly(self, raw: bytes) -> None:
        """Compare the tips only: the kernel's verdict is of whichever block it looked at last."""
        self.oracle.submit(raw)
        self.chain.accept(RawBlock.parse(raw))
        assert self.chain.tip == self.oracle.tip
        self.verdicts["tip compared"] += 1

    @property
    def count(self) -> int:
        return self.verdicts.total()


def locked_spend(maker: ChainMaker, branch: Branch) -> Transaction:
    """A spend whose lock times, absolute and relative, have just run out."""
    coin = branch.spendable.pop(maker.choose(len(branch.spendable)))
    lock = (branch.height, branch.tip.time - 7200)[maker.choose(2)]
    sequence = (0, 1 << 22, 1 << 31, 0xFFFF_FFFE)[maker.choose(4)]
    outputs = (TxOut(coin.output.value - 500, coin.output.script_pubkey), TxOut(0, b"\x6a\x01\x07"))
    return sign_inputs(Transaction(2, (TxIn(coin.outpoint, b"", sequence),), outputs, lock), [coin])


class Player:
    """Makes blocks for a duel; remembers the branch at every height, to leave it from there."""

    def __init__(self, duel: Duel, seed: int) -> None:
        self.duel = duel
        self.maker = ChainMaker(lookup("bitcoin-regtest"), seed)
        self.history = [self.maker.new_branch()]
        for height in range(125):
            self.grow(0 if height < 105 else 5)

    @property
    def branch(self) -> Branch:
        return self.history[-1].fork()

    def grow(self, transactions: int) -> None:
        branch = self.branch
        self.maker.mine_spending(branch, transactions, 1 + self.maker.choose(2), 3 + self.maker.choose(2))
        assert self.duel.submit(branch.blocks[-1].raw, "valid")
        self.history.append(branch)

    def grow_locked(self) -> None:
        branch = self.branch
        block = self.maker.next_block(branch, [locked_spend(self.maker, branch)])
        self.maker.extend(branch, block)
        if self.duel.submit(block.raw, "locks"):
            self.history.append(branch)

    def leave(self) -> None:
        """A side branch that may overtake, with a bad block at its end now and then."""
        depth, length = 1 + self.maker.choose(4), 1 + self.maker.choose(6)
        history = self.history[:-depth]
        side = history[-1].fork()
        for step in range(length):
            if step and self.maker.choose(6) == 0:
                raw, _ = FAULTS[self.maker.choice(CONTEXT_FREE)](self.maker, side)
                self.duel.submit(raw, "side fault")
                break
            self.maker.mine_spending(side, self.maker.choose(4), 1, 2)
            assert self.duel.submit(side.blocks[-1].raw, "side branch")
            history.append(side.fork())
        if self.duel.chain.tip == side.tip.hash:
            self.history = history

    def overtake_badly(self) -> None:
        """A longer side branch whose first block breaks a rule that only connecting it shows: both must come back."""
        side = self.history[-3].fork()
        raw, _ = FAULTS[self.maker.choice(WHEN_CONNECTED)](self.maker, side)
        side.blocks.append(Block.parse(raw))
        for _ in range(3):
            self.duel.submit_blindly(side.blocks[-1].raw)
            self.maker.mine_empty(side, 1)
        assert self.duel.chain.tip == self.branch.tip.hash

    def fault(self, name: str) -> None:
        raw, _ = FAULTS[name](self.maker, self.branch)
        assert not self.duel.submit(raw, name)


# Faults that show before a block is connected: elsewhere a side branch gets its verdict when it overtakes.
CONTEXT_FREE = ("merkle_root", "coinbase_height", "two_coinbases", "bits", "witness_commitment", "no_outputs")
WHEN_CONNECTED = ("signature", "coinbase_amount", "missing_input", "value_made", "wrong_key", "spent_twice")


def play(duel: Duel, seed: int, blocks: int) -> None:
    player = Player(duel, seed)
    names = list(FAULTS)
    for turn in range(blocks):
        choice = player.maker.choose(100)
        if choice < 50:
            player.fault(names[turn % len(names)] if choice < 35 else player.maker.choice(names))
        elif choice < 58:
            player.grow_locked()
        elif choice < 66:
            player.leave()
        elif choice < 70:
            player.overtake_badly()
        else:
            player.grow(player.maker.choose(6))


@pytest.mark.parametrize("seed", SEEDS)
def test_same_verdicts_as_the_kernel(seed, tmp_path, record_property):
    duel = Duel(tmp_path)
    play(duel, seed, BLOCKS // len(SEEDS) + 50)
    record_property(f"kernel oracle, seed {seed}", f"{duel.count} blocks: {dict(duel.verdicts.most_common())}")
    assert duel.count >= BLOCKS // len(SEEDS)
    assert duel.verdicts["valid"] >= 50
    assert len(duel.verdicts) > 20
