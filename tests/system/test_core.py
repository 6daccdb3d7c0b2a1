"""A real Bitcoin Core node as a peer, over plain TCP on regtest: each connects to the other and follows it.

Core speaks as it does by default; nothing here helps it along. Everything is asked through RPC, of both.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.ports import free_ports
from tests.waiting import wait_until

from .core_node import CoreNode, running_core
from .forked import ForkedNode, running

NETWORK = "bitcoin-regtest"
SINGLE_BLOCKS = 40
OUTSIDER = "bcrt1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqdku202"
"""Nobody's address: the hash of its key is zero."""

Node = CoreNode | ForkedNode


@contextmanager
def minicoin(directory: Path) -> Iterator[ForkedNode]:
    """A node that listens on plain TCP, `address` is where."""
    (port,) = free_ports(1)
    line = f"minicoin startnode --network {NETWORK} --datadir {directory / 'data'} -l {port} --rpcport 0 --no-dnsseed"
    directory.mkdir(parents=True)
    with running(line, NETWORK, directory / "log") as node:
        yield node


def agree(*nodes: Node) -> None:
    """All stand on the same block."""
    tips: list[object] = []

    def are_equal() -> bool:
        tips[:] = [(node.call("getblockcount"), node.call("getbestblockhash")) for node in nodes]
        return len(set(tips)) == 1

    wait_until(are_equal, "one tip")


def arrives(block: object, node: Node) -> None:
    """It is the node's tip in the end."""
    wait_until(lambda: node.call("getbestblockhash") == block, f"block {block}")


def same_pools(*nodes: Node) -> set[str]:
    """All have the same transactions waiting, which are these."""
    pools: list[set[str]] = []

    def are_equal() -> bool:
        pools[:] = [set(node.call("getrawmempool")) for node in nodes]
        return all(pool == pools[0] for pool in pools)

    wait_until(are_equal, "equal pools")
    return pools[0]


def same_coins(*nodes: Node) -> None:
    """All have the same coins, by both of Core's hashes of the whole set."""
    for kind, field in (("hash_serialized_3", "hash_serialized_3"), ("muhash", "muhash")):
        hashes = [node.call("gettxoutsetinfo", kind)[field] for node in nodes]
        assert len(set(hashes)) == 1, f"{kind}: {hashes}"


def link(dialler: Node, listener: Node) -> None:
    """The one connects to the other, and both are ready."""
    dialler.call("addnode", listener.address, "add")
    wait_until(lambda: _is_ready(dialler) and _is_ready(listener), "both shake hands")


def unlink(dialler: Node, listener: Node) -> None:
    """Undo that."""
    dialler.call("addnode", listener.address, "remove")
    for peer in dialler.call("getpeerinfo"):
        dialler.call("disconnectnode", "", peer["id"])
    wait_until(lambda: not dialler.call("getpeerinfo") and not listener.call("getpeerinfo"), "they part")


def _is_ready(node: Node) -> bool:
    return any(peer["version"] for peer in node.call("getpeerinfo"))


@contextmanager
def pair(tmp_path: Path, dialler: str = "minicoin") -> Iterator[tuple[CoreNode, ForkedNode]]:
    """A Core node and ours, connected."""
    with running_core(tmp_path / "core") as core, minicoin(tmp_path / "ours") as ours:
        link(*((ours, core) if dialler == "minicoin" else (core, ours)))
        yield core, ours


@pytest.mark.parametrize("dialler", ["minicoin", "core"])
def test_each_connects_to_the_other_by_addnode(tmp_path: Path, dialler: str) -> None:
    with pair(tmp_path, dialler) as (core, ours):
        assert [peer["inbound"] for peer in core.call("getpeerinfo")] == [dialler == "minicoin"]
        assert [peer["inbound"] for peer in ours.call("getpeerinfo")] == [dialler == "core"]
        block = core.call("generatetoaddress", 1, OUTSIDER)[0]
        arrives(block, ours)


def test_initial_sync_both_ways(tmp_path: Path) -> None:
    with running_core(tmp_path / "first") as first, minicoin(tmp_path / "ours") as ours:
        first.call("generatetoaddress", 600, OUTSIDER)
        link(ours, first)
        agree(first, ours)
        with running_core(tmp_path / "second") as second:
            second.call("addnode", ours.address, "add")
            agree(first, ours, second)
            same_coins(first, ours, second)


