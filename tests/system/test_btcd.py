"""minicoin against btcd v0.25.0 on simnet, over plain TCP: sync both ways, payments both ways, partition and reorg."""

import socket
import threading
import time
from hashlib import sha256
from pathlib import Path

import trio
from coincurve import PrivateKey
from tests.waiting import HANG_S, wait_until_async

from minicoin.core.chain.engine import ChainEngine
from minicoin.core.commands import Generate, SetNetworkActive, SubmitTransaction
from minicoin.core.crypto.hashing import sha256d
from minicoin.core.encoding.hashes import hash_from_hex, hash_to_hex
from minicoin.core.notices import PeerPenalised
from minicoin.core.params.builtin import lookup
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.primitives.block import Block, BlockHash
from minicoin.core.primitives.transaction import Transaction, TxIn, TxOut, make_outpoint
from minicoin.core.script.standard import p2wpkh_script_of_key, script_address
from minicoin.core.wire.frame import FrameDecoder, encode_frame
from minicoin.core.wire.messages import NetAddress, Ping, Pong, Verack, Version

from .btcd import Btcd, running_btcd
from .node_under_test import NodeUnderTest, running_node

NETWORK = lookup("btcd-simnet")
KEY = PrivateKey(sha256(b"the test's own coins").digest())
SCRIPT = p2wpkh_script_of_key(KEY.public_key.format())
ADDRESS = script_address(SCRIPT, NETWORK.address_format)
assert ADDRESS is not None


def policy_for(btcd: Btcd) -> NodePolicy:
    return NodePolicy(connect=(NodeAddress("127.0.0.1", btcd.port),), outbound_trickle_us=200_000)


def agree(node: NodeUnderTest, btcd: Btcd) -> bool:
    return hash_to_hex(node.tip) == btcd.tip()


def spend(node: NodeUnderTest, block_hex: str, fee_sat: int) -> Transaction:
    """A payment of the coinbase of a block that pays SCRIPT, back to SCRIPT, signed here (BIP143)."""
    found: list[Transaction] = []
    done = threading.Event()

    def read(engine: ChainEngine) -> None:
        stored = engine.read_block(BlockHash(hash_from_hex(block_hex)))
        assert stored is not None
        found.append(Block.parse(stored.raw).transactions[0])

    node.built.runtime.read_chain(read, lambda value, error: done.set())
    assert done.wait(HANG_S)
    coinbase = found[0]
    index = next(i for i, output in enumerate(coinbase.outputs) if output.script_pubkey == SCRIPT)
    value = coinbase.outputs[index].value
    outpoint = make_outpoint(coinbase.txid, index)
    outputs = (TxOut(value - fee_sat, SCRIPT),)
    unsigned = Transaction(2, (TxIn(outpoint, b"", 0xFFFFFFFF),), outputs)
    code = b"\x19\x76\xa9\x14" + SCRIPT[2:] + b"\x88\xac"
    serialised_output = outputs[0].value.to_bytes(8, "little") + bytes((len(SCRIPT),)) + SCRIPT
    preimage = b"".join(
        (
            (2).to_bytes(4, "little"),
            sha256d(outpoint),
            sha256d(b"\xff\xff\xff\xff"),
            outpoint,
            code,
            value.to_bytes(8, "little"),
            b"\xff\xff\xff\xff",
            sha256d(serialised_output),
            bytes(4),
            (1).to_bytes(4, "little"),
        )
    )
    signature = KEY.sign(sha256d(preimage), hasher=None) + b"\x01"
    return Transaction(2, unsigned.inputs, outputs, 0, ((signature, KEY.public_key.format()),))


def is_classic(node) -> list[bool]:
    """Of each peer, whether it is followed without headers."""
    view = node.core.view
    return [view.sync.view(peer.conn).is_classic for peer in view.ready_peers()]


def test_sync_by_headers_and_both_ways(tmp_path: Path) -> None:
    with running_btcd(tmp_path / "btcd", ADDRESS) as btcd:
        btcd.call("generate", 520)

        async def main() -> None:
            async with running_node(NETWORK, tmp_path / "node", policy_for(btcd), listens=False) as node:
                await wait_until_async(lambda: node.height == 520 and agree(node, btcd), "520 blocks by headers")
                assert is_classic(node) == [False]

                # btcd follows blocks that minicoin mined, and their version signals BIP9.
                mined = await node.ask(Generate(5, SCRIPT))
                await wait_until_async(lambda: btcd.tip() == hash_to_hex(mined.blocks[-1]), "btcd follows mined blocks")
                assert node.tree.tip.header.version & 0xE0000000 == 0x20000000

                # A transaction submitted at minicoin is mined by btcd.
                first = btcd.call("getblockhash", 1)
                ours = spend(node, str(first), 2_000)
                await node.ask(SubmitTransaction(ours))
                name = hash_to_hex(ours.txid)
                await wait_until_async(lambda: name in btcd.call("getrawmempool"), "btcd's mempool has our transaction")
                btcd.call("generate", 1)
                assert name in btcd.call("getblock", btcd.tip())["tx"]
                await wait_until_async(lambda: agree(node, btcd), "the block with our transaction")
                assert len(node.core.view.mempool) == 0

                # A transaction submitted at btcd is mined by minicoin.
                theirs = spend(node, str(btcd.call("getblockhash", 2)), 2_000)
                btcd.call("sendrawtransaction", theirs.raw.hex())
                await wait_until_async(
                    lambda: theirs.txid in node.core.view.mempool, "our mempool has btcd's transaction"
                )
                block = hash_to_hex((await node.ask(Generate(1, SCRIPT))).blocks[0])
                await wait_until_async(lambda: btcd.tip() == block, "btcd takes the block with its transaction")
                assert hash_to_hex(theirs.txid) in btcd.call("getblock", block)["tx"]

        trio.run(main)


