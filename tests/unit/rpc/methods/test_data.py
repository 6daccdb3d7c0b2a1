import pytest

from minicoin.core.limits import DATA_PAYLOAD_BYTES_MAX
from minicoin.rpc.methods import data


def test_data_goes_from_pending_to_its_block(funded) -> None:
    put = funded("putdata", "bpm=70")
    assert put["bytes"] == 6
    (item,) = funded("listdata")["items"]
    assert (item["txid"], item["text"], item["hex"]) == (put["txid"], "bpm=70", b"bpm=70".hex())
    assert (item["status"], item["confirmations"]) == ("pending", 0)
    (block,) = funded("generatetoaddress", 2, funded("getnewaddress"))[:1]
    (item,) = funded("listdata")["items"]
    assert (item["status"], item["confirmations"], item["blockhash"]) == ("confirmed", 2, block)
    assert item["height"] == funded("getblock", block)["height"]


def test_newest_first_in_pages(funded) -> None:
    for number in range(3):
        funded("putdata", f"page {number}")
        funded("generatetoaddress", 1, funded("getnewaddress"))
    texts = [item["text"] for item in funded("listdata", 3)["items"]]
    assert texts == ["page 2", "page 1", "page 0"]
    assert [item["text"] for item in funded("listdata", 1, 1)["items"]] == ["page 1"]
    listed = funded("listdata", 100, 0, funded("getblockcount"))
    assert [item["text"] for item in listed["items"]] == ["page 2"]
    assert listed["total"] == 1


def test_bytes_that_are_no_text_are_hex_only(funded) -> None:
    for payload in ("00ff", "1b5b324a"):
        put = funded("putdata", payload, True)
        item = next(item for item in funded("listdata")["items"] if item["txid"] == put["txid"])
        assert item["hex"] == payload
        assert "text" not in item


@pytest.mark.parametrize("text", ["", "x" * (DATA_PAYLOAD_BYTES_MAX + 1), "ä" * (DATA_PAYLOAD_BYTES_MAX // 2 + 1)])
def test_payloads_have_a_size(funded, text: str) -> None:
    code, message = funded.refusal("putdata", text)
    assert code == -8
    assert str(DATA_PAYLOAD_BYTES_MAX) in message


def test_the_largest_payload_is_relayed(funded) -> None:
    assert funded("putdata", "y" * DATA_PAYLOAD_BYTES_MAX)["bytes"] == DATA_PAYLOAD_BYTES_MAX


def test_without_wallet_or_money(rpc) -> None:
    assert rpc.refusal("putdata", "x")[0] == -18
    rpc("createwallet")
    assert rpc.refusal("putdata", "x")[0] == -6
    assert rpc("listdata")["items"] == []


def test_a_reorg_takes_data_out_of_its_block(funded) -> None:
    funded("generatetoaddress", 1, funded("getnewaddress"))
    put = funded("putdata", "reorg")
    (block,) = funded("generatetoaddress", 1, funded("getnewaddress"))
    funded("invalidateblock", block)
    funded.port.pass_time(2_000_000)
    states = {item["txid"]: item["status"] for item in funded("listdata")["items"]}
    assert states[put["txid"]] == "pending"
    funded("reconsiderblock", block)
    funded.port.pass_time(2_000_000)
    states = {item["txid"]: item["status"] for item in funded("listdata")["items"]}
    assert states[put["txid"]] == "confirmed"


def test_the_memory_is_bounded(monkeypatch) -> None:
    monkeypatch.setattr(data, "DATA_BLOCKS_REMEMBERED_MAX", 2)
    memory = data.DataMemory()
    blocks = [bytes([number]) * 32 for number in range(3)]
    for block in blocks:
        memory.remember(block, ())
    assert memory.missing(blocks) == blocks[:1]
