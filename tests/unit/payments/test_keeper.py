"""The wallet flow: nothing is told outside before it is on disk. Payments have tests of their own."""

from tests.unit.node.bench import NETWORK, Bench

from minicoin.core.answers import Reason, Refused
from minicoin.core.commands import CreateWallet, Generate, NewAddress
from minicoin.core.effects import SaveState
from minicoin.core.events import Saved
from minicoin.core.limits import WALLET_SAVE_RETRY_US
from minicoin.core.payments.keeper import WALLET_KEY
from minicoin.core.script.standard import address_script


def funded():
    bench = Bench()
    bench.ask(CreateWallet(b""))
    script = address_script(bench.ask(NewAddress("")).address, NETWORK.address_format)
    bench.ask(Generate(NETWORK.coinbase_maturity + 2, script))
    bench.take(SaveState)
    return bench


def test_an_address_is_handed_out_only_after_it_is_saved():
    bench = funded()
    bench.saves = False
    request = bench.command(NewAddress("shop"))
    assert request not in bench.replies
    (saved,) = bench.take(SaveState)
    assert saved.key == WALLET_KEY
    bench.handle(Saved(WALLET_KEY))
    assert bench.replies[request].answer.address.startswith("mcrt1")


def test_a_failed_save_is_an_error_and_is_tried_again_later_not_at_once():
    bench = funded()
    bench.save_error = "disk full"
    reply = bench.replies[bench.command(NewAddress(""))]
    assert reply.answer == Refused(Reason.WALLET_FAILED, "disk full")
    assert len(bench.take(SaveState)) == 1
    bench.save_error = ""
    bench.wait(WALLET_SAVE_RETRY_US)
    assert [effect.key for effect in bench.take(SaveState)] == [WALLET_KEY]
    bench.wait(3 * WALLET_SAVE_RETRY_US)
    assert bench.take(SaveState) == []


def test_a_wallet_that_was_never_saved_can_be_made_again():
    bench = Bench()
    bench.save_error = "disk full"
    assert bench.replies[bench.command(CreateWallet(b""))].answer.text == "disk full"
    assert bench.node.view.wallet is None
    bench.save_error = ""
    assert len(bench.ask(CreateWallet(b"")).mnemonic.split()) == 12


def test_seed_words_restore_the_same_coins():
    words = (first := Bench()).ask(CreateWallet(b"")).mnemonic
    script = address_script(first.ask(NewAddress("")).address, NETWORK.address_format)
    again = Bench()
    again.ask(Generate(NETWORK.coinbase_maturity + 2, script))
    again.ask(CreateWallet(b"", mnemonic=words))
    assert again.ask(NewAddress("")).address