def test_templates_signal_every_started_deployment(tmp_path: Path) -> None:
    with running_btcd(tmp_path / "btcd", ADDRESS) as btcd:

        async def main() -> None:
            async with running_node(NETWORK, tmp_path / "node", policy_for(btcd), listens=False) as node:
                await wait_until_async(lambda: bool(node.core.view.ready_peers()), "the handshake")
                await node.ask(Generate(101, SCRIPT))
                await wait_until_async(lambda: agree(node, btcd), "btcd follows from genesis")
                # simnet votes in windows of 100: the second window may vote on what the first one started.
                version = node.tree.tip.header.version
                states = btcd.call("getblockchaininfo")["bip9_softforks"]
                started = {name: fork["bit"] for name, fork in states.items() if fork["status"] == "started"}
                assert started, f"btcd knows no started deployment: {states}"
                missing = [name for name, bit in started.items() if not version >> bit & 1]
                assert not missing, f"{version:#x} does not signal {missing}"

        trio.run(main)


def test_sync_by_getblocks_where_btcd_ignores_getheaders(tmp_path: Path) -> None:
    with running_btcd(tmp_path / "btcd", ADDRESS) as btcd:
        btcd.call("generate", 1_020)
        # btcd takes itself for not current while its sync peer claims more blocks, and ignores getheaders then.
        with HigherPeer(btcd.port):

            async def main() -> None:
                async with running_node(NETWORK, tmp_path / "node", policy_for(btcd), listens=False) as node:
                    await wait_until_async(lambda: node.height == 1_020, "1,020 blocks by getblocks")
                    assert is_classic(node) == [True]
                    assert node.reasons(PeerPenalised) == []

            trio.run(main)


def test_partition_ends_on_the_heavier_branch(tmp_path: Path) -> None:
    with running_btcd(tmp_path / "btcd", ADDRESS) as btcd:
        btcd.call("generate", 110)

        async def main() -> None:
            async with running_node(NETWORK, tmp_path / "node", policy_for(btcd), listens=False) as node:
                await wait_until_async(lambda: agree(node, btcd) and node.height == 110, "the common chain")
                for ours, theirs in ((2, 5), (6, 3)):
                    await node.ask(SetNetworkActive(False))
                    await wait_until_async(lambda: not node.core.view.sessions, "no connection")
                    start = btcd.height()
                    btcd.call("generate", theirs)
                    await node.ask(Generate(ours, SCRIPT))
                    await node.ask(SetNetworkActive(True))
                    await wait_until_async(lambda: agree(node, btcd), f"one branch after {ours} against {theirs}")
                    assert btcd.height() == start + max(ours, theirs)
                assert node.reasons(PeerPenalised) == []

        trio.run(main)


class HigherPeer:
    """A peer of btcd that claims a higher chain and never serves it."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), HANG_S)
        self._is_ready = threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True)

    def __enter__(self) -> "HigherPeer":
        services = int(Services.NETWORK | Services.WITNESS)
        version = Version(
            version=70013,
            services=services,
            timestamp=int(time.time()),
            addr_recv=NetAddress(1, "127.0.0.1", 1),
            addr_from=NetAddress(services),
            nonce=77,
            user_agent="/higher:1/",
            start_height=1_000_000,
        )
        self._socket.sendall(encode_frame(NETWORK.magic, version))
        self._thread.start()
        assert self._is_ready.wait(HANG_S), "btcd did not shake hands"
        return self

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def _talk(self) -> None:
        decoder = FrameDecoder(NETWORK.magic)
        try:
            while chunk := self._socket.recv(65536):
                decoder.feed(chunk)
                while (found := decoder.next_message()) is not None:
                    message = found[0]
                    if isinstance(message, Version):
                        self._socket.sendall(encode_frame(NETWORK.magic, Verack()))
                    elif isinstance(message, Verack):
                        self._is_ready.set()
                    elif isinstance(message, Ping):
                        self._socket.sendall(encode_frame(NETWORK.magic, Pong(message.nonce)))
        except OSError:
            return
