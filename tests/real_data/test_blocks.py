"""Real blocks: import from genesis, round trips, commitments, every input with a known output, and corruptions."""

from pathlib import Path

import pytest
from tests.mainnet import block_file

from minicoin.core.chain.block_rules import check_block, check_block_in_chain
from minicoin.core.chain.coins import CoinsCache
from minicoin.core.chain.connect import connect_block
from minicoin.core.chain.deployments import RuleSet
from minicoin.core.chain.store import MemoryChainStore
from minicoin.core.chain.undo import pack_coin
from minicoin.core.chain.verifier import ScriptCheck, ScriptFailure
from minicoin.core.encoding.compact import decode_compact
from minicoin.core.params.builtin import lookup
from minicoin.core.primitives.block import Block, RawBlock
from minicoin.core.primitives.merkle import block_merkle_root
from minicoin.core.primitives.script_flags import ScriptFlag
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut
from minicoin.core.primitives.verdicts import BlockReason, BlockRejected, Coin
from minicoin.drivers.kernel import KernelVerifier
from minicoin.drivers.store.blockfiles import BlockFile, export_blocks, import_blocks
from minicoin.drivers.store.local_chain import LocalChain

WHOLE = ("block300025", "block426884", "block928828", "block1087400", "block-2019-05-02")
WITH_PREVOUTS = {"block928828": 1972, "block1087400": 205}
ALL = int(ScriptFlag.ALL)


def read(data: Path, name: str) -> bytes:
    return (data / "blocks" / f"{name}.raw").read_bytes()


def prevouts(data: Path, name: str) -> list[TxOut]:
    raw = (data / "blocks" / f"{name}.prevouts").read_bytes()
    found, at = [], 0
    while at < len(raw):
        value = int.from_bytes(raw[at : at + 8], "little")
        length, at = decode_compact(raw, at + 8)
        found.append(TxOut(value, raw[at : at + length]))
        at += length
    return found


def checks(data: Path, name: str) -> list[ScriptCheck]:
    outputs = iter(prevouts(data, name))
    block = Block.parse(read(data, name))
    return [ScriptCheck(tx, [next(outputs) for _ in tx.inputs], ALL) for tx in block.transactions[1:]]


# --- from genesis ---


@pytest.fixture(scope="module")
def mainnet(tmp_path_factory):
    path = tmp_path_factory.mktemp("mainnet") / "bootstrap.dat"
    path.write_bytes(block_file())
    return path


def test_255_mainnet_blocks_import(mainnet, tmp_path):
    network = lookup("bitcoin")
    chain = LocalChain(network, tmp_path / "d")
    report = import_blocks(chain, [mainnet])
    assert (report.stored, report.height, report.refused) == (255, 255, 0)
    totals = chain.engine.coin_set_totals()
    assert totals.total_sat == 255 * 50 * 10**8
    chain.close()
    again = LocalChain(network, tmp_path / "d")
    assert (again.height, again.engine.coin_set_totals()) == (255, totals)
    export_blocks(again, tmp_path / "out.dat", start_height=1)
    assert (tmp_path / "out.dat").read_bytes() == mainnet.read_bytes()
    again.close()


def test_mainnet_backwards_and_forwards_again(mainnet):
    network = lookup("bitcoin")
    chain = LocalChain(network, MemoryChainStore())
    import_blocks(chain, [mainnet])
    expected, path = chain.engine.coin_set_hash(), chain.tree.path(chain.tree.genesis, chain.tree.tip)[1]
    chain.engine.activate(network.genesis.hash, ())
    assert chain.engine.coin_set_totals().coins == 0
    chain.engine.activate(network.genesis.hash, tuple(node.hash for node in path))
    assert chain.engine.coin_set_hash() == expected


@pytest.mark.parametrize(("height", "where"), [(170, "signature"), (170, "merkle node"), (181, "output")])
def test_corrupt_mainnet_blocks_are_refused(mainnet, height, where):
    """Without new work a changed body no longer fits its header, whatever was changed."""
    network = lookup("bitcoin")
    chain = LocalChain(network, MemoryChainStore())
    file = BlockFile(mainnet, network.magic)
    raws = [file.read(place) for place in file.places()]
    for raw in raws[: height - 1]:
        assert chain.accept(RawBlock.parse(raw)) is None
    good = raws[height - 1]
    at = {"signature": good.index(b"\x47\x30\x44") + 20, "merkle node": 36 + 5, "output": len(good) - 20}[where]
    bad = good[:at] + bytes((good[at] ^ 1,)) + good[at + 1 :]
    invalid = chain.accept(RawBlock.parse(bad))
    # The merkle root is in the header: changing it costs the work.
    assert invalid.reason is (BlockReason.BAD_PROOF if where == "merkle node" else BlockReason.BAD_MERKLE_ROOT)
    assert chain.height == height - 1
    assert chain.accept(RawBlock.parse(good)) is None


# --- single blocks ---


@pytest.mark.parametrize("name", WHOLE)
def test_round_trip_and_commitments(data, name):
    raw = read(data, name)
    block = Block.parse(raw)
    assert block.raw == raw
    assert [Transaction.parse(tx.raw).txid for tx in block.transactions] == [tx.txid for tx in block.transactions]
    assert block_merkle_root(block.transactions) == (block.header.merkle_root, False)
    check_block(block)
    assert Block.parse(block.stripped).stripped == block.stripped
    assert any(tx.has_witness for tx in block.transactions) == (block.stripped != raw)


