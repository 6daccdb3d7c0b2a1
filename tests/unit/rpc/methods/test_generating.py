import pytest

KEY = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
UNCOMPRESSED = (
    "0408ef68c46d20596cc3f6ddf7c8794f71913add807f1dc55949fa805d764d191c"
    "0b7ce6894c126fce0babc6663042f3dde9b0cf76467ea315514e5a6731149c67"
)
XPUB = "tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B"


def paid_script(rpc, block: str) -> str:
    return rpc("getblock", block, 2)["tx"][0]["vout"][0]["scriptPubKey"]["hex"]


def test_blocks_to_a_descriptor(rpc) -> None:
    first, second = rpc("generatetodescriptor", 2, "raw(51)")
    assert rpc("getbestblockhash") == second
    assert rpc("getblockheader", second)["previousblockhash"] == first
    assert paid_script(rpc, second) == "51"
    assert rpc("generatetodescriptor", 0, "raw(51)") == []


def test_combo_is_paid_in_its_best_form(rpc) -> None:
    segwit = rpc("generateblock", f"combo({KEY})", [])["hash"]
    assert paid_script(rpc, segwit) == "0014751e76e8199196d454941c45d1b3a323f1433bd6"
    legacy = rpc("generateblock", f"combo({UNCOMPRESSED})", [])["hash"]
    assert paid_script(rpc, legacy).startswith("76a914")


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("1234", (-5, "'1234' is not a valid descriptor function")),
        (f"pkh({XPUB}/0/*)", (-8, "Ranged descriptor not accepted. Maybe pass through deriveaddresses first?")),
        (f"pkh({XPUB}/<0;1>)", (-8, "Multipath descriptor not accepted")),
        (f"pkh({XPUB}/0h)", (-5, "Cannot derive script without private keys")),
    ],
)
def test_descriptors_of_no_single_script_are_refused(rpc, text: str, answer: tuple[int, str]) -> None:
    assert rpc.refusal("generatetodescriptor", 1, text) == answer
    expected = (-5, "Error: Invalid address or descriptor") if text == "1234" else answer
    assert rpc.refusal("generateblock", text, []) == expected


def test_a_block_of_chosen_transactions(funded) -> None:
    left_out = funded("sendtoaddress", funded("getnewaddress"), 1)
    taken = funded("sendtoaddress", funded("getnewaddress"), 1)
    raw = funded("getrawtransaction", left_out)
    address = funded("getnewaddress")
    block = funded("getblock", funded("generateblock", address, [left_out, taken])["hash"], 2)
    assert [transaction["txid"] for transaction in block["tx"][1:]] == [left_out, taken]
    # Its fees are nobody's.
    assert block["tx"][0]["vout"][0]["value"] == 50
    assert funded("getrawmempool") == []
    # The same bytes once more: they are spent by now.
    code, message = funded.refusal("generateblock", address, [raw])
    assert code == -25
    assert message.startswith("TestBlockValidity failed: bad-txns-inputs-missingorspent")


def test_a_block_that_is_only_handed_back_may_be_submitted(funded) -> None:
    height = funded("getblockcount")
    txid = funded("sendtoaddress", funded("getnewaddress"), 1)
    made = funded("generateblock", "raw(51)", [txid], False)
    assert funded("getblockcount") == height
    assert txid in funded("getrawmempool")
    assert funded("submitblock", made["hex"]) is None
    assert funded("getbestblockhash") == made["hash"]
    assert txid not in funded("getrawmempool")


def test_transactions_out_of_order_are_refused_before_any_work(funded) -> None:
    parent = funded("sendtoaddress", funded("getnewaddress"), 40)
    outputs = funded("getrawtransaction", parent, 1)["vout"]
    coin = next(output for output in outputs if output["value"] == 40)
    spend = funded("createrawtransaction", [{"txid": parent, "vout": coin["n"]}], {funded("getnewaddress"): 39})
    child = funded("signrawtransactionwithwallet", spend)["hex"]
    code, message = funded.refusal("generateblock", "raw(51)", [child, parent])
    assert code == -25
    assert message.startswith("TestBlockValidity failed: bad-txns-inputs-missingorspent")
    assert len(funded("getblock", funded("generateblock", "raw(51)", [parent, child])["hash"])["tx"]) == 3


def test_unknown_and_torn_transactions_are_named(rpc) -> None:
    missing = "00" * 32
    assert rpc.refusal("generateblock", "raw(51)", [missing]) == (-5, f"Transaction {missing} not in mempool.")
    code, message = rpc.refusal("generateblock", "raw(51)", ["0000"])
    assert code == -22 and message.startswith("Transaction decode failed for 0000")


def test_headers_are_taken_before_their_blocks(rpc) -> None:
    block = rpc("generateblock", "raw(51)", [], False)
    assert rpc("submitheader", block["hex"]) is None
    assert rpc("submitheader", block["hex"][:160]) is None
    assert rpc("getblockheader", block["hash"])["height"] == 1
    assert rpc("getblockcount") == 0
    assert rpc("getblockchaininfo")["headers"] == 1
    code, message = rpc.refusal("getblock", block["hash"])
    assert (code, message) == (-1, "Block not available (not fully downloaded)")
    assert rpc("submitblock", block["hex"]) is None
    assert rpc("getblockcount") == 1


def test_headers_that_break_a_rule_are_refused(rpc) -> None:
    assert rpc.refusal("submitheader", "xx" * 80) == (-22, "Block header decode failed")
    assert rpc.refusal("submitheader", "ff" * 78) == (-22, "Block header decode failed")
    block = rpc("generateblock", "raw(51)", [], False)["hex"]
    orphan = block[:8] + "11" * 32 + block[72:160]
    code, message = rpc.refusal("submitheader", orphan)
    assert (code, message) == (-25, f"Must submit previous header ({'11' * 32}) first")
    early = block[:136] + "00000000" + block[144:160]
    assert rpc.refusal("submitheader", early)[0] == -25
