"""What the RPC server needs of a node, as ports. The composition root implements them over the node's loop and worker.

The server lives in a thread of its own: every method here may be awaited from its event loop, and nothing it answers
changes afterwards.
"""

from collections.abc import Callable, Collection, Generator, Mapping
from pathlib import Path
from typing import Final, Protocol, TypeVar

from minicoin.core.commands import A, Asks
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import Block, BlockHash, RawBlock
from minicoin.core.primitives.coin_scan import CoinScan, ScanProgress
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxOut
from minicoin.core.primitives.verdicts import BlockRejected, Coin, TxVerdict
from minicoin.core.queries.node import NodeQueries
from minicoin.core.units import Micros

T = TypeVar("T")


class CoinTotals(Protocol):
    """Count, sum and hash of all coins."""

    @property
    def coins(self) -> int: ...
    @property
    def transactions(self) -> int: ...
    @property
    def total_sat(self) -> int: ...
    @property
    def bogosize(self) -> int: ...
    @property
    def digest(self) -> bytes: ...


class CoinReading(Protocol):
    """All coins as of a block."""

    @property
    def tip(self) -> BlockHash: ...
    @property
    def height(self) -> int: ...
    @property
    def totals(self) -> CoinTotals: ...


class ChainReads(Protocol):
    """The chain engine's reading side; used within one call in its worker."""

    @property
    def tip(self) -> BlockHash:
        """The block the coins stand at."""

    @property
    def height(self) -> int:
        """The tip's height."""

    def read_block(self, block: BlockHash, *, stripped: bool = False) -> RawBlock | None:
        """A stored block, or None."""

    def transaction_count(self, block: BlockHash) -> int | None:
        """How many transactions a stored block has, or None."""

    def coin(self, outpoint: Outpoint) -> Coin | None:
        """An unspent coin of the best chain, or None."""

    def spent_coins(self, block: BlockHash) -> list[Coin] | None:
        """What a block's inputs spent, in input order, or None."""

    def verify_chain(self, level: int, count: int) -> Generator[None, None, str]:
        """What is wrong with the last blocks, or nothing; a block at a time."""

    def scan_coins(self, scripts: frozenset[bytes], progress: ScanProgress) -> Generator[None, None, CoinScan]:
        """The coins of these scripts as of now, a slice at a time."""

    def read_coin_set(self, kind: str) -> Generator[None, None, CoinReading]:
        """Reads the whole set as of now, a slice at a time, with one of Bitcoin Core's hashes or none."""

    def test_block(self, block: Block, header_refusal: BlockRejected | None) -> str | None:
        """Why a block on the tip would be refused if it had its proof of work; None where it would not."""

    def verify_transaction(
        self, transaction: Transaction, parents: tuple[tuple[Outpoint, TxOut], ...] = ()
    ) -> TxVerdict:
        """Whether it could stand in the next block, given the outputs of its unconfirmed parents."""


class LinkTraffic(Protocol):
    """What one connection carried."""

    @property
    def sent(self) -> int: ...
    @property
    def received(self) -> int: ...
    @property
    def last_sent_at(self) -> Micros:
        """When the socket last took bytes; 0 before that."""

    @property
    def sent_by_command(self) -> Mapping[str, int]:
        """Bytes of whole frames."""


class RegistryState(Protocol):
    """How a node stands to its registry. Times are Unix seconds; None for never or not now."""

    @property
    def kind(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def connected_since(self) -> int | None: ...
    @property
    def unreachable_since(self) -> int | None: ...
    @property
    def last_heard(self) -> int | None: ...
    @property
    def is_announced(self) -> bool: ...
    @property
    def nodes(self) -> int: ...
    @property
    def nodes_listed(self) -> int: ...
    @property
    def records(self) -> int: ...
    @property
    def ignored(self) -> int: ...
    @property
    def max_age_s(self) -> int: ...
    @property
    def error(self) -> str: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...


class AuditState(Protocol):
    """How the audit log of a node gets on."""

    @property
    def directory(self) -> str: ...
    @property
    def entries(self) -> int: ...
    @property
    def head(self) -> bytes: ...
    @property
    def trouble(self) -> str: ...
    @property
    def warnings(self) -> tuple[str, ...]: ...


LOG_AREAS: Final = ("mempool", "mining", "net", "validation", "wallet")
"""What of the log can be had in full, on demand."""


class NodePort(Protocol):
    """A running node."""

    @property
    def network(self) -> Network: ...
    @property
    def datadir(self) -> Path: ...

    @property
    def log_path(self) -> str:
        """The file of the log; empty where lines go to standard error."""
        ...

    @property
    def log_areas(self) -> frozenset[str]:
        """Those of LOG_AREAS whose every record is logged."""
        ...

    def choose_log_areas(self, areas: frozenset[str]) -> None:
        """From now on these."""
        ...

    @property
    def version(self) -> str:
        """Of the program, as X.Y.Z."""

    @property
    def started_at(self) -> int:
        """Unix seconds."""

    async def command(self, command: Asks[A]) -> A:
        """Have the node do something; its answer. Raises CommandRefused."""

    async def registry(self) -> RegistryState | None:
        """How it stands to its registry; None where it has none."""

    def audit(self) -> AuditState | None:
        """How its audit log gets on; None where it keeps none."""

    async def find_keys(self, held: Collection[bytes], passphrase: str) -> tuple[tuple[bytes, bytes | None], ...]:
        """Signing keys that its data directory, or its signer, has besides those, each with the record of what it
        signed, as far as that is there; what signs can sign with them from now on. Raises CommandRefused."""

    async def query(self, read: Callable[[NodeQueries], T]) -> T:
        """Read on the node's loop, between two events; at most 5 ms. What `read` raises is raised here."""

    async def read_chain(self, read: Callable[[ChainReads], T]) -> T:
        """Read in the chain worker, between two jobs. What `read` raises is raised here."""

    async def read_chain_slowly(self, read: Callable[[ChainReads], Generator[None, None, T]]) -> T:
        """A read that takes long, a slice at a time: blocks come in between, so it must bear that the chain moves."""

    def traffic(self) -> Mapping[int, LinkTraffic]:
        """What each open connection carried so far, by its id."""

    def traffic_total(self) -> tuple[int, int]:
        """Bytes (sent, received) of all connections since the start, closed ones included."""
