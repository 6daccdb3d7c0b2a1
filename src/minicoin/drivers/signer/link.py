"""A node's end of a signer's socket: has signed what the core wants signed, or says in time why it is not.

- It is asked in the thread of drivers/signing, so that a signer that hangs, or is gone, stops nothing else of the node:
  after a time-out the connection is closed, and for a moment what is to be signed is refused at once. A signer that is
  gone costs no time: it is tried each time, for it may be back. The core tries again by itself (core/consensus/flow).
- The socket is looked at before each connection, the network with the first word; a signature is verified before it is
  passed on, for the other members would hold a wrong one against the node.
- What changes is told once: that it is there, with which keys, and that it is not, with the reason.
"""

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from minicoin.core.consensus.messages import greeting_digest
from minicoin.core.effects import SignGreeting, SignStatement, SignVote
from minicoin.core.events import GreetingSigned, StatementSigned, VoteSigned
from minicoin.core.faults import DecodeError
from minicoin.core.limits import SIGNER_ANSWER_US, SIGNER_FRAME_BYTES_MAX, SIGNER_PAUSE_US
from minicoin.core.signers.recovery import domain_of
from minicoin.core.signers.votes import SignedVote, verifies
from minicoin.core.units import SECOND_US
from minicoin.drivers.reports import SignerFound, SignerLost
from minicoin.drivers.signer.place import problem_of_socket
from minicoin.drivers.signer.protocol import (
    Asked,
    GreetingAsked,
    KeysHeld,
    SignatureGiven,
    SignatureRefused,
    SignerFrame,
    SignerFrameReader,
    StatementAsked,
    VoteAsked,
    encode_frame,
)

_READ_BYTES = 4_096
_ANSWER_S = SIGNER_ANSWER_US / SECOND_US
_PAUSE_S = SIGNER_PAUSE_US / SECOND_US
_NUMBERS = 1 << 32


class SignerAway(Exception):
    """Nothing is signed now: the reason."""


class SignerHangs(SignerAway):
    """It let its time run out."""


