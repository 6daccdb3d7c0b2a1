from decimal import Decimal

import pytest

FEE = Decimal("0.0001")


def signed(funded, spends: list[tuple[str, int, Decimal]], fee: Decimal, version: int = 3) -> tuple[str, str, str]:
    """Hex, txid and wtxid of a transaction of the wallet's that pays itself."""
    inputs = [{"txid": txid, "vout": vout} for txid, vout, _ in spends]
    value = sum((amount for _, _, amount in spends), Decimal(0)) - fee
    raw = funded("createrawtransaction", inputs, {funded("getnewaddress"): value}, 0, True, version)
    previous = [
        {"txid": txid, "vout": vout, "scriptPubKey": SCRIPTS[txid, vout], "amount": amount}
        for txid, vout, amount in spends
        if (txid, vout) in SCRIPTS
    ]
    answer = funded("signrawtransactionwithwallet", raw, previous)
    assert answer["complete"]
    decoded = funded("decoderawtransaction", answer["hex"])
    for output in decoded["vout"]:
        SCRIPTS[decoded["txid"], output["n"]] = output["scriptPubKey"]["hex"]
    return answer["hex"], decoded["txid"], decoded["hash"]


SCRIPTS: dict[tuple[str, int], str] = {}
"""Of outputs that the wallet does not know, since they are in no pool yet."""


def fresh_coin(funded):
    """A coin of the wallet's; the pool is empty then, for the tests share a node."""
    funded("generatetoaddress", 1, funded("getnewaddress"))
    assert funded("getrawmempool") == []
    return max(funded("listunspent"), key=lambda coin: coin["confirmations"])


def family(funded, parent_fee: Decimal = Decimal(0), child_fee: Decimal = FEE, version: int = 3):
    coin = fresh_coin(funded)
    parent = signed(funded, [(coin["txid"], coin["vout"], coin["amount"])], parent_fee, version)
    child = signed(funded, [(parent[1], 0, coin["amount"] - parent_fee)], child_fee, version)
    return parent, child


