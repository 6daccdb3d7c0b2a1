"""The store on disk: crashes at any point, damage, foreign directories, a second process, a full disk."""

import multiprocessing
import os
import resource
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import lmdb
import pytest
from tests.unit.chain.five_banks import KEYS, connect, engine_at, maker
from tests.unit.chain.five_banks import NETWORK as BANKS

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.chain.verifier import ScriptedVerifier
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import BlockHash, RawBlock
from minicoin.core.primitives.transaction import Outpoint
from minicoin.drivers.store.disk import DiskChainStore
from minicoin.drivers.store.errors import StoreCorrupt, StoreError, StoreForeign, StoreFull, StoreLocked, StoreTooNew
from minicoin.drivers.store.local_chain import LocalChain
from minicoin.testing.chain_maker import ChainMaker

NETWORK = lookup("bitcoin-regtest")
TIP = BlockHash(b"\x01" * 32)


@pytest.fixture(scope="module")
def blocks():
    maker = ChainMaker(NETWORK)
    branch = maker.new_branch()
    maker.mine_empty(branch, 102)
    for _ in range(8):
        maker.mine_spending(branch, 4, outputs=4)
    return branch.blocks


def open_chain(path: Path) -> LocalChain:
    return LocalChain(NETWORK, path, verifier=ScriptedVerifier())


def fill(chain: LocalChain, blocks) -> None:
    for block in blocks:
        chain.store_block(RawBlock.parse(block.raw))
    assert chain.advance() == []


def kill(chain: LocalChain) -> None:
    assert isinstance(chain.store, DiskChainStore)
    killed(chain.store)


def killed(store: DiskChainStore) -> None:
    """What kill -9 leaves: the files as they stand while they are open; the kernel drops the lock."""
    left = store.directory.with_name("left")
    shutil.copytree(store.directory, left)
    store.close()
    shutil.rmtree(store.directory)
    left.rename(store.directory)


def replayed_hash(blocks, tmp_path) -> bytes:
    chain = open_chain(tmp_path / "replay")
    fill(chain, blocks)
    result = chain.engine.coin_set_hash()
    chain.close()
    return result


# --- crashes ---


def test_blocks_beyond_the_index_are_found_again(blocks, tmp_path):
    chain = open_chain(tmp_path / "d")
    fill(chain, blocks[:60])
    chain.engine.flush()
    fill(chain, blocks[60:])
    kill(chain)
    again = open_chain(tmp_path / "d")
    assert (again.height, again.tip) == (len(blocks), blocks[-1].hash)
    assert again.engine.coin_set_hash() == replayed_hash(blocks, tmp_path)
    assert any("50 blocks" in message for message in again.messages)
    again.close()
    third = open_chain(tmp_path / "d")
    assert (third.height, third.messages) == (len(blocks), [])
    third.close()


@pytest.mark.parametrize("cut", [1, 7, 40, 90])
def test_a_torn_tail_is_cut(blocks, tmp_path, cut):
    chain = open_chain(tmp_path / "d")
    fill(chain, blocks)
    kill(chain)
    path = tmp_path / "d" / "blocks" / "blk00000.dat"
    os.truncate(path, path.stat().st_size - cut)
    again = open_chain(tmp_path / "d")
    assert again.tip == blocks[-2].hash
    assert any("cut" in message for message in again.messages)
    fill(again, blocks[-1:])
    assert again.engine.coin_set_hash() == replayed_hash(blocks, tmp_path)
    again.close()


@pytest.mark.parametrize("zeros", [5, 40, 90])
def test_a_block_whose_bytes_never_reached_the_disk_is_fetched_again(blocks, tmp_path, zeros):
    """After a power cut a file may have its length and not its bytes."""
    chain = open_chain(tmp_path / "d")
    fill(chain, blocks)
    kill(chain)
    path = tmp_path / "d" / "blocks" / "blk00000.dat"
    raw = path.read_bytes()
    path.write_bytes(raw[:-zeros] + bytes(zeros))
    again = open_chain(tmp_path / "d")
    assert again.tip == blocks[-2].hash
    assert any("not written whole" in message for message in again.messages)
    fill(again, blocks[-1:])
    assert again.engine.coin_set_hash() == replayed_hash(blocks, tmp_path)
    again.close()
    third = open_chain(tmp_path / "d")
    assert (third.height, third.messages) == (len(blocks), [])
    third.close()


