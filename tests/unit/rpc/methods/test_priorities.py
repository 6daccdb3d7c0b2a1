from decimal import Decimal


def test_fees_are_counted_as_told(funded) -> None:
    txid = funded("sendtoaddress", funded("getnewaddress"), 1)
    fee = funded("getmempoolentry", txid)["fees"]["base"]
    assert funded("prioritisetransaction", txid, 0, 1_000) is True
    assert funded.named("prioritisetransaction", txid=txid, fee_delta=-300) is True
    told = {"fee_delta": 700, "in_mempool": True, "modified_fee": int(fee * 100_000_000) + 700}
    assert funded("getprioritisedtransactions") == {txid: told}
    fees = funded("getmempoolentry", txid)["fees"]
    assert fees["base"] == fee
    assert fees["modified"] == fees["ancestor"] == fees["descendant"] == fee + Decimal("0.00000700")
    funded("generatetodescriptor", 1, "raw(51)")
    assert funded("getprioritisedtransactions") == {}


def test_what_is_said_of_an_absent_transaction_survives_a_restart(rpc) -> None:
    world, port = rpc.port.world, rpc.port
    rpc("prioritisetransaction", "11" * 32, None, 86 * 100_000_000)
    # Not stopped: as after a kill.
    world.restart(port.host)
    assert rpc("getprioritisedtransactions") == {"11" * 32: {"fee_delta": 8_600_000_000, "in_mempool": False}}


def test_bad_arguments_are_named(rpc) -> None:
    txid = "1d" * 32
    assert rpc.refusal("prioritisetransaction", txid, 1, 0) == (
        -8,
        "Priority is no longer supported, dummy argument to prioritisetransaction must be 0.",
    )
    assert rpc.refusal("prioritisetransaction", txid, "foo", 0)[0] == -3
    assert rpc.refusal("prioritisetransaction", txid, 0, "foo")[0] == -3
    assert rpc.refusal("prioritisetransaction", txid, 0)[0] == -1
    assert rpc.refusal("prioritisetransaction", "foo", 0, 0) == (
        -8,
        "txid must be of length 64 (not 3, for 'foo')",
    )
