from decimal import Decimal

import pytest

from minicoin.core.primitives.block import Block
from minicoin.core.primitives.transaction import Transaction


@pytest.fixture
def paid(funded):
    """The last block holds one payment."""
    txid = funded("sendtoaddress", funded("getnewaddress"), "1.25")
    (block,) = funded("generatetoaddress", 1, funded("getnewaddress"))
    return funded, txid, block


def test_verbosities(paid) -> None:
    rpc, txid, block = paid
    raw = rpc("getblock", block, 0)
    assert Block.parse(bytes.fromhex(raw)).raw.hex() == raw
    shallow = rpc("getblock", block)
    assert shallow["tx"][1] == txid
    assert shallow["nTx"] == 2
    assert shallow["size"] == len(raw) // 2
    assert shallow["weight"] == Block.parse(bytes.fromhex(raw)).weight
    assert rpc("getblock", block, True) == shallow
    assert rpc("getblock", block, False) == raw
    deep = rpc("getblock", block, 2)["tx"]
    coinbase, payment = deep
    assert "coinbase" in coinbase["vin"][0] and "fee" not in coinbase
    assert payment["txid"] == txid
    assert payment["fee"] > 0
    assert "prevout" not in payment["vin"][0]
    assert Transaction.parse(bytes.fromhex(payment["hex"])).vsize == payment["vsize"]
    deepest = rpc("getblock", block, 3)["tx"][1]
    spent = sum(spend["prevout"]["value"] for spend in deepest["vin"])
    assert spent - sum(output["value"] for output in deepest["vout"]) == payment["fee"]


def test_stats_add_up(paid) -> None:
    rpc, _, block = paid
    stats = rpc("getblockstats", block)
    fee = rpc("getblock", block, 2)["tx"][1]["fee"]
    assert stats["totalfee"] == stats["minfee"] == stats["maxfee"] == stats["medianfee"] == fee * 10**8
    assert (stats["txs"], stats["ins"], stats["outs"]) == (2, 1, 4)
    assert stats["subsidy"] == 50 * 10**8
    assert stats["utxo_increase"] == 3
    # The commitment of the coinbase is no coin.
    assert stats["utxo_increase_actual"] == 2
    assert rpc("getblockstats", stats["height"], ["txs"]) == {"txs": 2}
    assert rpc.refusal("getblockstats", 1, ["nosuch"]) == (-8, "Invalid selected statistic 'nosuch'")
    assert rpc.refusal("getblockstats", 10_000)[0] == -8


def test_outputs(paid) -> None:
    rpc, txid, _ = paid
    values = set()
    for index in (0, 1):
        output = rpc("gettxout", txid, index)
        assert output["confirmations"] == 1
        assert output["coinbase"] is False
        values.add(output["value"])
    assert Decimal("1.25") in values
    assert rpc("gettxout", txid, 2) is None
    assert rpc("gettxout", "00" * 32, 0) is None
    assert rpc.refusal("gettxout", txid, -1)[0] == -8


def test_unconfirmed_outputs_count_on_demand(paid) -> None:
    rpc, _, _ = paid
    pending = rpc("sendtoaddress", rpc("getnewaddress"), "0.5")
    spent = rpc("getrawtransaction", pending, 1)["vin"][0]
    assert rpc("gettxout", pending, 0)["confirmations"] == 0
    assert rpc("gettxout", pending, 0, False) is None
    assert rpc("gettxout", spent["txid"], spent["vout"]) is None
    assert rpc("gettxout", spent["txid"], spent["vout"], False) is not None


def test_the_coin_set(paid) -> None:
    rpc, _, _ = paid
    info = rpc("gettxoutsetinfo")
    assert info["height"] == rpc("getblockcount")
    assert info["total_amount"] == 50 * info["height"]
    assert list(info) == [
        "height",
        "bestblock",
        "txouts",
        "bogosize",
        "hash_serialized_3",
        "total_amount",
        "transactions",
        "disk_size",
    ]
    assert len(info["hash_serialized_3"]) == 64
    assert len(rpc("gettxoutsetinfo", "muhash")["muhash"]) == 64
    assert rpc("gettxoutsetinfo", "none").keys() == info.keys() - {"hash_serialized_3"}
    assert rpc.refusal("gettxoutsetinfo", "nosuch") == (-8, "'nosuch' is not a valid hash_type")
    assert rpc.refusal("gettxoutsetinfo", "muhash", 5)[0] == -8


def test_headers_only_blocks_are_not_available(pair) -> None:
    source, lacking = pair
    decoded = source("decodescript", "0014751e76e8199196d454941c45d1b3a323f1433bd6")
    (block,) = source("generatetoaddress", 1, decoded["address"])
    header = Block.parse(bytes.fromhex(source("getblock", block, 0))).header
    lacking.port.host.node.view.tree.add(header, lacking.port.world.now)
    assert lacking("getblockheader", block)["nTx"] == 0
    assert lacking.refusal("getblock", block) == (-1, "Block not available (not fully downloaded)")


def test_a_block_tells_its_coinbase(funded) -> None:
    block = funded("getblock", funded("getbestblockhash"), 3)
    coinbase = block["tx"][0]
    assert block["coinbase_tx"] == {
        "version": coinbase["version"],
        "locktime": coinbase["locktime"],
        "sequence": coinbase["vin"][0]["sequence"],
        "coinbase": coinbase["vin"][0]["coinbase"],
        "witness": "00" * 32,
    }


def test_verbosity_tells_fees_and_then_prevouts(funded) -> None:
    txid = funded("sendtoaddress", funded("getnewaddress"), 1)
    fee = funded("getmempoolentry", txid)["fees"]["base"]
    (block,) = funded("generatetoaddress", 1, funded("getnewaddress"))
    decoded = {verbosity: funded("getblock", block, verbosity)["tx"][1] for verbosity in (2, 3)}
    assert decoded[2]["fee"] == decoded[3]["fee"] == fee
    assert "prevout" not in decoded[2]["vin"][0]
    assert decoded[3]["vin"][0]["prevout"]["scriptPubKey"]["desc"].startswith("addr(")


def test_coins_are_sized_as_bitcoin_core_sizes_them(rpc) -> None:
    (block,) = rpc("generatetodescriptor", 1, "raw(51)")
    stats = rpc("getblockstats", block)
    outputs = [bytes.fromhex(row["scriptPubKey"]["hex"]) for row in rpc("getblock", block, 2)["tx"][0]["vout"]]
    # Value, length and script, and 40 bytes for outpoint and height; the commitment is no coin.
    assert stats["utxo_size_inc"] == sum(8 + 1 + len(script) + 40 for script in outputs)
    assert stats["utxo_size_inc_actual"] == 8 + 1 + 1 + 40
    assert rpc("getblockstats", block, []) == stats
    top = rpc("getblockcount")
    assert rpc.refusal("getblockstats", top + 1) == (-8, f"Target block height {top + 1} after current tip {top}")
    assert rpc.refusal("getblockstats", -1) == (-8, "Target block height -1 is negative")
    start = rpc("getblockstats", 0)
    assert (start["utxo_size_inc_actual"], start["utxo_increase_actual"]) == (0, 0)
