import threading

import pytest

from minicoin.core.chain import engine, scan
from minicoin.core.descriptors.checksum import with_checksum

XPRV = "tprv8ZgxMBicQKsPd7Uf69XL1XwhmjHopUGep8GuEiJDZmbQz6o58LninorQAfcKZWARbtRtfnLcJ5MQ2AtHcQJCCRUcMRvmDUjyEmNUWwx8UbK"
KEY = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"


def test_coins_of_a_script(rpc) -> None:
    blocks = rpc("generatetodescriptor", 3, "raw(51)")
    rpc("generatetodescriptor", 1, "raw(52)")
    found = rpc("scantxoutset", "start", [with_checksum("raw(51)")])
    info = rpc("gettxoutsetinfo")
    assert (found["success"], found["height"], found["txouts"]) == (True, 4, info["txouts"])
    assert found["bestblock"] == rpc("getbestblockhash")
    assert found["total_amount"] == 150
    rows = sorted(found["unspents"], key=lambda row: row["height"])
    assert [row["blockhash"] for row in rows] == blocks
    assert [row["confirmations"] for row in rows] == [4, 3, 2]
    first = rows[0]
    assert first["txid"] == rpc("getblock", blocks[0])["tx"][0]
    assert (first["vout"], first["scriptPubKey"], first["coinbase"], first["amount"]) == (0, "51", True, 50)
    assert first["desc"] == with_checksum("raw(51)")
    assert rpc("scantxoutset", "start", [])["unspents"] == []


def test_ranges_and_forms(rpc) -> None:
    rpc("generatetodescriptor", 1, f"pkh({XPRV}/0h/3)")
    rpc("generatetodescriptor", 1, f"wpkh({KEY})")
    found = rpc("scantxoutset", "start", [{"desc": f"combo({XPRV}/0h/*)", "range": 3}])
    assert found["total_amount"] == 50
    assert found["unspents"][0]["desc"].startswith("pkh([0c5f9a1e/0h/3]")
    assert rpc("scantxoutset", "start", [{"desc": f"combo({XPRV}/0h/*)", "range": [0, 2]}])["unspents"] == []
    address = rpc("deriveaddresses", with_checksum(f"wpkh({KEY})"))[0]
    (row,) = rpc("scantxoutset", "start", [f"addr({address})", f"pkh({KEY})"])["unspents"]
    assert row["desc"] == with_checksum(f"addr({address})")


@pytest.mark.parametrize(
    ("scanned", "problem"),
    [
        ({"desc": "desc", "range": -1}, "End of range is too high"),
        ({"desc": "desc", "range": [-1, 10]}, "Range should be greater or equal than 0"),
        ({"desc": "desc", "range": [2, 1]}, "Range specified as [begin,end] must not have begin after end"),
        ({"desc": "desc", "range": [0, 1_000_001]}, "Range is too large"),
        ({"range": 1}, "Descriptor needs to be provided in scan object"),
        (7, "Scan object needs to be either a string or an object"),
    ],
)
def test_bad_scan_objects_are_named(rpc, scanned, problem: str) -> None:
    assert rpc.refusal("scantxoutset", "start", [scanned]) == (-8, problem)
    # Nothing is left behind that another scan would stumble over.
    assert rpc("scantxoutset", "start", [])["success"]


def test_actions(rpc) -> None:
    assert rpc("scantxoutset", "status") is None
    assert rpc("scantxoutset", "abort") is False
    assert rpc.refusal("scantxoutset", "invalid_command") == (-8, "Invalid action 'invalid_command'")
    expected = (-1, "scanobjects argument is required for the start action")
    assert rpc.refusal("scantxoutset", "start") == expected
    assert rpc.refusal("scantxoutset")[0] == -1


def test_one_scan_at_a_time_which_may_be_ended(rpc, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "_COINS_PER_STEP", 1)
    rpc("generatetodescriptor", 5, "raw(51)")
    answers = []

    def ask() -> None:
        answers.append(rpc.refusal("scantxoutset", "start", []))
        answers.append(rpc("scantxoutset", "status"))
        answers.append(rpc("scantxoutset", "abort"))

    real = scan.find_coins

    def find_coins(coins, scripts, progress):
        for _ in real(coins, scripts, progress):
            if not answers:
                # Another client, whose calls have an event loop of their own here.
                client = threading.Thread(target=ask)
                client.start()
                client.join()
            yield
        return ()

    monkeypatch.setattr(engine, "find_coins", find_coins)
    found = rpc("scantxoutset", "start", ["raw(51)"])
    assert answers[0] == (-8, 'Scan already in progress, use action "abort" or "status"')
    assert set(answers[1]) == {"progress"}
    assert answers[2] is True
    assert found["success"] is False
    assert rpc("scantxoutset", "status") is None


def test_a_sound_chain_is_said_to_be_so(rpc, monkeypatch) -> None:
    rpc("generatetodescriptor", 3, "raw(51)")
    assert rpc("verifychain") is True
    assert rpc("verifychain", 4, 0) is True
    last = rpc.port.host.tip
    store = rpc.port.host.disk.ledger.store
    monkeypatch.setattr(store, "read", {block: store.read(block) for block in store.stored() if block != last}.get)
    code, message = rpc.refusal("verifychain", 0)
    assert code == -1 and rpc("getbestblockhash") in message
