"""The wallet as node uses it: addresses, start after a stop, rescans, foreign signing, the passphrase."""

import pytest
from tests.unit.wallet.chains import ENTROPY, FOREIGN_SCRIPT, GENESIS, NOW, FakeChain, new_wallet, pay
from tests.unit.wallet.kernel import verifies

from minicoin.core.effects import Rescan
from minicoin.core.events import RescanProgress
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.params.bitcoin import BITCOIN
from minicoin.core.params.builtin import REGTEST
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import Outpoint, Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.rng import Rng
from minicoin.core.script.standard import address_script, p2pkh_script
from minicoin.core.units import Micros
from minicoin.core.wallet.crypt import Protection, Stretching
from minicoin.core.wallet.errors import WalletLocked, WrongPassphrase
from minicoin.core.wallet.keys import Chain, KeyPath, entropy_from_mnemonic, mnemonic_from_entropy
from minicoin.core.wallet.ledger import Tip
from minicoin.core.wallet.payment import PaymentPlan
from minicoin.core.wallet.wallet import Wallet

PROTECTION = Protection(b"k" * 32, Stretching(b"s" * 16), b"n" * 12)


def scan(chain: FakeChain, request: Rescan, done: bool = True) -> RescanProgress:
    """What the chain worker answers."""
    found = tuple(
        (summary.hash, summary.height, watched)
        for summary, _ in chain.blocks
        if summary.height >= request.start_height
        for watched in summary.watched
        if any(output.script_pubkey in request.scripts for output in (*watched.transaction.outputs, *watched.spent))
    )
    return RescanProgress(chain.height, found, done)


def times(chain: FakeChain):  # type: ignore[no-untyped-def]
    known = {summary.hash: summary.header.time for summary, _ in chain.blocks}

    def block_time(block: BlockHash) -> int | None:
        return known.get(block)

    return block_time


def test_addresses_are_fresh_labelled_and_watched() -> None:
    wallet = new_wallet()
    first, second = wallet.new_address("rent"), wallet.new_address()
    assert first.address.startswith("mcrt1q")
    assert first.address != second.address
    assert {first.script_pubkey, second.script_pubkey} <= wallet.scripts()
    assert [(entry.address, entry.label, entry.path) for entry in wallet.addresses()] == [
        (first.address, "rent", KeyPath(Chain.RECEIVING, 0)),
        (second.address, "", KeyPath(Chain.RECEIVING, 1)),
    ]
    wallet.set_label(second.address, "food")
    assert wallet.label(second.script_pubkey) == "food"
    again = Wallet.from_bytes(wallet.to_bytes(), REGTEST, Rng(b""))
    assert again.addresses() == wallet.addresses()
    assert again.new_address() == wallet.new_address()


def test_labels_are_for_own_addresses_and_bounded() -> None:
    wallet = new_wallet()
    foreign = "mcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq"
    with pytest.raises(DecodeError):
        wallet.set_label(foreign, "x")
    with pytest.raises(MisuseError, match="255 characters"):
        wallet.new_address("x" * 256)
    other = Wallet.create("o", REGTEST, bytes(16), None, GENESIS, Rng(b"")).new_address()
    with pytest.raises(MisuseError, match="not of this wallet"):
        wallet.set_label(other.address, "x")
    assert wallet.addresses() == ()


def test_the_seed_words_bring_everything_back() -> None:
    wallet = new_wallet()
    scripts = [wallet.new_address().script_pubkey for _ in range(45)]
    chain = FakeChain(wallet.scripts())
    for index in (3, 22, 41):
        wallet.connect(chain.mine(pay(scripts[index], 1_000 + index, tag=index + 1)), NOW)
    assert isinstance(wallet.vault.seed, bytes)
    words = mnemonic_from_entropy(wallet.vault.seed)
    restored = Wallet.create(
        "restored", REGTEST, entropy_from_mnemonic(words), None, Tip(chain.tip_hash, chain.height), Rng(b"")
    )
    request: Rescan | None = restored.rescan_from(0)
    rounds = 0
    while request is not None:
        change = restored.apply_rescan(scan(chain, request), times(chain), NOW)
        request = change.rescan
        rounds += 1
    assert rounds >= 3
    assert restored.balance() == wallet.balance()
    assert restored.history(10) == wallet.history(10)
    assert len(restored.addresses()) == 42


def test_a_rescan_takes_only_blocks_of_the_best_chain() -> None:
    wallet = new_wallet()
    script = wallet.new_address().script_pubkey
    chain = FakeChain(wallet.scripts())
    chain.mine(pay(script, 1_000, tag=1))
    progress = scan(chain, wallet.rescan_from(0))
    assert wallet.apply_rescan(progress, lambda _: None, NOW).txids == ()
    assert wallet.coins() == ()
    assert wallet.rescan_height is None


def test_one_rescan_at_a_time_with_its_progress() -> None:
    wallet = new_wallet()
    wallet.rescan_from(5)
    with pytest.raises(MisuseError, match="rescanned already"):
        wallet.rescan_from(0)
    wallet.apply_rescan(RescanProgress(40, (), False), lambda _: None, NOW)
    assert wallet.snapshot().rescan_height == 40
    wallet.apply_rescan(RescanProgress(50, (), True), lambda _: None, NOW)
    assert wallet.snapshot().rescan_height is None
    assert wallet.apply_rescan(RescanProgress(60, (), True), lambda _: None, NOW).txids == ()


