"""The verdict on a loose transaction: for the next block, by consensus alone."""

import pytest

from minicoin.core.chain.coins import CoinsCache
from minicoin.core.chain.deployments import RuleSet
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.tx_verdict import TxChecker
from minicoin.core.chain.undo import pack_coin
from minicoin.core.chain.verifier import ScriptedVerifier, VerifiedScripts
from minicoin.core.primitives.block import BlockHash
from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.primitives.verdicts import Coin, TxReason

TIP = BlockHash(b"\x07" * 32)
COIN, LOST = make_outpoint(b"\x01" * 32, 0), make_outpoint(b"\x02" * 32, 0)
OUT = TxOut(90, b"\x51")


INPUTS = (TxIn(COIN, sequence=0xFFFFFFFE),)


def tx(inputs=INPUTS, outputs=(OUT,), lock_time=0):
    return Transaction(2, tuple(inputs), tuple(outputs), lock_time)


GOOD = tx()
RULES = RuleSet(
    height=200,
    script_flags=1,
    bip34=True,
    csv=True,
    segwit=True,
    taproot=True,
    bip30=False,
    median_time_past=1_000_000_000,
    subsidy_sat=0,
    coinbase_maturity=100,
)


class Desk:
    """A checker over one coin."""

    def __init__(self, *, height=1, is_coinbase=False, bad=()):
        self.coins = CoinsCache(MemoryChainStore())
        self.coins.add(COIN, pack_coin(Coin(TxOut(100, b"\x51"), height, is_coinbase)))
        self.verifier = ScriptedVerifier(frozenset(bad))
        self.verified = VerifiedScripts(10)
        self.checker = TxChecker(self.coins, self.verifier, self.verified)

    def verify(self, transaction, parents=(), rules=RULES):
        return self.checker.verify(transaction, parents, rules, TIP, lambda height: 0)


def test_a_good_one_is_priced_and_remembered_for_its_block():
    desk = Desk()
    verdict = desk.verify(GOOD)
    assert (verdict.rejected, verdict.missing, verdict.tip) == (None, (), TIP)
    assert (verdict.fee_sat, verdict.spent) == (10, (TxOut(100, b"\x51"),))
    assert (GOOD.wtxid, RULES.script_flags) in desk.verified
    assert desk.coins.get(COIN) is not None, "it spends nothing yet"


@pytest.mark.parametrize(
    ("transaction", "reason"),
    [
        (tx(outputs=()), TxReason.NO_OUTPUTS),
        (tx(inputs=(TxIn(NULL_OUTPOINT, b"\x01\x01"),)), TxReason.COINBASE),
        (tx(lock_time=200), TxReason.NON_FINAL),
        (tx(outputs=(TxOut(101, b"\x51"),)), TxReason.IN_BELOW_OUT),
    ],
)
def test_what_breaks_a_rule_is_refused_before_any_script_runs(transaction, reason):
    desk = Desk()
    assert desk.verify(transaction).rejected is reason
    assert desk.verifier.checked == 0


def test_final_is_what_the_next_block_may_hold():
    assert Desk().verify(tx(lock_time=199)).rejected is None


def test_what_nobody_knows_is_missing_and_no_refusal():
    verdict = Desk().verify(tx(inputs=(*GOOD.inputs, TxIn(LOST))))
    assert (verdict.rejected, verdict.missing) == (None, (LOST,))


def test_an_unconfirmed_parent_counts_as_confirmed_in_the_next_block():
    child = tx(inputs=(TxIn(LOST, sequence=1),))
    parents = ((LOST, TxOut(95, b"\x51")),)
    assert Desk().verify(tx(inputs=(TxIn(LOST, sequence=0),)), parents).fee_sat == 5
    assert Desk().verify(child, parents).rejected is TxReason.NON_BIP68_FINAL


def test_what_a_block_holds_already_is_refused_while_an_output_is_unspent():
    desk = Desk()
    desk.coins.add(make_outpoint(GOOD.txid, 0), pack_coin(Coin(OUT, 5, False)))
    assert desk.verify(GOOD).rejected is TxReason.ALREADY_CONFIRMED


@pytest.mark.parametrize(("height", "reason"), [(100, None), (101, TxReason.PREMATURE_COINBASE)])
def test_a_coinbase_must_be_mature_in_the_next_block(height, reason):
    verdict = Desk(height=height, is_coinbase=True).verify(GOOD)
    assert verdict.rejected is reason
    if reason is None:
        assert verdict.spends_coinbase_height == height


def test_a_failed_script_names_its_input_and_is_not_remembered():
    desk = Desk(bad=(GOOD.wtxid,))
    verdict = desk.verify(GOOD)
    assert (verdict.rejected, verdict.detail) == (TxReason.SCRIPT_FAILED, "input 0")
    assert len(desk.verified) == 0
