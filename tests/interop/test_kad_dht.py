"""go-libp2p-kad-dht and nodes of the network model `kademlia`: it finds them, and they find it and ask it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from subprocess import PIPE

import trio
from tests.interop.peers import GO, require
from tests.system.node_under_test import NodeUnderTest, running_node
from tests.waiting import wait_until_async

from minicoin.core.answers import PeerFound
from minicoin.core.commands import FindPeer
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.node_address import join_address, node_address_of
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros

NETWORK = replace(REGTEST, overlay="kademlia", own_messages=True)
PREFIX = f"/minicoin/{NETWORK.network_id.hex()[:16]}"
KAD = f"{PREFIX}/kad/1.0.0"


class GoDht:
    """The program, by what it prints."""

    def __init__(self, process: trio.Process) -> None:
        self._process = process
        self.lines: list[str] = []

    async def read(self) -> None:
        rest = b""
        async for part in self._process.stdout:
            *whole, rest = (rest + part).split(b"\n")
            self.lines += [line.decode() for line in whole]

    async def says(self, *words: str) -> list[str]:
        """The first line that begins so."""
        begins = " ".join(words)

        def said() -> list[str] | None:
            return next((line.split() for line in self.lines if line.startswith(begins)), None)

        found = await wait_until_async(said, f"{begins} of the program")
        assert found is not None
        return found

    async def ask(self, *command: str) -> None:
        await self._process.stdin.send_all(" ".join(command).encode() + b"\n")

    async def address(self) -> NodeAddress:
        at = node_address_of(Multiaddr.parse((await self.says("LISTENING"))[1]))
        assert at is not None
        return at


@asynccontextmanager
async def go_dht(mode: str, *, is_stranger: bool = False) -> AsyncIterator[GoDht]:
    wire = [] if is_stranger else [NETWORK.protocol_id, NETWORK.magic.hex()]
    async with trio.open_nursery() as nursery:
        command = [*GO.command, "kad", PREFIX, mode, *wire]
        process = await nursery.start(partial(trio.run_process, command, stdin=PIPE, stdout=PIPE, check=False))
        program = GoDht(process)
        nursery.start_soon(program.read)
        yield program
        nursery.cancel_scope.cancel()


def multiaddr(node: NodeUnderTest) -> str:
    return join_address(NodeAddress("127.0.0.1", node.port, node.core.view.policy.peer_id))


def name(node: NodeUnderTest) -> str:
    return str(PeerId(node.core.view.policy.peer_id))


def contacts(node: NodeUnderTest) -> int:
    return dict(node.core.view.overlay(Micros(0)).figures)["contacts"]


def joins(node: NodeUnderTest) -> NodePolicy:
    return NodePolicy(add_nodes=(NodeAddress("127.0.0.1", node.port),))


def test_it_finds_a_node_that_it_was_never_told_of(tmp_path: Path) -> None:
    """A program without anything of ours; it comes to no table, not even as a server."""
    require(GO)

    async def main() -> None:
        async with (
            running_node(NETWORK, tmp_path / "asked") as asked,
            running_node(NETWORK, tmp_path / "sought", joins(asked)) as sought,
            go_dht("server", is_stranger=True) as program,
        ):
            await wait_until_async(lambda: contacts(asked) == contacts(sought) == 1, "the two to know each other")
            await program.ask("connect", multiaddr(asked))
            await program.says("TABLE", name(asked))
            await program.ask("find", name(sought))
            found = await program.says("FOUND", name(sought))
            assert f"/tcp/{sought.port}" in " ".join(found)
            assert contacts(asked) == contacts(sought) == 1 == len(asked.core.view.sessions)

    trio.run(main)


def test_it_takes_servers_for_servers_only(tmp_path: Path) -> None:
    """Also one that knows nobody; and no client."""
    require(GO)

    async def main() -> None:
        async with (
            running_node(NETWORK, tmp_path / "server") as server,
            running_node(NETWORK, tmp_path / "client", NodePolicy(overlay_role="client")) as client,
            go_dht("client", is_stranger=True) as program,
        ):
            await program.ask("connect", multiaddr(client))
            assert KAD not in " ".join(await program.says("CONNECTED", name(client)))
            await program.ask("connect", multiaddr(server))
            assert KAD in " ".join(await program.says("CONNECTED", name(server)))
            await program.says("TABLE", name(server))
            await program.ask("find", name(server))
            await program.says("FOUND", name(server))

    trio.run(main)


def test_a_node_finds_it_asks_it_and_goes_where_it_says(tmp_path: Path) -> None:
    require(GO)

    async def main() -> None:
        async with (
            running_node(NETWORK, tmp_path / "first") as first,
            go_dht("server") as program,
        ):
            at = await program.address()
            await program.ask("connect", multiaddr(first))
            await wait_until_async(lambda: contacts(first) == 1, "it to stand in a bucket")
            async with running_node(NETWORK, tmp_path / "second", joins(first)) as second:
                # Nobody but the first node can have told of it.
                await wait_until_async(lambda: contacts(second) == 2, "both to be known")
                found = await second.ask(FindPeer(at.peer_id))
                assert isinstance(found, PeerFound)
                assert found.is_certain and at in found.addresses
                async with running_node(NETWORK, tmp_path / "third") as third:
                    await program.ask("connect", multiaddr(third))
                    # It is all that the third was told of: its answers lead on.
                    await wait_until_async(lambda: contacts(third) == 3, "those that it knows")
                    await program.says("ANSWERED", "FIND_NODE", name(third))

    trio.run(main)


def test_one_hears_from_a_node_what_others_provide(tmp_path: Path) -> None:
    """A node keeps what its peers provide, and nothing of strangers; both are gone when it is asked."""
    require(GO)

    async def main() -> None:
        async with running_node(NETWORK, tmp_path) as node:
            kept = lambda: dict(node.core.view.overlay(Micros(0)).figures)["providers"]  # noqa: E731
            async with go_dht("server") as member, go_dht("client", is_stranger=True) as stranger:
                for program in (stranger, member):
                    await program.ask("connect", multiaddr(node))
                    await program.says("TABLE", name(node))
                await wait_until_async(lambda: contacts(node) == 1, "the member to stand in a bucket")
                for program in (stranger, member):
                    await program.ask("provide", "a-thing")
                    await program.says("PROVIDES")
                await wait_until_async(lambda: kept() == 1, "the word to arrive")
                at, other = await member.address(), await stranger.address()
            async with go_dht("client", is_stranger=True) as asker:
                await asker.ask("connect", multiaddr(node))
                await asker.says("TABLE", name(node))
                await asker.ask("providers", "a-thing")
                heard = " ".join(await asker.says("PROVIDERS"))
                assert str(PeerId(at.peer_id)) in heard and f"/tcp/{at.port}" in heard
                assert str(PeerId(other.peer_id)) not in heard

    trio.run(main)


def test_as_a_client_it_stands_in_no_bucket(tmp_path: Path) -> None:
    require(GO)

    async def main() -> None:
        async with running_node(NETWORK, tmp_path) as node, go_dht("client") as program:
            await program.ask("connect", multiaddr(node))
            own = lambda: [each.role for each in node.core.view.overlay(Micros(0)).neighbours]  # noqa: E731
            await wait_until_async(lambda: own() == ["client"], "its word what it is")
            assert contacts(node) == 0

    trio.run(main)
