"""What the operator chose for this node, as one value. The network's rules are params'; these are preferences."""

from dataclasses import dataclass

from minicoin.core.connmgr.bans import BanPolicy
from minicoin.core.limits import (
    BLOCK_WEIGHT_MAX,
    BOOK_SAVE_AFTER_US,
    HANDSHAKE_TIMEOUT_US,
    INBOUND_SLOTS,
    OUTBOUND_FULL_SLOTS,
    TIP_AGE_MAX_US,
)
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.policy.anchor import Anchor
from minicoin.core.policy.roles import ROLES, Role
from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.primitives.block import RawBlock
from minicoin.core.primitives.permissions import Whitelisting


@dataclass(frozen=True, slots=True)
class NodePolicy:
    """Defaults are those of a public full node."""

    role: Role = Role.FULL
    overlay_role: str = ""
    """What it is in its network's model; empty for what nodes are in it unless they say otherwise."""
    user_agent: str = "/minicoin:0.1.0/"
    connect: tuple[NodeAddress, ...] | None = None
    """Connect to these and no others; an empty tuple dials nobody."""
    add_nodes: tuple[NodeAddress, ...] = ()
    seed_nodes: tuple[NodeAddress, ...] = ()
    use_dns_seeds: bool = True
    gossips: bool = True
    """Ask peers for addresses, tell and keep them. A node whose peers are all named needs none."""
    listens: bool = True
    listen_port: int = 0
    external_address: NodeAddress | None = None
    peer_id: bytes = b""
    """Who this node is on libp2p, as a binary multihash; empty on plain TCP."""
    listen_addresses: tuple[NodeAddress, ...] = ()
    """Where it listens, with the peer id where that speaks libp2p; for people and for identify."""
    allowed_peers: tuple[bytes, ...] = ()
    """Where not empty, only these peer ids are connected, and whoever the operator named."""
    sign_from: int | None = None
    """The operator answers for it that the key, whose record is lost, signed nothing from this height on."""
    signing_keys: tuple[bytes, ...] = ()
    """Of the member this node signs for, public: one, two while it is rolled, none for a node that only looks on."""
    stands_by: bool = False
    """Another node signs with the key: follow, and sign nothing until told to take over."""
    outbound_slots: int = OUTBOUND_FULL_SLOTS
    inbound_slots: int = INBOUND_SLOTS
    bans: BanPolicy = BanPolicy()
    mempool: MempoolPolicy | None = None
    """None: what suits the network (mempool.policy)."""
    persists_mempool: bool = True
    """Keep unconfirmed transactions over a stop."""
    book_save_after_us: int = BOOK_SAVE_AFTER_US
    """So soon the address book is written once it holds what a kill must not take."""
    uses_wallet: bool = True
    """Without one, its commands are refused as if there were none; so runs a node that is recorded."""
    chosen: tuple[str, ...] = ()
    """Names of the settings (params/settings) that the operator chose: these hold above what members set."""
    block_version: int | None = None
    """Of blocks that are put together here; None: what the deployments ask for."""
    block_weight_max: int = BLOCK_WEIGHT_MAX
    """Of blocks that are put together here."""
    blocks_only: bool = False
    """Take no transactions from peers, and tell them not to send any; own ones are announced all the same."""
    tip_age_max_us: int = TIP_AGE_MAX_US
    """A tip older than this has not caught up yet."""
    peer_timeout_us: int = HANDSHAKE_TIMEOUT_US
    """What a new peer has for its handshake; and in this time from its start no unanswered ping ends a connection."""
    whitelist: tuple[Whitelisting, ...] = ()
    """Peers that may do more than others."""
    inbound_trickle_us: int = 0
    outbound_trickle_us: int = 0
    """Mean times between announcements of transactions; 0: what suits the network's block spacing."""
    anchor: Anchor | None = None
    """A block that the operator vouches for, where members sign the blocks."""
    bound_blocks: tuple[RawBlock, ...] = ()
    """Those that the recoveries of the configuration bind, as far as they came with them."""
    mining_interval_us: int = 0
    """Least time between own blocks where work is trivial; 0: the network's spacing."""

    @property
    def services(self) -> Services:
        """What its role offers to peers."""
        return ROLES[self.role].services
