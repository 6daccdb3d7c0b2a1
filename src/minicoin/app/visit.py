"""Visits a libp2p peer without being a node: who it is, what it speaks, how far away. `minicoin net ping ADDRESS`."""

import os
from dataclasses import dataclass, field

import trio

from minicoin import __version__
from minicoin.app.invocation import Invocation
from minicoin.app.networks import find_network
from minicoin.app.show import EXIT_FAILED, describe
from minicoin.core.faults import MisuseError, PeerFault
from minicoin.core.libp2p.channel import (
    ChannelClosed,
    ChannelData,
    ChannelEvent,
    ChannelIdentified,
    ChannelPinged,
    ChannelReady,
    Libp2pChannel,
    LocalPeer,
)
from minicoin.core.libp2p.events import ConnectionSide
from minicoin.core.libp2p.identify import Identify
from minicoin.core.libp2p.identity import SEED_BYTES, Identity
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.node_address import parse_node_address
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import READ_BYTES, TRANSPORT_HANDSHAKE_TIMEOUT_US
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.rng import Rng
from minicoin.core.units import SECOND_US
from minicoin.drivers.clock import WallClock
from minicoin.drivers.resolver import Resolver, parse_nameserver, reach
from minicoin.rpc.json_text import Json

_PATIENCE_S = TRANSPORT_HANDSHAKE_TIMEOUT_US / SECOND_US


@dataclass(slots=True)
class Visit:
    """What was learned."""

    peer_id: PeerId
    endpoint: NodeAddress
    description: Identify
    rtts_us: list[int | None] = field(default_factory=list)
    """None for a ping that was not answered."""


def show_visit(invocation: Invocation, address: str, count: int, dns: str | None) -> int:
    """Visit and show; the exit code. Raises MisuseError and DecodeError."""
    wanted = parse_node_address(address, find_network(invocation.network_name).default_port)
    resolver = Resolver(None if dns is None else parse_nameserver(dns))
    found = trio.run(visit, wanted, count, f"/minicoin:{__version__}/", resolver)
    endpoint = Multiaddr.of_endpoint(found.endpoint.host, found.endpoint.port, found.peer_id)
    protocols: list[Json] = list(found.description.protocols)
    rtts: list[Json] = [None if rtt is None else rtt / 1000 for rtt in found.rtts_us]
    who: dict[str, Json] = {
        "peerid": str(found.peer_id),
        "address": str(endpoint),
        "agent": found.description.agent_version,
    }
    times = ", ".join("no answer" if rtt is None else f"{rtt / 1000:.2f} ms" for rtt in found.rtts_us)
    lines = [describe({**who, "ping": times}), "protocols", *(f"  {name}" for name in protocols)]
    invocation.show({**who, "protocols": protocols, "rtt_ms": rtts}, "\n".join(lines))
    return 0 if any(rtt is not None for rtt in found.rtts_us) else EXIT_FAILED


async def visit(address: NodeAddress, count: int, agent: str, resolver: Resolver) -> Visit:
    """Dial, identify, ping `count` times, leave. Raises MisuseError in one line that says what did not work."""
    try:
        with trio.fail_after(_PATIENCE_S):
            stream, endpoint = await reach(address, resolver)
    except trio.TooSlowError:
        raise MisuseError(f"{address}: no connection within {_PATIENCE_S:.0f} s") from None
    except OSError as error:
        raise MisuseError(f"{address}: {error.strerror or error}") from error
    async with stream:
        try:
            return await _Visitor(stream, endpoint, agent).run(count)
        except PeerFault as fault:
            raise MisuseError(f"{address}: {fault.reason}") from fault
        except (OSError, trio.BrokenResourceError) as error:
            raise MisuseError(f"{address}: connection lost") from error


class _Visitor:
    """One connection as a visitor: it identifies and pings, and opens no stream of any network."""

    def __init__(self, stream: trio.SocketStream, endpoint: NodeAddress, agent: str) -> None:
        self._stream = stream
        self._endpoint = endpoint
        self._clock = WallClock()
        self._has_heard = False
        self._channel = Libp2pChannel(
            ConnectionSide.DIALLER,
            # A visitor is nobody in particular.
            LocalPeer(Identity.from_seed(os.urandom(SEED_BYTES)), None, agent),
            PeerId(endpoint.peer_id) if endpoint.peer_id else None,
            None,
            entropy=os.urandom,
            rng=Rng(os.urandom(SEED_BYTES)),
            now=self._clock(),
        )

    async def run(self, count: int) -> Visit:
        """Raises PeerFault where the peer is not who it should be, or no libp2p peer at all."""
        identified = await self._wait_event()
        assert isinstance(identified, ChannelIdentified)
        found = Visit(PeerId(identified.peer_id), self._endpoint, identified.description or Identify())
        for _ in range(count):
            self._channel.ping()
            pinged = await self._wait_event()
            assert isinstance(pinged, ChannelPinged)
            found.rtts_us.append(pinged.rtt_us)
        self._channel.close("visited")
        await self._write()
        return found

    async def _wait_event(self) -> ChannelIdentified | ChannelPinged:
        """The answer to what was asked last."""
        waiting: list[ChannelEvent] = []
        while True:
            waiting += self._channel.take_events()
            while waiting:
                event = waiting.pop(0)
                match event:
                    case ChannelIdentified() | ChannelPinged():
                        return event
                    case ChannelClosed(reason):
                        raise PeerFault(reason, score=0)
                    case ChannelReady() | ChannelData():
                        # Only a wire stream has them, and a visitor opens none.
                        pass
            await self._write()
            await self._read()

    async def _read(self) -> None:
        deadline = self._channel.next_deadline()
        wait_us = TRANSPORT_HANDSHAKE_TIMEOUT_US if deadline is None else max(deadline - self._clock(), 0)
        with trio.move_on_after(wait_us / SECOND_US):
            chunk = await self._stream.receive_some(READ_BYTES)
            if not chunk:
                raise PeerFault("the peer closed the connection: is it a libp2p peer?", score=0)
            self._receive(bytes(chunk))
            return
        self._channel.on_deadline(self._clock())

    def _receive(self, chunk: bytes) -> None:
        is_first = not self._has_heard
        self._has_heard = True
        try:
            self._channel.receive(chunk, self._clock())
        except PeerFault as fault:
            if not is_first:
                raise
            # The first words of every libp2p peer are the same.
            raise PeerFault(f"not a libp2p peer ({fault.reason})", score=0) from fault

    async def _write(self) -> None:
        while output := self._channel.take_output():
            await self._stream.send_all(output)
