from decimal import Decimal


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
    assert len(everything) >= 103
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