def test_garbage_behind_the_last_record_is_cut(blocks, tmp_path):
    chain = open_chain(tmp_path / "d")
    fill(chain, blocks)
    chain.close()
    paths = [tmp_path / "d" / "blocks" / name for name in ("blk00000.dat", "rev00000.dat")]
    sizes = [path.stat().st_size for path in paths]
    for path in paths:
        with path.open("ab") as file:
            file.write(b"\0" * 100)
    again = open_chain(tmp_path / "d")
    assert again.tip == blocks[-1].hash
    assert [path.stat().st_size for path in paths] == sizes
    again.close()


def test_blocks_stored_out_of_order_survive(blocks, tmp_path):
    chain = open_chain(tmp_path / "d")
    for block in blocks:
        chain.tree.add(block.header, chain.now())
    chain.engine.add_headers([block.header for block in blocks])
    for block in reversed(blocks):
        chain.store_block(RawBlock.parse(block.raw))
    kill(chain)
    again = open_chain(tmp_path / "d")
    assert again.tip == blocks[-1].hash
    again.close()


def _work_until_killed(path: str, raws: list[bytes]) -> None:
    chain = open_chain(Path(path))
    for raw in raws:
        chain.accept(RawBlock.parse(raw))
        if chain.height % 7 == 0:
            chain.engine.flush()
        print(chain.height, flush=True)
    print("done", flush=True)
    signal.pause()


@pytest.mark.parametrize("after", [1, 30, 77])
def test_kill_9_loses_nothing_acknowledged(blocks, tmp_path, after):
    context = multiprocessing.get_context("fork")
    reader, writer = os.pipe()

    def run() -> None:
        os.dup2(writer, 1)
        sys.stdout = os.fdopen(1, "w")
        _work_until_killed(str(tmp_path / "d"), [block.raw for block in blocks])

    worker = context.Process(target=run)
    worker.start()
    os.close(writer)
    acknowledged = 0
    with os.fdopen(reader) as lines:
        for line in lines:
            if line.strip() == "done" or int(line) >= after:
                acknowledged = acknowledged if line.strip() == "done" else int(line)
                worker.kill()
                break
    worker.join()
    chain = open_chain(tmp_path / "d")
    assert chain.height >= acknowledged
    assert chain.engine.coin_set_hash() == replayed_hash(blocks[: chain.height], tmp_path)
    chain.close()


# --- damage ---


def test_a_shortened_block_file_is_an_error(blocks, tmp_path):
    chain = open_chain(tmp_path / "d")
    fill(chain, blocks)
    chain.close()
    path = tmp_path / "d" / "blocks" / "blk00000.dat"
    os.truncate(path, 5000)
    with pytest.raises(StoreCorrupt, match=r"blk00000\.dat is shorter than the index says"):
        open_chain(tmp_path / "d")


def test_a_changed_block_is_an_error(blocks, tmp_path):
    chain = open_chain(tmp_path / "d")
    fill(chain, blocks)
    chain.close()
    path = tmp_path / "d" / "blocks" / "blk00000.dat"
    with path.open("r+b") as file:
        content = file.read()
        file.seek(content.index(blocks[5].raw[:80]))
        file.write(bytes(80))
    again = open_chain(tmp_path / "d")
    with pytest.raises(StoreCorrupt, match="damaged"):
        again.engine.read_block(blocks[5].hash)
    again.close()


def test_a_damaged_index_is_an_error(blocks, tmp_path):
    open_chain(tmp_path / "d").close()
    (tmp_path / "d" / "index" / "data.mdb").write_bytes(b"not an index" * 1000)
    with pytest.raises(StoreCorrupt, match="damaged"):
        open_chain(tmp_path / "d")


# --- whose directory it is ---


def test_another_network(tmp_path):
    open_chain(tmp_path / "d").close()
    with pytest.raises(StoreForeign, match="holds the network 'bitcoin-regtest', not 'regtest'"):
        DiskChainStore(tmp_path / "d", lookup("regtest"))
    open_chain(tmp_path / "d").close()


def test_other_rules_are_named(tmp_path):
    open_chain(tmp_path / "d").close()
    other = replace(NETWORK, spacing_s=NETWORK.spacing_s + 1, coinbase_maturity=7)
    with pytest.raises(StoreForeign, match=r"\(different: spacing_s, coinbase_maturity\)"):
        DiskChainStore(tmp_path / "d", other)


