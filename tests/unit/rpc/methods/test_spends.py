import pytest


def test_spends_of_the_mempool(funded) -> None:
    txid = funded("sendtoaddress", funded("getnewaddress"), 1)
    spent = funded("getrawtransaction", txid, 1)["vin"][0]
    name = {"txid": spent["txid"], "vout": spent["vout"]}
    free = {"txid": txid, "vout": 0}
    assert funded("gettxspendingprevout", [name, free]) == [{**name, "spendingtxid": txid}, free]
    raw = funded("getrawtransaction", txid)
    expected = [{**name, "spendingtxid": txid, "spendingtx": raw}]
    assert funded("gettxspendingprevout", [name], {"return_spending_tx": True}) == expected
    assert funded.named("gettxspendingprevout", outputs=[name], return_spending_tx=True) == expected
    assert funded("gettxspendingprevout", [name], {"mempool_only": False}) == [{**name, "spendingtxid": txid}]
    code, message = funded.refusal("gettxspendingprevout", [free], {"mempool_only": False})
    assert code == -1 and "txospenderindex" in message


@pytest.mark.parametrize(
    ("outputs", "answer"),
    [
        ([], (-8, "Invalid parameter, outputs are missing")),
        ([{"txid": "11" * 32}], (-3, "Missing vout")),
        ([{"vout": 3}], (-3, "Missing txid")),
        ([{"txid": "11" * 32, "vout": -1}], (-8, "Invalid parameter, vout cannot be negative")),
        ([{"txid": "11" * 32, "vout": 1, "unknown": 42}], (-3, "Unexpected key unknown")),
        (
            [{"txid": 42, "vout": 0}],
            (-3, "JSON value of type number for field txid is not of expected type string"),
        ),
        ([{"txid": "11", "vout": 0}], (-8, "txid must be of length 64 (not 2, for '11')")),
    ],
)
def test_bad_outputs_are_named(rpc, outputs, answer: tuple[int, str]) -> None:
    assert rpc.refusal("gettxspendingprevout", outputs) == answer
