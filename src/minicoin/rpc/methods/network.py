"""Network methods that look: this node, its peers, traffic, known addresses."""

import time

from minicoin.core.commands import PingPeers
from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.libp2p.node_address import join_address
from minicoin.core.limits import QUERY_PAGE_ADDRESSES_MAX
from minicoin.core.primitives.address import NodeAddress, Services, TimedAddress
from minicoin.core.primitives.permissions import permission_names
from minicoin.core.queries.network import PeerReport
from minicoin.core.units import SECOND_US, Micros
from minicoin.rpc.errors import INVALID_PARAMETER, RpcError
from minicoin.rpc.json_text import Amount, Json
from minicoin.rpc.method import Call, Category, Kind, Method, optional
from minicoin.rpc.port import LinkTraffic, NodePort, RegistryState
from minicoin.rpc.shapes import JsonObject
from minicoin.rpc.warnings import warnings_of

# Bitcoin Core's five; only two are spoken here.
NETWORKS = ("ipv4", "ipv6", "onion", "i2p", "cjdns")
_REACHABLE = NETWORKS[:2]
# --connect and addnode are one kind to Bitcoin Core.
_CONNECTION_TYPES = {"connect": "manual"}


def service_names(services: int) -> list[Json]:
    """Bitcoin Core's names of the bits, lowest first."""
    known = {int(bit): str(bit.name) for bit in Services}
    bits = (place for place in range(services.bit_length()) if services >> place & 1)
    return [known.get(1 << place, f"UNKNOWN[2^{place}]") for place in bits]


def network_of(address: NodeAddress) -> str:
    """Bitcoin Core's word for the kind of address."""
    found = address.ip
    if found is None:
        return "not_publicly_routable"
    if not found.is_global:
        return "not_publicly_routable"
    return f"ipv{found.version}"


def network_name(address: NodeAddress) -> str:
    """The kind of address alone, as the address book tells it: that it is private does not matter there."""
    found = address.ip
    return "not_publicly_routable" if found is None else f"ipv{found.version}"


async def get_network_info(call: Call) -> Json:
    inbound, outbound = await call.port.query(lambda node: node.network.counts())
    policy = await call.port.query(lambda node: node.network.policy)
    is_active = await call.port.query(lambda node: node.network.is_active())
    totals = await call.port.query(lambda node: node.mempool.snapshot())
    own = policy.external_address
    overlay = await call.port.query(lambda node: node.network.overlay())
    networks: list[Json] = [
        {
            "name": name,
            "limited": name not in _REACHABLE,
            "reachable": name in _REACHABLE,
            "proxy": "",
            "proxy_randomize_credentials": False,
        }
        for name in NETWORKS
    ]
    registry = await call.port.registry()
    warnings = (*await warnings_of(call), *(() if registry is None else registry.warnings))
    addresses: list[Json] = [] if own is None else [{"address": own.host, "port": own.port, "score": 1}]
    return {
        "version": _version_number(call.port.version),
        "subversion": policy.user_agent,
        "protocolversion": await call.port.query(lambda node: node.network.protocol_version),
        "localservices": f"{int(policy.services):016x}",
        "localservicesnames": service_names(int(policy.services)),
        "localrelay": not policy.blocks_only,
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
        "multiaddrs": [join_address(address) for address in policy.listen_addresses if address.peer_id],
        "network_id": call.port.network.network_id.hex(),
        "overlay": overlay.model,
        "overlay_role": overlay.state.role,
        "letters": overlay.has_letters,
        "listenport": policy.listen_port if policy.listens else 0,
        "registry": None if registry is None else _registry_json(registry),
        "warnings": list(warnings),
    }


