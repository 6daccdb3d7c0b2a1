"""What may be read of a node between two events: the one way in for queries. Nothing in it changes the node.

Each part is seen through a port that leaves out whatever changes it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from minicoin.core.addrmgr.book import BookPlace
from minicoin.core.chain.reading import HeaderReader
from minicoin.core.connmgr.bans import Ban
from minicoin.core.connmgr.slots import SlotView
from minicoin.core.discovery.gossip import GossipPeerView
from minicoin.core.mempool.entry import Entry
from minicoin.core.mempool.orphans import Orphan
from minicoin.core.mempool.outcomes import FeerateBucket, MempoolSnapshot
from minicoin.core.mempool.policy import MempoolPolicy
from minicoin.core.mining.template import BlockTemplate, TemplateSize
from minicoin.core.netsync.digest import SyncSnapshot
from minicoin.core.netsync.peers import SyncPeer
from minicoin.core.node.policy import NodePolicy
from minicoin.core.params.network import Network
from minicoin.core.peer.session import SessionSnapshot
from minicoin.core.primitives.address import NodeAddress, TimedAddress
from minicoin.core.primitives.permissions import Permission
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxOut
from minicoin.core.primitives.verdicts import TxRejected, TxVerdict
from minicoin.core.relay.transactions import RelayPeerView
from minicoin.core.units import ConnId, Micros
from minicoin.core.wallet.keys import Chain, KeyPath
from minicoin.core.wallet.records import HistoryEntry, Record, TransactionStatus, WalletCoin
from minicoin.core.wallet.views import AddressEntry, WalletSnapshot


class SyncReader(Protocol):
    """Of synchronisation."""

    def peer(self, conn: ConnId) -> SyncPeer | None: ...
    def snapshot(self, now: Micros) -> SyncSnapshot: ...


class SessionReader(Protocol):
    """Of one session."""

    @property
    def conn(self) -> ConnId: ...
    @property
    def remote(self) -> NodeAddress: ...
    @property
    def inbound(self) -> bool: ...
    @property
    def permissions(self) -> Permission: ...
    def snapshot(self) -> SessionSnapshot: ...


class BanReader(Protocol):
    """Of the bans."""

    def listing(self) -> tuple[Ban, ...]: ...


class ConnectionReader(Protocol):
    """Of the connection manager."""

    @property
    def is_active(self) -> bool: ...
    @property
    def bans(self) -> BanReader: ...
    def added_nodes(self) -> tuple[NodeAddress, ...]: ...
    def snapshot(self) -> tuple[SlotView, ...]: ...


class PoolReader(Protocol):
    """Of the mempool."""

    @property
    def policy(self) -> MempoolPolicy: ...
    @property
    def updates(self) -> int: ...
    @property
    def deltas(self) -> Iterable[tuple[Txid, int]]: ...
    def __iter__(self) -> Iterator[Entry]: ...
    def get(self, txid: Txid) -> Entry | None: ...
    def ancestors(self, entry: Entry) -> list[Entry]: ...
    def descendants(self, entry: Entry) -> list[Entry]: ...
    def orphans(self) -> tuple[Orphan, ...]: ...
    def is_unbroadcast(self, txid: Txid) -> bool: ...
    def spender(self, outpoint: Outpoint) -> Entry | None: ...
    def output(self, outpoint: Outpoint) -> TxOut | None: ...
    def vsize(self, verdict: TxVerdict) -> int: ...
    def check(self, transaction: Transaction) -> None: ...
    def judge(self, verdict: TxVerdict, now: Micros) -> None: ...
    def judge_together(self, verdicts: Sequence[TxVerdict], now: Micros) -> TxRejected | None: ...
    def min_feerate(self, now: Micros) -> int: ...
    def estimate_feerate(self, target_blocks: int, now: Micros) -> int: ...
    def histogram(self) -> tuple[FeerateBucket, ...]: ...
    def snapshot(self, now: Micros) -> MempoolSnapshot: ...


class BookReader(Protocol):
    """Of the address book."""

    @property
    def size(self) -> int: ...
    def page(self, count: int, skip: int = 0) -> tuple[TimedAddress, ...]: ...
    def places(self, count: int, skip: int = 0) -> tuple[BookPlace, ...]: ...


class RelayReader(Protocol):
    """Of the relay of transactions."""

    def view(self, conn: ConnId) -> RelayPeerView | None: ...


class GossipReader(Protocol):
    """Of the exchange of addresses."""

    def view(self, conn: ConnId) -> GossipPeerView | None: ...


class MiningReader(Protocol):
    """Of mining."""

    @property
    def script_pubkey(self) -> bytes | None: ...
    @property
    def last_size(self) -> TemplateSize | None: ...
    def template(self, script_pubkey: bytes, now: Micros) -> BlockTemplate: ...
    def exact_template(
        self, script_pubkey: bytes, transactions: tuple[Transaction, ...], now: Micros
    ) -> BlockTemplate: ...


class WalletReader(Protocol):
    """Of the wallet."""

    def snapshot(self) -> WalletSnapshot: ...
    def addresses(self, chain: Chain = ...) -> tuple[AddressEntry, ...]: ...
    def find_key(self, script_pubkey: bytes) -> KeyPath | None: ...
    def public_key(self, path: KeyPath) -> bytes: ...
    def label(self, script_pubkey: bytes) -> str: ...
    def coins(self) -> tuple[WalletCoin, ...]: ...
    def history(self, count: int, skip: int = 0) -> tuple[HistoryEntry, ...]: ...
    def history_of(self, txid: Txid) -> tuple[HistoryEntry, ...]: ...
    def record(self, txid: Txid) -> Record | None: ...
    def status(self, txid: Txid) -> TransactionStatus | None: ...
    @property
    def rescan_height(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class NodeView:
    """A node's parts for reading, good until its next event."""

    network: Network
    policy: NodePolicy
    tree: HeaderReader
    sync: SyncReader
    mempool: PoolReader
    book: BookReader
    connections: ConnectionReader
    relay: RelayReader
    gossip: GossipReader
    sessions: Mapping[ConnId, SessionReader]
    mining: MiningReader
    wallet: WalletReader | None
    """None where the node has none."""
    failure: str
    """What a worker could not do any more; empty while all is well."""
    has_restored_mempool: bool
    """Whether all that an earlier run kept of the mempool was judged, or nothing is to be taken up."""
