"""A py-libp2p peer for the interoperability tests; runs in an environment of its own.

python peer.py listen           serves the interop protocols and prints its address
python peer.py dial MULTIADDR   runs every case there and prints "CASE name ok|FAIL detail"
"""

import hashlib
import os
import sys
import time
from collections.abc import Awaitable, Callable

import multiaddr
import trio
from libp2p import new_host
from libp2p.abc import IHost, INetStream
from libp2p.custom_types import TProtocol
from libp2p.exceptions import BaseLibp2pError
from libp2p.host.ping import PingService
from libp2p.identity.identify.identify import ID as IDENTIFY
from libp2p.identity.identify.identify import parse_identify_response
from libp2p.network.stream.exceptions import StreamEOF, StreamReset
from libp2p.peer.id import ID
from libp2p.peer.peerinfo import PeerInfo, info_from_p2p_addr
from libp2p.utils.varint import read_length_prefixed_protobuf

ECHO = TProtocol("/interop/echo/1")  # echoes until the end
COUNT = TProtocol("/interop/count/1")  # reads to the end, then answers with the SHA-256
RESET = TProtocol("/interop/reset/1")  # resets at the first byte
HOLD = TProtocol("/interop/hold/1")  # answers one byte, then waits for the end
ECHO_BYTES = 20 << 20
STREAMS_TRIED = 48
READ_BYTES = 1 << 16
STRANGER = ID.from_base58("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA")


async def read_some(stream: INetStream) -> bytes:
    try:
        return await stream.read(READ_BYTES)
    except StreamEOF:
        return b""


async def echo(stream: INetStream) -> None:
    while data := await read_some(stream):
        await stream.write(data)
    await stream.close()


async def count(stream: INetStream) -> None:
    digest = hashlib.sha256()
    while data := await read_some(stream):
        digest.update(data)
    await stream.write(digest.digest())
    await stream.close()


async def reset(stream: INetStream) -> None:
    await stream.read(1)
    await stream.reset()


async def hold(stream: INetStream) -> None:
    await stream.write(b"\x01")
    while await read_some(stream):
        pass
    await stream.close()


def make_host() -> IHost:
    host = new_host()
    for protocol, handler in ((ECHO, echo), (COUNT, count), (RESET, reset), (HOLD, hold)):
        host.set_stream_handler(protocol, handler)
    return host


async def listen() -> None:
    host = make_host()
    async with host.run(listen_addrs=[multiaddr.Multiaddr("/ip4/127.0.0.1/tcp/0")]), trio.open_nursery() as nursery:
        nursery.start_soon(host.get_peerstore().start_cleanup_task, 60)
        print(f"LISTENING {host.get_addrs()[0]}", flush=True)
        # The parent closes our standard input to end us.
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
        nursery.cancel_scope.cancel()


async def run(name: str, check: Callable[[], Awaitable[object]]) -> None:
    start = time.monotonic()
    try:
        with trio.fail_after(15):
            await check()
    except (BaseLibp2pError, AssertionError, trio.TooSlowError) as error:
        print(f"CASE {name} FAIL {error!r}", flush=True)
    else:
        print(f"CASE {name} ok {time.monotonic() - start:.3f}s", flush=True)


async def dial(address: str) -> None:
    host = make_host()
    info = info_from_p2p_addr(multiaddr.Multiaddr(address))
    async with host.run(listen_addrs=[]):
        await run("wrong-peer", lambda: dial_wrong_peer(host, info))
        await run("handshake", lambda: host.connect(info))
        await run("identify", lambda: check_identify(host, info.peer_id))
        await run("ping", lambda: PingService(host).ping(info.peer_id))
        await run("echo", lambda: check_echo(host, info.peer_id))
        await run("half-close", lambda: check_count(host, info.peer_id))
        await run("reset", lambda: check_reset(host, info.peer_id))
        await run("refused", lambda: check_refused(host, info.peer_id))
        await run("stream-limit", lambda: check_stream_limit(host, info.peer_id))
        # Its shutdown waits for tasks of its own; everything we came for is printed.
        os._exit(0)


async def dial_wrong_peer(host: IHost, info: PeerInfo) -> None:
    try:
        await host.connect(PeerInfo(STRANGER, info.addrs))
    except BaseLibp2pError:
        return
    raise AssertionError("connected to a peer with another id")


async def check_identify(host: IHost, peer: ID) -> None:
    stream = await host.new_stream(peer, [IDENTIFY])
    found = parse_identify_response(await read_length_prefixed_protobuf(stream, use_varint_format=True))
    await stream.close()
    assert found.agent_version == "minicoin-interop/1", found.agent_version
    assert ECHO in found.protocols, found.protocols


async def check_echo(host: IHost, peer: ID) -> None:
    stream = await host.new_stream(peer, [ECHO])
    sent, received, size = hashlib.sha256(), hashlib.sha256(), 0

    async def write() -> None:
        for _ in range(ECHO_BYTES // READ_BYTES):
            chunk = os.urandom(READ_BYTES)
            sent.update(chunk)
            await stream.write(chunk)
        await stream.close_write()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        while data := await read_some(stream):
            received.update(data)
            size += len(data)
    assert size == ECHO_BYTES, f"{size} bytes came back"
    assert sent.digest() == received.digest()


async def check_count(host: IHost, peer: ID) -> None:
    stream = await host.new_stream(peer, [COUNT])
    payload = b"half-close " * 100_000
    await stream.write(payload)
    await stream.close_write()
    answer = b""
    while data := await read_some(stream):
        answer += data
    assert answer == hashlib.sha256(payload).digest(), f"answer of {len(answer)} bytes"


async def check_reset(host: IHost, peer: ID) -> None:
    stream = await host.new_stream(peer, [RESET])
    await stream.write(b"\x01")
    try:
        await stream.read(1)
    except StreamEOF:
        # A reader that waits is told of an end, though the muxer knows better.
        assert stream.muxed_stream.reset_received, "the stream was closed, not reset"
        return
    except StreamReset:
        return
    raise AssertionError("the stream was not reset")


async def check_refused(host: IHost, peer: ID) -> None:
    try:
        await host.new_stream(peer, [TProtocol("/interop/unknown/1")])
    except BaseLibp2pError:
        return
    raise AssertionError("an unknown protocol was accepted")


async def check_stream_limit(host: IHost, peer: ID) -> None:
    opened = 0
    for _ in range(STREAMS_TRIED):
        try:
            with trio.fail_after(1):
                stream = await host.new_stream(peer, [HOLD])
                opened += await stream.read(1) == b"\x01"
        except (BaseLibp2pError, trio.TooSlowError):
            # Refused: what the limit is for.
            continue
    assert 0 < opened < STREAMS_TRIED, f"{opened} of {STREAMS_TRIED} streams open"
    assert peer in host.get_connected_peers(), "the connection did not survive the limit"


if __name__ == "__main__":
    trio.run(listen) if sys.argv[1] == "listen" else trio.run(dial, sys.argv[2])
