"""Newcomers to a network whose blocks members sign, as real processes over libp2p: history over two changes of the
members and a key roll, with an anchor, without one, and with one that the chain contradicts."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.command_line import call
from tests.unit.netsync.banks_chain import NETWORK, blocks, keys_at, listed
from tests.waiting import wait_until

from minicoin.core.encoding.hashes import hash_to_hex
from minicoin.core.params.toml_text import network_to_toml
from minicoin.core.policy.anchor import Anchor, anchor_to_toml
from minicoin.core.primitives.block import BlockHash
from minicoin.drivers.store.local_chain import LocalChain

from .forked import ForkedNode, refusal, running

LENGTH = 150
CHAIN = blocks(LENGTH)
TIP = hash_to_hex(CHAIN[-1].block.hash)
ANCHOR = Anchor(100, CHAIN[99].block.hash, listed(keys_at(101)))


class Banks:
    """A network file, and nodes of it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.file = directory / "banks.toml"
        self.file.write_text(network_to_toml(NETWORK))

    def make_chain(self, name: str) -> None:
        """A data directory that has all blocks."""
        chain = LocalChain(NETWORK, self._directory / name)
        for one in CHAIN:
            chain.tree.certify(one.certificate, one.next_members)
            assert chain.accept(one.raw) is None
        chain.close()

    def anchor(self, anchor: Anchor) -> str:
        """The option that names it."""
        path = self._directory / f"{hash_to_hex(anchor.block)[:8]}.toml"
        path.write_text(anchor_to_toml(anchor, NETWORK))
        return f"--anchor {path}"

    def line(self, name: str, options: str = "") -> tuple[str, str, Path]:
        where = f"--network {self.file} --datadir {self._directory / name}"
        return f"minicoin startnode {where} -l 0 --rpcport 0 {options}", str(self.file), self._directory / f"{name}.log"

    def cli(self, name: str, *words: str) -> str:
        return call(*words, "--network", self.file, "--datadir", self._directory / name).output


@pytest.fixture
def banks(tmp_path: Path) -> Banks:
    return Banks(tmp_path)


def height(node: ForkedNode) -> object:
    return node.call("getblockcount")


def info(node: ForkedNode) -> dict:
    found = node.call("getblockchaininfo")
    assert isinstance(found, dict)
    return found


def test_newcomers_verify_all_history_headers_first(banks: Banks) -> None:
    banks.make_chain("bank")
    with running(*banks.line("bank")) as bank:
        assert info(bank)["finalized"] == info(bank)["anchor"] == {"height": LENGTH, "hash": TIP}
        join = f"--no-listen -d {bank.address}"
        wrong = banks.anchor(replace(ANCHOR, block=BlockHash(bytes(32))))
        with (
            running(*banks.line("fresh", join)) as fresh,
            running(*banks.line("anchored", f"{join} {banks.anchor(ANCHOR)}")) as anchored,
            running(*banks.line("misled", f"{join} {wrong}")) as misled,
        ):
            wait_until(lambda: height(fresh) == height(anchored) == LENGTH, "all blocks at the newcomers")
            assert info(fresh)["finalized"] == {"height": LENGTH, "hash": TIP}
            # It says that nobody vouches for what it was shown, wherever one looks.
            assert info(fresh)["anchor"] == "unanchored"
            assert " unanchored " in fresh.log and "unanchored" in banks.cli("fresh", "getinfo")
            assert info(anchored)["anchor"] == {"height": 100, "hash": hash_to_hex(ANCHOR.block)}
            assert " unanchored " not in anchored.log
            wait_until(lambda: "contradicts the anchor: at height 100" in misled.log, "a word of the contradiction")
            assert height(misled) == 0

            # What a final block holds is final for whoever asks, and what nobody knows of is said to be unknown.
            txid = CHAIN[0].block.transactions[0].txid[::-1].hex()
            told = banks.cli("fresh", "waitforfinal", txid, "5")
            assert f"final at height 1, signed by 4 members: block {hash_to_hex(CHAIN[0].block.hash)}" in told
            assert "No such transaction" in banks.cli("fresh", "waitforfinal", "77" * 32, "5")
            refused = banks.cli("fresh", "rpc", "generatetodescriptor", "1", "raw(51)")
            assert "members of this network sign its blocks" in refused
    # What it has now is what it goes by.
    with running(*banks.line("fresh", "--no-listen")) as again:
        assert info(again)["anchor"] == {"height": LENGTH, "hash": TIP}


def test_a_node_that_could_not_take_part_does_not_start(banks: Banks) -> None:
    said = refusal(*banks.line("none", "--transport tcp"))
    assert "--transport tcp: the nodes of banks know each other by their peer ids" in said
