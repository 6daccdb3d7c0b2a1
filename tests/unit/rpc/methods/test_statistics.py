import pytest

from minicoin.rpc.methods import statistics


@pytest.fixture
def chain(funded):
    funded("sendtoaddress", funded("getnewaddress"), 1)
    funded("generatetodescriptor", 1, "raw(51)")
    return funded


def test_the_whole_chain_is_counted(chain) -> None:
    height = chain("getblockcount")
    stats = chain("getchaintxstats")
    assert stats["txcount"] == height + 1 + 1
    assert stats["window_block_count"] == height - 1
    assert stats["window_tx_count"] == height - 1 + 1
    assert stats["window_final_block_hash"] == chain("getbestblockhash")
    tip, first = chain("getblockheader", chain("getbestblockhash")), chain("getblockheader", chain("getblockhash", 1))
    assert stats["time"] == tip["time"]
    assert stats["window_interval"] == tip["mediantime"] - first["mediantime"]
    assert float(stats["txrate"]) == pytest.approx(stats["window_tx_count"] / stats["window_interval"])


def test_a_window_up_to_a_block(chain) -> None:
    block = chain("getblockhash", 10)
    stats = chain("getchaintxstats", 4, block)
    assert (stats["txcount"], stats["window_tx_count"], stats["window_final_block_height"]) == (11, 4, 10)
    empty = chain("getchaintxstats", 0, chain("getblockhash", 1))
    assert empty["txcount"] == 2
    assert "window_interval" not in empty


def test_what_cannot_be_counted_is_refused(chain) -> None:
    problem = (-8, "Invalid block count: should be between 0 and the block's height - 1")
    assert chain.refusal("getchaintxstats", -1) == problem
    assert chain.refusal("getchaintxstats", chain("getblockcount")) == problem
    assert chain.refusal("getchaintxstats", 1, "00" * 32) == (-5, "Block not found")
    assert chain.refusal("getchaintxstats", 1, "0") == (-8, "blockhash must be of length 64 (not 1, for '0')")
    header = chain("generateblock", "raw(52)", [], False)
    chain("submitheader", header["hex"])
    assert chain.refusal("getchaintxstats", 1, header["hash"]) == (-8, "Block is not in main chain")


def test_a_long_chain_is_not_counted_whole(chain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "CHAIN_STATISTICS_BLOCKS_MAX", 20)
    stats = chain("getchaintxstats", 20, chain("getblockhash", 50))
    assert stats["window_tx_count"] == 20
    assert "txcount" not in stats
    assert chain.refusal("getchaintxstats", 21)[0] == -8
