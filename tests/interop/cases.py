"""The cases that every pair of implementations must pass, from our side as the dialler."""

import hashlib
import os

import trio
from tests.interop.harness import COUNT, ECHO, HOLD, RESET, Connection, ConnectionFailed, Host, Stream, StreamBroken
from tests.waiting import hang_guard

from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.limits import YAMUX_STREAMS_OUTBOUND_MAX

ECHO_BYTES = 20 << 20
STRANGER = PeerId.parse("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA")


async def check_wrong_peer(host: Host, nursery: trio.Nursery, address: Multiaddr) -> None:
    connection = await host.dial(nursery, address, STRANGER)
    try:
        await connection.wait_authenticated()
    except ConnectionFailed as error:
        assert str(STRANGER) in str(error) and str(address.peer_id) in str(error)
    else:
        raise AssertionError("connected to a peer with another id")


async def check_identify(connection: Connection, agent: str) -> None:
    await connection.identified.wait()
    known = connection.services.known
    assert known is not None and known.agent_version == agent
    assert {ECHO, "/ipfs/id/1.0.0", "/ipfs/ping/1.0.0"} <= set(known.protocols)
    assert known.observed_address is not None and known.observed_address.tcp_endpoint is not None
    assert known.observed_address.tcp_endpoint[0] == "127.0.0.1"


async def check_ping(connection: Connection) -> None:
    for _ in range(3):
        rtt_us = await connection.ping()
        assert rtt_us is not None and rtt_us >= 0


async def check_echo(connection: Connection) -> None:
    stream = await connection.open_stream(ECHO)
    sent, received, size = hashlib.sha256(), hashlib.sha256(), 0

    async def write() -> None:
        for _ in range(ECHO_BYTES >> 16):
            chunk = os.urandom(1 << 16)
            sent.update(chunk)
            await stream.write(chunk)
        stream.close_write()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        while data := await stream.read():
            received.update(data)
            size += len(data)
    assert size == ECHO_BYTES, f"{size} bytes came back"
    assert received.digest() == sent.digest()


async def check_half_close(connection: Connection) -> None:
    stream = await connection.open_stream(COUNT)
    payload = b"half-close " * 100_000
    await stream.write(payload)
    stream.close_write()
    assert await stream.read_all() == hashlib.sha256(payload).digest()


async def check_reset(connection: Connection) -> None:
    stream = await connection.open_stream(RESET)
    await stream.write(b"\x01")
    try:
        left = await stream.read_all()
    except StreamBroken:
        return
    raise AssertionError(f"the stream was not reset: {left!r}")


async def check_refused(connection: Connection) -> None:
    try:
        await connection.open_stream("/interop/unknown/1")
    except StreamBroken as error:
        assert "refused" in str(error)
        return
    raise AssertionError("an unknown protocol was accepted")


async def check_stream_limit(connection: Connection) -> None:
    """As many streams as we allow ourselves, all in use at once; one more is our own mistake, told before it leaves."""
    streams: list[Stream] = []
    try:
        for _ in range(YAMUX_STREAMS_OUTBOUND_MAX + 1):
            stream = await connection.open_stream(HOLD)
            assert await stream.read() == b"\x01"
            streams.append(stream)
    except MisuseError:
        pass
    assert YAMUX_STREAMS_OUTBOUND_MAX - 4 <= len(streams) <= YAMUX_STREAMS_OUTBOUND_MAX
    for stream in streams:
        stream.close_write()
        assert await stream.read_all() == b""
    await check_ping(connection)


async def check_identities(identity: Identity, address: Multiaddr) -> None:
    """Both prove who they are with keys of any type."""
    host = Host(identity)
    with hang_guard("the proof of an identity"):
        async with trio.open_nursery() as nursery:
            connection = await host.dial(nursery, address, address.peer_id)
            assert await connection.wait_authenticated() == address.peer_id
            await check_ping(connection)
            nursery.cancel_scope.cancel()


async def run_all(address: Multiaddr, agent: str) -> None:
    """Every case against the peer at `address`."""
    host = Host(Identity.from_number(7))
    with hang_guard("all cases"):
        async with trio.open_nursery() as nursery:
            await check_wrong_peer(host, nursery, address)
            connection = await host.dial(nursery, address, address.peer_id)
            assert await connection.wait_authenticated() == address.peer_id
            await check_identify(connection, agent)
            await check_ping(connection)
            await check_echo(connection)
            await check_half_close(connection)
            await check_reset(connection)
            await check_refused(connection)
            await check_stream_limit(connection)
            nursery.cancel_scope.cancel()
