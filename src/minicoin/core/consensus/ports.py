"""What a signer needs of the node around it: the chain, the pool, who makes blocks and takes them, and links."""

from collections.abc import Sized
from typing import Protocol

from minicoin.core.chain.headers import HeaderTree
from minicoin.core.effects import Effect
from minicoin.core.params.network import Network
from minicoin.core.part import Outbox
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.signers.evidence import Evidence
from minicoin.core.units import ConnId, Micros


class SignerPolicy(Protocol):
    """What the operator chose."""

    @property
    def signing_keys(self) -> tuple[bytes, ...]: ...
    @property
    def stands_by(self) -> bool: ...
    @property
    def sign_from(self) -> int | None: ...
    @property
    def bound_blocks(self) -> tuple[RawBlock, ...]: ...
    @property
    def peer_id(self) -> bytes: ...


class BlockKeeper(Protocol):
    """Takes decided blocks as it takes those of peers, and has the last ones at hand."""

    def submit(self, block: RawBlock, now: Micros) -> list[Effect]:
        """Raises BlockRejected."""

    def newest(self, block: BlockHash) -> RawBlock | None:
        """One of the last blocks that moved the tip."""

    def tell_headers(self, conn: ConnId, height: int) -> list[Effect]:
        """Tell a peer what is certified from this height on."""


class PaymentRelay(Protocol):
    """Tells peers of payments, and asks for those that they tell of."""

    def favour(self, conn: ConnId, now: Micros) -> None:
        """This one is told at once, and asked at once."""


class SignerNode(Outbox, Protocol):
    """The node around it."""

    @property
    def network(self) -> Network: ...
    @property
    def policy(self) -> SignerPolicy: ...
    @property
    def tree(self) -> HeaderTree: ...
    @property
    def mempool(self) -> Sized: ...
    @property
    def sync(self) -> BlockKeeper: ...
    @property
    def relay(self) -> PaymentRelay: ...


class BlockMaker(Protocol):
    """Puts blocks together (core/mining)."""

    def proposal(self, script_pubkey: bytes, bytes_max: int, now: Micros) -> RawBlock:
        """A whole block on the tip, of the best payments, for the other members to judge. Its fees
        go to this script. Raises MisuseError."""


class Accuser(Protocol):
    """Takes what proves that a member lied (core/evidence)."""

    def accuse(self, evidence: Evidence) -> None: ...


class LinkKeeper(Protocol):
    """Keeps connections (core/node/overlay_flow)."""

    def keep(self, peer_ids: tuple[bytes, ...], now: Micros) -> None:
        """Stay connected with these, beside whom the network model wants."""
