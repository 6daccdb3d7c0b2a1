from decimal import Decimal

import pytest

from minicoin.core.units import SECOND_US


@pytest.fixture
def foreign(funded) -> str:
    """An address nobody here has the key of."""
    return funded("decodescript", "0014751e76e8199196d454941c45d1b3a323f1433bd6")["address"]


def _mine(rpc) -> str:
    return rpc("generatetoaddress", 1, rpc("getnewaddress"))[0]


def test_a_payment_from_pending_to_confirmed(funded, foreign) -> None:
    before = funded("getbalance")
    txid = funded("sendtoaddress", foreign, "1.00000001")
    pending = funded("gettransaction", txid)
    assert pending["amount"] == Decimal("-1.00000001")
    assert pending["confirmations"] == 0
    fee = -pending["fee"]
    assert funded("getbalance") == before - Decimal("1.00000001") - fee
    block = _mine(funded)
    confirmed = funded("gettransaction", txid, False, True)
    assert (confirmed["confirmations"], confirmed["blockhash"]) == (1, block)
    assert confirmed["decoded"]["txid"] == txid
    (detail,) = confirmed["details"]
    assert (detail["category"], detail["address"], detail["fee"]) == ("send", foreign, -fee)
    assert funded.refusal("gettransaction", "00" * 32)[0] == -5


def test_fee_rate_and_who_pays_it(funded, foreign) -> None:
    answer = funded.named("sendtoaddress", address=foreign, amount=1, fee_rate=25, verbose=True)
    entry = funded("getmempoolentry", answer["txid"])
    # Reckoned for the longest signature: the one that was made may be a byte shorter, which is at most a vbyte.
    assert entry["fees"]["base"] * 10**8 in (25 * entry["vsize"], 25 * (entry["vsize"] + 1))
    txid = funded.named("sendtoaddress", address=foreign, amount=1, subtractfeefromamount=True)
    details = funded("gettransaction", txid)
    # What the receiver gets and the fee make up the amount.
    assert details["amount"] + details["fee"] == -1
    for rate, code in ((0, -8), (Decimal("0.0001"), -3), ("x", -3)):
        code_found, _ = funded.named_refusal("sendtoaddress", address=foreign, amount=1, fee_rate=rate)
        assert code_found == code
    _mine(funded)


@pytest.mark.parametrize(
    ("amount", "code", "problem"),
    [
        (100_000, -6, "Insufficient funds"),
        ("0.00000001", -4, "dust"),
        (0, -4, "dust"),
        (-1, -3, "out of range"),
        ("1.000000001", -3, "decimals"),
        ("1_0", -3, "Invalid amount"),
        ("\uff11", -3, "Invalid amount"),
        ("1e400", -3, "out of range"),
        ("much", -3, "Invalid amount"),
    ],
)
def test_payments_that_cannot_be(funded, foreign, amount, code: int, problem: str) -> None:
    found, message = funded.refusal("sendtoaddress", foreign, amount)
    assert found == code
    assert problem in message
    assert funded("getrawmempool") == []


def test_bad_addresses_are_refused(funded) -> None:
    assert funded.refusal("sendtoaddress", "nowhere", 1)[0] == -5


def test_many_at_once(funded, foreign) -> None:
    own = funded("getnewaddress")
    txid = funded("sendmany", "", {foreign: 1, own: "0.5"})
    values = {output["value"] for output in funded("getrawtransaction", txid, 1)["vout"]}
    assert {Decimal(1), Decimal("0.5")} <= values
    assert funded.refusal("sendmany", "", {})[0] == -8
    assert funded.refusal("sendmany", "", {foreign: 1}, 1, "", [own])[0] == -8
    _mine(funded)


