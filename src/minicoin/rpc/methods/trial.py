"""Methods for tests, on networks of trivial work only: mock time, addresses and connections by hand, any message."""

from minicoin.core.commands import AddConnection, AddPeerAddress, MockScheduler, SendMessage, SetMockTime
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.node_address import parse_node_address
from minicoin.core.primitives.address import NodeAddress
from minicoin.rpc.errors import INVALID_PARAMETER, RpcError
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.shapes import JsonObject

_PORT_MAX = 65_535


async def set_mock_time(call: Call) -> Json:
    await call.port.command(SetMockTime(call.integer("timestamp")))
    return None


async def mock_scheduler(call: Call) -> Json:
    await call.port.command(MockScheduler(call.integer("delta_time")))
    return None


async def add_peer_address(call: Call) -> Json:
    port = call.positive("port", 0, _PORT_MAX)
    address = NodeAddress(call.text("address"), port)
    if address.ip is None:
        raise RpcError(INVALID_PARAMETER, f"not an IP address: {address.host!r}")
    entered = await call.port.command(AddPeerAddress(address, call.flag("tried")))
    shape: JsonObject = {"success": not entered.problem}
    return shape | ({"error": entered.problem} if entered.problem else {})


async def add_connection(call: Call) -> Json:
    text, kind = call.text("address"), call.text("connection_type").strip()
    if call.flag("v2transport"):
        raise RpcError(INVALID_PARAMETER, "Error: this node does not speak the version 2 transport")
    try:
        address = parse_node_address(text, call.port.network.default_port)
    except DecodeError as error:
        raise RpcError(INVALID_PARAMETER, str(error)) from error
    await call.port.command(AddConnection(address, kind))
    return {"address": text, "connection_type": kind}


async def send_msg_to_peer(call: Call) -> Json:
    await call.port.command(SendMessage(call.integer("peer_id"), call.text("msg_type"), call.octets("msg")))
    return {}


METHODS = (
    Method(
        "setmocktime",
        Category.TRIAL,
        "Let the node's clock stand at a time, until it is set again. Sockets and RPC go by the real one.",
        "null",
        set_mock_time,
        (Argument("timestamp", Kind.INTEGER, "Unix seconds; 0 lets the clock run."),),
    ),
    Method(
        "mockscheduler",
        Category.TRIAL,
        "Bring forward the next announcement of transactions handed in here that no peer has asked for.",
        "null",
        mock_scheduler,
        (Argument("delta_time", Kind.INTEGER, "By how many seconds: 1 to 3,600."),),
    ),
    Method(
        "addpeeraddress",
        Category.TRIAL,
        "Put an address into the address book.",
        "An object: success, error.",
        add_peer_address,
        (
            Argument("address", Kind.TEXT, "An IP address."),
            Argument("port", Kind.INTEGER, "Its port."),
            optional("tried", Kind.FLAG, False, "As if a connection to it had succeeded."),
        ),
    ),
    Method(
        "addconnection",
        Category.TRIAL,
        "Dial an address as if the node itself had chosen it.",
        "An object: address, connection_type.",
        add_connection,
        (
            Argument("address", Kind.TEXT, "HOST:PORT."),
            Argument("connection_type", Kind.TEXT, "outbound-full-relay, block-relay-only, addr-fetch or feeler."),
            optional("v2transport", Kind.FLAG, False, "Must be false: the version 2 transport is not spoken."),
        ),
    ),
    Method(
        "sendmsgtopeer",
        Category.TRIAL,
        "Send a peer a message of any command and payload.",
        "An empty object.",
        send_msg_to_peer,
        (
            Argument("peer_id", Kind.INTEGER, "Its id in getpeerinfo."),
            Argument("msg_type", Kind.TEXT, "The message's command, at most 12 letters."),
            Argument("msg", Kind.HEX, "Its payload."),
        ),
    ),
)
