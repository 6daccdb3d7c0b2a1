"""Network methods: peers, connections by hand, bans, known addresses, traffic."""

import time

from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.faults import DecodeError
from minicoin.core.libp2p.node_address import parse_node_address
from minicoin.core.limits import ADDRESSES_PER_MESSAGE_MAX
from minicoin.core.node.commands import (
    INVALID_PARAMETER,
    INVALID_SUBNET,
    NODE_ALREADY_ADDED,
    NODE_NOT_ADDED,
    NODE_NOT_CONNECTED,
    AddNode,
    ClearBan,
    CommandError,
    DisconnectNode,
    PingPeers,
    RemoveNode,
    SetBan,
)
from minicoin.core.node.query_peers import PeerView
from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.units import DAY_US, SECOND_US
from minicoin.rpc.json_text import Amount, Json
from minicoin.rpc.method import Argument, Call, Category, Kind, Method, optional
from minicoin.rpc.shapes import JsonObject


def service_names(services: int) -> list[Json]:
    """Bitcoin Core's names of the bits that have one."""
    return [str(bit.name) for bit in Services if bit and services & bit]


def network_of(address: NodeAddress) -> str:
    """Bitcoin Core's word for the kind of address."""
    found = address.ip
    if found is None:
        return "not_publicly_routable"
    if not found.is_global:
        return "not_publicly_routable"
    return f"ipv{found.version}"


def find_address(call: Call, text: str) -> NodeAddress:
    """HOST, HOST:PORT or a multiaddr; the network's port by default."""
    try:
        return parse_node_address(text, call.port.network.default_port)
    except DecodeError as error:
        raise CommandError(INVALID_PARAMETER, str(error)) from error


async def get_network_info(call: Call) -> Json:
    inbound, outbound = await call.port.query(lambda node: node.network.counts())
    policy = await call.port.query(lambda node: node.network.policy)
    is_active = await call.port.query(lambda node: node.network.is_active())
    failure = (await call.port.query(lambda node: node.chain.view())).failure
    totals = await call.port.query(lambda node: node.mempool.snapshot())
    own = policy.external_address
    networks: list[Json] = [
        {"name": name, "limited": False, "reachable": True, "proxy": "", "proxy_randomize_credentials": False}
        for name in ("ipv4", "ipv6")
    ]
    addresses: list[Json] = [] if own is None else [{"address": own.host, "port": own.port, "score": 1}]
    return {
        "version": _version_number(call.port.version),
        "subversion": policy.user_agent,
        "protocolversion": await call.port.query(lambda node: node.network.protocol_version),
        "localservices": f"{int(policy.services):016x}",
        "localservicesnames": service_names(int(policy.services)),
        "localrelay": True,
        "timeoffset": 0,
        "networkactive": is_active,
        "connections": inbound + outbound,
        "connections_in": inbound,
        "connections_out": outbound,
        "networks": networks,
        "relayfee": Amount(totals.min_relay_feerate),
        "incrementalfee": Amount(totals.incremental_feerate),
        "localaddresses": addresses,
        "peerid": encode_base58(policy.peer_id),
        "listenport": policy.listen_port if policy.listens else 0,
        "warnings": [failure] if failure else [],
    }


def _version_number(text: str) -> int:
    """1.2.3 as 10203, as Bitcoin Core numbers versions."""
    digits = [int(part) for part in text.split(".")[:3] if part.isdigit()]
    major, minor, patch = (*digits, 0, 0, 0)[:3]
    return 10_000 * major + 100 * minor + patch


async def get_peer_info(call: Call) -> Json:
    peers = await call.port.query(lambda node: node.network.peers())
    traffic = call.port.traffic()
    return [_peer_json(peer, traffic.get(peer.session.conn, (0, 0))) for peer in peers]


def _peer_json(peer: PeerView, traffic: tuple[int, int]) -> JsonObject:
    session = peer.session
    shape: JsonObject = {"id": session.conn, "addr": str(session.remote)}
    if session.local is not None:
        shape["addrbind"] = str(session.local)
    received_at = session.last_receive_at // SECOND_US
    shape |= {
        "network": network_of(session.remote),
        "services": f"{session.services:016x}",
        "servicesnames": service_names(session.services),
        "relaytxes": session.relays_transactions,
        "lastsend": received_at,
        "lastrecv": received_at,
        "bytessent": traffic[0],
        "bytesrecv": traffic[1],
        "conntime": session.opened_at // SECOND_US,
        "timeoffset": session.time_offset_s,
    }
    if session.ping_us >= 0:
        shape |= {"pingtime": session.ping_us / SECOND_US, "minping": session.ping_min_us / SECOND_US}
    return shape | {
        "version": session.version,
        "subver": session.user_agent,
        "inbound": session.inbound,
        "startingheight": session.start_height,
        "synced_headers": peer.synced_headers,
        "synced_blocks": peer.synced_blocks,
        "inflight": list(peer.in_flight),
        "minfeefilter": Amount(session.feefilter_sat_per_kvb),
        "connection_type": peer.kind,
        "state": str(session.state),
        "banscore": peer.score,
    }


async def get_connection_count(call: Call) -> Json:
    return sum(await call.port.query(lambda node: node.network.counts()))


