from decimal import Decimal

import pytest

from minicoin.core.mempool.outcomes import Orphaned
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.primitives.verdicts import TxVerdict
from minicoin.core.units import ConnId, Micros


@pytest.fixture
def chain(funded):
    """Two payments in the mempool, the second of the first's change where the wallet chose so."""
    first = funded("sendtoaddress", funded("getnewaddress"), 1)
    vout = next(row for row in funded("listunspent", 0) if row["txid"] == first)
    raw = funded(
        "createrawtransaction",
        [{"txid": first, "vout": vout["vout"]}],
        {funded("getnewaddress"): vout["amount"] - Decimal("0.0001")},
    )
    second = funded("sendrawtransaction", funded("signrawtransactionwithwallet", raw)["hex"])
    return funded, first, second


def test_info_counts_what_is_there(chain) -> None:
    rpc, first, second = chain
    info = rpc("getmempoolinfo")
    entries = rpc("getrawmempool", True)
    assert info["size"] == 2
    assert info["bytes"] == sum(entry["vsize"] for entry in entries.values())
    assert info["total_fee"] == sum(entry["fees"]["base"] for entry in entries.values())
    assert info["mempoolminfee"] == Decimal("0.00001")
    assert rpc("getrawmempool") == [first, second]
    assert rpc("getrawmempool", False, True)["txids"] == [first, second]


def test_relatives(chain) -> None:
    rpc, first, second = chain
    parent, child = rpc("getmempoolentry", first), rpc("getmempoolentry", second)
    assert parent["spentby"] == [second] and child["depends"] == [first]
    assert (parent["descendantcount"], child["ancestorcount"]) == (2, 2)
    assert child["fees"]["ancestor"] == parent["fees"]["base"] + child["fees"]["base"]
    assert rpc("getmempoolancestors", second) == [first]
    assert rpc("getmempooldescendants", first) == [second]
    assert rpc("getmempooldescendants", first, True) == {second: child}
    for method in ("getmempoolentry", "getmempoolancestors", "getmempooldescendants"):
        assert rpc.refusal(method, "00" * 32) == (-5, "Transaction not in mempool")


def _spend(rpc, amount_less: Decimal) -> str:
    coin = max(rpc("listunspent"), key=lambda row: row["amount"])
    raw = rpc(
        "createrawtransaction",
        [{"txid": coin["txid"], "vout": coin["vout"]}],
        {rpc("getnewaddress"): coin["amount"] - amount_less},
    )
    return rpc("signrawtransactionwithwallet", raw)["hex"]


def test_a_dry_run_changes_nothing(chain) -> None:
    rpc, _, _ = chain
    before = rpc("getrawmempool")
    good = _spend(rpc, Decimal("0.0001"))
    (row,) = rpc("testmempoolaccept", [good])
    assert row["allowed"] is True
    assert row["fees"]["base"] == Decimal("0.0001")
    assert rpc("getrawmempool") == before


@pytest.mark.parametrize(
    ("fee", "reason"),
    [(Decimal("0.00000001"), "min relay fee not met"), (Decimal("1"), "max-fee-exceeded")],
)
def test_a_dry_run_says_why_not(chain, fee: Decimal, reason: str) -> None:
    rpc, _, _ = chain
    (row,) = rpc("testmempoolaccept", [_spend(rpc, fee)])
    assert (row["allowed"], row["reject-reason"]) == (False, reason)


def test_a_dry_run_of_what_is_known_missing_or_unsigned(chain) -> None:
    rpc, first, _ = chain
    (known,) = rpc("testmempoolaccept", [rpc("getrawtransaction", first)])
    assert known["reject-reason"] == "txn-already-in-mempool"
    unknown = rpc("createrawtransaction", [{"txid": "11" * 32, "vout": 0}], {rpc("getnewaddress"): 1})
    (missing,) = rpc("testmempoolaccept", [unknown])
    assert missing["reject-reason"] == "missing-inputs"
    coin = max(rpc("listunspent"), key=lambda row: row["amount"])
    unsigned = rpc(
        "createrawtransaction",
        [{"txid": coin["txid"], "vout": coin["vout"]}],
        {rpc("getnewaddress"): coin["amount"] - 1},
    )
    (failed,) = rpc("testmempoolaccept", [unsigned], 0)
    assert failed["reject-reason"] == "mempool-script-verify-flag-failed"


def test_a_dry_run_takes_1_to_25(chain) -> None:
    rpc, _, _ = chain
    assert rpc.refusal("testmempoolaccept", [])[0] == -8
    assert rpc.refusal("testmempoolaccept", ["00"] * 26)[0] == -8
    assert rpc.refusal("testmempoolaccept", ["00"])[0] == -22
    assert rpc.refusal("testmempoolaccept", [5])[0] == -3


def test_fee_estimates(chain) -> None:
    rpc, _, _ = chain
    assert rpc("estimatesmartfee", 6) == {"feerate": Decimal("0.00001"), "blocks": 6}
    assert rpc.refusal("estimatesmartfee", 0)[0] == -8


def test_orphans_are_told_with_the_peers_that_have_them(pair) -> None:
    one, _ = pair
    pool = one.port.host.node.view.mempool
    orphan = Transaction(2, (TxIn(make_outpoint(b"\x11" * 32, 0)),), (TxOut(1_000, b"\x00\x14" + bytes(20)),))
    now, tip = Micros(0), one.port.host.tip
    assert pool.submit(orphan, ConnId(7), now)
    missing = TxVerdict(orphan, tip, missing=(orphan.inputs[0].outpoint,))
    assert isinstance(pool.on_verified(missing, tip, now)[0], Orphaned)
    pool.announce_orphan(orphan.wtxid, ConnId(9))
    txid = orphan.txid[::-1].hex()
    assert one("getorphantxs") == [txid]
    row = {
        "txid": txid,
        "wtxid": txid,
        "bytes": orphan.size,
        "vsize": orphan.vsize,
        "weight": orphan.weight,
        "from": [7, 9],
    }
    assert one("getorphantxs", 1) == [row]
    assert one("getorphantxs", 2) == [{**row, "hex": orphan.raw.hex()}]
    assert one.refusal("getorphantxs", 3) == (-8, "Invalid verbosity value 3")
    assert one.refusal("getorphantxs", -1) == (-8, "Invalid verbosity value -1")
    assert one.refusal("getorphantxs", True) == (-3, "Verbosity was boolean but only integer allowed")


def test_the_mempool_is_on_disk_when_that_is_said(funded) -> None:
    txid = funded("sendtoaddress", funded("getnewaddress"), 1)
    assert funded("savemempool")["filename"].endswith("state/mempool")
    # Not stopped: as after a kill.
    funded.port.world.restart(funded.port.host)
    funded("syncwithvalidationinterfacequeue")
    funded.port.pass_time(5_000_000)
    assert txid in funded("getrawmempool")


def test_loaded_is_said_once_what_was_kept_is_taken_up(funded) -> None:
    txid = funded("sendtoaddress", funded("getnewaddress"), 1)
    funded("savemempool")
    assert funded("getmempoolinfo")["loaded"] is True
    funded.port.world.restart(funded.port.host)
    seen = []
    while not (is_loaded := funded("getmempoolinfo")["loaded"]):
        seen.append(is_loaded)
        funded.port.pass_time(1_000)
        assert len(seen) < 60_000
    assert seen
    assert txid in funded("getrawmempool")