def rules(name: str, block: Block) -> RuleSet:
    """Of testnet3 in 2016 and 2017; segwit was active there from 834,624 on."""
    is_segwit = name == "block1087400"
    height = int(name.removeprefix("block"))
    flags = ScriptFlag.ALL & ~ScriptFlag.TAPROOT if is_segwit else ScriptFlag.ALL
    return RuleSet(height, int(flags), True, True, is_segwit, False, False, block.header.time, 25 * 10**8, 100)


def test_witness_commitments(data):
    for name in ("block1087400", "block-2019-05-02"):
        block = Block.parse(read(data, name))
        assert any(tx.has_witness for tx in block.transactions)
        script = block.transactions[0].inputs[0].script_sig
        height = int.from_bytes(script[1 : 1 + script[0]], "little")
        place = RuleSet(height, ALL, True, True, True, True, False, block.header.time, 0, 100)
        check_block_in_chain(block, place)
        with pytest.raises(BlockRejected) as refusal:
            check_block_in_chain(_with_other_witness(block), place)
        assert refusal.value.reason is BlockReason.WITNESS_MERKLE


def _with_other_witness(block: Block) -> Block:
    changed = list(block.transactions)
    position = next(at for at, tx in enumerate(changed) if at and tx.has_witness)
    changed[position] = _flip_witness(changed[position])
    return Block(block.header, tuple(changed))


def _flip_witness(tx: Transaction) -> Transaction:
    stacks = list(tx.witnesses)
    at = next(at for at, stack in enumerate(stacks) if stack and any(stack))
    item = next(number for number, item in enumerate(stacks[at]) if len(item) > 20)
    stack = list(stacks[at])
    stack[item] = stack[item][:15] + bytes((stack[item][15] ^ 1,)) + stack[item][16:]
    stacks[at] = tuple(stack)
    return Transaction(tx.version, tx.inputs, tx.outputs, tx.lock_time, tuple(stacks))


@pytest.mark.parametrize("name", WITH_PREVOUTS)
def test_every_input_verifies(data, name):
    asked = checks(data, name)
    assert sum(len(check.spent) for check in asked) == WITH_PREVOUTS[name]
    assert KernelVerifier().first_failure(asked) is None


@pytest.mark.parametrize("name", WITH_PREVOUTS)
def test_a_real_block_connects(data, name):
    """Fees, sigop cost, maturity and amounts of a real block against the real coins it spends."""
    block = Block.parse(read(data, name))
    own = {tx.txid for tx in block.transactions}
    entries = [entry for tx in block.transactions[1:] for entry in tx.inputs]
    coins = CoinsCache(MemoryChainStore())
    for entry, output in zip(entries, prevouts(data, name), strict=True):
        if entry.outpoint[:32] not in own:
            coins.add(entry.outpoint, pack_coin(Coin(output, 1, False)))
    before = coins.totals()
    place = rules(name, block)
    connected = connect_block(block, check_block(block), place, coins, lambda height: 0)
    claimed = sum(output.value for output in block.transactions[0].outputs)
    assert connected.fees_sat > 0
    assert claimed <= connected.fees_sat + place.subsidy_sat
    assert [output for spent in connected.spent for output in spent] == prevouts(data, name)
    assert coins.totals() != before


def test_corrupt_signatures_are_refused(data):
    asked = checks(data, "block928828")
    for position in range(0, len(asked), 25):
        tx, spent, flags = asked[position]
        entry = tx.inputs[-1]
        if len(entry.script_sig) < 60:
            continue
        script = entry.script_sig[:20] + bytes((entry.script_sig[20] ^ 1,)) + entry.script_sig[21:]
        bad = Transaction(
            tx.version, (*tx.inputs[:-1], TxIn(entry.outpoint, script, entry.sequence)), tx.outputs, tx.lock_time
        )
        failure = KernelVerifier().first_failure([asked[0], ScriptCheck(bad, spent, flags)])
        # A changed input script is its own input's fault alone.
        assert failure == ScriptFailure(1, len(tx.inputs) - 1)


def test_corrupt_scripts_are_refused(data):
    for tx, spent, flags in checks(data, "block928828")[::25]:
        script = spent[0].script_pubkey
        wrong = [TxOut(spent[0].value, script[:5] + bytes((script[5] ^ 1,)) + script[6:]), *spent[1:]]
        assert KernelVerifier().first_failure([ScriptCheck(tx, wrong, flags)]) == ScriptFailure(0, 0)


def test_corrupt_amounts_and_witnesses_of_segwit_inputs_are_refused(data):
    segwit = [check for check in checks(data, "block1087400") if check.transaction.has_witness]
    assert len(segwit) == 2
    for tx, spent, flags in segwit:
        richer = [TxOut(output.value + 1, output.script_pubkey) for output in spent]
        assert KernelVerifier().first_failure([ScriptCheck(tx, richer, flags)]) is not None
        assert KernelVerifier().first_failure([ScriptCheck(_flip_witness(tx), spent, flags)]) is not None


def test_a_changed_transaction_breaks_the_merkle_root(data):
    block = Block.parse(read(data, "block300025"))
    tx = block.transactions[7]
    other = Transaction(tx.version, tx.inputs, tx.outputs, tx.lock_time + 1, tx.witnesses)
    with pytest.raises(BlockRejected) as refusal:
        check_block(Block(block.header, (*block.transactions[:7], other, *block.transactions[8:])))
    assert refusal.value.reason is BlockReason.BAD_MERKLE_ROOT
    assert not refusal.value.is_permanent
