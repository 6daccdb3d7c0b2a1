from dataclasses import replace
from decimal import Decimal

import pytest

from minicoin.core.encoding.base58 import encode_base58check
from minicoin.core.limits import LONG_POLL_FIRST_US
from minicoin.core.mining.template import BlockTemplate
from minicoin.core.primitives.block import Block, BlockHeader
from minicoin.core.primitives.merkle import block_merkle_root
from minicoin.core.primitives.target import bits_to_target
from minicoin.core.primitives.transaction import Transaction, TxOut
from minicoin.testing.chain_maker import rehash


def test_generate_pays_and_counts(funded) -> None:
    address = funded("getnewaddress")
    before = funded("getblockcount")
    blocks = funded("generatetoaddress", 2, address)
    assert funded("getblockcount") == before + 2
    assert blocks == [funded("getblockhash", before + 1), funded("getblockhash", before + 2)]
    output = funded("getblock", blocks[0], 2)["tx"][0]["vout"][0]
    assert output["scriptPubKey"]["address"] == address
    assert funded("generatetoaddress", 0, address) == []
    assert funded.refusal("generatetoaddress", -1, address)[0] == -8
    assert funded.refusal("generatetoaddress", 1, "nowhere")[0] == -5


def test_mining_info_and_switch(funded) -> None:
    info = funded("getmininginfo")
    assert (info["chain"], info["mining"]) == ("regtest", False)
    address = funded("getnewaddress")
    assert funded("setmining", address) == {"mining": True}
    assert funded("getmininginfo")["miningto"] == address
    height = funded("getblockcount")
    funded.port.pass_time(200 * 1_000_000)
    assert funded("getblockcount") > height
    assert funded("setmining") == {"mining": False}
    assert funded("getmininginfo")["mining"] is False


def test_hash_rate(funded) -> None:
    top = funded("getblockcount")
    assert funded("getnetworkhashps") > 0
    assert funded("getnetworkhashps", 10, 50) > 0
    assert funded("getnetworkhashps", 10, 0) == 0
    assert funded.refusal("getnetworkhashps", 0)[0] == -8
    assert funded.refusal("getnetworkhashps", 10, top + 1)[0] == -8


def test_the_template_is_the_next_block(funded) -> None:
    txid = funded("sendtoaddress", funded("getnewaddress"), 1)
    template = funded("getblocktemplate", {"rules": ["segwit"]})
    assert template["previousblockhash"] == funded("getbestblockhash")
    assert template["height"] == funded("getblockcount") + 1
    (entry,) = template["transactions"]
    assert (entry["txid"], entry["depends"]) == (txid, [])
    assert template["coinbasevalue"] == 50 * 10**8 + entry["fee"]
    assert int(template["target"], 16) == bits_to_target(int(template["bits"], 16))
    assert template["default_witness_commitment"].startswith("6a24aa21a9ed")
    assert "!segwit" in template["rules"]
    assert funded.refusal("getblocktemplate", {})[0] == -8
    assert funded.refusal("getblocktemplate", {"rules": ["segwit"], "mode": "x"})[0] == -8
    assert funded.refusal("getblocktemplate")[0] == -1


@pytest.fixture
def foreign_block(pair):
    """A block of another node of the network, unknown here."""
    here, there = pair
    there("createwallet")
    (block,) = there("generatetoaddress", 1, there("getnewaddress"))
    return here, bytes.fromhex(there("getblock", block, 0)), block


def test_submitted_blocks_join_once(foreign_block) -> None:
    here, raw, block = foreign_block
    assert here("submitblock", raw.hex()) is None
    assert here("getbestblockhash") == block
    assert here("submitblock", raw.hex()) == "duplicate"


def test_submitted_blocks_are_judged(foreign_block) -> None:
    here, raw, _ = foreign_block
    block = Block.parse(raw)
    torn = raw[:-1]
    assert here.refusal("submitblock", torn.hex())[0] == -22
    assert here.refusal("submitblock", "00")[0] == -22
    assert here.refusal("submitblock", "xy")[0] == -8
    # One byte of the coinbase's output value: the merkle root no longer fits.
    changed = bytearray(raw)
    changed[changed.index(block.transactions[0].outputs[0].value.to_bytes(8, "little"))] ^= 1
    assert here("submitblock", bytes(changed).hex()) == "bad-txnmrklroot"
    assert here("getblockcount") == 0


def test_a_coinbase_without_its_witness_gets_it(foreign_block) -> None:
    here, raw, block = foreign_block
    parsed = Block.parse(raw)
    coinbase = parsed.transactions[0]
    assert coinbase.has_witness
    bare = Block(parsed.header, (Transaction.parse(coinbase.stripped), *parsed.transactions[1:]))
    assert here("submitblock", bare.raw.hex()) is None
    assert here("getbestblockhash") == block


