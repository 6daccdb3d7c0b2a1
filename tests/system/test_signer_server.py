"""A signer's socket, spoken to by whoever reaches it: what cannot be read ends its own connection and nobody else's."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import trio
from coincurve import PrivateKey
from tests.waiting import hang_guard

from minicoin.core.consensus.sign_state import SignState
from minicoin.core.limits import SIGNER_CONNECTIONS_MAX, SIGNER_FRAME_BYTES_MAX
from minicoin.core.signers.votes import NIL, SignedVote, Vote, VoteKind
from minicoin.drivers.signer.keyholder import HeldKey, Keyholder
from minicoin.drivers.signer.place import listen_at
from minicoin.drivers.signer.protocol import (
    SignatureGiven,
    SignatureRefused,
    SignerFrame,
    SignerFrameReader,
    VoteAsked,
    encode_frame,
)
from minicoin.drivers.signer.server import SignerServer

NETWORK_ID = b"n" * 32
KEY = PrivateKey(b"k" * 32)
MEMBER = bytes(KEY.public_key_xonly.format())
VOTE = Vote(VoteKind.PREVOTE, 7, 0, NIL, NIL)


class Memory:
    """Stands in for the disk."""

    def save(self, state: bytes) -> None:
        pass


class Caller:
    """One connection."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self._reader = SignerFrameReader()
        self._frames: list[SignerFrame] = []

    async def read(self) -> SignerFrame | None:
        """The next frame; None where the signer has ended it."""
        while not self._frames:
            try:
                octets = await self.stream.receive_some(4_096)
            except trio.BrokenResourceError:
                return None
            if not octets:
                return None
            self._frames += self._reader.feed(octets)
        return self._frames.pop(0)

    async def ask(self, vote: Vote) -> SignerFrame | None:
        await self.stream.send_all(encode_frame(VoteAsked(9, MEMBER, vote)))
        return await self.read()


def with_signer(tmp_path: Path, body: Callable[[Callable[[], Awaitable[Caller]], list[str]], Awaitable[None]]) -> None:
    tmp_path.chmod(0o700)
    path, told = tmp_path / "socket", []
    holder = Keyholder(NETWORK_ID, [HeldKey(KEY, SignState(MEMBER), Memory())], told.append)

    async def call() -> Caller:
        return Caller(await trio.open_unix_socket(path))

    async def main() -> None:
        with hang_guard("what the signer is asked", told):
            async with trio.open_nursery() as nursery:
                await nursery.start(SignerServer(holder, path, told.append).run, listen_at(path))
                await body(call, told)
                nursery.cancel_scope.cancel()
        assert not path.exists()

    trio.run(main)


@pytest.mark.parametrize(
    "sent",
    [
        b"\xff" * 9,
        (SIGNER_FRAME_BYTES_MAX + 1).to_bytes(4, "little"),
        b"\x05\0\0\0\x02\0\0\0\0",
        encode_frame(SignatureRefused(1, "a node does not answer")),
    ],
)
def test_what_cannot_be_read_ends_its_own_connection(tmp_path: Path, sent: bytes) -> None:
    async def body(call: Callable[[], Awaitable[Caller]], told: list[str]) -> None:
        good, bad = await call(), await call()
        assert await good.read() == await bad.read()
        await bad.stream.send_all(sent)
        assert await bad.read() is None
        assert "cannot be read" in told[-1]
        answer = await good.ask(VOTE)
        assert isinstance(answer, SignatureGiven)
        assert SignedVote(VOTE, MEMBER, answer.signature).holds(NETWORK_ID)

    with_signer(tmp_path, body)


def test_a_frame_that_was_begun_has_to_be_complete_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("minicoin.drivers.signer.server._FRAME_S", 0.05)

    async def body(call: Callable[[], Awaitable[Caller]], told: list[str]) -> None:
        slow, idle = await call(), await call()
        assert await slow.read() == await idle.read()
        await slow.stream.send_all(encode_frame(VoteAsked(1, MEMBER, VOTE))[:20])
        assert await slow.read() is None
        # Who says nothing may go on saying nothing.
        assert isinstance(await idle.ask(VOTE), SignatureGiven)

    with_signer(tmp_path, body)


def test_so_many_are_served_at_a_time_and_a_second_node_gets_no_second_vote(tmp_path: Path) -> None:
    async def body(call: Callable[[], Awaitable[Caller]], told: list[str]) -> None:
        callers = [await call() for _ in range(SIGNER_CONNECTIONS_MAX)]
        for caller in callers:
            assert await caller.read() is not None
        assert await (await call()).read() is None
        assert "one more is refused" in told[-1]
        first, second, *_ = callers
        assert isinstance(await first.ask(VOTE), SignatureGiven)
        other = await second.ask(Vote(VoteKind.PREVOTE, 7, 0, b"b" * 32, b"m" * 32))
        assert isinstance(other, SignatureRefused)
        assert isinstance(await second.ask(VOTE), SignatureGiven)
        # One leaves, and there is room.
        await first.stream.aclose()
        while await (caller := await call()).read() is None:
            await caller.stream.aclose()

    with_signer(tmp_path, body)
