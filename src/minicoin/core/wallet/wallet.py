"""One wallet: the state machine that node tells of blocks, transactions, time and commands.

Owns what belongs together: keys handed out, coins, labels, payments under way, the rescan. Saves nothing itself: node
does, before anybody outside hears of a new address or payment. Parts do the work: vault (keys), keyring
(addresses), ledger (transactions), payment (new ones), codec (bytes).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import islice

from minicoin.core.effects import Rescan
from minicoin.core.events import RescanProgress
from minicoin.core.faults import MisuseError
from minicoin.core.params.network import Network
from minicoin.core.params.rules import SignersKind
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxOut
from minicoin.core.primitives.verdicts import BlockSummary
from minicoin.core.rng import Rng
from minicoin.core.signing.signatures import SignedTransaction, sign_transaction
from minicoin.core.units import Micros
from minicoin.core.wallet.codec import RecordLines, WalletDocument, decode_wallet, encode_wallet
from minicoin.core.wallet.coins import list_coins, spendable_coins, sum_balance
from minicoin.core.wallet.crypt import Protection, seal_seed
from minicoin.core.wallet.history import list_history, record_entries, record_status
from minicoin.core.wallet.keyring import Keyring
from minicoin.core.wallet.keys import AccountKey, Chain, KeyPath, SigningKey
from minicoin.core.wallet.labels import AddressLabels
from minicoin.core.wallet.ledger import Tip, WalletLedger
from minicoin.core.wallet.payment import PaymentPlan, draft_payment
from minicoin.core.wallet.records import Balance, BlockPlace, HistoryEntry, Record, TransactionStatus, WalletCoin
from minicoin.core.wallet.rescan import RescanState
from minicoin.core.wallet.vault import Vault
from minicoin.core.wallet.views import AddressEntry, HandedOutAddress, Payment, WalletChange, WalletSnapshot


class Wallet:
    """See the module. `rng` decides order and lock times of payments, never keys."""

    def __init__(self, network: Network, document: WalletDocument, rng: Rng) -> None:
        self.name = document.name
        self.network = network
        self.vault = Vault(document.seed, network, _seal_context(document.name, network))
        account = AccountKey.parse(document.account, network)
        self._keyring = Keyring(account, document.next_receiving, document.next_change)
        is_final = isinstance(network.proof, SignersKind)
        self._ledger = WalletLedger(self._keyring, document.tip, network.coinbase_maturity, is_final=is_final)
        self._labels = AddressLabels(self._keyring, network.address_format, document.labels)
        self._rescan: RescanState | None = None
        self._unscanned_from = None if document.scanned_height is None else document.scanned_height + 1
        self._rng = rng
        self._lines: RecordLines = {}
        self._balance: tuple[int, Balance] | None = None
        for record in document.records:
            self._ledger.restore(record)

    @classmethod
    def create(
        cls, name: str, network: Network, entropy: bytes, protection: Protection | None, tip: Tip, rng: Rng
    ) -> "Wallet":
        """A new wallet from 16 or 32 bytes of entropy that never came from a replayable source. Without `protection`
        its seed is stored in the clear. It follows the chain from `tip`; for seed words that were used before,
        rescan."""
        account = SigningKey.from_entropy(entropy, network).account_key(network)
        seed = entropy if protection is None else seal_seed(entropy, protection, _seal_context(name, network))
        empty = WalletDocument(name, network.name, network.network_id, str(account), seed, 0, 0, (), tip, None)
        return cls(network, empty, rng)

    @classmethod
    def from_bytes(cls, raw: bytes, network: Network, rng: Rng) -> "Wallet":
        """Raises DecodeError for damage, a newer version or another network."""
        return cls(network, decode_wallet(raw, network.name, network.network_id), rng)

    def to_bytes(self) -> bytes:
        """Everything that must outlive the process; payments under way are part of it once the mempool took them."""
        scanned = None if self._unscanned_from is None else self._unscanned_from - 1
        if self._rescan is not None:
            scanned = self._rescan.safe_height
        document = WalletDocument(
            name=self.name,
            network=self.network.name,
            network_id=self.network.network_id,
            account=str(self._keyring.account),
            seed=self.vault.seed,
            next_receiving=self._keyring.next_index(Chain.RECEIVING),
            next_change=self._keyring.next_index(Chain.CHANGE),
            labels=self._labels.labels,
            tip=self._ledger.tip,
            scanned_height=scanned,
            records=tuple(self._ledger.records()),
        )
        return encode_wallet(document, self._lines)

    # --- the chain and the mempool ---

    @property
    def tip(self) -> Tip:
        """The block up to which the wallet follows the chain."""
        return self._ledger.tip

    def scripts(self) -> frozenset[bytes]:
        """What the chain worker must watch for."""
        return self._keyring.scripts()

    def align(self, tip: Tip, fork_height: int) -> Rescan | None:
        """At start: the chain stands at `tip`, and shares its blocks with the wallet's chain up to `fork_height`.
        Answers the rescan for what the wallet has not seen."""
        unscanned = fork_height + 1
        self._ledger.roll_back(fork_height)
        self._ledger.tip = tip
        if self._unscanned_from is not None:
            unscanned = min(unscanned, self._unscanned_from)
        return self.rescan_from(unscanned) if unscanned <= tip.height else None

    def connect(self, summary: BlockSummary, now: Micros) -> WalletChange:
        """A block joined the best chain on the wallet's tip."""
        return self._changed(self._ledger.connect(summary, now))

    def disconnect(self, summary: BlockSummary) -> WalletChange:
        """The wallet's tip left the best chain. Its transactions wait for another block."""
        return self._changed(self._ledger.disconnect(summary))

    def add_unconfirmed(self, transaction: Transaction, now: Micros) -> WalletChange:
        """The mempool took a transaction, ours or not."""
        return self._changed(self._ledger.add_pending(transaction, now))

    def leave_pool(self, txid: Txid) -> WalletChange:
        """The mempool refused, replaced or dropped a transaction (not: a block took it). A payment of ours waits on,
        its coins stay spent; what others sent is forgotten."""
        return self._changed(self._ledger.leave_pool(txid))

    def withdraw(self, txid: Txid) -> WalletChange:
        """A payment that nobody was told of is as if it had never been made. Its coins are free again."""
        return self._changed(self._ledger.forget(txid))

    def abandon(self, txid: Txid) -> WalletChange:
        """The owner gives up a payment that stands in no block and not in the mempool. Raises NotAbandonable."""
        return self._changed(self._ledger.abandon(txid))

    def is_own(self, txid: Txid) -> bool:
        """Whether a transaction of the wallet spends its coins."""
        record = self._ledger.record(txid)
        return record is not None and self._ledger.debit_sat(record) > 0

    def unconfirmed(self) -> tuple[Record, ...]:
        """What counts and stands in no block, parents first. After a start the mempool must be asked about each."""
        return self._ledger.pending()

    def is_pooled(self, txid: Txid) -> bool:
        """Whether it is pending and the mempool holds it, as far as the wallet was told."""
        return self._ledger.is_pooled(txid)

    def rescan_from(self, height: int) -> Rescan:
        """Look again for everything of ours from `height` on. Raises MisuseError while a rescan is under way."""
        if self._rescan is not None:
            raise MisuseError(f"the wallet is being rescanned already, up to height {self._rescan.scanned_height}")
        start = max(height, 0)
        self._rescan = RescanState(start, start - 1)
        self._unscanned_from = None
        return Rescan(self.scripts(), start)

    def apply_rescan(
        self, progress: RescanProgress, block_time: Callable[[BlockHash], int | None], now: Micros
    ) -> WalletChange:
        """Take what a rescan found. `block_time` answers the time of a block of the best chain and None for any other
        block, whose transactions are left out."""
        state = self._rescan
        if state is None:
            return WalletChange()
        touched: list[Txid] = []
        must_watch = False
        for block, height, watched in progress.found:
            time = block_time(block)
            if time is None:
                continue
            place = BlockPlace(block, height, watched.position, time)
            change = self._changed(self._ledger.confirm(watched, place, now))
            touched += change.txids
            if change.must_watch:
                must_watch = True
                state = state.again(height)
        state = replace(state, scanned_height=max(state.scanned_height, progress.height))
        self._rescan = None if progress.done or progress.error else state
        again: Rescan | None = None
        if progress.error:
            # Saved as unscanned, so that the next start goes on from here.
            self._unscanned_from = state.safe_height + 1
        elif progress.done and state.again_from is not None:
            again = self.rescan_from(state.again_from)
        return WalletChange(tuple(dict.fromkeys(touched)), must_watch, again)

    # --- addresses ---

    def new_address(self, label: str = "") -> HandedOutAddress:
        """The next receiving address."""
        address = self._labels.new_address(label)
        if self._rescan is not None:
            self._rescan = self._rescan.again(self._rescan.start_height)
        return address

    def set_label(self, address: str, label: str) -> None:
        """Name an address of the wallet. Raises DecodeError or MisuseError."""
        self._labels.set_label(address, label)

    def addresses(self, chain: Chain = Chain.RECEIVING) -> tuple[AddressEntry, ...]:
        """What was handed out or seen, oldest first."""
        return self._labels.entries(chain)

    def find_key(self, script_pubkey: bytes) -> KeyPath | None:
        """The key of an output script, or None where it is not the wallet's."""
        return self._keyring.path_of(script_pubkey)

    def public_key(self, path: KeyPath) -> bytes:
        """The compressed public key of a path (33 bytes)."""
        return self._keyring.account.public_key(path)

    def label(self, script_pubkey: bytes) -> str:
        """The name given to an address, empty where there is none."""
        return self._labels.label(script_pubkey)

    # --- money ---

    def balance(self) -> Balance:
        """The worth of the coins by state."""
        if self._balance is None or self._balance[0] != self._ledger.changes:
            self._balance = (self._ledger.changes, sum_balance(self._ledger))
        return self._balance[1]

    def coins(self) -> tuple[WalletCoin, ...]:
        """Every unspent output."""
        return list_coins(self._ledger)

    def record(self, txid: Txid) -> Record | None:
        """A transaction of the wallet."""
        return self._ledger.record(txid)

    def history(self, count: int, skip: int = 0) -> tuple[HistoryEntry, ...]:
        """A page of the history, newest first."""
        page = islice(list_history(self._ledger, self._keyring), skip, skip + count)
        return tuple(self._labels.name(page))

    def history_of(self, txid: Txid) -> tuple[HistoryEntry, ...]:
        """The entries of one transaction; empty where it is not the wallet's."""
        record = self._ledger.record(txid)
        entries = [] if record is None else record_entries(record, self._ledger, self._keyring)
        return tuple(self._labels.name(entries))

    def status(self, txid: Txid) -> TransactionStatus | None:
        """How a transaction of the wallet stands."""
        record = self._ledger.record(txid)
        return None if record is None else record_status(record, self._ledger)

    def confirmations(self, txid: Txid) -> int:
        """Blocks on the best chain from the transaction's on; 0 for one that is in none, below 0 for one that a block
        made impossible."""
        record = self._ledger.record(txid)
        return 0 if record is None else self._ledger.confirmations(record)

    def build_payment(self, plan: PaymentPlan) -> Payment:
        """A signed payment; its coins stay reserved until add_unconfirmed or withdraw names it. Raises WalletLocked,
        InsufficientFunds, PaymentRefused."""
        key = self.vault.signing_key()
        change_script = self._keyring.peek(Chain.CHANGE)
        draft = draft_payment(plan, spendable_coins(self._ledger), change_script, self.tip.height, self._rng)
        prevouts = {coin.outpoint: coin.output for coin in draft.coins}
        signed = self._sign(draft.transaction, prevouts, key)
        if not signed.is_complete:
            raise AssertionError(f"own coin without a signature: {signed.unsigned}")
        if draft.change_index is not None:
            self._keyring.hand_out(Chain.CHANGE)
        self._ledger.coins.reserve(signed.transaction)
        return Payment(signed.transaction, draft.fee_sat, draft.change_index, draft.change_index is not None)

    def sign_transaction(self, transaction: Transaction, prevouts: Mapping[Outpoint, TxOut]) -> SignedTransaction:
        """Sign what is ours of a transaction from outside. `prevouts` may leave out the wallet's own coins."""
        known = dict(prevouts)
        for spend in transaction.inputs:
            own = self._ledger.coins.output(spend.outpoint)
            if own is not None:
                known[spend.outpoint] = own.output
        return self._sign(transaction, known, self.vault.signing_key())

    def snapshot(self) -> WalletSnapshot:
        """The wallet from outside."""
        return WalletSnapshot(
            name=self.name,
            is_encrypted=self.vault.is_encrypted,
            is_locked=self.vault.is_locked,
            unlocked_until=self.vault.unlocked_until,
            balance=self.balance(),
            tip=self.tip,
            receiving_addresses=self._keyring.next_index(Chain.RECEIVING),
            change_addresses=self._keyring.next_index(Chain.CHANGE),
            transactions=self._ledger.count,
            rescan_height=self.rescan_height,
        )

    @property
    def rescan_height(self) -> int | None:
        """Up to where a rescan under way has come; None when none is."""
        return None if self._rescan is None else self._rescan.scanned_height

    # --- inside ---

    def _changed(self, txids: list[Txid]) -> WalletChange:
        before = self._keyring.scripts()
        for txid in txids:
            record = self._ledger.record(txid)
            for output in record.transaction.outputs if record is not None else ():
                if (path := self._keyring.path_of(output.script_pubkey)) is not None:
                    self._keyring.mark_used(path)
        return WalletChange(tuple(dict.fromkeys(txids)), self._keyring.scripts() is not before)

    def _sign(self, transaction: Transaction, prevouts: Mapping[Outpoint, TxOut], key: SigningKey) -> SignedTransaction:
        def secret_of(key_hash: bytes) -> bytes | None:
            path = self._keyring.path_of_key_hash(key_hash)
            return None if path is None else key.secret(path)

        return sign_transaction(transaction, prevouts, secret_of)


def _seal_context(name: str, network: Network) -> bytes:
    return b"minicoin wallet seed 1\0" + network.network_id + name.encode()
