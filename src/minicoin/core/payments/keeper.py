"""The node's wallet between chain, mempool, disk and commands. core/wallet decides; this keeps the order.

1. *What is told outside is on disk first*: an address, the words of a new wallet, the end of a rescan. One write at the
   end of each event holds all that it changed (wallet/saves). Payments are sending's.
2. *A new wallet whose first write fails never was*: nobody was told its words, so it can be made again.
3. *A tip alone is not written*: at the next start the wallet catches up from where it stood, by a rescan of what it
   missed.
4. *Stretching a passphrase and searching the chain are effects*: they take long, and their commands are answered when
   the results come.
5. *The chain worker watches the scripts that are ours by now*: it is told anew whenever there are more.
6. *Once the node stops nothing new begins*; what waits for the disk is answered as it comes, and whoever waits for a
   key or a rescan hears that there will be none.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from minicoin.core import commands
from minicoin.core.alarm import Alarm
from minicoin.core.answers import Done, FreshAddress, Reason, Rescanned, Signed, WalletWords
from minicoin.core.effects import Effect, SaveState, StretchKey, Watch
from minicoin.core.events import KeyStretched, RescanProgress, Saved
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.forms.derived import make_codec
from minicoin.core.mempool.outcomes import Accepted, MempoolChange, Rejected
from minicoin.core.notices import WalletChanged, WalletNotSaved
from minicoin.core.part import Part
from minicoin.core.payments.ports import Publisher, WalletNode
from minicoin.core.payments.sending import Payments
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxOut
from minicoin.core.primitives.verdicts import ChainUpdate
from minicoin.core.units import SECOND_US, Micros, RequestId
from minicoin.core.wallet.crypt import NONCE_BYTES, SALT_BYTES, Protection, Stretching
from minicoin.core.wallet.errors import WalletEncryptionState, WalletLocked, WrongPassphrase
from minicoin.core.wallet.keys import entropy_from_mnemonic, mnemonic_from_entropy
from minicoin.core.wallet.ledger import Tip
from minicoin.core.wallet.saves import Promise, WalletSaves
from minicoin.core.wallet.views import WalletChange, WalletSnapshot
from minicoin.core.wallet.wallet import Wallet

WALLET_KEY = "wallet"
WALLET_NAME = "default"
_ENTROPY_BYTES = 16
_SNAPSHOT: Final = make_codec(WalletSnapshot | None, {})


@dataclass(frozen=True, slots=True)
class _Creating:
    """A new wallet whose passphrase is being stretched."""

    entropy: bytes = field(repr=False)
    is_restored: bool
    stretching: Stretching


@dataclass(frozen=True, slots=True)
class _Unlocking:
    """An unlock whose passphrase is being stretched."""

    until: Micros


class WalletKeeper(Part):
    """At most one wallet, created by command or loaded at start."""

    def __init__(
        self, node: WalletNode, transactions: Publisher, wallet: Wallet | None, entropy: Callable[[int], bytes]
    ) -> None:
        self._node = node
        self._transactions = transactions
        self.wallet = wallet
        self.alarm = Alarm()
        self._entropy = entropy
        self._saves = WalletSaves(is_on_disk=wallet is not None)
        self._payments = Payments(node, transactions, self._saves, self.alarm)
        self._stretching: dict[RequestId, _Creating | _Unlocking] = {}
        self._rescanning: list[RequestId] = []
        self._stopping = ""

    # --- the node's life ---

    def on_start(self) -> None:
        """Catch up with the chain as it stands."""
        self._watch()
        if self.wallet is None:
            return
        tree = self._node.tree
        known = tree.get(self.wallet.tip.hash)
        fork_height = 0 if known is None else tree.path(tree.tip, known)[0].height
        rescan = self.wallet.align(Tip(tree.tip.hash, tree.tip.height), fork_height)
        if rescan is not None:
            self._node.emit(rescan)

    def on_chain_update(self, update: ChainUpdate, change: MempoolChange, now: Micros) -> None:
        """Follow the chain."""
        if self.wallet is None:
            return
        changes: list[WalletChange] = []
        for gone in update.disconnected:
            changes.append(self.wallet.disconnect(gone.summary))
        for summary in update.connected:
            changes.append(self.wallet.connect(summary, now))
        for entry in (*change.conflicted, *change.groundless):
            self._payments.leave_pool(self.wallet, entry, now)
        # A tip alone is not worth a write for every block: it is caught up with at the next start.
        txids = tuple(dict.fromkeys(txid for each in changes for txid in each.txids))
        self._saves.note_change(bool(txids))
        if txids:
            self._node.emit(WalletChanged(txids))
        for each in changes:
            if each.rescan is not None:
                self._node.emit(each.rescan)
        if any(each.must_watch for each in changes):
            self._watch()

    def on_settled(self, now: Micros) -> None:
        """The engine stands where it should for now."""
        if self.wallet is not None and self._payments.on_settled(self.wallet, now):
            self._watch()

    def on_accepted(self, outcome: Accepted, now: Micros) -> None:
        """The mempool took a transaction: tell of it, at once or in time."""
        if self.wallet is None:
            self._transactions.release(outcome.entry.transaction, now, origin=outcome.source)
        elif self._payments.on_accepted(self.wallet, outcome, now):
            self._watch()

    def on_rejected(self, outcome: Rejected, now: Micros) -> None:
        """The mempool refused a transaction."""
        if self.wallet is not None and self._payments.on_rejected(self.wallet, outcome, now):
            self._watch()

    def on_expired(self, change: MempoolChange, now: Micros) -> None:
        """The mempool let go of transactions that waited too long."""
        if self.wallet is not None:
            for entry in change.expired:
                self._payments.leave_pool(self.wallet, entry, now)

    def on_deadline(self, now: Micros) -> Iterable[Effect]:
        """Lock, try the disk again, offer payments again: when the time has come."""
        self._saves.on_deadline(now)
        if self.wallet is not None:
            self.wallet.vault.tick(now)
            self._payments.on_deadline(self.wallet, now)
        return ()

    def next_deadline(self) -> Micros | None:
        """When on_deadline has something to do."""
        if self.wallet is None:
            return self._saves.retry_at
        deadlines = (self.wallet.vault.unlocked_until, self._saves.retry_at, self._payments.next_deadline())
        return min((at for at in deadlines if at is not None), default=None)

    def save_if_changed(self) -> None:
        """At the end of an event: one write for all it changed; replies go out once it is on disk."""
        if self.wallet is not None and self._saves.begin():
            self._node.emit(SaveState(WALLET_KEY, self.wallet.to_bytes()))

    def on_saved(self, event: Saved, now: Micros) -> None:
        """The disk has it, or refused."""
        if event.key != WALLET_KEY or self.wallet is None:
            return
        for promise in self._saves.finish(event.error, now):
            if promise.payment is not None:
                self._payments.on_saved(self.wallet, promise.payment, promise.request, event.error, now)
            elif event.error:
                self._node.refuse(promise.request, Reason.WALLET_FAILED, event.error)
            else:
                self._node.reply(promise.request, promise.answer)
        if not event.error:
            return
        self._node.emit(WalletNotSaved(event.error))
        self.alarm.by(self._saves.retry_at)
        if not self._saves.is_on_disk and self._saves.retry_at is not None:
            # Nobody was told its words: as if it had never been, so that it can be made again.
            for promise in self._saves.drop_unsaved():
                self._node.refuse(promise.request, Reason.WALLET_FAILED, event.error)
            self._saves.retry_at = None
            self.wallet = None

    def on_failure(self, failure: str) -> None:
        """The node stops or its chain stands still: who waits for either hears it now."""
        for request in (*self._rescanning, *self._stretching):
            self._node.refuse(request, Reason.STOPPED, failure)
        self._rescanning.clear()
        self._stretching.clear()
        self._payments.on_failure(failure)

    def on_stop(self, reason: str) -> None:
        """From now on nothing new; what waits for the disk is answered as it comes."""
        self._stopping = reason

    @property
    def is_settled(self) -> bool:
        """Whether nobody waits for the disk any more."""
        return self._saves.is_settled

    def snapshot(self, now: Micros) -> WalletSnapshot | None:
        return None if self.wallet is None else self.wallet.snapshot()

    def digest(self, now: Micros, *, is_brief: bool) -> Iterable[tuple[str, bytes]]:
        out = bytearray()
        _SNAPSHOT.write(self.snapshot(now), out)
        return (("wallet", bytes(out)),)

    # --- commands ---

    def create(self, request: RequestId, command: commands.CreateWallet, now: Micros) -> None:
        """A new wallet, or one from its words."""
        if self._stopping:
            self._node.refuse(request, Reason.STOPPED, self._stopping)
            return
        if self.wallet is not None:
            self._node.refuse(request, Reason.WALLET_FAILED, "this node has a wallet already")
            return
        try:
            restored = bool(command.mnemonic)
            fresh = command.entropy or self._entropy(_ENTROPY_BYTES)
            entropy = entropy_from_mnemonic(command.mnemonic) if restored else fresh
            # Checked now: the key may take a while to stretch, and then it would be too late to complain.
            mnemonic_from_entropy(entropy)
        except (DecodeError, MisuseError) as error:
            self._node.refuse(request, Reason.INVALID, str(error))
            return
        if not command.passphrase:
            self._create(request, entropy, None, now, is_restored=restored)
            return
        stretching = Stretching(self._entropy(SALT_BYTES))
        self._stretching[request] = _Creating(entropy, restored, stretching)
        self._stretch(request, command.passphrase, stretching)

    def unlock(self, request: RequestId, command: commands.Unlock, now: Micros) -> None:
        """Open the seed for a time."""
        wallet = self._require(request)
        if wallet is None:
            return
        try:
            stretching = wallet.vault.stretching
        except WalletEncryptionState as error:
            self._node.refuse(request, Reason.WRONG_ENCRYPTION_STATE, str(error))
            return
        self._stretching[request] = _Unlocking(Micros(now + command.timeout_s * SECOND_US))
        self._stretch(request, command.passphrase, stretching)

    def lock(self, request: RequestId) -> None:
        """Forget the keys."""
        wallet = self._require(request)
        if wallet is None:
            return
        try:
            wallet.vault.lock()
        except WalletEncryptionState as error:
            self._node.refuse(request, Reason.WRONG_ENCRYPTION_STATE, str(error))
            return
        self._node.reply(request, Done())

    def new_address(self, request: RequestId, label: str) -> None:
        """A fresh address."""
        wallet = self._require(request)
        if wallet is None:
            return
        try:
            fresh = wallet.new_address(label)
        except MisuseError as error:
            self._node.refuse(request, Reason.INVALID, str(error))
            return
        self._saves.promise(Promise(request, FreshAddress(fresh.address)))
        self._watch()

    def pay(self, request: RequestId, command: commands.Pay, now: Micros) -> None:
        """Build, sign, save and send."""
        wallet = self._require(request)
        if wallet is not None and self._payments.pay(wallet, request, command, now):
            self._watch()

    def abandon(self, request: RequestId, txid: Txid) -> None:
        """Give a payment up."""
        wallet = self._require(request)
        if wallet is not None:
            self._payments.abandon(wallet, request, txid)

    def sign(self, request: RequestId, transaction: Transaction, spent: Mapping[Outpoint, TxOut]) -> None:
        """Sign what is ours."""
        wallet = self._require(request)
        if wallet is None:
            return
        try:
            signed = wallet.sign_transaction(transaction, spent)
        except WalletLocked as error:
            self._node.refuse(request, Reason.WALLET_LOCKED, str(error))
            return
        self._node.reply(request, Signed(signed.transaction, signed.is_complete))

    def rescan(self, request: RequestId, start_height: int) -> None:
        """Look through the chain again; answered at the end."""
        wallet = self._require(request)
        if wallet is None:
            return
        try:
            effect = wallet.rescan_from(start_height)
        except MisuseError as error:
            self._node.refuse(request, Reason.WALLET_FAILED, str(error))
            return
        self._rescanning.append(request)
        self._node.emit(effect)

    # --- results ---

    def on_key(self, event: KeyStretched, now: Micros) -> None:
        """A passphrase was stretched."""
        waiting = self._stretching.pop(event.request, None)
        match waiting:
            case _Creating(entropy, is_restored, stretching):
                if self.wallet is not None:
                    self._node.refuse(event.request, Reason.WALLET_FAILED, "this node has a wallet already")
                    return
                protection = Protection(event.key, stretching, self._entropy(NONCE_BYTES))
                self._create(event.request, entropy, protection, now, is_restored=is_restored)
            case _Unlocking(until):
                self._unlock(event, until)
            case None:
                pass

    def on_rescan(self, event: RescanProgress, now: Micros) -> None:
        """Blocks were searched."""
        if self.wallet is None:
            return
        change = self.wallet.apply_rescan(event, self._block_time, now)
        self._payments.tell(change)
        self._saves.note_change(bool(change.txids) or event.done)
        if change.rescan is not None:
            self._node.emit(change.rescan)
        elif event.done or event.error:
            for request in self._rescanning:
                if event.error:
                    self._node.refuse(request, Reason.WALLET_FAILED, f"rescan stopped: {event.error}")
                else:
                    self._saves.promise(Promise(request, Rescanned(event.height)))
            self._rescanning.clear()
        if change.must_watch:
            self._watch()

    # --- inside ---

    def _create(
        self, request: RequestId, entropy: bytes, protection: Protection | None, now: Micros, *, is_restored: bool
    ) -> None:
        node = self._node
        tip = Tip(node.tree.tip.hash, node.tree.tip.height)
        wallet = Wallet.create(WALLET_NAME, node.network, entropy, protection, tip, node.rng.stream("wallet"))
        self.wallet = wallet
        self.alarm.by(self.next_deadline())
        self._saves.note_change()
        self._payments.on_settled(wallet, now)
        if is_restored:
            node.emit(wallet.rescan_from(0))
        self._saves.promise(Promise(request, WalletWords(mnemonic_from_entropy(entropy))))
        self._watch()

    def _unlock(self, event: KeyStretched, until: Micros) -> None:
        wallet = self._require(event.request)
        if wallet is None:
            return
        try:
            wallet.vault.unlock(event.key, until)
        except WrongPassphrase as error:
            self._node.refuse(event.request, Reason.WRONG_PASSPHRASE, str(error))
            return
        self.alarm.by(self.next_deadline())
        self._node.reply(event.request, Done())

    def _stretch(self, request: RequestId, passphrase: str, how: Stretching) -> None:
        self._node.emit(StretchKey(request, passphrase.encode(), how.salt, how.log2_n, how.r, how.p))

    def _require(self, request: RequestId) -> Wallet | None:
        if self._stopping:
            self._node.refuse(request, Reason.STOPPED, self._stopping)
            return None
        if self.wallet is None:
            self._node.refuse(request, Reason.NO_WALLET, "this node has no wallet: create one (createwallet)")
        return self.wallet

    def _watch(self) -> None:
        """The chain worker is to tell of all scripts that are ours by now."""
        self._node.emit(Watch(frozenset() if self.wallet is None else self.wallet.scripts()))

    def _block_time(self, block: BlockHash) -> int | None:
        node = self._node.tree.get(block)
        return node.header.time if node is not None and self._node.tree.is_active(node) else None
