"""The index under the ledger, against sets made anew from the transactions that are known and active."""

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.wallet.chains import FOREIGN_SCRIPT
from tests.unit.wallet.test_keyring import FakeAccount

from minicoin.core.primitives.transaction import NULL_OUTPOINT, Transaction, Txid, TxIn, TxOut, make_outpoint
from minicoin.core.wallet.coinset import CoinSet
from minicoin.core.wallet.keyring import Keyring
from minicoin.core.wallet.keys import Chain

KEYRING = Keyring(FakeAccount())
OURS = KEYRING.hand_out(Chain.RECEIVING)


def tree() -> tuple[Transaction, ...]:
    """A payment to us and to somebody else, two rivals that spend it, and a child of the first."""
    root = Transaction(2, (TxIn(make_outpoint(Txid(b"\1" * 32), 0)),), (TxOut(5, OURS), TxOut(4, FOREIGN_SCRIPT)))
    spend = (TxIn(make_outpoint(root.txid, 0)),)
    first = Transaction(2, spend, (TxOut(3, OURS),), 1)
    second = Transaction(2, spend, (TxOut(2, OURS),), 2)
    child = Transaction(2, (TxIn(make_outpoint(first.txid, 0)), TxIn(make_outpoint(root.txid, 1))), (TxOut(1, OURS),))
    return (root, first, second, child)


TREE = tree()
ROOT, FIRST, SECOND, CHILD = TREE


def check(coins: CoinSet, active: Sequence[Transaction]) -> None:
    """What the active ones together say. Rivals are never active at once: the ledger sees to that."""
    spent = {spend.outpoint: one.txid for one in active for spend in one.inputs}
    created = {make_outpoint(one.txid, index): one for one in active for index in range(len(one.outputs))}
    ours = {point for point, one in created.items() if one.outputs[int.from_bytes(point[32:], "little")][1] == OURS}
    assert set(coins.unspent) == ours - set(spent)
    for one in TREE:
        for spend in one.inputs:
            assert coins.spender(spend.outpoint) == spent.get(spend.outpoint)
        for index in range(len(one.outputs)):
            point = make_outpoint(one.txid, index)
            assert (coins.output(point) is not None) == (point in ours)


@given(st.lists(st.sampled_from(TREE), max_size=20))
def test_activated_in_any_order(steps: list[Transaction]) -> None:
    coins, active = CoinSet(KEYRING), list[Transaction]()
    for one in steps:
        if one in active:
            active.remove(one)
            coins.deactivate(one)
        elif not (one in (FIRST, SECOND) and any(other in active for other in (FIRST, SECOND))):
            active.append(one)
            coins.activate(one)
        check(coins, active)


def test_rivals_find_each_other_whether_active_or_not() -> None:
    coins = CoinSet(KEYRING)
    for one in (*TREE, FIRST):
        coins.claim(one)
    assert coins.rivals(FIRST) == (SECOND.txid,)
    assert coins.claimants(make_outpoint(ROOT.txid, 0)) == (FIRST.txid, SECOND.txid)
    assert list(coins.children(ROOT)) == [FIRST.txid, SECOND.txid, CHILD.txid]
    coins.disclaim(SECOND)
    assert coins.rivals(FIRST) == ()
    # Coinbases name no coin, and so have no rivals.
    assert coins.rivals(Transaction(1, (TxIn(NULL_OUTPOINT),), ())) == ()


def test_coins_are_kept_for_the_payment_that_chose_them() -> None:
    coins = CoinSet(KEYRING)
    coins.activate(ROOT)
    coins.reserve(CHILD)
    assert not coins.is_reserved(make_outpoint(ROOT.txid, 1)), "it is not ours"
    coins.reserve(FIRST)
    assert coins.is_reserved(make_outpoint(ROOT.txid, 0))
    coins.release(SECOND.txid)
    assert coins.is_reserved(make_outpoint(ROOT.txid, 0))
    coins.release(FIRST.txid)
    assert not coins.is_reserved(make_outpoint(ROOT.txid, 0))
