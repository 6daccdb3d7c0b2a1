from decimal import Decimal

import pytest


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