def test_single_blocks_pass_along_a_line(tmp_path: Path) -> None:
    with ExitStack() as stack:
        left = stack.enter_context(running_core(tmp_path / "left"))
        right = stack.enter_context(running_core(tmp_path / "right"))
        ours = stack.enter_context(minicoin(tmp_path / "ours"))
        link(left, ours)
        right.call("addnode", ours.address, "add")
        wait_until(lambda: len(ours.call("getpeerinfo")) == 2, "both ends are connected")
        for start, end in ((left, right), (right, left)):
            for _ in range(SINGLE_BLOCKS):
                block = start.call("generatetoaddress", 1, OUTSIDER)[0]
                arrives(block, end)
        agree(left, ours, right)


def test_payments_of_four_address_types_each_way(tmp_path: Path) -> None:
    with pair(tmp_path) as (core, ours):
        core.call("createwallet", "w")
        ours.call("createwallet", "default")
        kinds = ("legacy", "p2sh-segwit", "bech32", "bech32m")
        addresses = [core.call("getnewaddress", "", kind) for kind in kinds]
        core.call("generatetoaddress", 1, core.call("getnewaddress"))
        agree(core, ours)
        ours.call("generatetoaddress", 101, ours.call("getnewaddress"))
        agree(core, ours)

        # To each kind of address of Core's ...
        paid = {
            address: ours.call("sendtoaddress", address, 1, "", "", False, True, None, "unset", None, 2)
            for address in addresses
        }
        assert same_pools(core, ours) == set(paid.values())
        ours.call("generatetoaddress", 1, OUTSIDER)
        agree(core, ours)
        assert core.call("getbalances")["mine"]["trusted"] >= 4

        # ... and back, each payment spending a coin of another kind.
        back = ours.call("getnewaddress")
        coins = [coin for coin in core.call("listunspent") if coin["address"] in addresses]
        assert len(coins) == 4
        for coin in coins:
            raw = core.call("createrawtransaction", [{"txid": coin["txid"], "vout": coin["vout"]}], {back: 0.9999})
            core.call("sendrawtransaction", core.call("signrawtransactionwithwallet", raw)["hex"])
            assert len(same_pools(core, ours)) > 0
        assert len(same_pools(core, ours)) == 4
        core.call("generatetoaddress", 1, OUTSIDER)
        agree(core, ours)
        assert same_pools(core, ours) == set()
        assert sum(coin["amount"] for coin in ours.call("listunspent") if coin["address"] == back) == pytest.approx(
            3.9996
        )
        same_coins(core, ours)


def test_a_replacement_each_way(tmp_path: Path) -> None:
    with pair(tmp_path) as (core, ours):
        core.call("createwallet", "w")
        ours.call("createwallet", "default")
        core.call("generatetoaddress", 1, core.call("getnewaddress"))
        agree(core, ours)
        ours.call("generatetoaddress", 101, ours.call("getnewaddress"))
        agree(core, ours)

        first = core.call("sendtoaddress", OUTSIDER, 1)
        assert same_pools(core, ours) == {first}
        second = core.call("bumpfee", first)["txid"]
        assert same_pools(core, ours) == {second}

        coin = ours.call("listunspent")[0]
        replaceable = [{"txid": coin["txid"], "vout": coin["vout"], "sequence": 0xFFFFFFFD}]

        def spend(fee: float) -> str:
            raw = ours.call("createrawtransaction", replaceable, {OUTSIDER: round(float(coin["amount"]) - fee, 8)})
            return str(ours.call("sendrawtransaction", ours.call("signrawtransactionwithwallet", raw)["hex"]))

        first = spend(0.00001)
        assert same_pools(core, ours) == {first, second}
        third = spend(0.0001)
        assert same_pools(core, ours) == {third, second}


@pytest.mark.parametrize("winner", ["core", "minicoin"])
def test_a_reorganisation_each_way(tmp_path: Path, winner: str) -> None:
    with pair(tmp_path) as (core, ours):
        core.call("generatetoaddress", 10, OUTSIDER)
        agree(core, ours)
        unlink(ours, core)
        heavier, lighter = (core, ours) if winner == "core" else (ours, core)
        lost = lighter.call("generatetoaddress", 2, OUTSIDER)[-1]
        kept = heavier.call("generatetoaddress", 4, OUTSIDER)[-1]
        link(ours, core)
        agree(core, ours)
        assert ours.call("getbestblockhash") == kept != lost
        same_coins(core, ours)
