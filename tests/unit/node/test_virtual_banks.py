"""Whole nodes of a consortium over libp2p, in virtual time: what they promise each other when some are killed."""

from collections import Counter

import pytest
from tests.unit.worlds import make_world

from minicoin.core.commands import SubmitTransaction
from minicoin.core.consensus.desk import SIGN_STATE_KEY
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.transaction import Transaction, make_outpoint
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.drivers.kernel import KernelVerifier
from minicoin.testing.certified_chain import allocation_of, public, signer_network, signing_keys
from minicoin.testing.fault_parts import spend_one
from minicoin.testing.spends import Spendable, SpendKind
from minicoin.world.host import Host
from minicoin.world.own_ledger import OwnLedger
from minicoin.world.world import World


class Consortium:
    """So many banks, each connected with all, which made block 1."""

    def __init__(self, count: int, seed: bytes = b"banks") -> None:
        keys = signing_keys(count)
        self.network = signer_network(keys, allocation=allocation_of(40))
        self.world: World = make_world(self.network, KernelVerifier(1), seed, runs_libp2p=True)
        self.banks: list[Host] = []
        self.final: dict[int, BlockHash] = {}
        for place, key in enumerate(keys):
            bank = self.world.add_host(name=f"bank {place}")
            bank.disk.ledger = OwnLedger(self.network, self.world.book.verifier)
            bank.signing_key = key
            bank.disk.documents[SIGN_STATE_KEY] = SignState(public(key)).encode()
            self.banks.append(bank)
        for bank in self.banks:
            others = tuple(other.address for other in self.banks if other is not bank)
            self.world.start(bank, NodePolicy(add_nodes=others))
        self.reach(1)
        self._coins = self._allocated()

    def _allocated(self) -> list[Spendable]:
        ledger = self.banks[0].disk.ledger
        assert isinstance(ledger, OwnLedger)
        raw = ledger.engine.read_block(self.banks[0].tip)
        assert raw is not None
        coinbase = Block.parse(raw.raw).transactions[0]
        outputs = coinbase.outputs[: len(self.network.proof.allocation)]
        return [
            Spendable(make_outpoint(coinbase.txid, place), output, SpendKind.P2WPKH, place)
            for place, output in enumerate(outputs)
        ]

    @property
    def up(self) -> list[Host]:
        return [bank for bank in self.banks if bank.is_up]

    def leader(self) -> Host:
        return self.banks[(max(bank.height for bank in self.up) + 1) % len(self.banks)]

    def pay(self, bank: Host) -> Transaction:
        payment = spend_one(self._coins.pop())
        self.world.ask(bank, SubmitTransaction(payment))
        return payment

    def reach(self, height: int, seconds: float = 30) -> bool:
        """Whether all that are up get there; nothing that was final may be undone."""
        reached = self.world.wait(round(seconds * SECOND_US), lambda: all(bank.height >= height for bank in self.up))
        for bank in self.up:
            tree = bank.node.view.tree
            for one in range(1, bank.height + 1):
                block = tree.at_height(one)
                assert self.final.setdefault(one, block.hash) == block.hash, "what was final is another block"
        return reached

    def kill(self, bank: Host, *, loses_power: bool = False) -> None:
        self.world.stop(bank, "killed")
        if loses_power:
            assert isinstance(bank.disk.ledger, OwnLedger)
            bank.disk.ledger.crash(Rng(b"power %d" % bank.index))

    def messages(self) -> Counter[str]:
        """What signers sent so far, by command."""
        found: Counter[str] = Counter()
        names = self.world.connections.transport.kinds.names
        for bank in self.banks:
            found.update(dict(zip(names, bank.traffic.sent_messages, strict=False)))
        return Counter({name: count for name, count in found.items() if name.startswith("consensus/") and count})


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
    assert set(status.missing) == {public(first.signing_key), public(second.signing_key)}
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
