"""What only tests ask of a node: a clock that stands still, addresses and connections made by hand, any message sent.

On networks of trivial work only (retarget = none, and no members who sign): elsewhere a node whose clock anybody may
set would be a node whose rules anybody may set, and everything here is refused. Names and errors are those of Bitcoin
Core's calls on regtest.

Mock time is the time the core is told, and so what it asks of blocks, bans, time-outs and its own appointments. It
stands until it is set again, may go back, and ends with 0. Sockets, transport handshakes, mDNS, RPC and logs go by
the real clock: a connection must not hang because the node's clock stands.
"""

from typing import assert_never

from minicoin.core import commands
from minicoin.core.answers import AddressEntered, Done, Reason
from minicoin.core.effects import Send, SetClock
from minicoin.core.limits import CLOCK_S_MAX, MESSAGE_PAYLOAD_BYTES_MAX, MOCK_TIME_S_MAX
from minicoin.core.node.parts import Parts
from minicoin.core.notices import AddressesLearned
from minicoin.core.primitives.address import AddressSource, Services, TimedAddress
from minicoin.core.primitives.slot_kind import SlotKind
from minicoin.core.units import SECOND_US, ConnId, Micros, RequestId, seconds
from minicoin.core.wire.codec_session import COMMAND_BYTES
from minicoin.core.wire.messages import Unknown

_SCHEDULER_S_MAX = 3_600
ADDABLE_KINDS = (SlotKind.FULL_RELAY, SlotKind.BLOCK_ONLY, SlotKind.SEED, SlotKind.FEELER)
"""The kinds of connections that addconnection makes."""


class TrialFlow:
    """Carries out the commands of tests."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def handle(self, request: RequestId, command: commands.TrialCommand, now: Micros) -> None:
        """One command. Raises MisuseError."""
        if not self._parts.network.has_trivial_work:
            self._parts.refuse(
                request,
                Reason.UNABLE,
                "this call is for tests, on networks of trivial work (as regtest) only",
            )
            return
        match command:
            case commands.SetMockTime(time_s):
                self._set_time(request, time_s)
            case commands.MockScheduler(delta_s):
                self._bring_forward(request, delta_s)
            case commands.AddPeerAddress():
                self._add_address(request, command, now)
            case commands.AddConnection():
                self._add_connection(request, command, now)
            case commands.SendMessage():
                self._send(request, command)
            case _:
                assert_never(command)

    def _set_time(self, request: RequestId, time_s: int) -> None:
        if not 0 <= time_s <= MOCK_TIME_S_MAX:
            self._parts.refuse(
                request,
                Reason.INVALID,
                f"Mocktime must be in the range [0, {MOCK_TIME_S_MAX}], not {time_s}.",
            )
            return
        if time_s > CLOCK_S_MAX:
            self._parts.refuse(
                request,
                Reason.INVALID,
                f"no block and no address can say a time behind {CLOCK_S_MAX}: their seconds have 32 bits",
            )
            return
        self._parts.emit(SetClock(Micros(time_s * SECOND_US) if time_s else None))
        self._parts.reply(request, Done())

    def _bring_forward(self, request: RequestId, delta_s: int) -> None:
        if not 0 < delta_s <= _SCHEDULER_S_MAX:
            self._parts.refuse(request, Reason.UNABLE, "delta_time must be between 1 and 3600 seconds (1 hr)")
            return
        self._parts.mempool.bring_forward(delta_s * SECOND_US)
        self._parts.reply(request, Done())

    def _add_address(self, request: RequestId, command: commands.AddPeerAddress, now: Micros) -> None:
        book, address = self._parts.book, command.address
        services = int(Services.NETWORK | Services.WITNESS)
        problem = ""
        added = book.enter(TimedAddress(address, services, seconds(now)), now)
        if added:
            self._parts.emit(AddressesLearned(AddressSource.OPERATOR, "addpeeraddress", added))
        else:
            problem = "failed-adding-to-new"
        if added and command.is_tried:
            book.mark_good(address, now)
            found = book.find(address)
            if found is None or not found.is_tried:
                problem = "failed-adding-to-tried"
        if not problem:
            self._parts.connections.wake()
        self._parts.reply(request, AddressEntered(problem))

    def _add_connection(self, request: RequestId, command: commands.AddConnection, now: Micros) -> None:
        kind = next((kind for kind in ADDABLE_KINDS if kind == command.kind), None)
        if kind is None:
            self._parts.refuse(
                request,
                Reason.INVALID,
                f"connection_type must be one of {', '.join(ADDABLE_KINDS)}",
            )
            return
        if not self._parts.connections.has_room(kind):
            self._parts.refuse(
                request,
                Reason.NO_SLOT,
                "Error: Already at capacity for specified connection type.",
            )
            return
        self._parts.emit(self._parts.connections.dial(command.address, kind, now))
        self._parts.reply(request, Done())

    def _send(self, request: RequestId, command: commands.SendMessage) -> None:
        name = command.command
        if not name.isascii() or not 0 < len(name) <= COMMAND_BYTES:
            self._parts.refuse(request, Reason.INVALID, f"Error: msg_type too long, max length is {COMMAND_BYTES}")
            return
        if len(command.payload) > MESSAGE_PAYLOAD_BYTES_MAX:
            self._parts.refuse(request, Reason.INVALID, f"msg is longer than {MESSAGE_PAYLOAD_BYTES_MAX} bytes")
            return
        conn = ConnId(command.conn)
        if conn not in self._parts.sessions:
            self._parts.refuse(request, Reason.UNABLE, "Error: Could not send message to peer")
            return
        self._parts.emit(Send(conn, Unknown(name, command.payload)))
        self._parts.reply(request, Done())