def test_a_child_pays_for_its_parent(funded) -> None:
    parent, child = family(funded)
    assert funded.refusal("sendrawtransaction", parent[0])[0] == -26
    answer = funded("submitpackage", [parent[0], child[0]])
    assert answer["package_msg"] == "success"
    assert answer["replaced-transactions"] == []
    rows = answer["tx-results"]
    assert [rows[one[2]]["txid"] for one in (parent, child)] == [parent[1], child[1]]
    assert [rows[one[2]]["fees"]["base"] for one in (parent, child)] == [0, FEE]
    sizes = sum(rows[one[2]]["vsize"] for one in (parent, child))
    for one in (parent, child):
        assert rows[one[2]]["fees"]["effective-includes"] == [parent[2], child[2]]
        assert rows[one[2]]["fees"]["effective-feerate"] == Decimal(10_000 * 1_000 // sizes) / 10**8
    assert set(funded("getrawmempool")) == {parent[1], child[1]}
    # Once more changes nothing, and says so.
    again = funded("submitpackage", [parent[0], child[0]])
    assert again["package_msg"] == "success"
    assert again["tx-results"][child[2]]["fees"] == {"base": FEE}


def test_members_that_need_no_help_pay_alone(funded) -> None:
    parent, child = family(funded, FEE, FEE)
    rows = funded("submitpackage", [parent[0], child[0]])["tx-results"]
    assert [rows[one[2]]["fees"]["effective-includes"] for one in (parent, child)] == [[parent[2]], [child[2]]]


def test_one_alone(funded) -> None:
    parent, _ = family(funded, FEE)
    assert funded("submitpackage", [parent[0]])["package_msg"] == "success"


def test_a_package_that_pays_too_little_leaves_nothing(funded) -> None:
    parent, child = family(funded, child_fee=Decimal("0.00000200"))
    answer = funded("submitpackage", [parent[0], child[0]])
    assert answer["package_msg"] == "transaction failed"
    assert "min relay fee not met" in answer["tx-results"][parent[2]]["error"]
    assert "min relay fee not met" in answer["tx-results"][child[2]]["error"]
    assert funded("getrawmempool") == []


def test_a_parent_that_no_fee_mends_ends_it(funded) -> None:
    coin = fresh_coin(funded)
    spends = [(coin["txid"], coin["vout"], coin["amount"])]
    parent, rival = signed(funded, spends, Decimal(0)), signed(funded, spends, FEE)
    child = signed(funded, [(parent[1], 0, coin["amount"])], FEE)
    funded("sendrawtransaction", rival[0])
    funded("generatetoaddress", 1, funded("getnewaddress"))
    rows = funded("submitpackage", [parent[0], child[0]])["tx-results"]
    assert rows[parent[2]]["error"] == "bad-txns-inputs-missingorspent"
    assert rows[child[2]]["error"] == "package-not-validated"


@pytest.mark.parametrize("version", [1, 2])
def test_a_child_of_any_version_pays_for_its_parent(funded, version: int) -> None:
    parent, child = family(funded, version=version)
    answer = funded("submitpackage", [parent[0], child[0]])
    assert answer["package_msg"] == "success"
    assert set(funded("getrawmempool")) == {parent[1], child[1]}


def test_what_a_package_replaces_is_named(funded) -> None:
    parent, child = family(funded, FEE)
    funded("submitpackage", [parent[0], child[0]])
    inputs = funded("decoderawtransaction", parent[0])["vin"][0]
    coin = funded("gettxout", inputs["txid"], inputs["vout"], False)
    rival = signed(funded, [(inputs["txid"], inputs["vout"], coin["value"])], 9 * FEE)
    answer = funded("submitpackage", [rival[0]])
    assert set(answer["replaced-transactions"]) == {parent[1], child[1]}
    assert funded("getrawmempool") == [rival[1]]


def test_what_is_no_package(funded) -> None:
    parent, child = family(funded)
    topology = (-25, "package topology disallowed. not child-with-parents or parents depend on each other.")
    assert funded.refusal("submitpackage", [child[0], parent[0]]) == topology
    assert funded.refusal("submitpackage", [parent[0], parent[0]]) == topology
    assert funded.refusal("submitpackage", [])[0] == -8
    assert funded.refusal("submitpackage", [parent[0]] * 26)[0] == -8
    assert funded.refusal("submitpackage", ["00"])[0] == -22


def test_absurd_fees_and_burnt_coins_are_refused_before_anything_is_sent(funded) -> None:
    parent, child = family(funded, FEE, Decimal(1))
    answer = funded("submitpackage", [parent[0], child[0]])
    assert answer["tx-results"][child[2]]["error"] == "max feerate exceeded"
    assert answer["tx-results"][parent[2]]["error"] == "package-not-validated"
    assert funded("getrawmempool") == []
    assert funded("submitpackage", [parent[0], child[0]], 0)["package_msg"] == "success"


@pytest.mark.parametrize("method", ["submitpackage", "sendrawtransaction"])
def test_coins_are_not_burnt_by_mistake(funded, method: str) -> None:
    coin = fresh_coin(funded)
    inputs = [{"txid": coin["txid"], "vout": coin["vout"]}]
    raw = funded("createrawtransaction", inputs, [{"data": "00" * 10}])
    # Nobody names an amount for data through createrawtransaction: the eight bytes before the script are the value.
    at = raw.index("0000000000000000" + "0c6a0a")
    burning = raw[:at] + (1_000).to_bytes(8, "little").hex() + raw[at + 16 :]
    signed_hex = funded("signrawtransactionwithwallet", burning)["hex"]
    argument = [signed_hex] if method == "submitpackage" else signed_hex
    assert funded.refusal(method, argument)[0] == -25
    funded(method, argument, 0, Decimal("0.00001"))
    assert len(funded("getrawmempool")) == 1


def test_trying_transactions_one_behind_the_other(funded) -> None:
    parent, child = family(funded, FEE, 2 * FEE)
    rows = funded("testmempoolaccept", [parent[0], child[0]])
    assert [(row["txid"], row["allowed"], row["fees"]["base"]) for row in rows] == [
        (parent[1], True, FEE),
        (child[1], True, 2 * FEE),
    ]
    assert funded("getrawmempool") == []
    assert funded("testmempoolaccept", [child[0]])[0]["reject-reason"] == "missing-inputs"
    assert [row["package-error"] for row in funded("testmempoolaccept", [child[0], parent[0]])] == [
        "package-not-sorted"
    ] * 2
    assert funded("testmempoolaccept", [parent[0]] * 2)[0]["package-error"] == "package-contains-duplicates"


def test_all_are_allowed_or_none_is(funded) -> None:
    parent, child = family(funded, FEE, Decimal(0))
    first, second = funded("testmempoolaccept", [parent[0], child[0]])
    assert "allowed" not in first
    assert (second["allowed"], second["reject-reason"]) == (False, "min relay fee not met")
    # Nobody pays for somebody else here, and nobody replaces.
    funded("sendrawtransaction", parent[0])
    coin = funded("decoderawtransaction", parent[0])["vin"][0]
    value = funded("gettxout", coin["txid"], coin["vout"], False)["value"]
    rival = signed(funded, [(coin["txid"], coin["vout"], value)], 9 * FEE)
    heir = signed(funded, [(rival[1], 0, value - 9 * FEE)], FEE)
    assert funded("testmempoolaccept", [rival[0], heir[0]])[0]["reject-reason"] == "bip125-replacement-disallowed"
    assert funded("testmempoolaccept", [rival[0]])[0]["allowed"]
    assert funded("getrawmempool") == [parent[1]]