async def get_net_totals(call: Call) -> Json:
    sent, received = call.port.traffic_total()
    return {"totalbytesrecv": received, "totalbytessent": sent, "timemillis": time.time_ns() // 1_000_000}


async def add_node(call: Call) -> Json:
    address, action = find_address(call, call.text("node")), call.text("command")
    added = [row.address for row in await call.port.query(lambda node: node.network.added_nodes())]
    if action == "add":
        if address in added:
            raise CommandError(NODE_ALREADY_ADDED, "Error: Node already added")
        await call.port.command(AddNode(address))
    elif action == "remove":
        if address not in added:
            raise CommandError(NODE_NOT_ADDED, "Error: Node could not be removed. It has not been added previously.")
        await call.port.command(RemoveNode(address))
    elif action == "onetry":
        await call.port.command(AddNode(address, permanent=False))
    else:
        raise CommandError(INVALID_PARAMETER, f"command must be add, remove or onetry, not {action!r}")
    return None


async def get_added_node_info(call: Call) -> Json:
    rows = await call.port.query(lambda node: node.network.added_nodes())
    if call.has("node"):
        wanted = find_address(call, call.text("node"))
        rows = tuple(row for row in rows if row.address == wanted)
        if not rows:
            raise CommandError(NODE_NOT_ADDED, "Error: Node has not been added.")
    answer: list[Json] = []
    for row in rows:
        direction = "inbound" if row.is_inbound else "outbound"
        connected: list[Json] = [{"address": str(row.address), "connected": direction}] if row.is_connected else []
        answer.append({"addednode": str(row.address), "connected": row.is_connected, "addresses": connected})
    return answer


async def disconnect_node(call: Call) -> Json:
    if call.text("address") and call.has("nodeid"):
        raise CommandError(INVALID_PARAMETER, "Only one of address and nodeid should be provided.")
    if call.has("nodeid"):
        await call.port.command(DisconnectNode(call.integer("nodeid")))
        return None
    address = find_address(call, call.text("address"))
    conn = await call.port.query(lambda node: node.network.find_connection(address))
    if conn is None:
        raise CommandError(NODE_NOT_CONNECTED, "Node not found in connected nodes")
    await call.port.command(DisconnectNode(conn))
    return None


async def set_ban(call: Call) -> Json:
    subnet, action = call.text("subnet"), call.text("command")
    if action not in ("add", "remove"):
        raise CommandError(INVALID_PARAMETER, f"command must be add or remove, not {action!r}")
    try:
        if action == "remove":
            if not subnet:
                raise CommandError(INVALID_SUBNET, "Error: Invalid IP/Subnet")
            await call.port.command(ClearBan(subnet))
        else:
            await call.port.command(SetBan(subnet, await _ban_end(call)))
    except CommandError as error:
        code = INVALID_SUBNET if error.code == INVALID_PARAMETER else error.code
        raise CommandError(code, f"Error: {error.message}") from error
    return None


async def _ban_end(call: Call) -> int:
    wanted = call.integer("bantime")
    now = await call.port.query(lambda node: node.now)
    if wanted == 0:
        policy = await call.port.query(lambda node: node.network.policy)
        return (now + (policy.ban_time_us or DAY_US)) // SECOND_US
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


async def get_node_addresses(call: Call) -> Json:
    count = call.positive("count", 0, ADDRESSES_PER_MESSAGE_MAX) or ADDRESSES_PER_MESSAGE_MAX
    known = await call.port.query(lambda node: node.network.known_addresses(count))
    return [
        {
            "time": timed.time,
            "services": timed.services,
            "address": timed.address.host,
            "port": timed.address.port,
            "network": network_of(timed.address),
        }
        for timed in known
    ]


async def ping(call: Call) -> Json:
    await call.port.command(PingPeers())
    return None


_NODE = Argument("node", Kind.TEXT, "HOST, HOST:PORT or a multiaddr.")

METHODS = (
    Method(
        "getnetworkinfo",
        Category.NETWORK,
        "This node as its peers see it, and its connections.",
        "An object: version, subversion, protocolversion, localservices, connections, relayfee, localaddresses, "
        "peerid (the libp2p identity), warnings and more.",
        get_network_info,
    ),
    Method(
        "getpeerinfo",
        Category.NETWORK,
        "Every connection.",
        "An array of objects: id, addr, services, version, subver, inbound, connection_type, bytessent, bytesrecv, "
        "pingtime, synced_headers, synced_blocks, inflight, state, banscore.",
        get_peer_info,
    ),
    Method("getconnectioncount", Category.NETWORK, "How many connections.", "A number.", get_connection_count),
    Method(
        "getnettotals",
        Category.NETWORK,
        "Bytes sent and received since the start.",
        "An object: totalbytesrecv, totalbytessent, timemillis.",
        get_net_totals,
    ),
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
    Method(
        "getnodeaddresses",
        Category.NETWORK,
        "Addresses of nodes this node has heard of, latest first.",
        "An array of objects: time, services, address, port, network.",
        get_node_addresses,
        (optional("count", Kind.INTEGER, 1, "How many at most; 0 for a page of all."),),
    ),
    Method("ping", Category.NETWORK, "Ping every peer; getpeerinfo tells the times.", "null", ping),
)