class SignerLink:
    """Of one node. Used by one thread at a time."""

    def __init__(self, path: Path, network_id: bytes, peer_id: bytes) -> None:
        """`peer_id` is this node's, which greetings name."""
        self.report: Callable[[SignerFound | SignerLost], None] = lambda report: None
        """Hears what changes, in the thread that asks."""
        self._path = path
        self._network_id = network_id
        self._peer_id = peer_id
        self._socket: socket.socket | None = None
        self._reader = SignerFrameReader()
        self._number = 0
        self._trouble: str | None = ""
        """Why it signs nothing; None while it does, and empty before the first word."""
        self._not_before = 0.0
        self._keys: tuple[bytes, ...] = ()

    @property
    def members(self) -> tuple[bytes, ...]:
        """The keys that it held when it was last heard."""
        return self._keys

    def another(self) -> "SignerLink":
        """To the same place, for another thread."""
        return SignerLink(self._path, self._network_id, self._peer_id)

    def find(self) -> str:
        """Ask which keys it holds; why it could not be, empty where it could."""
        try:
            self._connect(time.monotonic() + _ANSWER_S)
        except SignerAway as error:
            self._fail(error)
            return str(error)
        return ""

    def answer(self, effect: SignVote | SignGreeting | SignStatement) -> VoteSigned | GreetingSigned | StatementSigned:
        """What the effect promises."""
        self._number = (self._number + 1) % _NUMBERS
        match effect:
            case SignVote(member, vote, epoch):
                digest = vote.digest(domain_of(self._network_id, epoch))
                signature, reason = self._signature(VoteAsked(self._number, member, vote, epoch), digest)
                signed = None if signature is None else SignedVote(vote, member, signature)
                return VoteSigned(vote, signed, reason)
            case SignGreeting(member, conn, peer_id, epoch):
                digest = greeting_digest(domain_of(self._network_id, epoch), self._peer_id, peer_id)
                asked = GreetingAsked(self._number, member, self._peer_id, peer_id, epoch)
                return GreetingSigned(member, conn, *self._signature(asked, digest))
            case SignStatement(member, kind, body):
                digest = kind.digest(self._network_id, body)
                asked_to = StatementAsked(self._number, member, kind, body)
                return StatementSigned(member, kind, body, *self._signature(asked_to, digest))

    def close(self) -> None:
        """Nothing more is asked."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.close()
            self._socket = None
        self._reader = SignerFrameReader()

    def _signature(self, asked: Asked, digest: bytes) -> tuple[bytes | None, str]:
        try:
            answered = self._ask(asked)
            if isinstance(answered, SignatureRefused):
                # It is there, and says no: that is nobody's failure.
                return None, f"the signer refuses: {answered.reason}"
            if not isinstance(answered, SignatureGiven) or not verifies(asked.key, answered.signature, digest):
                raise SignerAway("the signer gave a signature that is not the key's")
        except SignerAway as error:
            self._fail(error)
            return None, str(error)
        return answered.signature, ""

    def _ask(self, asked: Asked) -> SignerFrame:
        ends = time.monotonic() + _ANSWER_S
        frame = encode_frame(asked)
        if len(frame) > SIGNER_FRAME_BYTES_MAX:
            raise SignerAway(f"what is to be signed has more than {SIGNER_FRAME_BYTES_MAX} bytes")
        if self._socket is not None and not self._is_quiet(self._socket):
            # It ended, which a restart of the signer does: nothing was asked, so another connection loses nothing.
            self.close()
        connection = self._socket or self._connect(ends)
        try:
            connection.settimeout(max(ends - time.monotonic(), 0.001))
            connection.sendall(frame)
        except OSError as error:
            raise SignerAway(f"the signer at {self._path} is gone: {error.strerror or error}") from error
        answered = self._read(connection, ends)
        if isinstance(answered, KeysHeld) or answered.number != asked.number:
            raise SignerAway("the signer answered something else")
        return answered

    def _connect(self, ends: float) -> socket.socket:
        if time.monotonic() < self._not_before:
            raise SignerAway(self._trouble or "the signer is away")
        problem = problem_of_socket(self._path)
        if problem is not None:
            raise SignerAway(problem)
        try:
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError as error:
            # This process has too many files open: the signer may be well.
            raise SignerAway(f"the signer at {self._path} cannot be asked: {error.strerror or error}") from error
        self._socket, self._reader = connection, SignerFrameReader()
        try:
            connection.settimeout(max(ends - time.monotonic(), 0.001))
            connection.connect(str(self._path))
        except OSError as error:
            raise SignerAway(f"nobody listens at {self._path}: {error.strerror or error}") from error
        held = self._read(connection, ends)
        if not isinstance(held, KeysHeld):
            raise SignerAway(f"what listens at {self._path} is no signer")
        if held.network_id != self._network_id:
            raise SignerAway(
                f"the signer at {self._path} signs for another network: start it with this node's --network"
            )
        self._keys = held.keys
        if self._trouble is not None:
            self._trouble = None
            self.report(SignerFound(str(self._path), held.keys))
        return connection

    def _read(self, connection: socket.socket, ends: float) -> SignerFrame:
        """The next frame: the signer says nothing unasked, so there is never another behind it."""
        while True:
            try:
                connection.settimeout(max(ends - time.monotonic(), 0.001))
                octets = connection.recv(_READ_BYTES)
            except TimeoutError as error:
                raise SignerHangs(f"the signer at {self._path} did not answer within {_ANSWER_S:g} s") from error
            except OSError as error:
                raise SignerAway(f"the signer at {self._path} is gone: {error.strerror or error}") from error
            if not octets:
                raise SignerAway(f"the signer at {self._path} is gone: it closed the connection")
            try:
                frames = list(self._reader.feed(octets))
            except DecodeError as error:
                raise SignerAway(f"the signer at {self._path} cannot be understood: {error}") from error
            if len(frames) > 1:
                raise SignerAway("the signer answered what nobody asked")
            if frames:
                return frames[0]

    def _is_quiet(self, connection: socket.socket) -> bool:
        """Whether the connection still stands, with nothing to be read on it."""
        try:
            connection.setblocking(False)
            connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def _fail(self, error: SignerAway) -> None:
        self.close()
        if isinstance(error, SignerHangs):
            self._not_before = time.monotonic() + _PAUSE_S
        reason = str(error)
        if reason != self._trouble:
            self._trouble = reason
            self.report(SignerLost(str(self._path), reason))
