"""Import and export: any order, gaps, garbage, truncation, XOR, foreign files; what goes out comes in again."""

import random
from pathlib import Path

import pytest

from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.faults import MisuseError
from minicoin.core.params.builtin import lookup
from minicoin.drivers.store.blockfiles import BlockFile, export_blocks, find_block_files, import_blocks
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.testing.chain_maker import ChainMaker
from minicoin.testing.faulty_blocks import FAULTS

NETWORK = lookup("bitcoin-regtest")


@pytest.fixture(scope="module")
def made():
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, 103)
    for _ in range(5):
        maker.mine_spending(branch, 4, outputs=4)
    return maker, branch


@pytest.fixture
def blocks(made):
    return made[1].blocks


@pytest.fixture
def chain():
    return LocalChain(NETWORK, MemoryChainStore(), verifier=ScriptedVerifier())


def frame(raw: bytes, magic: bytes = NETWORK.magic) -> bytes:
    return magic + len(raw).to_bytes(4, "little") + raw


def write(path: Path, blocks) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"".join(frame(block.raw) for block in blocks))
    return path


def test_in_order_with_progress(chain, blocks, tmp_path):
    seen = []
    path = write(tmp_path / "bootstrap.dat", blocks)
    report = import_blocks(chain, [path], lambda done, total, height: seen.append((done, total, height)))
    assert (report.read, report.stored, report.height, report.refused) == (len(blocks), len(blocks), len(blocks), 0)
    assert chain.tip == blocks[-1].hash
    assert seen[-1][0] == seen[-1][1] == path.stat().st_size
    assert seen == sorted(seen)


def test_out_of_order_over_several_files(chain, blocks, tmp_path):
    mixed = blocks[:]
    random.Random(4).shuffle(mixed)
    paths = [write(tmp_path / "blocks" / f"blk{number:05}.dat", mixed[number::3]) for number in range(3)]
    report = import_blocks(chain, [tmp_path])
    assert find_block_files([tmp_path]) == paths
    assert (report.files, report.stored, report.without_parent, report.height) == (3, len(blocks), 0, len(blocks))


def test_a_gap_in_the_chain_is_counted(chain, blocks, tmp_path):
    report = import_blocks(chain, [write(tmp_path / "b.dat", blocks[:10] + blocks[11:])])
    assert (report.height, report.without_parent) == (10, len(blocks) - 11)


@pytest.mark.parametrize("key", [bytes(8), bytes(range(1, 9)), b"\xff" * 8])
def test_xored_files(chain, blocks, tmp_path, key):
    content = b"".join(frame(block.raw) for block in blocks)
    hidden = bytes(byte ^ key[at % 8] for at, byte in enumerate(content))
    (tmp_path / "blk00000.dat").write_bytes(hidden)
    (tmp_path / "xor.dat").write_bytes(key)
    assert import_blocks(chain, [tmp_path]).height == len(blocks)


def test_a_long_xored_file_reads_back(tmp_path):
    key = bytes(range(101, 109))
    payload = random.Random(1).randbytes(3_000_000)
    content = frame(payload)
    pad = key * (len(content) // 8 + 1)
    hidden = (int.from_bytes(content, "big") ^ int.from_bytes(pad[: len(content)], "big")).to_bytes(len(content), "big")
    (tmp_path / "blk00000.dat").write_bytes(hidden)
    (tmp_path / "xor.dat").write_bytes(key)
    file = BlockFile(tmp_path / "blk00000.dat", NETWORK.magic)
    assert [file.read(place) for place in file.places()] == [payload]


def test_gaps_garbage_and_a_truncated_tail(chain, blocks, tmp_path):
    content = (
        frame(blocks[0].raw)
        + bytes(1000)
        + b"garbage"
        + NETWORK.magic
        + frame(blocks[1].raw)
        + NETWORK.magic
        + b"\xff\xff\xff\xff"
        + frame(blocks[2].raw)
        + frame(blocks[3].raw)[:-5]
    )
    path = tmp_path / "blk00000.dat"
    path.write_bytes(content)
    report = import_blocks(chain, [path])
    assert (report.height, report.truncated_files) == (3, 1)
    assert report.skipped_bytes > len(b"garbage")
    assert any("truncated" in problem for problem in report.problems)


def test_a_file_of_zeros_is_no_error(chain, blocks, tmp_path):
    (tmp_path / "blk00000.dat").write_bytes(bytes(5000))
    (tmp_path / "blk00001.dat").write_bytes(b"")
    write(tmp_path / "blk00002.dat", blocks)
    assert import_blocks(chain, [tmp_path]).height == len(blocks)


def test_a_foreign_file_is_named(chain, blocks, tmp_path):
    path = tmp_path / "blk00000.dat"
    path.write_bytes(frame(blocks[0].raw, lookup("bitcoin").magic))
    with pytest.raises(MisuseError, match="holds blocks of bitcoin, not of bitcoin-regtest"):
        import_blocks(chain, [path])
    path.write_bytes(b"something else altogether")
    with pytest.raises(MisuseError, match=r"holds no block of bitcoin-regtest"):
        import_blocks(chain, [path])


def test_nothing_to_import(tmp_path):
    with pytest.raises(MisuseError, match="no such file"):
        find_block_files([tmp_path / "nowhere"])
    with pytest.raises(MisuseError, match=r"no blk\*\.dat"):
        find_block_files([tmp_path])


def test_bad_blocks_are_refused_by_name_and_the_rest_goes_on(chain, made, tmp_path):
    maker, branch = made
    bad = FAULTS["coinbase_amount"](maker, branch)[0]
    worse = FAULTS["merkle_root"](maker, branch)[0]
    content = b"".join(frame(block.raw) for block in branch.blocks) + frame(bad) + frame(worse)
    path = tmp_path / "b.dat"
    path.write_bytes(content)
    report = import_blocks(chain, [path])
    assert (report.height, report.refused) == (branch.height, 2)
    assert any("bad-cb-amount" in problem for problem in report.problems)
    assert any("bad-txnmrklroot" in problem for problem in report.problems)


def test_known_blocks_are_counted(chain, blocks, tmp_path):
    path = write(tmp_path / "b.dat", blocks)
    import_blocks(chain, [path])
    again = import_blocks(chain, [path])
    assert (again.known, again.stored) == (len(blocks), 0)


def test_what_goes_out_comes_in(chain, blocks, tmp_path):
    import_blocks(chain, [write(tmp_path / "b.dat", blocks)])
    seen = []
    count = export_blocks(chain, tmp_path / "bootstrap.dat", lambda done, total, height: seen.append((done, total)))
    assert count == len(blocks) + 1
    assert seen[-1] == (count, count)
    other = LocalChain(NETWORK, tmp_path / "other", verifier=ScriptedVerifier())
    report = import_blocks(other, [tmp_path / "bootstrap.dat"])
    assert report.known == 1
    assert other.engine.coin_set_hash() == chain.engine.coin_set_hash()
    other.close()
    reopened = LocalChain(NETWORK, tmp_path / "other", verifier=ScriptedVerifier())
    assert reopened.height == len(blocks)
    reopened.close()


def test_export_to_an_impossible_place(chain, tmp_path):
    with pytest.raises(MisuseError, match="cannot write"):
        export_blocks(chain, tmp_path / "nowhere" / "bootstrap.dat")
