"""The chain engine: stores blocks, moves the coins along a path of blocks and back, and checks transactions at the tip.

One worker runs it. It chooses no chain (the header tree does) and shares no state with anybody: what it knows of the
headers (known_headers.py) comes by `add_headers` and with the blocks themselves, and tells which rules hold where.

1. *A block is checked twice*: as it is stored by all that needs no coins, as it is connected by the rest. What was
   checked is remembered as long as there is room (parsed_blocks.py, block_scripts.py, proposals.py), so nothing is
   looked at a third time.
2. *Coins and tip move together, or not at all*, whatever ends a block: a rule it breaks, a disk that is full. The
   engine then stands at the last good block of its way.
3. *Every block of an update is on disk before anybody hears of it*, with its undo data; the coins follow in one write
   when they or the blocks since the last one are many (COIN_CHANGES_MAX, UNFLUSHED_BLOCKS_MAX). A crash costs the
   connecting of those blocks once more, and never a block.
4. *What the disk holds and was checked once is either as it was, or damage*: then the engine stops and says where.
5. *What is only looked at changes nothing*: a proposal, a test, a transaction, a reading of all coins.
"""

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from minicoin.core.chain.block_rules import check_block, check_block_in_chain
from minicoin.core.chain.block_scripts import BlockScripts
from minicoin.core.chain.carried import StoredChange
from minicoin.core.chain.coin_hash import CoinSetTotals, count_coins
from minicoin.core.chain.coins import CoinsCache
from minicoin.core.chain.connect import ConnectedBlock, connect_block, disconnect_block
from minicoin.core.chain.deployments import RuleBook, RuleSet
from minicoin.core.chain.header_node import HeaderNode
from minicoin.core.chain.header_rules import check_child, check_version
from minicoin.core.chain.known_headers import KnownHeaders
from minicoin.core.chain.parsed_blocks import ChainDamaged, CheckedBlock, ParsedBlocks
from minicoin.core.chain.proof import make_block_proof, make_header_proof
from minicoin.core.chain.proposals import Proposal, Proposals, ProposalVerdict
from minicoin.core.chain.scan import find_coins
from minicoin.core.chain.signed_blocks import SignedBlocks
from minicoin.core.chain.store import ChainStore
from minicoin.core.chain.summary import find_watched, summarise
from minicoin.core.chain.tx_verdict import TxChecker
from minicoin.core.chain.undo import decode_undo, encode_undo, outputs_by_transaction, unpack_coin
from minicoin.core.chain.verification import verify_chain
from minicoin.core.chain.verifier import ScriptVerifier, VerifiedScripts
from minicoin.core.encoding.compact import decode_compact
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import (
    COIN_CHANGES_MAX,
    PARSED_BLOCKS_BYTES_MAX,
    PROPOSALS_REMEMBERED_MAX,
    UNFLUSHED_BLOCKS_MAX,
    UNFLUSHED_HEADERS_MAX,
    VERIFIED_SCRIPTS_MAX,
)
from minicoin.core.params.network import Network
from minicoin.core.primitives.block import HEADER_SIZE, Block, BlockHash, BlockHeader, RawBlock
from minicoin.core.primitives.coin_scan import CoinScan, ScanProgress
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxOut
from minicoin.core.primitives.verdicts import (
    BlockReason,
    BlockRejected,
    BlockSummary,
    ChainUpdate,
    Coin,
    DisconnectedBlock,
    InvalidBlock,
    TxVerdict,
    WatchedTransaction,
)
from minicoin.core.signers.certificate import KeptCertificate


@dataclass(frozen=True, slots=True)
class EngineSnapshot:
    """The engine from outside."""

    tip: BlockHash
    height: int
    headers: int
    coin_changes: int
    verified_scripts: int


@dataclass(frozen=True, slots=True)
class CoinSetReading:
    """All coins as of a block."""

    tip: BlockHash
    height: int
    totals: CoinSetTotals


def invalid_block(block: BlockHash, refusal: BlockRejected) -> InvalidBlock:
    """A refusal as the value that leaves the worker."""
    return InvalidBlock(block, refusal.reason, refusal.detail, refusal.is_permanent, refusal.transaction)


