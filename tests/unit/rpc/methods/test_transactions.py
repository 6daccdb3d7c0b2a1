from decimal import Decimal

import pytest

from minicoin.core.inventory.tx_flow import TxFlow
from minicoin.core.primitives.transaction import Transaction

UNDECODABLE = (-22, "TX decode failed. Make sure the tx has at least one input.")


def test_created_transactions_decode_as_asked(funded) -> None:
    address = funded("getnewaddress")
    raw = funded(
        "createrawtransaction",
        [{"txid": "ab" * 32, "vout": 3}, {"txid": "cd" * 32, "vout": 0, "sequence": 7}],
        [{address: Decimal("0.3")}, {"data": "00ff"}],
        500,
    )
    decoded = funded("decoderawtransaction", raw)
    assert decoded["locktime"] == 500
    assert [(spend["txid"], spend["vout"], spend["sequence"]) for spend in decoded["vin"]] == [
        ("ab" * 32, 3, 0xFFFFFFFD),
        ("cd" * 32, 0, 7),
    ]
    payment, data = decoded["vout"]
    assert payment["value"] == Decimal("0.3")
    assert payment["scriptPubKey"]["address"] == address
    assert payment["scriptPubKey"]["type"] == "witness_v0_keyhash"
    assert (data["value"], data["scriptPubKey"]["type"]) == (0, "nulldata")


@pytest.mark.parametrize(("replaceable", "lock_time", "sequence"), [(False, 0, 0xFFFFFFFF), (False, 9, 0xFFFFFFFE)])
def test_sequences(funded, replaceable: bool, lock_time: int, sequence: int) -> None:
    raw = funded("createrawtransaction", [{"txid": "ab" * 32, "vout": 0}], {}, lock_time, replaceable)
    assert funded("decoderawtransaction", raw)["vin"][0]["sequence"] == sequence


@pytest.mark.parametrize(
    ("spend", "problem"),
    [
        ("x", "each input must be an object"),
        ({"vout": 0}, "missing txid"),
        ({"txid": "ab" * 32}, "missing vout"),
        ({"txid": "ab" * 32, "vout": -1}, "vout cannot be negative"),
        ({"txid": "ab", "vout": 0}, "length 64"),
        ({"txid": "ab" * 32, "vout": 0, "sequence": -1}, "sequence number is out of range"),
    ],
)
def test_bad_inputs_are_named(funded, spend, problem: str) -> None:
    code, message = funded.refusal("createrawtransaction", [spend], {})
    assert code == -8
    assert problem in message


def test_bad_outputs_are_named(funded) -> None:
    address = funded("getnewaddress")
    assert funded.refusal("createrawtransaction", [], {"nowhere": 1})[0] == -5
    assert funded.refusal("createrawtransaction", [], [{address: 1}, {address: 2}])[0] == -8
    assert funded.refusal("createrawtransaction", [], {address: -1})[0] == -3
    assert funded.refusal("createrawtransaction", [], {"data": "xyz"})[0] == -8
    assert funded.refusal("createrawtransaction", [], ["x"])[0] == -8
    other = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    code, message = funded.refusal("createrawtransaction", [], {other: 1})
    assert code == -5 and "another network" in message


@pytest.mark.parametrize("text", ["", "zz", "0", "00", "0200000000010000000000"])
def test_what_is_no_transaction(funded, text: str) -> None:
    assert funded.refusal("decoderawtransaction", text) == UNDECODABLE
    assert funded.refusal("sendrawtransaction", text) == UNDECODABLE


def test_finding_a_transaction(funded) -> None:
    txid = funded("sendtoaddress", funded("getnewaddress"), 2)
    raw = funded("getrawtransaction", txid)
    assert funded("getrawtransaction", txid, 1)["hex"] == raw
    assert "blockhash" not in funded("getrawtransaction", txid, 1)
    (block,) = funded("generatetoaddress", 1, funded("getnewaddress"))
    found = funded("getrawtransaction", txid, True, block)
    assert (found["blockhash"], found["confirmations"], found["in_active_chain"]) == (block, 1, True)
    assert funded("getrawtransaction", txid, 0, block) == raw
    # Without the block only the wallet's own are known.
    assert funded("getrawtransaction", txid, 1)["blockhash"] == block
    code, message = funded.refusal("getrawtransaction", "00" * 32)
    assert code == -5 and "blockhash" in message
    assert funded.refusal("getrawtransaction", "00" * 32, 1, block)[0] == -5
    assert funded.refusal("getrawtransaction", txid, 1, "00" * 32) == (-5, "Block hash not found")
    # Once more: it is in the chain already.
    assert funded.refusal("sendrawtransaction", raw)[0] == -27


def test_sending_what_pays_absurdly_or_too_little(funded) -> None:
    coin = funded("listunspent")[0]
    spend = [{"txid": coin["txid"], "vout": coin["vout"]}]
    for fee, code in ((Decimal(1), -25), (Decimal("0.00000001"), -26)):
        raw = funded("createrawtransaction", spend, {funded("getnewaddress"): coin["amount"] - fee})
        signed = funded("signrawtransactionwithwallet", raw)["hex"]
        assert funded.refusal("sendrawtransaction", signed)[0] == code
    assert funded("getrawmempool") == []
    unknown = funded("createrawtransaction", [{"txid": "11" * 32, "vout": 0}], {funded("getnewaddress"): 1})
    assert funded.refusal("sendrawtransaction", unknown)[0] == -25