def test_a_long_poll_waits_for_the_tip_or_for_transactions(funded) -> None:
    world = funded.port.world
    template = funded("getblocktemplate", {"rules": ["segwit"]})
    polled = template["longpollid"]
    assert funded("getblocktemplate", {"rules": ["segwit"]})["longpollid"] == polled
    assert polled.startswith(template["previousblockhash"])
    # Transactions that came meanwhile: answered after the first look, a minute later.
    txid = funded("sendtoaddress", funded("getnewaddress"), 1)
    began = world.now
    again = funded("getblocktemplate", {"rules": ["segwit"], "longpollid": polled})
    assert LONG_POLL_FIRST_US <= world.now - began < 2 * LONG_POLL_FIRST_US
    assert txid in [entry["txid"] for entry in again["transactions"]]
    assert again["longpollid"] != polled
    # Another tip: at once.
    funded("generatetoaddress", 1, funded("getnewaddress"))
    began = world.now
    assert funded("getblocktemplate", {"rules": ["segwit"], "longpollid": polled})["longpollid"] != polled
    assert world.now == began
    assert funded.refusal("getblocktemplate", {"rules": ["segwit"], "longpollid": "x"})[0] == -8


def test_proposals_are_judged_and_change_nothing(funded) -> None:
    template = funded("getblocktemplate", {"rules": ["segwit"]})
    assert template["capabilities"] == ["proposal"]
    node = funded.port.host.node
    built = node.view.mining.template(b"\x51", funded.port.world.now)
    block = _block_of(built)

    def propose(proposed: Block) -> object:
        return funded("getblocktemplate", {"mode": "proposal", "data": proposed.raw.hex(), "rules": ["segwit"]})

    tip, coins = funded("getbestblockhash"), funded("gettxoutsetinfo", "none")["txouts"]
    assert propose(block) is None
    assert propose(_with(block, previous=bytes(32))) == "inconclusive-not-best-prevblk"
    assert propose(_with(block, merkle_root=bytes(32))) == "bad-txnmrklroot"
    assert propose(_with(block, bits=0x1D00FFFF)) == "bad-diffbits"
    assert propose(_with(block, time=block.header.time + 10**5)) == "time-too-new"
    assert propose(_with(block, time=1)) == "time-too-old"
    coinbase = block.transactions[0]
    greedy = Transaction(
        2,
        coinbase.inputs,
        (TxOut(coinbase.outputs[0].value + 1, b"\x51"), *coinbase.outputs[1:]),
        0,
        coinbase.witnesses,
    )
    assert propose(rehash(block, (greedy, *block.transactions[1:]))) == "bad-cb-amount"
    assert (funded("getbestblockhash"), funded("gettxoutsetinfo", "none")["txouts"]) == (tip, coins)
    known = bytes.fromhex(funded("getblock", tip, 0))
    assert propose(Block.parse(known)) == "duplicate"
    assert funded.refusal("getblocktemplate", {"mode": "proposal"}) == (-3, "Missing data String key for proposal")
    assert funded.refusal("getblocktemplate", {"mode": "proposal", "data": "00"})[0] == -22


def _block_of(template: BlockTemplate) -> Block:
    transactions = (template.coinbase, *(entry.transaction for entry in template.entries))
    root, _ = block_merkle_root(transactions)
    header = BlockHeader(template.version, template.previous, root, template.time, template.bits, 0)
    return Block(header, transactions)


def _with(block: Block, **changes) -> Block:
    return Block(replace(block.header, **changes), block.transactions)


def test_templates_of_public_networks_need_peers(rpc, monkeypatch) -> None:
    public = replace(rpc.port.network, allow_private_addresses=False)
    monkeypatch.setattr(type(rpc.port), "network", public)
    assert rpc.refusal("getblocktemplate", {"rules": ["segwit"]}) == (-9, "This node is not connected!")


def test_mining_info_tells_the_next_block_and_the_last_template(rpc) -> None:
    before = rpc("getmininginfo")
    assert "currentblocktx" not in before
    assert before["blockmintxfee"] == Decimal("0.00000001")
    following = before["next"]
    assert (following["height"], following["bits"], following["target"]) == (1, before["bits"], before["target"])
    assert following["difficulty"] == before["difficulty"]
    rpc("getblocktemplate", {"rules": ["segwit"]})
    after = rpc("getmininginfo")
    assert (after["currentblocktx"], after["currentblockweight"]) == (0, 8_000)


# The generator point's key, of no secret.
_KEY = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"


@pytest.mark.parametrize(
    ("descriptor", "script"),
    [
        ("raw(51)", "51"),
        (f"pkh({_KEY})", "76a914751e76e8199196d454941c45d1b3a323f1433bd688ac"),
        (f"combo({_KEY})", "0014751e76e8199196d454941c45d1b3a323f1433bd6"),
    ],
)
def test_generate_pays_to_a_descriptor(funded, descriptor: str, script: str) -> None:
    (block,) = funded("generatetodescriptor", 1, descriptor)
    assert funded("getblock", block, 2)["tx"][0]["vout"][0]["scriptPubKey"]["hex"] == script


def test_generate_refuses_descriptors_without_one_script(funded) -> None:
    # Depth, parent, index and chain code of no account.
    version = funded.port.network.keys.bip32_public
    xpub = encode_base58check(version + bytes(9) + bytes(32) + bytes.fromhex(_KEY))
    before = funded("getblockcount")
    assert funded.refusal("generatetodescriptor", 1, "raw(51")[0] == -5
    for several in (f"wpkh({xpub}/*)", f"wpkh({xpub}/<0;1>)"):
        assert funded.refusal("generatetodescriptor", 1, several)[0] == -8
    assert funded("getblockcount") == before