def test_signing(funded, foreign) -> None:
    coin = funded("listunspent")[0]
    own = {"txid": coin["txid"], "vout": coin["vout"]}
    raw = funded("createrawtransaction", [own], {foreign: coin["amount"] - Decimal("0.001")})
    signed = funded("signrawtransactionwithwallet", raw)
    assert signed["complete"] is True and "errors" not in signed
    assert funded("testmempoolaccept", [signed["hex"]])[0]["allowed"] is True
    mixed = funded("createrawtransaction", [own, {"txid": "11" * 32, "vout": 5}], {foreign: 1})
    partly = funded("signrawtransactionwithwallet", mixed)
    assert partly["complete"] is False
    (problem,) = partly["errors"]
    assert (problem["txid"], problem["vout"]) == ("11" * 32, 5)
    assert "not found" in problem["error"]
    prevout = {"txid": "11" * 32, "vout": 5, "scriptPubKey": "0014" + "00" * 20, "amount": 1}
    (problem,) = funded("signrawtransactionwithwallet", mixed, [prevout])["errors"]
    assert "not of this wallet" in problem["error"]
    assert funded.refusal("signrawtransactionwithwallet", mixed, [{"vout": 5}])[0] == -8
    assert funded.refusal("signrawtransactionwithwallet", "00")[0] == -22


def _told(rpc, txid: str) -> set[tuple[bool, bool, int]]:
    lines = [line for line in rpc("listtransactions") if line["txid"] == txid]
    return {(line["abandoned"], line["trusted"], line["confirmations"]) for line in lines}


def test_a_payment_is_given_up_by_its_owner_only(funded, foreign) -> None:
    before = funded("getbalance")
    # Final in the next block only, so that it waits while the tip is taken away.
    coin = max(funded("listunspent"), key=lambda coin: coin["amount"])
    outputs = {foreign: 1, funded("getnewaddress"): coin["amount"] - 1 - Decimal("0.0001")}
    raw = funded("createrawtransaction", [coin | {"sequence": 0xFFFFFFFD}], outputs, funded("getblockcount"))
    txid = funded("sendrawtransaction", funded("signrawtransactionwithwallet", raw)["hex"])
    assert funded.refusal("abandontransaction", "ff" * 32) == (-5, "Invalid or non-wallet transaction id")
    assert funded.refusal("abandontransaction", txid) == (-5, "Transaction not eligible for abandonment")
    funded("invalidateblock", funded("getbestblockhash"))
    funded.port.pass_time(SECOND_US)
    assert funded("getrawmempool") == []
    mine = funded("getbalances")["mine"]
    assert mine["trusted"] + mine["nonmempool"] == funded("getbalance")
    assert funded("listunspent", 0) == [coin for coin in funded("listunspent", 0) if coin["txid"] != txid]
    assert _told(funded, txid) == {(False, False, 0)}
    assert funded("abandontransaction", txid) is None
    assert _told(funded, txid) == {(True, False, 0)}
    assert funded("getbalance") <= before
    assert funded("gettransaction", txid)["lastprocessedblock"]["hash"] == funded("getbestblockhash")


def test_conflicts_are_told_with_the_depth_of_the_block_that_decided(funded, foreign) -> None:
    txid = funded("sendtoaddress", foreign, 1)
    raw = funded("gettransaction", txid, False, True)["decoded"]
    inputs = [{"txid": spent["txid"], "vout": spent["vout"]} for spent in raw["vin"]]
    better = funded("signrawtransactionwithwallet", funded("createrawtransaction", inputs, {foreign: "0.9"}))
    rival = funded("sendrawtransaction", better["hex"], 0)
    assert funded("gettransaction", txid)["walletconflicts"] == [rival]
    funded("generatetoaddress", 2, foreign)
    lost, won = funded("gettransaction", txid), funded("gettransaction", rival)
    assert (lost["confirmations"], won["confirmations"]) == (-2, 2)
    assert (won["walletconflicts"], won["bip125-replaceable"]) == ([txid], "no")
    assert "blockhash" not in lost and "trusted" not in won
