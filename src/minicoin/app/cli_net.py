"""`minicoin net`: the peers of a running node, and who this and other nodes are."""

from decimal import Decimal
from typing import Annotated

import typer

from minicoin.app.client import NoNode, as_array, as_object
from minicoin.app.loading import load
from minicoin.app.session import Session
from minicoin.app.show import Table, counted, describe
from minicoin.core.faults import MisuseError

_Address = Annotated[str, typer.Argument(help="HOST, HOST:PORT or a multiaddr.")]
_Subject = Annotated[str, typer.Argument(help="An IP, a subnet, HOST:PORT or a peer id.")]


def peers(session: Session) -> None:
    """Every connection."""
    rows = as_array(session.call("getpeerinfo"))
    if not rows:
        session.show(rows, "no peers; connect to one with: minicoin net add ADDRESS")
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
    session.show(rows, table)


def add(
    session: Session,
    address: _Address,
    once: Annotated[bool, typer.Option("--once", help="Try once, do not keep it.")] = False,
) -> None:
    """Connect to a node and keep the connection."""
    session.call("addnode", address, "onetry" if once else "add")
    session.show({"added": address}, f"connecting to {address}")


def remove(session: Session, address: _Address) -> None:
    """Stop keeping a connection."""
    session.call("addnode", address, "remove")
    session.show({"removed": address}, f"{address} is no longer kept")


def added(session: Session) -> None:
    """The nodes kept by `net add`."""
    rows = as_array(session.call("getaddednodeinfo"))
    table = Table("address", "state")
    for row in map(as_object, rows):
        table.add(str(row["addednode"]), "connected" if row["connected"] else "not connected")
    session.show(rows, table if rows else "none")


def disconnect(
    session: Session, peer: Annotated[str, typer.Argument(help="HOST:PORT, or an id of `net peers`.")]
) -> None:
    """Close a connection."""
    if peer.isascii() and peer.isdigit():
        session.client.call_named("disconnectnode", nodeid=int(peer))
    else:
        session.call("disconnectnode", peer)
    session.show({"disconnected": peer}, f"disconnected {peer}")


def ban(
    session: Session,
    subject: _Subject,
    seconds: Annotated[int, typer.Option(min=0, help="For how long; 0 for the configured time.")] = 0,
) -> None:
    """Refuse somebody for a time."""
    session.call("setban", subject, "add", seconds)
    session.show({"banned": subject}, f"banned {subject}")


def unban(session: Session, subject: _Subject) -> None:
    """Lift a ban."""
    session.call("setban", subject, "remove")
    session.show({"unbanned": subject}, f"unbanned {subject}")


def bans(session: Session) -> None:
    """The bans in force."""
    rows = as_array(session.call("listbanned"))
    table = Table("whom", ">seconds left", "why")
    for row in map(as_object, rows):
        table.add(str(row["address"]), str(row["time_remaining"]), str(row["ban_reason"]))
    session.show(rows, table if rows else "no bans")


def addresses(
    session: Session, count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many.")] = 50
) -> None:
    """Addresses of nodes this node has heard of."""
    rows = as_array(session.call("getnodeaddresses", count))
    table = Table("address", ">port")
    for row in map(as_object, rows):
        table.add(str(row["address"]), str(row["port"]))
    session.show(rows, table if rows else "none")


def ping(
    session: Session,
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
        code = load("visit").show_visit(session, address, count, dns)
        if code:
            raise typer.Exit(code)
        return
    try:
        session.call("ping")
        connected = len(as_array(session.call("getpeerinfo")))
    except NoNode as error:
        raise MisuseError(f"{error}; or name a peer to visit, which needs no node: minicoin net ping ADDRESS") from None
    told = f"pinged {counted(connected, 'peer')}; the times: minicoin net peers"
    session.show({"pinged": True}, told if connected else "no peers to ping; name one: minicoin net ping ADDRESS")


def identity(session: Session) -> None:
    """Who this node is: its peer id, and where it can be dialled.

    Where it can be dialled is known while it runs.
    """
    try:
        found = as_object(session.call("getnetworkinfo"))
    except NoNode:
        peer = str(load("identity").known_identity(session.datadir).peer_id)
        session.show({"peerid": peer, "multiaddrs": []}, f"{peer}\nnot running: its addresses are known while it runs")
        return
    where = list(as_array(found["multiaddrs"]))
    lines = [str(found["peerid"]), *(map(str, where) if where else ("it does not listen",))]
    if not found["peerid"]:
        lines = ["none: this node speaks plain TCP only"]
    session.show({"peerid": found["peerid"], "multiaddrs": where}, "\n".join(lines))


def info(session: Session) -> None:
    """This node as its peers see it."""
    found = as_object(session.call("getnetworkinfo"))
    names = ("subversion", "protocolversion", "connections_in", "connections_out", "listenport", "relayfee")
    session.show(found, describe({name: found[name] for name in names}))