def test_scripts_decode(funded) -> None:
    decoded = funded("decodescript", "76a914" + "00" * 20 + "88ac")
    assert decoded["type"] == "pubkeyhash"
    assert decoded["asm"].startswith("OP_DUP OP_HASH160 ")
    assert decoded["p2sh"].startswith("2")
    assert funded("decodescript", "6a0161")["type"] == "nulldata"
    assert funded("decodescript", "")["type"] == "nonstandard"


KEY = "03b0da749730dc9b4b1f4a14d6902877a92541f5368778853d9c4a0cb7802dcfb2"
UNCOMPRESSED = (
    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)


def test_scripts_come_with_descriptor_and_witness_form(funded) -> None:
    decoded = funded("decodescript", f"21{KEY}ac")
    assert decoded["desc"].startswith(f"pk({KEY})#")
    assert "address" not in decoded
    segwit = decoded["segwit"]
    assert segwit["type"] == "witness_v0_keyhash"
    assert segwit["desc"].startswith(f"addr({segwit['address']})#")
    assert segwit["p2sh-segwit"] == funded("decodescript", segwit["hex"])["p2sh"]


def test_a_witness_form_of_multisig_names_the_keys(funded) -> None:
    decoded = funded("decodescript", f"5121{KEY}21{KEY}52ae")
    assert decoded["segwit"]["desc"].startswith(f"wsh(multi(1,{KEY},{KEY}))#")


@pytest.mark.parametrize(
    ("script", "wraps", "has_witness_form"),
    [
        ("51", True, True),
        ("", True, True),
        (f"41{UNCOMPRESSED}ac", True, False),
        (f"5121{KEY}41{UNCOMPRESSED}52ae", True, False),
        ("0014" + "11" * 20, True, False),
        ("a914" + "11" * 20 + "87", False, False),
        ("5120" + "11" * 32, False, False),
        ("6a0101", False, False),
        # Unparsable, disabled in tapscript, and what only tapscript knows.
        ("4c", False, False),
        ("50", False, False),
        ("ba", False, False),
    ],
)
def test_what_may_be_wrapped(funded, script: str, wraps: bool, has_witness_form: bool) -> None:
    decoded = funded("decodescript", script)
    assert ("p2sh" in decoded, "segwit" in decoded) == (wraps, has_witness_form)


def test_fees_and_prevouts_of_a_mined_transaction(funded) -> None:
    address = funded("getnewaddress")
    txid = funded("sendtoaddress", address, 3)
    fee = funded("getmempoolentry", txid)["fees"]["base"]
    (block,) = funded("generatetoaddress", 1, funded("getnewaddress"))
    found = funded("getrawtransaction", txid, 2, block)
    assert found["fee"] == fee
    spent = found["vin"][0]["prevout"]
    assert set(spent) == {"generated", "height", "value", "scriptPubKey"}
    assert sum(spend["prevout"]["value"] for spend in found["vin"]) == fee + sum(out["value"] for out in found["vout"])
    assert "fee" not in funded("getrawtransaction", txid, 1, block)
    assert "in_active_chain" not in funded("getrawtransaction", txid, 2)
    coinbase = funded("getblock", block)["tx"][0]
    assert "fee" not in funded("getrawtransaction", coinbase, 2, block)


def test_the_first_coinbase_is_no_transaction(funded) -> None:
    genesis = funded("getblock", funded("getblockhash", 0))
    code, message = funded.refusal("getrawtransaction", genesis["merkleroot"])
    assert code == -5 and "genesis block coinbase" in message


def test_fee_rates_of_a_whole_coin_are_slips(funded) -> None:
    raw = funded("createrawtransaction", [{"txid": 32 * "ab", "vout": 0}], [{funded("getnewaddress"): 1}])
    for method, argument in (("sendrawtransaction", raw), ("testmempoolaccept", [raw])):
        code, message = funded.refusal(method, argument, 1)
        assert code == -8
        assert "Fee rates larger than or equal to 1BTC/kvB are not accepted" in message
        assert funded.refusal(method, argument, "-0.01")[0] == -3
    assert funded("testmempoolaccept", [raw], "0.99999999")[0]["reject-reason"] == "missing-inputs"


def test_what_is_sent_once_more_is_told_once_more(funded, monkeypatch) -> None:
    txid = funded("sendtoaddress", funded("getnewaddress"), 1)
    raw = funded("getrawtransaction", txid)
    told = []
    monkeypatch.setattr(TxFlow, "_announce", lambda _, entry, now: told.append(entry.wtxid))
    assert funded("sendrawtransaction", raw) == txid
    entry = next(iter(funded.port.host.node.view.mempool))
    assert told == [entry.wtxid]


def test_the_same_payment_with_another_witness_is_named(funded) -> None:
    txid = funded("sendtoaddress", funded("getnewaddress"), 1)
    known = Transaction.parse(bytes.fromhex(funded("getrawtransaction", txid)))
    (signature, key), *others = known.witnesses
    witnesses = ((signature[:-1] + b"\x02", key), *others)
    twin = Transaction(known.version, known.inputs, known.outputs, known.lock_time, witnesses=witnesses)
    assert twin.txid == known.txid
    reasons = [funded("testmempoolaccept", [one.raw.hex()])[0]["reject-reason"] for one in (known, twin)]
    assert reasons == ["txn-already-in-mempool", "txn-same-nonwitness-data-in-mempool"]
