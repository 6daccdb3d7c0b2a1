"""The node's wallet between chain, mempool, disk and commands. core/wallet decides; this keeps the order.

An address or a payment is told outside only once the state that holds it is on disk: replies wait for Saved. Stretching
a passphrase and rescans are effects; their commands are answered when the results come.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from minicoin.core.alarm import Alarm
from minicoin.core.effects import SaveState, StretchKey
from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.events import KeyStretched, RescanProgress, Saved
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.limits import WALLET_SAVE_RETRY_US
from minicoin.core.mempool.outcomes import Accepted, MempoolChange, Rejected
from minicoin.core.node import commands
from minicoin.core.node.parts import Parts
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Outpoint, Transaction, Txid, TxOut
from minicoin.core.primitives.verdicts import ChainUpdate, TxReason
from minicoin.core.units import SECOND_US, Micros, RequestId
from minicoin.core.wallet.crypt import NONCE_BYTES, SALT_BYTES, Protection, Stretching
from minicoin.core.wallet.errors import (
    InsufficientFunds,
    PaymentRefused,
    WalletEncryptionState,
    WalletLocked,
    WrongPassphrase,
)
from minicoin.core.wallet.keys import entropy_from_mnemonic, mnemonic_from_entropy
from minicoin.core.wallet.ledger import Tip
from minicoin.core.wallet.payment import PaymentPlan
from minicoin.core.wallet.views import WalletChange
from minicoin.core.wallet.wallet import Wallet

WALLET_KEY = "wallet"
WALLET_NAME = "default"
_ENTROPY_BYTES = 16

Submit = Callable[[Transaction, Micros], TxReason | None]


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


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a command is answered once the wallet is saved. `if_unsaved` stands in front of the error otherwise."""

    request: RequestId
    value: object = field(repr=False)
    if_unsaved: str = ""


