"""Network methods that act on connections: add, remove and close them, bans."""

from minicoin.core.answers import CommandRefused, Done, Reason
from minicoin.core.commands import AddNode, Asks, ClearBan, DisconnectNode, RemoveNode, SetBan
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.node_address import parse_node_address
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.units import SECOND_US
from minicoin.rpc.errors import (
    INVALID_PARAMETER,
    INVALID_SUBNET,
    NODE_ALREADY_ADDED,
    NODE_NOT_ADDED,
    NODE_NOT_CONNECTED,
    NUMBERS,
    RpcError,
)
from minicoin.rpc.json_text import Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional


def find_address(call: Call, text: str) -> NodeAddress:
    """HOST, HOST:PORT or a multiaddr; the network's port by default."""
    try:
        return parse_node_address(text, call.port.network.default_port)
    except DecodeError as error:
        raise RpcError(INVALID_PARAMETER, str(error)) from error


async def add_node(call: Call) -> Json:
    address, action = find_address(call, call.text("node")), call.text("command")
    added = [row.address for row in await call.port.query(lambda node: node.network.added_nodes())]
    if action == "add":
        if address in added:
            raise RpcError(NODE_ALREADY_ADDED, "Error: Node already added")
        await call.port.command(AddNode(address))
    elif action == "remove":
        if address not in added:
            raise RpcError(NODE_NOT_ADDED, "Error: Node could not be removed. It has not been added previously.")
        await call.port.command(RemoveNode(address))
    elif action == "onetry":
        await call.port.command(AddNode(address, permanent=False))
    else:
        raise RpcError(INVALID_PARAMETER, f"command must be add, remove or onetry, not {action!r}")
    return None


async def get_added_node_info(call: Call) -> Json:
    rows = await call.port.query(lambda node: node.network.added_nodes())
    if call.has("node"):
        wanted = find_address(call, call.text("node"))
        rows = tuple(row for row in rows if row.address == wanted)
        if not rows:
            raise RpcError(NODE_NOT_ADDED, "Error: Node has not been added.")
    answer: list[Json] = []
    for row in rows:
        direction = "inbound" if row.is_inbound else "outbound"
        connected: list[Json] = [{"address": str(row.address), "connected": direction}] if row.is_connected else []
        answer.append({"addednode": str(row.address), "connected": row.is_connected, "addresses": connected})
    return answer


async def disconnect_node(call: Call) -> Json:
    if call.text("address") and call.has("nodeid"):
        raise RpcError(INVALID_PARAMETER, "Only one of address and nodeid should be provided.")
    if call.has("nodeid"):
        await call.port.command(DisconnectNode(call.integer("nodeid")))
        return None
    address = find_address(call, call.text("address"))
    conn = await call.port.query(lambda node: node.network.find_connection(address))
    if conn is None:
        raise RpcError(NODE_NOT_CONNECTED, "Node not found in connected nodes")
    await call.port.command(DisconnectNode(conn))
    return None


async def set_ban(call: Call) -> Json:
    subnet, action = call.text("subnet"), call.text("command")
    if action not in ("add", "remove"):
        raise RpcError(INVALID_PARAMETER, f"command must be add or remove, not {action!r}")
    if action == "remove" and not subnet:
        raise RpcError(INVALID_SUBNET, "Error: Invalid IP/Subnet")
    change: Asks[Done] = ClearBan(subnet) if action == "remove" else SetBan(subnet, await _ban_end(call))
    try:
        await call.port.command(change)
    except CommandRefused as refused:
        code = INVALID_SUBNET if refused.reason is Reason.INVALID else NUMBERS[refused.reason]
        raise RpcError(code, f"Error: {refused.text}") from refused
    return None


async def _ban_end(call: Call) -> int:
    wanted = call.integer("bantime")
    now = await call.port.query(lambda node: node.now)
    if wanted == 0:
        policy = await call.port.query(lambda node: node.network.policy)
        return (now + policy.bans.time_us) // SECOND_US
    return wanted if call.flag("absolute") else now // SECOND_US + wanted


async def list_banned(call: Call) -> Json:
    bans = await call.port.query(lambda node: node.network.bans())
    now = await call.port.query(lambda node: node.now)
    return [
        {
            "address": ban.subject,
            "ban_created": ban.created // SECOND_US,
            "banned_until": ban.until // SECOND_US,
            "ban_duration": ban.until // SECOND_US - ban.created // SECOND_US,
            "time_remaining": max(ban.until // SECOND_US - now // SECOND_US, 0),
            "ban_reason": ban.reason,
        }
        for ban in bans
    ]


async def clear_banned(call: Call) -> Json:
    await call.port.command(ClearBan())
    return None


_NODE = Argument("node", Kind.TEXT, "HOST, HOST:PORT or a multiaddr.")

METHODS = (
    Method(
        "addnode",
        Category.NETWORK,
        "Keep a connection to a node (add), stop keeping it (remove), or try once (onetry).",
        "null",
        add_node,
        (_NODE, Argument("command", Kind.TEXT, "add, remove or onetry.")),
    ),
    Method(
        "getaddednodeinfo",
        Category.NETWORK,
        "The nodes that addnode keeps.",
        "An array of objects: addednode, connected, addresses.",
        get_added_node_info,
        (optional("node", Kind.TEXT, None, "Only this one."),),
    ),
    Method(
        "disconnectnode",
        Category.NETWORK,
        "Close a connection, by address or by id.",
        "null",
        disconnect_node,
        (
            optional("address", Kind.TEXT, "", "HOST:PORT of the peer."),
            optional("nodeid", Kind.INTEGER, None, "Its id in getpeerinfo."),
        ),
    ),
    Method(
        "setban",
        Category.NETWORK,
        "Ban an IP, a subnet, HOST:PORT or a peer id, or lift the ban.",
        "null",
        set_ban,
        (
            Argument("subnet", Kind.TEXT, "Whom."),
            Argument("command", Kind.TEXT, "add or remove."),
            optional("bantime", Kind.INTEGER, 0, "Seconds; 0 for the configured ban time."),
            optional("absolute", Kind.FLAG, False, "Whether bantime is Unix time."),
        ),
    ),
    Method(
        "listbanned",
        Category.NETWORK,
        "The bans in force.",
        "An array of objects: address, ban_created, banned_until, ban_duration, time_remaining, ban_reason.",
        list_banned,
    ),
    Method("clearbanned", Category.NETWORK, "Lift all bans.", "null", clear_banned),
)
