"""`minicoin net`: the peers of a running node, and who this and other nodes are."""

import time
from decimal import Decimal
from typing import Annotated

import typer

from minicoin.app.client import NoNode, as_array, as_object
from minicoin.app.invocation import Invocation
from minicoin.app.loading import load
from minicoin.app.show import Table, counted, describe
from minicoin.core.faults import MisuseError
from minicoin.rpc.json_text import Json

_Address = Annotated[str, typer.Argument(help="HOST, HOST:PORT or a multiaddr.")]
_Subject = Annotated[str, typer.Argument(help="An IP, a subnet, HOST:PORT or a peer id.")]


def peers(invocation: Invocation) -> None:
    """Every connection."""
    rows = as_array(invocation.call("getpeerinfo"))
    if not rows:
        invocation.show(rows, "no peers; connect to one with: minicoin net add ADDRESS")
        return
    table = Table(">id", "address", "direction", ">height", ">ping ms", ">sent", ">received", "program")
    for row in map(as_object, rows):
        ping = row.get("pingtime")
        table.add(
            str(row["id"]),
            str(row["addr"]),
            "inbound" if row["inbound"] else str(row["connection_type"]),
            str(max(int(str(row["synced_headers"])), int(str(row["startingheight"])))),
            "" if ping is None else f"{1000 * Decimal(str(ping)):.1f}",
            str(row["bytessent"]),
            str(row["bytesrecv"]),
            str(row["subver"]) or str(row["state"]),
        )
    invocation.show(rows, table)


def add(
    invocation: Invocation,
    address: _Address,
    once: Annotated[bool, typer.Option("--once", help="Try once, do not keep it.")] = False,
) -> None:
    """Connect to a node and keep the connection."""
    invocation.call("addnode", address, "onetry" if once else "add")
    invocation.show({"added": address}, f"connecting to {address}")


def remove(invocation: Invocation, address: _Address) -> None:
    """Stop keeping a connection."""
    invocation.call("addnode", address, "remove")
    invocation.show({"removed": address}, f"{address} is no longer kept")


def added(invocation: Invocation) -> None:
    """The nodes kept by `net add`."""
    rows = as_array(invocation.call("getaddednodeinfo"))
    table = Table("address", "state")
    for row in map(as_object, rows):
        table.add(str(row["addednode"]), "connected" if row["connected"] else "not connected")
    invocation.show(rows, table if rows else "none")


def disconnect(
    invocation: Invocation, peer: Annotated[str, typer.Argument(help="HOST:PORT, or an id of `net peers`.")]
) -> None:
    """Close a connection."""
    if peer.isascii() and peer.isdigit():
        invocation.client.call_named("disconnectnode", nodeid=int(peer))
    else:
        invocation.call("disconnectnode", peer)
    invocation.show({"disconnected": peer}, f"disconnected {peer}")


def ban(
    invocation: Invocation,
    subject: _Subject,
    seconds: Annotated[int, typer.Option(min=0, help="For how long; 0 for the configured time.")] = 0,
) -> None:
    """Refuse somebody for a time."""
    invocation.call("setban", subject, "add", seconds)
    invocation.show({"banned": subject}, f"banned {subject}")


def unban(invocation: Invocation, subject: _Subject) -> None:
    """Lift a ban."""
    invocation.call("setban", subject, "remove")
    invocation.show({"unbanned": subject}, f"unbanned {subject}")


def bans(invocation: Invocation) -> None:
    """The bans in force."""
    rows = as_array(invocation.call("listbanned"))
    table = Table("whom", ">seconds left", "why")
    for row in map(as_object, rows):
        table.add(str(row["address"]), str(row["time_remaining"]), str(row["ban_reason"]))
    invocation.show(rows, table if rows else "no bans")


def addresses(
    invocation: Invocation, count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many.")] = 50
) -> None:
    """Addresses of nodes this node has heard of."""
    rows = as_array(invocation.call("getnodeaddresses", count))
    table = Table("address", ">port")
    for row in map(as_object, rows):
        table.add(str(row["address"]), str(row["port"]))
    invocation.show(rows, table if rows else "none")


def ping(
    invocation: Invocation,
    address: Annotated[
        str | None, typer.Argument(help="A libp2p peer to visit, as a multiaddr; every peer of the node by default.")
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many pings.")] = 3,
    dns: Annotated[str | None, typer.Option(help="Name server IP:PORT to ask. [default: the system's]")] = None,
) -> None:
    """Ping any libp2p peer, which needs no node; or all peers of the node.

    Without an address the running node pings its peers.
    """
    if address is not None:
        code = load("visit").show_visit(invocation, address, count, dns)
        if code:
            raise typer.Exit(code)
        return
    try:
        invocation.call("ping")
        connected = len(as_array(invocation.call("getpeerinfo")))
    except NoNode as error:
        raise MisuseError(f"{error}; or name a peer to visit, which needs no node: minicoin net ping ADDRESS") from None
    told = f"pinged {counted(connected, 'peer')}; the times: minicoin net peers"
    invocation.show({"pinged": True}, told if connected else "no peers to ping; name one: minicoin net ping ADDRESS")


def identity(invocation: Invocation) -> None:
    """Who this node is: its peer id, and where it can be dialled.

    Where it can be dialled is known while it runs.
    """
    try:
        found = as_object(invocation.call("getnetworkinfo"))
    except NoNode:
        peer = str(load("identity").known_identity(invocation.datadir).peer_id)
        invocation.show(
            {"peerid": peer, "multiaddrs": []}, f"{peer}\nnot running: its addresses are known while it runs"
        )
        return
    where = list(as_array(found["multiaddrs"]))
    lines = [str(found["peerid"]), *(map(str, where) if where else ("it does not listen",))]
    if not found["peerid"]:
        lines = ["none: this node speaks plain TCP only"]
    invocation.show({"peerid": found["peerid"], "multiaddrs": where}, "\n".join(lines))


def info(invocation: Invocation) -> None:
    """This node as its peers see it."""
    found = as_object(invocation.call("getnetworkinfo"))
    names = ("subversion", "protocolversion", "connections_in", "connections_out", "listenport", "relayfee")
    invocation.show(found, describe({name: found[name] for name in names}))


def registry(invocation: Invocation) -> None:
    """The registry: whether it is there, and what it told."""
    info = as_object(invocation.call("getnetworkinfo"))
    if info["registry"] is None:
        invocation.show(
            None,
            "none; start the node with --registry file:///FOLDER, or etcd://, consul:// or zookeeper://HOST:PORT/PREFIX",
        )
        return
    found = as_object(info["registry"])
    shown: dict[str, Json] = {
        "registry": found["kind"],
        "endpoint": found["endpoint"],
        "state": _state_of(found),
        "last heard": _moment(found["last_heard"]),
        "our entry": "stands there" if found["announced"] else "does not stand there",
        "other nodes": f"{found['nodes_listed']} listed, {found['nodes']} known",
        "records": found["records"],
        "ignored": found["ignored"],
        "max age": f"{found['max_age']} s",
        "error": found["error"] or "none",
        "warnings": found["warnings"],
    }
    invocation.show(found, describe(shown))


def _state_of(registry: dict[str, Json]) -> str:
    if registry["connected_since"] is not None:
        return f"connected since {_moment(registry['connected_since'])}"
    if registry["unreachable_since"] is not None:
        return f"not reached since {_moment(registry['unreachable_since'])}; the node goes on with what it has"
    return "being read"


def _moment(seconds: Json) -> str:
    if seconds is None:
        return "never"
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(int(str(seconds))))
