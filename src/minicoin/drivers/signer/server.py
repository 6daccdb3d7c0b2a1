"""Serves a keyholder on its socket: several nodes at once, one question after the other.

Several, since a node that hangs or has died without a word must not keep its successor out, and a standby may be
connected all the time: who comes second gets no second signature, the record sees to that. One after the other, since
each signature waits for the disk. A connection costs a task and a frame; how many there are is bounded. What cannot be
read ends its connection, and nobody else's.
"""

import math
import os
import socket
from collections.abc import Callable
from pathlib import Path

import trio

from minicoin.core.faults import DecodeError
from minicoin.core.limits import SIGNER_CONNECTIONS_MAX, SIGNER_FRAME_US
from minicoin.core.units import SECOND_US
from minicoin.drivers.signer.keyholder import Keyholder
from minicoin.drivers.signer.place import CREDENTIALS_BYTES, user_of
from minicoin.drivers.signer.protocol import (
    KeysHeld,
    SignatureGiven,
    SignatureRefused,
    SignerFrameReader,
    encode_frame,
)

_READ_BYTES = 4_096
_FRAME_S = SIGNER_FRAME_US / SECOND_US


class SignerServer:
    """Of one process."""

    def __init__(self, holder: Keyholder, path: Path, tell: Callable[[str], None]) -> None:
        self._holder = holder
        self._path = path
        self._tell = tell
        self._open = 0

    async def run(
        self, listener: socket.socket, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
    ) -> None:
        """Until cancelled. The socket's file goes with it."""
        try:
            async with trio.open_nursery() as nursery:
                accepting = trio.SocketListener(trio.socket.from_stdlib_socket(listener))
                await nursery.start(trio.serve_listeners, self._serve, [accepting])
                task_status.started()
        finally:
            self._path.unlink(missing_ok=True)

    async def _serve(self, stream: trio.SocketStream) -> None:
        user = user_of(stream.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS_BYTES))
        if user != os.getuid():
            self._tell(f"user {user} may not connect")
            return
        if self._open >= SIGNER_CONNECTIONS_MAX:
            self._tell(f"{SIGNER_CONNECTIONS_MAX} connections are open: one more is refused")
            return
        self._open += 1
        try:
            await self._answer(stream)
        except DecodeError as error:
            self._tell(f"a connection ends, for what it sends cannot be read: {error}")
        except (trio.BrokenResourceError, trio.TooSlowError):
            # It died, or takes no answers: it asks again when it is back.
            pass
        finally:
            self._open -= 1

    async def _answer(self, stream: trio.SocketStream) -> None:
        reader = SignerFrameReader()
        await stream.send_all(encode_frame(self._holder.held))
        while True:
            with trio.fail_after(_FRAME_S if reader.has_begun else math.inf):
                octets = await stream.receive_some(_READ_BYTES)
            if not octets:
                return
            for asked in reader.feed(octets):
                if isinstance(asked, KeysHeld | SignatureGiven | SignatureRefused):
                    raise DecodeError("a node asks, and does not answer")
                answered = encode_frame(self._holder.answer(asked))
                with trio.fail_after(_FRAME_S):
                    await stream.send_all(answered)
