from decimal import Decimal

import pytest


@pytest.fixture
def foreign(funded) -> str:
    """An address nobody here has the key of."""
    return funded("decodescript", "0014751e76e8199196d454941c45d1b3a323f1433bd6")["address"]


def _mine(rpc) -> str:
    return rpc("generatetoaddress", 1, rpc("getnewaddress"))[0]


def test_balances_by_state(funded) -> None:
    mine = funded("getbalances")["mine"]
    # 103 blocks: a coinbase counts as mature one block later than the rule asks.
    assert mine["trusted"] == 150
    assert mine["immature"] == 5_000
    assert mine["untrusted_pending"] == 0
    assert funded("getbalance") == funded("getbalance", "*", 1) == 150
    assert funded("getbalance", "*", 1_000) == 0


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
    assert entry["fees"]["base"] * 10**8 == 25 * entry["vsize"]
    txid = funded.named("sendtoaddress", address=foreign, amount=1, subtractfeefromamount=True)
    details = funded("gettransaction", txid)
    # What the receiver gets and the fee make up the amount.
    assert details["amount"] + details["fee"] == -1
    for rate, code in ((0, -8), (Decimal("0.0001"), -8), ("x", -3)):
        code_found, _ = funded.named_refusal("sendtoaddress", address=foreign, amount=1, fee_rate=rate)
        assert code_found == code
    _mine(funded)


@pytest.mark.parametrize(
    ("amount", "code", "problem"),
    [
        (100_000, -6, "insufficient funds"),
        ("0.00000001", -4, "dust"),
        (0, -4, "dust"),
        (-1, -3, "out of range"),
        ("1.000000001", -3, "decimals"),
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


def test_unspent_outputs(funded) -> None:
    rows = funded("listunspent")
    assert sum(row["amount"] for row in rows) == funded("getbalance")
    assert all(row["confirmations"] >= 1 and row["spendable"] for row in rows)
    address = rows[0]["address"]
    assert {row["address"] for row in funded("listunspent", 1, 9_999, [address])} == {address}
    assert funded("listunspent", 9_000) == []
    assert funded.refusal("listunspent", 1, 9_999, ["nowhere"])[0] == -5


def test_history_pages(funded) -> None:
    everything = funded("listtransactions", "*", 500)
    assert len(everything) > 105
    newest = funded("listtransactions", "*", 3)
    assert newest == everything[-3:]
    assert funded("listtransactions", "*", 3, 3) == everything[-6:-3]
    assert funded("listtransactions", "*", 0) == []
    mined = funded("listtransactions", "mined", 500)
    assert len(mined) == 103
    assert all(row["label"] == "mined" for row in mined)
    assert funded("listtransactions", "nosuch", 10) == []
    assert funded.refusal("listtransactions", "*", -1)[0] == -8


def test_received_by_address(funded) -> None:
    address = funded("getnewaddress", "till")
    assert address not in [row["address"] for row in funded("listreceivedbyaddress")]
    txid = funded("sendtoaddress", address, "0.25")
    assert address not in [row["address"] for row in funded("listreceivedbyaddress", 1)]
    _mine(funded)
    (row,) = funded("listreceivedbyaddress", 1, False, False, address)
    assert (row["amount"], row["label"], row["txids"]) == (Decimal("0.25"), "till", [txid])
    empty = funded("getnewaddress")
    (row,) = funded("listreceivedbyaddress", 1, True, False, empty)
    assert (row["amount"], row["txids"]) == (0, [])


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
