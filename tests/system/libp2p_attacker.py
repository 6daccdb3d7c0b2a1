"""A libp2p peer that keeps to the protocol for as long as a test wants, and then does whatever the test says.

Built from the single machines of core.libp2p, so that every byte can be replaced; the node under attack is a real one.
"""

import contextlib
import os
import time
from collections.abc import Sequence

import trio
from tests.waiting import hang_guard

from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.multistream import GREETING, Answerer, Proposer, encode_message
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.libp2p.secure import PLAINTEXT_BYTES_MAX, SecureChannel
from minicoin.core.libp2p.yamux_frames import ACK, DATA, PING, SYN, encode_header
from minicoin.core.libp2p.yamux_reader import FrameReader, Header
from minicoin.core.params.network import Network
from minicoin.core.primitives.address import Services
from minicoin.core.wire.frame import FrameDecoder, encode_frame
from minicoin.core.wire.messages import Message, NetAddress, Verack, Version

NOISE = "/noise"
YAMUX = "/yamux/1.0.0"
OFFER = encode_message(GREETING) + encode_message(NOISE)
WIRE_STREAM = 1
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


def data_frame(stream: int, body: bytes, flags: int = 0) -> bytes:
    return encode_header(DATA, flags, stream, len(body)) + body


class Attacker:
    """One connection to the node, dialled or accepted."""

    def __init__(self, stream: trio.SocketStream, identity: Identity | None = None) -> None:
        self.stream = stream
        self.identity = identity or Identity.from_seed(os.urandom(32))
        self.sent = bytearray()
        """Everything that was written, to be replayed."""
        self._secure: SecureChannel | None = None
        self._frames = FrameReader()
        self._early: list[bytes] = []
        self._rest = b""

    @classmethod
    async def dial(cls, port: int, identity: Identity | None = None) -> "Attacker":
        return cls(await trio.open_tcp_stream("127.0.0.1", port), identity)

    # --- raw bytes ---

    async def write(self, data: bytes) -> None:
        self.sent += data
        await self.stream.send_all(data)

    async def try_write(self, data: bytes) -> None:
        """Until the node has enough of it."""
        try:
            await self.write(data)
        except _GONE:
            return

    async def wait_dropped(self, what: str) -> None:
        """Reads, whatever it is, until the node ends the connection; fails with `what` should it not."""
        with hang_guard(f"still connected: {what}"), contextlib.suppress(*_GONE):
            while await self.stream.receive_some(65_536):
                pass

    async def close(self) -> None:
        await trio.aclose_forcefully(self.stream)

    # --- the honest way in, stage by stage ---

    async def agree_on_noise(self) -> None:
        proposer = Proposer(NOISE)
        await self.write(proposer.take_output())
        while not proposer.receive(await self._read()):
            pass
        assert proposer.agreed == NOISE

    async def shake_hands(self) -> None:
        """All three messages; the muxer was offered inside them."""
        secure = await self.begin_handshake()
        while not secure.is_open:
            self._early += secure.receive(await self._read())
            if secure.output:
                await self.write(bytes(secure.output))
                secure.output.clear()

    async def begin_handshake(self) -> SecureChannel:
        """The first message."""
        self._secure = SecureChannel(True, self.identity, None, os.urandom, (YAMUX,))
        await self.write(bytes(self._secure.output))
        self._secure.output.clear()
        return self._secure

    async def accept(self, expected: PeerId | None = None) -> None:
        """The other side of agree_on_noise and the whole handshake."""
        await self.accept_noise()
        secure = self._secure = SecureChannel(False, self.identity, expected, os.urandom, (YAMUX,))
        while not secure.is_open:
            self._early += secure.receive(self._rest or await self._read())
            self._rest = b""
            await self.write(bytes(secure.output))
            secure.output.clear()

    async def accept_noise(self) -> None:
        answerer = Answerer((NOISE,))
        while not answerer.receive(await self._read()):
            pass
        await self.write(answerer.take_output())
        self._rest = answerer.take_rest()

    async def enter(self) -> None:
        """Everything up to open streams."""
        await self.agree_on_noise()
        await self.shake_hands()

    async def open_wire(self, network: Network) -> None:
        """The wire stream, agreed on."""
        proposer = Proposer(network.protocol_id)
        await self.send_frames(data_frame(WIRE_STREAM, proposer.take_output(), SYN))
        while not proposer.receive(await self.read_body(WIRE_STREAM)):
            pass
        assert proposer.agreed == network.protocol_id

    async def become_ready(self, network: Network, nonce: int) -> None:
        """Version and verack on the wire stream; what the node says is skipped up to its own verack."""
        services = int(Services.NETWORK | Services.WITNESS)
        version = Version(70_016, services, int(time.time()), NetAddress(), nonce=nonce, user_agent="/attacker:1/")
        await self.send_messages(network, version)
        decoder = FrameDecoder(network.magic)
        while True:
            decoder.feed(await self.read_body(WIRE_STREAM))
            while (found := decoder.next_message()) is not None:
                if isinstance(found[0], Version):
                    await self.send_messages(network, Verack())
                elif isinstance(found[0], Verack):
                    return

    async def send_messages(self, network: Network, *messages: Message) -> None:
        body = b"".join(encode_frame(network.magic, message) for message in messages)
        await self.send_frames(data_frame(WIRE_STREAM, body))

    # --- frames ---

    async def send_frames(self, *frames: bytes) -> None:
        assert self._secure is not None
        plain = b"".join(frames)
        pieces = range(0, len(plain), PLAINTEXT_BYTES_MAX)
        await self.write(b"".join(self._secure.encrypt(plain[at : at + PLAINTEXT_BYTES_MAX]) for at in pieces))

    async def try_frames(self, *frames: bytes) -> None:
        try:
            await self.send_frames(*frames)
        except _GONE:
            return

    async def read_frames(self) -> Sequence[Header | bytes]:
        """What came, headers and pieces of bodies; pings are answered."""
        assert self._secure is not None
        plain, self._early = self._early, []
        found: list[Header | bytes] = []
        for piece in plain or self._secure.receive(await self._read()):
            found += self._frames.read(piece)
        for item in found:
            if not isinstance(item, bytes) and item[1] == PING and item[2] == SYN:
                await self.send_frames(encode_header(PING, ACK, 0, item[4]))
        return found

    async def read_body(self, stream: int) -> bytes:
        """The next bytes of one stream; other streams are not answered."""
        while True:
            body, current = b"", 0
            for item in await self.read_frames():
                if isinstance(item, bytes):
                    body += item if current == stream else b""
                else:
                    current = item[3]
            if body:
                return body

    async def _read(self) -> bytes:
        with hang_guard("bytes from the node"):
            data = await self.stream.receive_some(65_536)
        if not data:
            raise trio.BrokenResourceError("the node closed the connection")
        return bytes(data)
