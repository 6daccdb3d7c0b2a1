"""libp2p's kad-dht on streams of its own: a program that speaks nothing else of ours dials a node, asks, and finds
another node of the network."""

import os
from dataclasses import replace
from pathlib import Path

import trio
from tests.waiting import hang_guard, wait_until_async

from minicoin.core.encoding.multiaddr import decode_multiaddr
from minicoin.core.libp2p.events import ConnectionSide, PeerAuthenticated, StreamData, StreamOpened
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.upgrade import Upgrade
from minicoin.core.libp2p.varint import encode_varint, read_varint
from minicoin.core.overlay.kademlia.dht_message import DhtMessage, DhtType
from minicoin.core.params.builtin import REGTEST
from minicoin.core.policy.node import NodePolicy
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import Micros
from minicoin.drivers.clock import WallClock

from .node_under_test import running_node

NETWORK = replace(REGTEST, overlay="kademlia", own_messages=True)
PROTOCOL = f"/minicoin/{NETWORK.network_id.hex()[:16]}/kad/1.0.0"


class Stranger:
    """A libp2p peer that offers nothing and opens one stream."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream = stream
        self._clock = WallClock()
        self._upgrade = Upgrade(
            ConnectionSide.DIALLER,
            Identity.from_seed(os.urandom(32)),
            None,
            supported=(),
            entropy=os.urandom,
            now=self._clock(),
        )

    async def ask(self, message: DhtMessage) -> DhtMessage:
        """Dial, ask, and hear."""
        heard = b""
        with hang_guard("no answer came"):
            while True:
                for event in self._upgrade.take_events():
                    if isinstance(event, PeerAuthenticated):
                        self._upgrade.open_stream(PROTOCOL)
                    elif isinstance(event, StreamOpened):
                        question = message.encode()
                        self._upgrade.send(event.stream, encode_varint(len(question)) + question)
                    elif isinstance(event, StreamData):
                        heard += event.data
                        length, at = read_varint(heard, 0)
                        if len(heard) - at == length:
                            return DhtMessage.decode(heard[at:])
                while output := self._upgrade.take_output():
                    await self._stream.send_all(output)
                self._upgrade.receive(bytes(await self._stream.receive_some(65_536)), Micros(self._clock()))


def test_a_stranger_that_speaks_kad_dht_finds_a_node(tmp_path: Path) -> None:
    async def main() -> None:
        async with running_node(NETWORK, tmp_path / "asked") as asked:
            policy = NodePolicy(add_nodes=(NodeAddress("127.0.0.1", asked.port),))
            async with running_node(NETWORK, tmp_path / "sought", policy) as sought:
                knows = lambda: dict(asked.core.view.overlay(Micros(0)).figures)["contacts"] == 1  # noqa: E731
                await wait_until_async(knows, "the other to stand in the table")
                target = sought.core.view.policy.peer_id
                async with await trio.open_tcp_stream("127.0.0.1", asked.port) as stream:
                    answer = await Stranger(stream).ask(DhtMessage(DhtType.FIND_NODE, target))
                (found,) = answer.closer
                assert found.id == target
                assert decode_multiaddr(found.addresses[0])[:2] == (b"\x7f\x00\x00\x01", sought.port)
                # It is no peer, and asks no more of the node than that.
                assert len(asked.core.view.sessions) == 1

    trio.run(main)