def test_another_programs_blocks(blocks, tmp_path):
    directory = tmp_path / "core" / "blocks"
    directory.mkdir(parents=True)
    (directory / "blk00000.dat").write_bytes(b"theirs")
    with pytest.raises(StoreForeign, match="import"):
        DiskChainStore(tmp_path / "core", NETWORK)
    assert (directory / "blk00000.dat").read_bytes() == b"theirs"


def test_a_later_schema(tmp_path):
    open_chain(tmp_path / "d").close()
    with lmdb.open(str(tmp_path / "d" / "index"), max_dbs=8) as environment:
        meta = environment.open_db(b"meta")
        with environment.begin(write=True) as transaction:
            transaction.put(b"schema", (99).to_bytes(4, "little"), db=meta)
    with pytest.raises(StoreTooNew, match="schema 99"):
        open_chain(tmp_path / "d")


def test_a_second_process_is_refused_and_told_whom_by(tmp_path):
    chain = open_chain(tmp_path / "d")
    program = (
        "import sys; from pathlib import Path; from minicoin.core.params.builtin import lookup\n"
        "from minicoin.drivers.store.disk import DiskChainStore\n"
        "from minicoin.drivers.store.errors import StoreLocked\n"
        "try:\n    DiskChainStore(Path(sys.argv[1]), lookup('bitcoin-regtest'))\n"
        "except StoreLocked as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path / "d")], capture_output=True, text=True)
    assert f"in use by process {os.getpid()}" in done.stdout, done.stderr
    with pytest.raises(StoreLocked):
        open_chain(tmp_path / "d")
    chain.close()
    open_chain(tmp_path / "d").close()


def test_an_unusable_directory(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot use"):
        open_chain(tmp_path / "file" / "d")


# --- no room ---


@pytest.fixture
def file_size_limit():
    """Sets RLIMIT_FSIZE for a test; pytest's own files must stay below it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, before)


def test_no_room_for_a_block(blocks, tmp_path, file_size_limit):
    chain = open_chain(tmp_path / "d")
    fill(chain, blocks[:50])
    size = (tmp_path / "d" / "blocks" / "blk00000.dat").stat().st_size
    file_size_limit(size + 100)
    with pytest.raises(StoreFull, match="free some space"):
        fill(chain, blocks[50:])
    assert (tmp_path / "d" / "blocks" / "blk00000.dat").stat().st_size == size
    file_size_limit(resource.RLIM_INFINITY)
    kill(chain)
    again = open_chain(tmp_path / "d")
    assert again.tip == blocks[49].hash
    fill(again, blocks[50:])
    assert again.engine.coin_set_hash() == replayed_hash(blocks, tmp_path)
    again.close()


def test_no_room_for_the_index(tmp_path, file_size_limit):
    store = DiskChainStore(tmp_path / "d", NETWORK)
    store.commit({Outpoint(bytes(36)): b"first"}, [], TIP)
    file_size_limit((tmp_path / "d" / "index" / "data.mdb").stat().st_size)
    many = {Outpoint(number.to_bytes(36, "big")): bytes(200) for number in range(1, 3000)}
    with pytest.raises(StoreFull):
        store.commit(many, [], BlockHash(b"\x02" * 32))
    file_size_limit(resource.RLIM_INFINITY)
    killed(store)
    again = DiskChainStore(tmp_path / "d", NETWORK)
    assert again.coins_tip() == TIP
    assert [coin for _, coin in again.coins()] == [b"first"]
    again.commit(many, [], BlockHash(b"\x02" * 32))
    assert again.coin(Outpoint((7).to_bytes(36, "big"))) == bytes(200)
    again.close()


def test_the_map_grows(tmp_path):
    store = DiskChainStore(tmp_path / "d", NETWORK, map_bytes=1 << 20)
    coins = {Outpoint(number.to_bytes(36, "big")): bytes(500) for number in range(10_000)}
    store.commit(coins, [], TIP)
    store.close()
    again = DiskChainStore(tmp_path / "d", NETWORK, map_bytes=1 << 20)
    assert sum(1 for _ in again.coins()) == 10_000
    again.commit({Outpoint(number.to_bytes(36, "big")): bytes(900) for number in range(20_000, 30_000)}, coins, TIP)
    assert sum(1 for _ in again.coins()) == 10_000
    again.close()


def test_files_roll_over(blocks, tmp_path):
    store = DiskChainStore(tmp_path / "d", NETWORK, file_bytes_max=4000)
    for block in blocks:
        store.append(block.hash, block.raw)
    assert len(list((tmp_path / "d" / "blocks").glob("blk*.dat"))) > 3
    assert all(store.read(block.hash) == block.raw for block in blocks)
    killed(store)
    again = DiskChainStore(tmp_path / "d", NETWORK, file_bytes_max=4000)
    assert all(again.read(block.hash) == block.raw for block in blocks)
    assert len(list(again.recovered_headers())) == len(blocks)
    again.close()


def test_coins_are_read_as_of_one_moment_though_commits_come(tmp_path, blocks):
    chain = open_chain(tmp_path)
    fill(chain, blocks)
    chain.engine.flush()
    store = chain.store
    before = dict(store.coins())
    reading = store.coins()
    seen = [next(reading)]
    store.commit({Outpoint(b"\xff" * 36): b"new"}, [*before], chain.engine.tip)
    seen += reading
    assert dict(seen) == before
    assert list(store.coins()) == [(Outpoint(b"\xff" * 36), b"new")]
    chain.close()


def test_a_reading_that_the_map_outgrows_is_an_error_and_no_crash(tmp_path):
    store = DiskChainStore(tmp_path, NETWORK, map_bytes=1 << 20)
    tip = NETWORK.genesis.hash
    store.commit({Outpoint(bytes((number,)) * 36): b"coin" for number in range(200)}, (), tip)
    reading = store.coins()
    next(reading)
    store.commit({Outpoint(number.to_bytes(36, "big")): bytes(500) for number in range(9_000)}, (), tip)
    with pytest.raises(StoreError, match="ask again"):
        list(reading)
    # One of the second lot replaced one of the first.
    assert len(list(store.coins())) == 9_199
    store.close()


def test_an_acknowledged_tip_has_its_certificate_after_kill_9(tmp_path):
    """At every height: the certificate of a tip is in no block file."""
    made = maker(2)
    made.extend(change=made.change(KEYS[1:]))
    made.grow(4)
    for height, certified in enumerate(made.blocks, 1):
        store = DiskChainStore(tmp_path / "d", BANKS)
        engine = ChainEngine(BANKS, store, ScriptedVerifier())
        # What the last run had acknowledged is connected again, as a node does at its start.
        engine.activate(engine.tip, tuple(one.block.hash for one in made.blocks[engine.height : height - 1]))
        assert connect(engine, certified) == ""
        killed(store)
        store = DiskChainStore(tmp_path / "d", BANKS)
        engine = ChainEngine(BANKS, store, ScriptedVerifier())
        assert list(engine.certificates()) == [one.kept for one in made.blocks[:height]]
        assert certified.block.hash in set(engine.stored())
        if height == 5:
            engine.activate(engine.tip, tuple(one.block.hash for one in made.blocks[engine.height : height]))
            engine.flush()
        killed(store)


def test_a_block_whose_certificate_was_not_synced_is_left_out_and_taken_again(tmp_path):
    made = maker(3)
    store = DiskChainStore(tmp_path / "d", BANKS)
    made_without_last = made.blocks[:2]
    engine = ChainEngine(BANKS, store, ScriptedVerifier())
    for certified in made_without_last:
        assert connect(engine, certified) == ""
    engine.store_block(made.blocks[2].raw, 3, made.blocks[2].kept)
    killed(store)
    engine = ChainEngine(BANKS, DiskChainStore(tmp_path / "d", BANKS), ScriptedVerifier())
    assert [header.hash for header in engine.headers()] == [one.block.hash for one in made_without_last]
    assert made.blocks[2].block.hash not in set(engine.stored())
    engine.activate(engine.tip, tuple(one.block.hash for one in made_without_last))
    assert connect(engine, made.blocks[2]) == ""
    engine.close()


def test_changes_of_members_are_committed_with_the_coins(tmp_path):
    made = maker(2)
    made.extend(change=made.change(KEYS[1:]))
    engine = engine_at(made, DiskChainStore(tmp_path / "d", BANKS))
    engine.close()
    again = ChainEngine(BANKS, DiskChainStore(tmp_path / "d", BANKS), ScriptedVerifier())
    assert [carried.height for carried in again.changes()] == [3]
    again.close()