def _registry_json(registry: RegistryState) -> JsonObject:
    return {
        "kind": registry.kind,
        "endpoint": registry.endpoint,
        "connected_since": registry.connected_since,
        "unreachable_since": registry.unreachable_since,
        "last_heard": registry.last_heard,
        "announced": registry.is_announced,
        "nodes": registry.nodes,
        "nodes_listed": registry.nodes_listed,
        "records": registry.records,
        "ignored": registry.ignored,
        "max_age": registry.max_age_s,
        "error": registry.error,
        "warnings": list(registry.warnings),
    }


def _version_number(text: str) -> int:
    """1.2.3 as 10203, as Bitcoin Core numbers versions."""
    digits = [int(part) for part in text.split(".")[:3] if part.isdigit()]
    major, minor, patch = (*digits, 0, 0, 0)[:3]
    return 10_000 * major + 100 * minor + patch


async def get_peer_info(call: Call) -> Json:
    peers = await call.port.query(lambda node: node.network.peers())
    traffic = call.port.traffic()
    now = await call.port.query(lambda node: node.now)
    overlay = await call.port.query(lambda node: node.network.overlay())
    roles = {near.conn: near.role for near in overlay.state.neighbours}
    return [
        _peer_json(peer, traffic.get(peer.session.conn), now) | {"overlay_role": roles.get(peer.session.conn, "")}
        for peer in peers
    ]


def _peer_json(peer: PeerReport, link: LinkTraffic | None, now: Micros) -> JsonObject:
    session = peer.session
    shape: JsonObject = {"id": session.conn, "addr": str(session.remote)}
    if session.local is not None:
        shape["addrbind"] = str(session.local)
    if session.told_address is not None:
        shape["addrlocal"] = str(session.told_address)
    if session.remote.peer_id:
        shape["peerid"] = encode_base58(session.remote.peer_id)
    relay, gossip = peer.relay, peer.gossip
    shape |= {
        "network": network_of(session.remote),
        "services": f"{session.services:016x}",
        "servicesnames": service_names(session.services),
        "relaytxes": session.relays_transactions if relay is None else relay.wants_transactions,
        # Bitcoin Core's count of changes to the mempool begins at 1, ours of entries at 0.
        "last_inv_sequence": 0 if relay is None else relay.last_inv_sequence + 1,
        "inv_to_send": 0 if relay is None else relay.queued_count,
        "lastsend": 0 if link is None else link.last_sent_at // SECOND_US,
        "lastrecv": session.last_receive_at // SECOND_US if session.received_by_command else 0,
        "last_transaction": session.last_transaction_at // SECOND_US,
        "last_block": session.last_block_at // SECOND_US,
        "bytessent": 0 if link is None else link.sent,
        "bytesrecv": 0 if link is None else link.received,
        "conntime": session.opened_at // SECOND_US,
        "timeoffset": session.time_offset_s,
    }
    if session.ping_us >= 0:
        shape |= {"pingtime": session.ping_us / SECOND_US, "minping": session.ping_min_us / SECOND_US}
    if session.ping_sent_at is not None and now > session.ping_sent_at:
        shape["pingwait"] = (now - session.ping_sent_at) / SECOND_US
    return shape | {
        "version": session.version,
        "subver": session.user_agent,
        "inbound": session.inbound,
        # We ask nobody for unannounced compact blocks.
        "bip152_hb_to": False,
        "bip152_hb_from": session.wants_compact_blocks,
        "startingheight": session.start_height,
        "presynced_headers": peer.presynced_headers,
        "synced_headers": peer.synced_headers,
        "synced_blocks": peer.synced_blocks,
        "inflight": list(peer.in_flight),
        "addr_relay_enabled": gossip is not None,
        "addr_processed": 0 if gossip is None else gossip.processed_count,
        "addr_rate_limited": 0 if gossip is None else gossip.rate_limited_count,
        "permissions": [*permission_names(peer.session.permissions)],
        "minfeefilter": Amount(session.feefilter_sat_per_kvb),
        "bytessent_per_msg": {} if link is None else dict(link.sent_by_command),
        "bytesrecv_per_msg": dict(session.received_by_command),
        "connection_type": _CONNECTION_TYPES.get(peer.kind, peer.kind),
        "transport_protocol_type": "libp2p" if session.remote.peer_id else "v1",
        "session_id": "",
        "state": str(session.state),
        "banscore": peer.score,
    }


