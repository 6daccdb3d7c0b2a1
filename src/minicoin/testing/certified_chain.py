"""Makes chains that members sign, in memory: a network whose members' keys are at hand, blocks, certificates, changes
of the member list. For tests, demonstrations and benchmarks.

Deterministic: equal arguments give equal bytes. `signer_network(keys)` founds a network of `signing_keys(5)`; a
`CertifiedMaker` then grows its chain: `extend` makes the next block and its certificate, `next_block` and `certify` are
its halves, for those who want one of them wrong.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from coincurve import PrivateKey

from minicoin.core.chain.change_history import CARRIED_AHEAD_BLOCKS, CarriedChange
from minicoin.core.chain.coinbase_tags import CoinbaseTags, read_tags
from minicoin.core.chain.member_history import MemberHistory
from minicoin.core.chain.recoveries import Recoveries
from minicoin.core.chain.settings_history import SettingsHistory
from minicoin.core.params.builtin import lookup
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SIGNERS_BITS, Retarget, RetargetKind, SignersKind
from minicoin.core.primitives.block import Block, BlockHeader, RawBlock
from minicoin.core.primitives.merkle import block_merkle_root
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.script.pushes import encode_number, push
from minicoin.core.signers.certificate import Certificate, KeptCertificate, certificate_of, keep
from minicoin.core.signers.changes import MemberChange
from minicoin.core.signers.members import MemberList, member_list
from minicoin.core.signers.settings import SettingsChange, settings_change
from minicoin.core.signers.votes import Vote, VoteKind, sign_vote
from minicoin.testing.chain_maker import commit_witnesses, solve
from minicoin.testing.spends import Spendable, SpendKind, output_script, private_key

_FIRST_KEY: Final = 1_000
"""Far from the keys that chains made in tests pay to."""
_VERSION: Final = 0x2000_0000
ALLOCATED_SAT: Final = 1_000_000


def public(key: PrivateKey) -> bytes:
    """A member's key as lists hold it."""
    return bytes(key.public_key_xonly.format())


def signing_keys(count: int, start: int = 0) -> tuple[PrivateKey, ...]:
    """Members' keys in the order of a list; others with another `start`."""
    return tuple(sorted((private_key(_FIRST_KEY + start + number) for number in range(count)), key=public))


def allocation_of(count: int, amount_sat: int = ALLOCATED_SAT) -> tuple[tuple[bytes, int], ...]:
    """So many outputs that `CertifiedMaker.allocated` can spend."""
    return tuple((output_script(SpendKind.P2WPKH, number), amount_sat) for number in range(count))


def signer_network(
    keys: Sequence[PrivateKey],
    *,
    min_interval_s: int = 1,
    allocation: tuple[tuple[bytes, int], ...] = (),
    admission: bytes = b"",
    overlay: str = "random",
) -> Network:
    """A network founded by these members, with coins as regtest has them."""
    names = {public(key): f"Bank {chr(ord('A') + place % 26)}{place // 26 or ''}" for place, key in enumerate(keys)}
    founding = member_list(names)
    proof = SignersKind(
        founding.keys,
        tuple(names[key] for key in founding.keys),
        min_interval_s=min_interval_s,
        allocation=allocation,
        admission=admission,
    )
    return replace(
        lookup("regtest"),
        name="banks",
        retarget=Retarget(RetargetKind.NONE),
        proof=proof,
        subsidy_sat=0,
        coinbase_maturity=1,
        own_messages=True,
        overlay=overlay,
        overlay_settings=(),
    )


class CertifiedBlock(NamedTuple):
    """A final block. `next_members` where the list of the next height is another than its own."""

    block: Block
    certificate: Certificate
    next_members: MemberList | None

    @property
    def header(self) -> BlockHeader:
        return self.block.header

    @property
    def raw(self) -> RawBlock:
        return RawBlock(self.block.header, self.block.raw)

    @property
    def kept(self) -> KeptCertificate:
        return keep(self.certificate, self.next_members)