class WalletFlow:
    """At most one wallet, created by command or loaded at start."""

    def __init__(self, parts: Parts, wallet: Wallet | None, entropy: Callable[[int], bytes]) -> None:
        self._parts = parts
        self.wallet = wallet
        self.alarm = Alarm()
        self._entropy = entropy
        self._stretching: dict[RequestId, _Creating | _Unlocking] = {}
        self._paying: dict[Txid, RequestId] = {}
        self._rescanning: list[RequestId] = []
        self._unsaved_replies: list[_Answer] = []
        self._saving: list[list[_Answer]] = []
        self._is_changed = False
        self._is_on_disk = wallet is not None
        self._retry_at: Micros | None = None

    def scripts(self) -> frozenset[bytes]:
        """What the chain worker must watch for."""
        return self.wallet.scripts() if self.wallet is not None else frozenset()

    # --- the node's life ---

    def on_start(self) -> tuple[Transaction, ...]:
        """Catch up with the chain as it stands; what is pending is to be offered to the mempool again."""
        if self.wallet is None:
            return ()
        tree = self._parts.tree
        known = tree.get(self.wallet.tip.hash)
        fork_height = 0 if known is None else tree.path(tree.tip, known)[0].height
        rescan = self.wallet.align(Tip(tree.tip.hash, tree.tip.height), fork_height)
        if rescan is not None:
            self._parts.emit(rescan)
        return self.wallet.unconfirmed()

    def on_chain_update(self, update: ChainUpdate, change: MempoolChange, now: Micros) -> bool:
        """Follow the chain; whether the watch set grew."""
        if self.wallet is None:
            return False
        changes: list[WalletChange] = []
        for gone in update.disconnected:
            changes.append(self.wallet.disconnect(gone.summary))
        for summary in update.connected:
            changes.append(self.wallet.connect(summary, now))
        for entry in change.conflicted:
            changes.append(self.wallet.remove_unconfirmed(entry.txid))
        # A tip alone is not worth a write for every block: it is caught up with at the next start.
        self._is_changed = self._is_changed or any(change.txids for change in changes)
        return self._apply(changes)

    def on_accepted(self, outcome: Accepted, now: Micros) -> bool:
        """The mempool took a transaction; whether the watch set grew."""
        if self.wallet is None:
            return False
        changes = [self.wallet.remove_unconfirmed(entry.txid) for entry in (*outcome.replaced, *outcome.evicted)]
        added = self.wallet.add_unconfirmed(outcome.entry.transaction, now)
        changes.append(added)
        request = self._paying.pop(outcome.entry.txid, None)
        if request is not None:
            txid = hash_to_hex(outcome.entry.txid)
            self._unsaved_replies.append(_Answer(request, txid, f"payment {txid} was sent, but "))
        if added.txids:
            self._adopt(added.txids)
        self._is_changed = self._is_changed or any(change.txids for change in changes) or request is not None
        return self._apply(changes)

    def on_rejected(self, outcome: Rejected) -> None:
        """The mempool refused a transaction."""
        self.on_refused(outcome.txid, f"{outcome.reason}{': ' + outcome.detail if outcome.detail else ''}")

    def on_expired(self, change: MempoolChange) -> None:
        """The mempool let go of transactions that waited too long."""
        if self.wallet is not None:
            for entry in change.expired:
                self._is_changed = bool(self.wallet.remove_unconfirmed(entry.txid).txids) or self._is_changed

    def on_deadline(self, now: Micros) -> None:
        """Lock, or try the disk again, when the time has come."""
        if self._retry_at is not None and now >= self._retry_at:
            self._retry_at = None
            self._is_changed = True
        if self.wallet is not None:
            self.wallet.vault.tick(now)

    def next_deadline(self) -> Micros | None:
        """When an open wallet locks itself, or one that could not be saved is saved again."""
        locks_at = self.wallet.vault.unlocked_until if self.wallet is not None else None
        return min((at for at in (locks_at, self._retry_at) if at is not None), default=None)

    def save_if_changed(self) -> None:
        """At the end of an event: one write for all it changed; replies go out once it is on disk."""
        if self.wallet is None or not (self._is_changed or self._unsaved_replies):
            return
        self._is_changed = False
        replies, self._unsaved_replies = self._unsaved_replies, []
        self._saving.append(replies)
        self._parts.emit(SaveState(WALLET_KEY, self.wallet.to_bytes()))

    def on_saved(self, event: Saved, now: Micros) -> None:
        """The disk has it, or refused."""
        if event.key != WALLET_KEY or not self._saving:
            return
        for answer in self._saving.pop(0):
            if event.error:
                self._parts.fail(answer.request, commands.WALLET_ERROR, answer.if_unsaved + event.error)
            else:
                self._parts.reply(answer.request, answer.value)
        self._is_on_disk = self._is_on_disk or not event.error
        if event.error:
            self._parts.trace("wallet-not-saved", error=event.error)
            if self._is_on_disk:
                # Not lost in memory; a while later, since a full disk does not empty itself at once.
                self._retry_at = Micros(now + WALLET_SAVE_RETRY_US)
                self.alarm.by(self._retry_at)
            else:
                # Nobody was told its words: as if it had never been, so that it can be made again.
                self._fail_unsaved(event.error)
                self.wallet = None

    def on_failure(self, failure: str) -> None:
        """The node stops or its chain stands still: who waits for either hears it now."""
        for request in (*self._paying.values(), *self._rescanning, *self._stretching):
            self._parts.fail(request, commands.MISC_ERROR, failure)
        self._paying.clear()
        self._rescanning.clear()
        self._stretching.clear()

    def on_stop(self, reason: str) -> None:
        """Saves still go out, but nobody will report them."""
        for replies in self._saving:
            self._unsaved_replies += replies
            replies.clear()
        self._fail_unsaved(reason)

    def _fail_unsaved(self, error: str) -> None:
        for answer in self._unsaved_replies:
            self._parts.fail(answer.request, commands.WALLET_ERROR, error)
        self._unsaved_replies.clear()

    # --- commands ---

    def create(self, request: RequestId, command: commands.CreateWallet, now: Micros) -> None:
        """A new wallet, or one from its words."""
        if self.wallet is not None:
            self._parts.fail(request, commands.WALLET_ERROR, "this node has a wallet already")
            return
        try:
            restored = bool(command.mnemonic)
            fresh = command.entropy or self._entropy(_ENTROPY_BYTES)
            entropy = entropy_from_mnemonic(command.mnemonic) if restored else fresh
            # Checked now: the key may take a while to stretch, and then it would be too late to complain.
            mnemonic_from_entropy(entropy)
        except (DecodeError, MisuseError) as error:
            self._parts.fail(request, commands.INVALID_PARAMETER, str(error))
            return
        if not command.passphrase:
            self._create(request, entropy, None, is_restored=restored)
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
            self._parts.fail(request, commands.WRONG_ENCRYPTION_STATE, str(error))
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
            self._parts.fail(request, commands.WRONG_ENCRYPTION_STATE, str(error))
            return
        self._parts.reply(request, None)

    def new_address(self, request: RequestId, label: str) -> bool:
        """A fresh address; whether the watch set grew."""
        wallet = self._require(request)
        if wallet is None:
            return False
        try:
            fresh = wallet.new_address(label)
        except MisuseError as error:
            self._parts.fail(request, commands.INVALID_PARAMETER, str(error))
            return False
        self._unsaved_replies.append(_Answer(request, fresh.address))
        return True

    def pay(self, request: RequestId, command: commands.Pay, submit: Submit, now: Micros) -> bool:
        """Build, sign and submit; answered when the mempool took it and the wallet is saved. Whether to watch anew."""
        wallet = self._require(request)
        if wallet is None:
            return False
        feerate = command.feerate_sat_per_kvb or self._parts.mempool.estimate_feerate(6, now)
        try:
            payment = wallet.build_payment(PaymentPlan(command.outputs, feerate, command.subtract_fee_from))
        except InsufficientFunds as error:
            self._parts.fail(request, commands.WALLET_INSUFFICIENT_FUNDS, str(error))
            return False
        except WalletLocked as error:
            self._parts.fail(request, commands.UNLOCK_NEEDED, str(error))
            return False
        except (PaymentRefused, MisuseError) as error:
            self._parts.fail(request, commands.WALLET_ERROR, str(error))
            return False
        self._paying[payment.transaction.txid] = request
        reason = submit(payment.transaction, now)
        if reason is not None:
            self.on_refused(payment.transaction.txid, str(reason))
        return payment.must_watch

    def sign(self, request: RequestId, transaction: Transaction, spent: Mapping[Outpoint, TxOut]) -> None:
        """Sign what is ours."""
        wallet = self._require(request)
        if wallet is None:
            return
        try:
            signed = wallet.sign_transaction(transaction, spent)
        except WalletLocked as error:
            self._parts.fail(request, commands.UNLOCK_NEEDED, str(error))
            return
        self._parts.reply(request, (signed.transaction, signed.is_complete))

    def rescan(self, request: RequestId, start_height: int) -> None:
        """Look through the chain again; answered at the end."""
        wallet = self._require(request)
        if wallet is None:
            return
        try:
            effect = wallet.rescan_from(start_height)
        except MisuseError as error:
            self._parts.fail(request, commands.WALLET_ERROR, str(error))
            return
        self._rescanning.append(request)
        self._parts.emit(effect)

    # --- results ---

    def on_key(self, event: KeyStretched, now: Micros) -> bool:
        """A passphrase was stretched; whether to watch anew."""
        waiting = self._stretching.pop(event.request, None)
        match waiting:
            case _Creating(entropy, is_restored, stretching):
                if self.wallet is not None:
                    self._parts.fail(event.request, commands.WALLET_ERROR, "this node has a wallet already")
                    return False
                protection = Protection(event.key, stretching, self._entropy(NONCE_BYTES))
                self._create(event.request, entropy, protection, is_restored=is_restored)
                return True
            case _Unlocking(until):
                self._unlock(event, until)
                return False
            case None:
                return False

    def on_rescan(self, event: RescanProgress, now: Micros) -> bool:
        """Blocks were searched; whether the watch set grew."""
        if self.wallet is None:
            return False
        change = self.wallet.apply_rescan(event, self._block_time, now)
        self._is_changed = self._is_changed or bool(change.txids) or event.done
        if change.rescan is not None:
            self._parts.emit(change.rescan)
        elif event.done or event.error:
            for request in self._rescanning:
                if event.error:
                    self._parts.fail(request, commands.WALLET_ERROR, f"rescan stopped: {event.error}")
                else:
                    self._unsaved_replies.append(_Answer(request, event.height))
            self._rescanning.clear()
        return change.must_watch

    # --- inside ---

    def _create(self, request: RequestId, entropy: bytes, protection: Protection | None, *, is_restored: bool) -> None:
        parts = self._parts
        tip = Tip(parts.tree.tip.hash, parts.tree.tip.height)
        wallet = Wallet.create(WALLET_NAME, parts.network, entropy, protection, tip, parts.rng.stream("wallet"))
        self.wallet = wallet
        self.alarm.by(self.next_deadline())
        self._is_changed = True
        if is_restored:
            parts.emit(wallet.rescan_from(0))
        self._unsaved_replies.append(_Answer(request, mnemonic_from_entropy(entropy)))

    def _unlock(self, event: KeyStretched, until: Micros) -> None:
        wallet = self._require(event.request)
        if wallet is None:
            return
        try:
            wallet.vault.unlock(event.key, until)
        except WrongPassphrase as error:
            self._parts.fail(event.request, commands.WRONG_PASSPHRASE, str(error))
            return
        self.alarm.by(self.next_deadline())
        self._parts.reply(event.request, None)

    def _stretch(self, request: RequestId, passphrase: str, how: Stretching) -> None:
        self._parts.emit(StretchKey(request, passphrase.encode(), how.salt, how.log2_n, how.r, how.p))

    def _require(self, request: RequestId) -> Wallet | None:
        if self.wallet is None:
            self._parts.fail(request, commands.WALLET_NOT_FOUND, "this node has no wallet: create one (createwallet)")
        return self.wallet

    def on_refused(self, txid: Txid, why: str) -> None:
        """A transaction will not get into the mempool: its coins are free again, its sender hears why."""
        if self.wallet is not None and self.wallet.remove_unconfirmed(txid).txids:
            self._is_changed = True
        self._parts.fail(self._paying.pop(txid, None), commands.WALLET_ERROR, f"the payment was refused: {why}")

    def _adopt(self, txids: tuple[Txid, ...]) -> None:
        """What spends our coins is ours to rebroadcast, whoever sent it."""
        assert self.wallet is not None
        own = {transaction.txid for transaction in self.wallet.own_unconfirmed()}
        for txid in txids:
            if txid in own:
                self._parts.mempool.adopt(txid)

    def _apply(self, changes: list[WalletChange]) -> bool:
        for change in changes:
            if change.rescan is not None:
                self._parts.emit(change.rescan)
        return any(change.must_watch for change in changes)

    def _block_time(self, block: BlockHash) -> int | None:
        node = self._parts.tree.get(block)
        return node.header.time if node is not None and self._parts.tree.is_active(node) else None
