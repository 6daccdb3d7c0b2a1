"""Stock py-libp2p for bench/libp2p.py; runs in an environment of its own. `listen` serves, `dial MULTIADDR` measures.

The stream protocol of all peers here: one letter, the number of bytes that follow as 8 bytes, the bytes. `e` is echoed,
`s` is answered by 8 bytes at the end, `m` too and is cut into messages of 100 bytes.
"""

import os
import statistics
import sys
import time

import multiaddr
import trio
from libp2p import new_host
from libp2p.abc import INetStream
from libp2p.custom_types import TProtocol
from libp2p.network.stream.exceptions import StreamEOF, StreamReset
from libp2p.peer.peerinfo import info_from_p2p_addr

PROTOCOL = TProtocol("/bench/1")
MESSAGE_BYTES = 100
CHUNK_BYTES = 65_536


async def read_exactly(stream: INetStream, size: int) -> bytes:
    data = b""
    while len(data) < size:
        data += await stream.read(size - len(data))
    return data


async def serve(stream: INetStream) -> None:
    try:
        while True:
            head = await read_exactly(stream, 9)
            left = int.from_bytes(head[1:], "big")
            rest = b""
            while left:
                data = await stream.read(min(left, CHUNK_BYTES))
                left -= len(data)
                if head[:1] == b"e":
                    await stream.write(data)
                elif head[:1] == b"m":
                    rest += data
                    whole = len(rest) - len(rest) % MESSAGE_BYTES
                    messages = [rest[at : at + MESSAGE_BYTES] for at in range(0, whole, MESSAGE_BYTES)]
                    rest = rest[len(messages) * MESSAGE_BYTES :]
            if head[:1] != b"e":
                await stream.write(bytes(8))
    except (StreamEOF, StreamReset):
        return


async def listen() -> None:
    host = new_host()
    host.set_stream_handler(PROTOCOL, serve)
    async with host.run(listen_addrs=[multiaddr.Multiaddr("/ip4/127.0.0.1/tcp/0")]), trio.open_nursery() as nursery:
        nursery.start_soon(host.get_peerstore().start_cleanup_task, 60)
        print(f"LISTENING {host.get_addrs()[0]}", flush=True)
        await trio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
        os._exit(0)


async def dial(address: str, connects: int, echoes: int, messages: int, chunks: int) -> None:
    host = new_host()
    info = info_from_p2p_addr(multiaddr.Multiaddr(address))
    async with host.run(listen_addrs=[]):
        times: list[float] = []
        for number in range(connects):
            if number:
                await host.disconnect(info.peer_id)
            started = time.perf_counter()
            await host.connect(info)
            times.append(time.perf_counter() - started)
        print("connect_ms", statistics.median(times) * 1e3)
        stream = await host.new_stream(info.peer_id, [PROTOCOL])
        payload = os.urandom(MESSAGE_BYTES)
        await stream.write(b"e" + (echoes * MESSAGE_BYTES).to_bytes(8, "big"))
        times = []
        for _ in range(echoes):
            started = time.perf_counter()
            await stream.write(payload)
            await read_exactly(stream, MESSAGE_BYTES)
            times.append(time.perf_counter() - started)
        print("rtt_us", statistics.median(times) * 1e6)
        sends = max(messages // 100, 1)
        started = time.perf_counter()
        await stream.write(b"m" + (sends * MESSAGE_BYTES).to_bytes(8, "big"))
        for _ in range(sends):
            await stream.write(payload)
        await read_exactly(stream, 8)
        print("sends_ks", sends / (time.perf_counter() - started) / 1e3)
        started = time.perf_counter()
        await stream.write(b"m" + (messages * MESSAGE_BYTES).to_bytes(8, "big"))
        buffer = bytearray()
        for _ in range(messages):
            buffer += payload
            if len(buffer) >= CHUNK_BYTES - MESSAGE_BYTES:
                await stream.write(bytes(buffer))
                buffer.clear()
        await stream.write(bytes(buffer))
        await read_exactly(stream, 8)
        print("messages_ks", messages / (time.perf_counter() - started) / 1e3)
        chunk = os.urandom(CHUNK_BYTES)
        started = time.perf_counter()
        await stream.write(b"s" + (chunks * CHUNK_BYTES).to_bytes(8, "big"))
        for _ in range(chunks):
            await stream.write(chunk)
        await read_exactly(stream, 8)
        print("megabytes_s", chunks * CHUNK_BYTES / (time.perf_counter() - started) / 1e6, flush=True)
        # Its shutdown waits for tasks of its own.
        os._exit(0)


if __name__ == "__main__":
    trio.run(listen) if sys.argv[1] == "listen" else trio.run(dial, sys.argv[2], *map(int, sys.argv[3:]))