@pytest.mark.parametrize("failed", [False, True], ids=["stopped", "failed"])
def test_an_unfinished_rescan_goes_on_at_the_next_start(failed: bool) -> None:
    wallet = new_wallet()
    tip = Tip(BlockHash(b"\1" * 32), 100)
    assert wallet.align(tip, 0) == Rescan(wallet.scripts(), 1)
    progress = RescanProgress(40, (), False, "disk full" if failed else "")
    wallet.apply_rescan(progress, lambda _: None, NOW)
    again = Wallet.from_bytes(wallet.to_bytes(), REGTEST, Rng(b""))
    assert again.tip == tip
    assert again.align(tip, 100) == Rescan(again.scripts(), 41)


def test_start_after_a_reorg_that_the_wallet_did_not_see() -> None:
    wallet = new_wallet()
    script = wallet.new_address().script_pubkey
    chain = FakeChain(wallet.scripts())
    kept, moved = pay(script, 1_000, tag=1), pay(script, 2_000, tag=2)
    wallet.connect(chain.mine(kept), NOW)
    wallet.connect(chain.mine(moved, to=script), NOW)
    raw = wallet.to_bytes()
    chain.rewind()
    chain.mine()
    chain.mine(moved)
    again = Wallet.from_bytes(raw, REGTEST, Rng(b""))
    request = again.align(Tip(chain.tip_hash, 3), 1)
    assert [record.transaction for record in again.unconfirmed()] == [moved]
    assert request == Rescan(again.scripts(), 2)
    again.apply_rescan(scan(chain, request), times(chain), NOW)
    assert again.unconfirmed() == ()
    assert again.confirmations(moved.txid) == 1
    assert again.confirmations(kept.txid) == 3
    assert (again.balance().confirmed_sat, again.balance().immature_sat) == (3_000, 0)
    again.connect(chain.mine(), NOW)


def test_start_where_nothing_happened_needs_no_rescan() -> None:
    wallet = new_wallet()
    assert wallet.align(GENESIS, 0) is None


def test_a_payment_to_the_look_ahead_widens_the_watch() -> None:
    wallet = new_wallet()
    twin = new_wallet()
    ahead = [twin.new_address().script_pubkey for _ in range(15)][-1]
    chain = FakeChain(wallet.scripts())
    change = wallet.connect(chain.mine(pay(ahead, 1_000, tag=1)), NOW)
    assert change.must_watch
    assert len(wallet.addresses()) == 15
    assert not wallet.connect(chain.mine(pay(ahead, 1_000, tag=2)), NOW).must_watch


def test_a_locked_wallet_watches_but_does_not_pay() -> None:
    wallet = new_wallet(PROTECTION)
    script = wallet.new_address().script_pubkey
    chain = FakeChain(wallet.scripts())
    wallet.connect(chain.mine(pay(script, 50_000, tag=1)), NOW)
    plan = PaymentPlan((TxOut(10_000, FOREIGN_SCRIPT),), 1_000)
    snapshot = wallet.snapshot()
    assert (snapshot.is_encrypted, snapshot.is_locked) == (True, True)
    assert snapshot.balance.confirmed_sat == 50_000
    with pytest.raises(WalletLocked):
        wallet.build_payment(plan)
    again = Wallet.from_bytes(wallet.to_bytes(), REGTEST, Rng(b""))
    with pytest.raises(WrongPassphrase):
        again.vault.unlock(b"x" * 32, Micros(1))
    again.vault.unlock(b"k" * 32, Micros(1))
    assert again.build_payment(plan).transaction.has_witness


def test_a_seal_is_bound_to_its_wallet() -> None:
    wallet = new_wallet(PROTECTION)
    renamed = wallet.to_bytes().replace(b'"name":"main"', b'"name":"evil"')
    with pytest.raises(DecodeError, match="damaged"):
        Wallet.from_bytes(renamed, REGTEST, Rng(b""))


def test_foreign_transactions_are_signed_where_the_keys_are_ours() -> None:
    wallet = new_wallet()
    script = wallet.new_address().script_pubkey
    chain = FakeChain(wallet.scripts())
    funding = pay(script, 50_000, tag=1)
    wallet.connect(chain.mine(funding), NOW)
    ours, legacy, foreign = make_outpoint(funding.txid, 0), Outpoint(b"\2" * 36), Outpoint(b"\3" * 36)
    draft = Transaction(2, tuple(map(TxIn, (ours, legacy, foreign))), (TxOut(1_000, FOREIGN_SCRIPT),))
    prevouts = {legacy: TxOut(7_000, p2pkh_script(script[2:])), foreign: TxOut(8_000, FOREIGN_SCRIPT)}
    signed = wallet.sign_transaction(draft, prevouts)
    assert [(left.index, left.reason) for left in signed.unsigned] == [(2, "the key is not in this wallet")]
    whole = Transaction(2, draft.inputs[:2], draft.outputs)
    assert verifies(wallet.sign_transaction(whole, prevouts).transaction, [funding.outputs[0], prevouts[legacy]])


def test_networks_have_their_own_addresses() -> None:
    wallet = Wallet.create("b", BITCOIN, ENTROPY, None, Tip(BITCOIN.genesis.header.hash, 0), Rng(b""))
    address = wallet.new_address().address
    assert address.startswith("bc1q")
    with pytest.raises(DecodeError, match="another network: prefix 'bc', expected 'mcrt'"):
        address_script(address, REGTEST.address_format)