@dataclass(slots=True)
class CertifiedMaker:
    """A chain being made. `keys` are those of all who are members at some height, in any order."""

    network: Network
    keys: Sequence[PrivateKey]
    blocks: list[CertifiedBlock] = field(default_factory=list)
    history: MemberHistory = field(init=False)
    settings: SettingsHistory = field(init=False)
    recoveries: Recoveries = field(init=False)

    def __post_init__(self) -> None:
        self.history = MemberHistory(self._proof.founding_list)
        self.settings = SettingsHistory(self._proof)
        self.recoveries = Recoveries(self.network.network_id, self._proof.recoveries)
        self._recover()

    @property
    def _proof(self) -> SignersKind:
        assert isinstance(self.network.proof, SignersKind)
        return self.network.proof

    @property
    def height(self) -> int:
        return len(self.blocks)

    @property
    def tip(self) -> BlockHeader:
        return self.blocks[-1].header if self.blocks else self.network.genesis.header

    @property
    def allocated(self) -> tuple[Spendable, ...]:
        """The coins of block 1, if the network's allocation is `allocation_of`'s."""
        coinbase = self.blocks[0].block.transactions[0]
        return tuple(
            Spendable(make_outpoint(coinbase.txid, number), coinbase.outputs[number], SpendKind.P2WPKH, number)
            for number in range(len(self._proof.allocation))
        )

    def next_block(
        self,
        transactions: Sequence[Transaction] = (),
        *,
        change: MemberChange | None = None,
        settings: SettingsChange | None = None,
        fees_sat: int = 0,
        time: int | None = None,
        tags: CoinbaseTags | None = None,
        outputs: Sequence[TxOut] | None = None,
    ) -> Block:
        """A block on the tip that nobody certified; `tags` and `outputs` in place of what its coinbase should have."""
        height, tip = self.height + 1, self.tip
        if tags is None:
            recoveries = self.recoveries.behind(height - 2) if height > 1 else ()
            tags = CoinbaseTags(self.blocks[-1].certificate if self.blocks else None, change, settings, recoveries)
        if outputs is None:
            outputs = [TxOut(amount, script) for script, amount in self._proof.allocation] if height == 1 else []
            if fees_sat:
                outputs = [*outputs, TxOut(fees_sat, output_script(SpendKind.P2WPKH, height % 64))]
        script_sig = push(encode_number(height)) + push(bytes(8))
        coinbase = Transaction(2, (TxIn(NULL_OUTPOINT, script_sig),), tuple(outputs))
        coinbase = _with_tags(commit_witnesses(coinbase, transactions), tags)
        body = (coinbase, *transactions)
        root, _ = block_merkle_root(body)
        when = tip.time + self.settings.min_interval_s(height) if time is None else time
        return solve(Block(BlockHeader(_VERSION, tip.hash, root, when, SIGNERS_BITS, 0), body))

    def certify(
        self,
        block: Block,
        *,
        round_: int = 0,
        signers: Iterable[PrivateKey] | None = None,
        next_members: MemberList | None = None,
    ) -> CertifiedBlock:
        """A block on the tip with its certificate, by a quorum of its height's members (or by `signers`) in the order
        of their keys. `next_members`: what the certificate claims in place of what the chain says."""
        height = self.height + 1
        members = self.history.members_at(height)
        following = self.history.members_at(height + 1) if next_members is None else next_members
        vote = Vote(VoteKind.PRECOMMIT, height, round_, block.hash, following.hash)
        if signers is None:
            signers = sorted((key for key in self.keys if public(key) in members), key=public)[: members.quorum]
        votes = [sign_vote(vote, key, self.recoveries.domain(height)) for key in signers]
        return CertifiedBlock(block, certificate_of(votes, members), None if following == members else following)

    def append(self, certified: CertifiedBlock) -> CertifiedBlock:
        """It is the tip from now on."""
        self.blocks.append(certified)
        is_bound = self.recoveries.bound(self.height) == certified.block.hash
        tags = CoinbaseTags() if is_bound else read_tags(certified.block.transactions[0])
        if tags.change is not None:
            self.history.append(CarriedChange(self.height, certified.block.hash, tags.change))
        if tags.settings is not None:
            self.settings.append(CarriedChange(self.height, certified.block.hash, tags.settings))
        self._recover()
        return certified

    def _recover(self) -> None:
        for recovery in self.recoveries.behind(self.height):
            self.history.recover(recovery)

    def extend(
        self,
        transactions: Sequence[Transaction] = (),
        *,
        change: MemberChange | None = None,
        settings: SettingsChange | None = None,
        fees_sat: int = 0,
    ) -> CertifiedBlock:
        """The next block, final."""
        block = self.next_block(transactions, change=change, settings=settings, fees_sat=fees_sat)
        return self.append(self.certify(block))

    def grow(self, count: int) -> None:
        """So many blocks more, with nothing in them."""
        for _ in range(count):
            self.extend()

    def change(
        self,
        members: Iterable[PrivateKey],
        *,
        from_height: int | None = None,
        signers: Iterable[PrivateKey] | None = None,
    ) -> MemberChange:
        """The next change of the list, for the next block to carry, signed by a quorum of that block's members or by
        `signers`; from the first height that may be."""
        new = member_list(public(key) for key in members)
        start = self.height + 1 + CARRIED_AHEAD_BLOCKS if from_height is None else from_height
        names = tuple(f"Bank {key[:2].hex()}" for key in new.keys)
        change = MemberChange(self.history.next_version, start, self.history.last_hash, new, names)
        for key in self._signing() if signers is None else signers:
            change = change.signed_by(key, self.network.network_id)
        return change

    def change_settings(
        self, *settings: tuple[str, str], from_height: int | None = None, signers: Iterable[PrivateKey] | None = None
    ) -> SettingsChange:
        """The next change of settings, likewise."""
        start = self.height + 1 + CARRIED_AHEAD_BLOCKS if from_height is None else from_height
        change = settings_change(self.settings.next_version, start, self.settings.last_hash, settings)
        for key in self._signing() if signers is None else signers:
            change = change.signed_by(key, self.network.network_id)
        return change

    def _signing(self) -> Sequence[PrivateKey]:
        """A quorum of the next block's members."""
        old = self.history.members_at(self.height + 1)
        return sorted((key for key in self.keys if public(key) in old), key=public)[: old.quorum]


def _with_tags(coinbase: Transaction, tags: CoinbaseTags) -> Transaction:
    commitment = coinbase.outputs[-1]
    outputs = (*coinbase.outputs[:-1], TxOut(0, commitment.script_pubkey + tags.encode()))
    return Transaction(coinbase.version, coinbase.inputs, outputs, coinbase.lock_time, coinbase.witnesses)