class ChainEngine:
    """Stands at the block that the store's coins stand at. `assume_valid` names a block whose ancestors need not have
    their scripts run; by default the network's."""

    def __init__(
        self,
        network: Network,
        store: ChainStore,
        verifier: ScriptVerifier,
        *,
        assume_valid: BlockHash | None = None,
    ) -> None:
        self.network: Final = network
        self._store = store
        self._verifier = verifier
        self._verified = VerifiedScripts(VERIFIED_SCRIPTS_MAX)
        self._coins = CoinsCache(store)
        self._rules = RuleBook(network)
        self._proof = make_block_proof(network, self._height_of)
        self._signed = self._proof if isinstance(self._proof, SignedBlocks) else None
        certified = None if self._signed is None else self._signed.certified
        self._header_proof = make_header_proof(network, certified)
        self._proposals = Proposals(PROPOSALS_REMEMBERED_MAX)
        self._parsed = ParsedBlocks(store, PARSED_BLOCKS_BYTES_MAX)
        self._watched: frozenset[bytes] = frozenset()
        self._unflushed_blocks = 0
        self._unflushed_headers = 0
        genesis = HeaderNode(network.genesis.header, None, 0)
        self._known = KnownHeaders(genesis, store, certified)
        assumed = network.assume_valid if assume_valid is None else assume_valid
        self._scripts = BlockScripts(verifier, self._verified, self._known, assumed)
        self._tip = self._load(genesis)
        for header, kept in self._known.recovered():
            self.add_headers((header,), () if kept is None else (kept,))

    def _load(self, genesis: HeaderNode) -> HeaderNode:
        if self._store.coins_tip() is None:
            # The genesis block's coinbase is no coin: nobody can spend it.
            self._store.append(genesis.hash, self.network.genesis.raw)
            self._store.commit({}, (), genesis.hash)
        tip, behind = self._known.load(self._store.coins_tip() or genesis.hash)
        if tip is None or (behind and self._signed is None):
            raise ChainDamaged("the coins stand at a block whose header is missing")
        if self._signed is not None:
            self._signed.load(self._store.changes(), tip)
        return self._undo_left(tip, behind)

    def _undo_left(self, base: HeaderNode, behind: Iterable[BlockHeader]) -> HeaderNode:
        """Take back what a recovery leaves behind: blocks that only the members before it certified."""
        node = base
        for header in reversed(tuple(behind)):
            node = HeaderNode(header, node, 0)
        self._tip = node
        while self._tip is not base:
            self._disconnect_tip()
        if node is not base:
            self.flush()
        return base

    @property
    def tip(self) -> BlockHash:
        """The block the engine stands at."""
        return self._tip.hash

    @property
    def tip_time(self) -> int:
        """What the tip says it was made at, in Unix seconds."""
        return self._tip.header.time

    @property
    def height(self) -> int:
        """The tip's height."""
        return self._tip.height

    def snapshot(self) -> EngineSnapshot:
        """The engine from outside."""
        return EngineSnapshot(self.tip, self.height, len(self._known), self._coins.changes, len(self._verified))

    # --- headers ---

    def headers(self) -> Iterator[BlockHeader]:
        """Every header known, parents first, without the genesis block's: what a header tree loads at the start."""
        return self._known.headers()

    def certificates(self) -> Iterator[KeptCertificate]:
        """What makes each of these final, in the same order; nothing where members do not sign."""
        return self._known.certificates()

    def changes(self) -> tuple[StoredChange, ...]:
        """What blocks changed up to the tip, of the member list and of settings."""
        return () if self._signed is None else self._signed.carried.all()

    def stored(self) -> Iterator[BlockHash]:
        """Every stored block whose header is known, in no particular order."""
        return (block for block in self._store.stored() if block in self._known)

    def add_headers(self, headers: Iterable[BlockHeader], certificates: Iterable[KeptCertificate] = ()) -> None:
        """Take headers that the header tree accepted, parents first, and remember them; where members sign, with the
        certificates in the same order."""
        self._unflushed_headers += self._known.add(headers, certificates)
        if self._unflushed_headers > UNFLUSHED_HEADERS_MAX:
            self.flush()

    def _height_of(self, block: BlockHash) -> int | None:
        return self._known.height_of(block)

    # --- blocks ---

    def store_block(self, raw: RawBlock, height: int, certificate: KeptCertificate | None = None) -> None:
        """Check what needs no coins and store the block; `certificate` is what makes it final, where members sign.
        Raises BlockRejected; then nothing was stored."""
        self.add_headers((raw.header,), () if certificate is None else (certificate,))
        if self._store.has(raw.hash):
            return
        node = self._known.get(raw.hash)
        if node is None or node.parent is None:
            raise BlockRejected(BlockReason.UNKNOWN_PARENT, hash_to_hex(raw.header.previous), is_permanent=False)
        if node.height != height:
            raise MisuseError(f"block {raw.header} has height {node.height}, not {height}")
        # A proposal that was judged stands on its parent still.
        checked = self._proposals.checked(raw) or self._check_by_itself(raw, node.parent)
        self._store.append(raw.hash, raw.raw)
        self._parsed.put(raw.hash, checked)

    def _check_by_itself(self, raw: RawBlock, parent: HeaderNode) -> CheckedBlock:
        """All that needs no coins. Raises BlockRejected."""
        try:
            block = Block.parse(raw.raw)
        except DecodeError as error:
            raise BlockRejected(BlockReason.MALFORMED, str(error), is_permanent=False) from error
        checked = CheckedBlock(block, len(raw.raw))
        # Only now the transactions are known to be the header's: a foreign body must not make a hash invalid.
        self._proof.check_block(block, parent, self._verifier)
        check_block_in_chain(block, self._rules.rules_at(parent, raw.hash))
        return checked

    def read_block(self, block: BlockHash, *, stripped: bool = False) -> RawBlock | None:
        """The stored block, without its witnesses on demand; None where it is not stored."""
        raw = self._store.read(block)
        if raw is None:
            return None
        return RawBlock.parse(Block.parse(raw).stripped if stripped else raw)

    def test_block(self, block: Block, header_refusal: BlockRejected | None) -> str | None:
        """What would become of a block on the tip if it had its proof of work: None where it is valid, else Bitcoin
        Core's word for the reason. `header_refusal` is what the header tree says to its header. Changes nothing."""
        if block.header.previous != self.tip:
            return "inconclusive-not-best-prevblk"
        rules = self._rules.rules_at(self._tip, block.hash)
        try:
            legacy_sigops = check_block(block)
            if header_refusal is not None:
                raise header_refusal
            check_block_in_chain(block, rules)
            self._try_on_tip(block, legacy_sigops, rules)
        except BlockRejected as refusal:
            return refusal.name
        return None

    def verify_proposal(self, raw: RawBlock, height: int) -> ProposalVerdict:
        """Whether a block could be the next one, by every rule but the certificate that it does not have yet; nothing
        is stored or connected. Remembered for a while, its scripts too."""
        signed = self._signed
        if signed is None:
            raise MisuseError(f"nobody proposes blocks on {self.network.name}")
        if raw.header.previous != self.tip or height != self.height + 1:
            detail = f"it is not for height {self.height + 1}"
            elsewhere = BlockRejected(BlockReason.UNKNOWN_PARENT, detail, is_permanent=False)
            return ProposalVerdict(invalid_block(raw.hash, elsewhere))
        verdict = self._proposals.verdict(raw, self.tip)
        if verdict is None:
            checked: CheckedBlock | None = None
            try:
                checked = self._judge_proposal(raw, height)
                signed.check_vote(checked.block)
                verdict = ProposalVerdict(next_members=signed.next_members(checked.block, self._tip))
            except BlockRejected as refusal:
                checked, verdict = None, ProposalVerdict(invalid_block(raw.hash, refusal))
            self._proposals.put(Proposal(raw, self.tip, verdict, checked))
        return verdict

    def _judge_proposal(self, raw: RawBlock, height: int) -> CheckedBlock:
        header, tip = raw.header, self._tip
        self._header_proof.check_header(header)
        check_child(header, tip, self._header_proof)
        check_version(header, height, self._rules)
        checked = self._check_by_itself(raw, tip)
        rules = self._rules.rules_at(tip, raw.hash)
        self._try_on_tip(checked.block, checked.legacy_sigops, rules)
        self._scripts.remember(checked.block, rules)
        return checked

    def _try_on_tip(self, block: Block, legacy_sigops: int, rules: RuleSet) -> None:
        """Connect it, run its scripts, and take it back. Raises BlockRejected."""
        connected = connect_block(block, legacy_sigops, rules, self._coins, self._median_time_at)
        try:
            self._scripts.try_out(block, connected, rules)
        finally:
            disconnect_block(block, connected.undo, self._coins)

    def transaction_count(self, block: BlockHash) -> int | None:
        """How many transactions a stored block has; None where it is not stored."""
        raw = self._store.read(block)
        return None if raw is None else decode_compact(raw, HEADER_SIZE)[0]

    # --- the path of the tip ---

    def activate(self, fork: BlockHash, path: tuple[BlockHash, ...]) -> tuple[ChainUpdate, InvalidBlock | None]:
        """Disconnect down to `fork`, then connect `path`. Where a block of it is invalid the engine stands at the last
        good one. Every block of the update survives a crash from here on."""
        base = self._known.get(fork)
        if base is None or not base.is_ancestor_of(self._tip):
            raise MisuseError(f"{hash_to_hex(fork)} is no ancestor of the engine's tip {self._tip!r}")
        disconnected: list[DisconnectedBlock] = []
        connected: list[BlockSummary] = []
        invalid: InvalidBlock | None = None
        while self._tip is not base:
            disconnected.append(self._disconnect_tip())
        for block in path:
            try:
                connected.append(self._connect(block))
            except BlockRejected as refusal:
                invalid = invalid_block(block, refusal)
                break
        if connected or disconnected:
            self._store.sync()
        self._unflushed_blocks += len(connected) + len(disconnected)
        if self._coins.changes > COIN_CHANGES_MAX or self._unflushed_blocks > UNFLUSHED_BLOCKS_MAX:
            self.flush()
        return ChainUpdate(self.tip, self.height, tuple(disconnected), tuple(connected)), invalid

    def _connect(self, block_hash: BlockHash) -> BlockSummary:
        node = self._known.get(block_hash)
        if node is None or node.parent is not self._tip:
            raise MisuseError(f"block {hash_to_hex(block_hash)} does not build on the engine's tip {self._tip!r}")
        checked = self._parsed.take(block_hash)
        block = checked.block
        rules = self._rules.rules_at(self._tip, block_hash)
        connected = connect_block(block, checked.legacy_sigops, rules, self._coins, self._median_time_at)
        try:
            self._scripts.run(node, block, connected, rules)
            if self._signed is not None:
                self._signed.check_claim(block, node.parent)
            self._store.append_undo(block_hash, encode_undo(block_hash, connected.undo))
        except BaseException:
            # Whatever ended it (a bad script, a full disk): coins and tip move together or not at all.
            disconnect_block(block, connected.undo, self._coins)
            raise
        self._tip = node
        changes = self._signed.connected(block, node.height) if self._signed is not None else ()
        if changes:
            self._store.add_changes(changes)
        watched = find_watched(block, connected.spent, self._watched)
        carried = tuple(stored.change for stored in changes)
        return summarise(block, node.height, checked.size, watched, connected.fees_sat, carried)

    def _disconnect_tip(self) -> DisconnectedBlock:
        node = self._tip
        if node.parent is None:
            raise MisuseError("the genesis block cannot be disconnected")
        checked = self._parsed.take(node.hash)
        undo = self._read_undo(node.hash)
        disconnect_block(checked.block, undo, self._coins)
        self._tip = node.parent
        changes = self._signed.disconnected(checked.block, node.height) if self._signed is not None else ()
        watched = find_watched(checked.block, outputs_by_transaction(checked.block, undo), self._watched)
        self._parsed.put(node.hash, checked)
        summary = summarise(checked.block, node.height, checked.size, watched, 0, changes)
        return DisconnectedBlock(summary, checked.block.transactions[1:])

    def _read_undo(self, block: BlockHash) -> list[bytes]:
        raw = self._store.read_undo(block)
        try:
            if raw is None:
                raise DecodeError("there are none")
            return decode_undo(block, raw)
        except DecodeError as error:
            raise ChainDamaged(f"the undo data of block {hash_to_hex(block)} are unusable: {error}") from error

    def _median_time_at(self, height: int) -> int:
        return self._tip.ancestor(height).median_time_past

    # --- transactions and coins ---

    def verify_transaction(
        self, transaction: Transaction, parents: tuple[tuple[Outpoint, TxOut], ...] = ()
    ) -> TxVerdict:
        """Whether the transaction could stand in the next block, given the outputs of its unconfirmed parents."""
        checker = TxChecker(self._coins, self._verifier, self._verified)
        return checker.verify(transaction, parents, self._rules.rules_at(self._tip), self.tip, self._median_time_at)

    def coin(self, outpoint: Outpoint) -> Coin | None:
        """The coin, or None when it does not exist or is spent."""
        packed = self._coins.get(outpoint)
        return None if packed is None else unpack_coin(packed)

    def spent_coins(self, block: BlockHash) -> list[Coin] | None:
        """The coins that a block's inputs spent, in input order; None where its undo data are not stored."""
        if self._store.read_undo(block) is None:
            return None
        return [unpack_coin(packed) for packed in self._read_undo(block)]

    def coin_set_totals(self) -> CoinSetTotals:
        """Count, sum and hash of all coins at the tip: reads the whole set."""
        return self._coins.totals()

    def coin_set_hash(self) -> bytes:
        """The same for the same coins, whatever way they came about."""
        return self.coin_set_totals().digest

    def read_coin_set(self, kind: str) -> Generator[None, None, CoinSetReading]:
        """The same as of now, a step at a time, with any of Bitcoin Core's hashes: the engine may move meanwhile."""
        # Only what is in the store can be read at one moment of it.
        self.flush()
        tip, height = self.tip, self.height
        return CoinSetReading(tip, height, (yield from count_coins(self._store.coins(), kind)))

    def scan_coins(self, scripts: frozenset[bytes], progress: ScanProgress) -> Generator[None, None, CoinScan]:
        """The coins of these scripts as of now, a step at a time: the engine may move meanwhile."""
        self.flush()
        tip = self._tip
        found = yield from find_coins(self._store.coins(), scripts, progress)
        heights = dict.fromkeys(coin.height for _, coin in found)
        return CoinScan(tip.hash, tip.height, found, {height: tip.ancestor(height).hash for height in heights})

    # --- verification ---

    @property
    def tip_node(self) -> HeaderNode:
        """Where the engine stands."""
        return self._tip

    @property
    def coins(self) -> CoinsCache:
        """The coins it stands on, to be read."""
        return self._coins

    def stored_bytes(self, block: BlockHash) -> bytes | None:
        """A block as it is stored."""
        return self._store.read(block)

    def undo_of(self, block: BlockHash) -> list[bytes]:
        """The packed coins that a block spent. Raises ChainDamaged."""
        return self._read_undo(block)

    def rules_of(self, node: HeaderNode) -> RuleSet:
        """The rules a block of the chain had to keep."""
        assert node.parent is not None
        return self._rules.rules_at(node.parent, node.hash)

    def run_all_scripts(self, block: Block, connected: ConnectedBlock, rules: RuleSet) -> None:
        """Whatever was verified or assumed before. Raises BlockRejected."""
        self._scripts.run_all(block, connected, rules)

    def verify_chain(self, level: int, count: int) -> Generator[None, None, str]:
        """What is wrong with the last `count` blocks (0: all), a block at a time."""
        return verify_chain(self, level, count)

    # --- watched scripts ---

    def watch(self, scripts: frozenset[bytes]) -> None:
        """Replace the scripts whose transactions the summaries carry."""
        self._watched = scripts

    def rescan(
        self, scripts: frozenset[bytes], start_height: int, count: int | None = None
    ) -> Iterator[tuple[int, BlockHash, tuple[WatchedTransaction, ...]]]:
        """(height, block, watched transactions) of every block from `start_height` to the tip, or of `count` of them.
        The engine must not move before the iterator is used up."""
        start = max(start_height, 1)
        end = self.height + 1 if count is None else min(self.height + 1, start + count)
        for height in range(start, end):
            block_hash = self._tip.ancestor(height).hash
            block = self._parsed.take(block_hash).block
            spent = outputs_by_transaction(block, self._read_undo(block_hash))
            yield height, block_hash, find_watched(block, spent, scripts)

    # --- durability ---

    def flush(self) -> None:
        """Make coins and tip durable, so that the next start need not connect blocks again."""
        self._coins.flush(self.tip)
        self._unflushed_blocks = self._unflushed_headers = 0

    def close(self) -> None:
        """Flush and release the store and the verifier."""
        try:
            self.flush()
        finally:
            self._verifier.close()
            self._store.close()
