"""Network methods that look: this node, its peers, traffic, known addresses."""

import time

from minicoin.core.encoding.base58 import encode_base58
from minicoin.core.libp2p.node_address import join_address
from minicoin.core.limits import ADDRESSES_PER_MESSAGE_MAX
from minicoin.core.node.commands import (
    PingPeers,
)
from minicoin.core.node.query_peers import PeerView
from minicoin.core.primitives.address import NodeAddress, Services
from minicoin.core.units import SECOND_US
from minicoin.rpc.json_text import Amount, Json
from minicoin.rpc.method import Call, Category, Kind, Method, optional
from minicoin.rpc.port import LinkTraffic
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
        "multiaddrs": [join_address(address) for address in policy.listen_addresses if address.peer_id],
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
    return [_peer_json(peer, traffic.get(peer.session.conn)) for peer in peers]


def _peer_json(peer: PeerView, link: LinkTraffic | None) -> JsonObject:
    session = peer.session
    shape: JsonObject = {"id": session.conn, "addr": str(session.remote)}
    if session.local is not None:
        shape["addrbind"] = str(session.local)
    if session.remote.peer_id:
        shape["peerid"] = encode_base58(session.remote.peer_id)
    shape |= {
        "network": network_of(session.remote),
        "services": f"{session.services:016x}",
        "servicesnames": service_names(session.services),
        "relaytxes": session.relays_transactions,
        "lastrecv": session.last_receive_at // SECOND_US,
        "bytessent": 0 if link is None else link.sent,
        "bytesrecv": 0 if link is None else link.received,
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


async def get_node_addresses(call: Call) -> Json:
    count = call.positive("count", 0, ADDRESSES_PER_MESSAGE_MAX) or ADDRESSES_PER_MESSAGE_MAX
    known = await call.port.query(lambda node: node.network.known_addresses(count))
    return [
        {
            "time": timed.time,
            "services": timed.services,
            "address": timed.address.host,
            "port": timed.address.port,
            "peerid": encode_base58(timed.address.peer_id),
            "network": network_of(timed.address),
        }
        for timed in known
    ]


async def ping(call: Call) -> Json:
    await call.port.command(PingPeers())
    return None


METHODS = (
    Method(
        "getnetworkinfo",
        Category.NETWORK,
        "This node as its peers see it, and its connections.",
        "An object: version, subversion, protocolversion, localservices, connections, relayfee, localaddresses, "
        "peerid (the libp2p identity), multiaddrs (where it listens), warnings and more.",
        get_network_info,
    ),
    Method(
        "getpeerinfo",
        Category.NETWORK,
        "Every connection.",
        "An array of objects: id, addr, peerid (on libp2p), services, version, subver, inbound, connection_type, "
        "bytessent, bytesrecv, "
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
        "getnodeaddresses",
        Category.NETWORK,
        "Addresses of nodes this node has heard of, latest first.",
        "An array of objects: time, services, address, port, peerid, network.",
        get_node_addresses,
        (optional("count", Kind.INTEGER, 1, "How many at most; 0 for a page of all."),),
    ),
    Method("ping", Category.NETWORK, "Ping every peer; getpeerinfo tells the times.", "null", ping),
)