async def get_connection_count(call: Call) -> Json:
    return sum(await call.port.query(lambda node: node.network.counts()))


async def get_net_totals(call: Call) -> Json:
    sent, received = call.port.traffic_total()
    return {"totalbytesrecv": received, "totalbytessent": sent, "timemillis": time.time_ns() // 1_000_000}


async def get_node_addresses(call: Call) -> Json:
    count, wanted = call.integer("count"), call.text("network") if call.has("network") else ""
    if count < 0:
        raise RpcError(INVALID_PARAMETER, "Address count out of range")
    if wanted and wanted not in NETWORKS:
        raise RpcError(INVALID_PARAMETER, f"Network not recognized: {wanted}")
    known = [timed for timed in await read_addresses(call.port) if not wanted or network_name(timed.address) == wanted]
    return [
        {
            "time": timed.time,
            "services": timed.services,
            "address": timed.address.host,
            "port": timed.address.port,
            "peerid": encode_base58(timed.address.peer_id),
            "network": network_name(timed.address),
        }
        for timed in known[: count or None]
    ]


async def read_addresses(port: NodePort) -> list[TimedAddress]:
    """The whole address book, latest heard of first."""
    found: list[TimedAddress] = []
    while page := await _addresses_behind(port, len(found)):
        found += page
    return sorted(found, key=lambda timed: -timed.time)


async def _addresses_behind(port: NodePort, skip: int) -> tuple[TimedAddress, ...]:
    return await port.query(lambda node: node.network.known_addresses(QUERY_PAGE_ADDRESSES_MAX, skip))


async def ping(call: Call) -> Json:
    await call.port.command(PingPeers())
    return None


METHODS = (
    Method(
        "getnetworkinfo",
        Category.NETWORK,
        "This node as its peers see it, and its connections.",
        "An object: version, subversion, protocolversion, localservices, connections, networks "
        f"({', '.join(NETWORKS)}), relayfee, localaddresses, peerid (the libp2p identity), multiaddrs (where it "
        "listens), overlay (the network model), overlay_role, letters, registry (null, or an object: kind, endpoint, "
        "connected_since, unreachable_since, last_heard, announced, nodes, nodes_listed, records, ignored, max_age, "
        "error, warnings), warnings and more.",
        get_network_info,
    ),
    Method(
        "getpeerinfo",
        Category.NETWORK,
        "Every connection.",
        "An array of objects: id, addr, addrbind, addrlocal (our address as the peer sees it), peerid (on libp2p), "
        f"network ({', '.join(NETWORKS)}, not_publicly_routable), services, relaytxes, last_inv_sequence, "
        "inv_to_send, lastsend, lastrecv, last_transaction, last_block, bytessent, bytesrecv, conntime, pingtime, "
        "minping, pingwait (a ping "
        "without an answer yet), version, subver, inbound, presynced_headers, synced_headers, "
        "synced_blocks, inflight, addr_processed, "
        "addr_rate_limited, minfeefilter, bytessent_per_msg, bytesrecv_per_msg, connection_type, "
        "transport_protocol_type (v1 or libp2p), state, banscore, overlay_role (what it is to the network model) and "
        "more.",
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
        "getnodeaddresses",
        Category.NETWORK,
        "Addresses of nodes this node has heard of, latest first.",
        "An array of objects: time, services, address, port, peerid, network.",
        get_node_addresses,
        (
            optional("count", Kind.INTEGER, 1, "How many at most; 0 for all."),
            optional("network", Kind.TEXT, None, f"Only of one network ({', '.join(NETWORKS)})."),
        ),
    ),
    Method("ping", Category.NETWORK, "Ping every peer; getpeerinfo tells the times.", "null", ping),
)
