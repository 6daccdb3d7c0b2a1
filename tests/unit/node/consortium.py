"""Whole nodes of a consortium over libp2p, in virtual time: founded, killed, cut off, and looked at."""

from collections import Counter
from collections.abc import Sequence

from tests.unit.worlds import make_world

from minicoin.core.commands import SubmitTransaction
from minicoin.core.consensus.desk import SIGN_STATE_KEY
from minicoin.core.consensus.sign_state import SignState
from minicoin.core.events import AddressesFound
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import AddressSource, Services, TimedAddress
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.transaction import Transaction, make_outpoint
from minicoin.core.rng import Rng
from minicoin.core.signers.admission import AdmissionRow, AdmittedRole, first_admission
from minicoin.core.units import SECOND_US, seconds
from minicoin.drivers.kernel import KernelVerifier
from minicoin.testing.certified_chain import allocation_of, public, signer_network, signing_keys
from minicoin.testing.fault_parts import spend_one
from minicoin.testing.spends import Spendable, SpendKind
from minicoin.world.host import Host
from minicoin.world.own_ledger import OwnLedger
from minicoin.world.settings import Barrier
from minicoin.world.world import World


class Consortium:
    """So many banks, each connected with all, which made block 1. Their operators told them where the others are, or a
    registry does, for which the test speaks."""

    def __init__(
        self, count: int, seed: bytes = b"banks", *, has_registry: bool = False, has_admission: bool = False
    ) -> None:
        keys = self.keys = signing_keys(count)
        overlay = "everybody" if has_registry else "random"
        self.network = signer_network(keys, allocation=allocation_of(40), overlay=overlay)
        if has_admission:
            admission = _admission(self.network, seed)
            self.network = signer_network(keys, allocation=allocation_of(40), overlay=overlay, admission=admission)
        self.world: World = make_world(self.network, KernelVerifier(1), seed, runs_libp2p=True)
        self.banks: list[Host] = []
        self.final: dict[int, BlockHash] = {}
        for place, key in enumerate(keys):
            bank = self.world.add_host(name=f"bank {place}")
            bank.disk.ledger = OwnLedger(self.network, self.world.book.verifier)
            bank.signing_keys = (key,)
            bank.disk.documents[SIGN_STATE_KEY] = SignState(public(key)).encode()
            self.banks.append(bank)
        for bank in self.banks:
            others = tuple(other.address for other in self.banks if other is not bank)
            self.world.start(bank, NodePolicy(add_nodes=() if has_registry else others))
            if has_registry:
                self.list_all_to(bank)
        self.reach(1)
        self._coins = self._allocated()

    def add_observer(self, *knows: Host) -> Host:
        """A node without a signing key, told of these, that has the chain."""
        observer = self.world.add_host(name=f"observer of {len(knows)}")
        observer.disk.ledger = OwnLedger(self.network, self.world.book.verifier)
        self.world.start(observer, NodePolicy(add_nodes=tuple(other.address for other in knows)))
        height = min(bank.height for bank in self.up)
        assert self.world.wait(30 * SECOND_US, lambda: observer.height >= height)
        return observer

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

    # --- who knows whom ---

    def list_all_to(self, bank: Host) -> None:
        """The registry says where all others are."""
        now_s = seconds(self.world.now)
        others = [other.address for other in self.banks if other is not bank]
        found = tuple(TimedAddress(address, int(Services.NETWORK), now_s) for address in others)
        self.world.tell(bank, AddressesFound(AddressSource.REGISTRY, "registry", found))

    def cut_off(self, away: Sequence[Host]) -> Barrier:
        """From everybody, each other included: what they dial times out."""

        def stands_between(sender: Host, receiver: Host) -> bool:
            return sender is not receiver and (sender in away or receiver in away)

        self.world.connections.barriers.append(stands_between)
        for bank in away:
            for end in list(bank.links.values()):
                self.world.connections.reset(end, "cut")
        return stands_between


def peers_of(bank: Host) -> set[bytes]:
    """With whom it has finished handshakes."""
    return {peer.address.peer_id for peer in bank.node.view.ready_peers()}


def _admission(network: Network, seed: bytes) -> bytes:
    """Of the banks of a world of this seed: who they are depends on nothing else."""
    world = make_world(network, KernelVerifier(1), seed, runs_libp2p=True)
    assert isinstance(network.proof, SignersKind)
    named = zip(network.proof.names, network.proof.members, strict=True)
    rows = [AdmissionRow(name, AdmittedRole.SIGNER, key, (world.add_host().address.peer_id,)) for name, key in named]
    return first_admission(rows).encode()
