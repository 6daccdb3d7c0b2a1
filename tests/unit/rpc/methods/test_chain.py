import pytest

from minicoin.core.params.builtin import REGTEST

UNKNOWN = "00" * 31 + "01"


@pytest.fixture
def grown(rpc):
    # The address of the BIP173 example program, with this network's prefix.
    decoded = rpc("decodescript", "0014751e76e8199196d454941c45d1b3a323f1433bd6")
    rpc("generatetoaddress", 5, decoded["address"])
    return rpc


def test_info_of_a_fresh_chain(rpc) -> None:
    info = rpc("getblockchaininfo")
    assert info["chain"] == "regtest"
    assert (info["blocks"], info["headers"]) == (0, 0)
    assert info["bits"] == "207fffff"
    # Virtual time begins minutes after the genesis block.
    assert info["initialblockdownload"] is False
    assert info["network_id"] == REGTEST.network_id.hex()
    assert info["warnings"] == []


def test_heights_and_hashes_agree(grown) -> None:
    assert grown("getblockcount") == 5
    assert grown("getbestblockhash") == grown("getblockhash", 5)
    assert grown("getblockchaininfo")["bestblockhash"] == grown("getblockhash", 5)
    assert grown.refusal("getblockhash", 6) == (-8, "Block height out of range")
    assert grown.refusal("getblockhash", -1) == (-8, "Block height out of range")


def test_headers_link_up_and_down(grown) -> None:
    second = grown("getblockheader", grown("getblockhash", 2))
    assert second["height"] == 2
    assert second["confirmations"] == 4
    assert second["nTx"] == 1
    assert second["previousblockhash"] == grown("getblockhash", 1)
    assert second["nextblockhash"] == grown("getblockhash", 3)
    assert int(second["chainwork"], 16) == 3 * 2
    genesis = grown("getblockheader", grown("getblockhash", 0))
    assert "previousblockhash" not in genesis
    assert "nextblockhash" not in grown("getblockheader", grown("getbestblockhash"))
    raw = grown("getblockheader", second["hash"], False)
    assert len(raw) == 160 and raw.startswith("00000020")


def test_unknown_blocks(grown) -> None:
    for method in ("getblockheader", "getblock", "getdeploymentinfo", "invalidateblock", "reconsiderblock"):
        assert grown.refusal(method, UNKNOWN) == (-5, "Block not found")


def test_invalidated_and_reconsidered(grown) -> None:
    third = grown("getblockhash", 3)
    tip = grown("getbestblockhash")
    assert grown("invalidateblock", third) is None
    grown("getblockcount")
    grown.port.pass_time(1_000_000)
    assert grown("getblockcount") == 2
    assert grown("getblockheader", third)["confirmations"] == -1
    statuses = {row["hash"]: (row["status"], row["branchlen"]) for row in grown("getchaintips")}
    assert statuses[tip] == ("invalid", 3)
    assert grown("reconsiderblock", third) is None
    grown.port.pass_time(1_000_000)
    assert grown("getbestblockhash") == tip


def test_difficulty_and_deployments(grown) -> None:
    assert float(grown("getdifficulty")) == pytest.approx(4.656542373906925e-10)
    info = grown("getdeploymentinfo")
    assert info["height"] == 5
    assert info["deployments"]["taproot"] == {"type": "buried", "active": True, "height": 0}
    assert set(info["deployments"]) >= {"bip34", "bip65", "bip66", "csv", "segwit", "taproot"}
