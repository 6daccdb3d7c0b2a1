"""`minicoin net`: the peers of a running node, and who this and other nodes are."""

from decimal import Decimal
from importlib.metadata import version
from typing import Annotated

import trio
import typer
from rich.console import Console
from rich.table import Table

from minicoin.app.client import NoNode, as_array, as_object
from minicoin.app.identity import IDENTITY_FILE, read_identity
from minicoin.app.session import EXIT_FAILED, Session, with_session, words
from minicoin.app.visit import Visit, visit
from minicoin.core.faults import MisuseError
from minicoin.core.libp2p.multiaddr import Multiaddr
from minicoin.core.libp2p.node_address import parse_node_address
from minicoin.drivers.resolver import Resolver, parse_nameserver
from minicoin.rpc.json_text import Json

app = typer.Typer(no_args_is_help=True, help="The network: peers, bans, addresses.")

_Address = Annotated[str, typer.Argument(help="HOST, HOST:PORT or a multiaddr.")]
_Subject = Annotated[str, typer.Argument(help="An IP, a subnet, HOST:PORT or a peer id.")]


def peers(session: Session) -> None:
    """Every connection."""
    rows = as_array(session.call("getpeerinfo"))

    def show(console: Console) -> None:
        if not rows:
            console.print("no peers")
            return
        table = Table("id", "address", "direction", "height", "ping ms", "sent", "received", "program", box=None)
        for row in map(as_object, rows):
            ping = row.get("pingtime")
            table.add_row(
                str(row["id"]),
                str(row["addr"]),
                "inbound" if row["inbound"] else str(row["connection_type"]),
                str(max(int(str(row["synced_headers"])), int(str(row["startingheight"])))),
                "" if ping is None else f"{1000 * Decimal(str(ping)):.1f}",
                str(row["bytessent"]),
                str(row["bytesrecv"]),
                str(row["subver"]) or str(row["state"]),
            )
        console.print(table)

    session.show(rows, show)


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
    lines = [
        f"{row['addednode']}  {'connected' if row['connected'] else 'not connected'}" for row in map(as_object, rows)
    ]
    session.show(rows, "\n".join(lines) or "none")


def disconnect(
    session: Session, peer: Annotated[str, typer.Argument(help="HOST:PORT, or an id of `net peers`.")]
) -> None:
    """Close a connection."""
    if peer.isdigit():
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

    def show(console: Console) -> None:
        if not rows:
            console.print("no bans")
            return
        table = Table("whom", "seconds left", "why", box=None)
        for row in map(as_object, rows):
            table.add_row(str(row["address"]), str(row["time_remaining"]), str(row["ban_reason"]))
        console.print(table)

    session.show(rows, show)


def addresses(session: Session, count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000)] = 50) -> None:
    """Addresses of nodes this node has heard of."""
    rows = as_array(session.call("getnodeaddresses", count))
    session.show(rows, "\n".join(f"{row['address']} {row['port']}" for row in map(as_object, rows)) or "none")


def ping(
    session: Session,
    address: Annotated[
        str | None, typer.Argument(help="A libp2p peer to visit, as a multiaddr; every peer of the node by default.")
    ] = None,
    count: Annotated[int, typer.Option("--count", "-n", min=1, max=1000, help="How many pings.")] = 3,
    dns: Annotated[str | None, typer.Option(help="Name server IP:PORT to ask. [default: the system's]")] = None,
) -> None:
    """Ping any libp2p peer, which needs no node; without an address, have the node ping its peers."""
    if address is None:
        session.call("ping")
        session.show({"pinged": True}, "pinged; see minicoin net peers")
        return
    wanted = parse_node_address(address, session.network.default_port)
    resolver = Resolver(None if dns is None else parse_nameserver(dns))
    _show_visit(session, trio.run(visit, wanted, count, f"/minicoin:{version('minicoin')}/", resolver))


def _show_visit(session: Session, found: Visit) -> None:
    endpoint = Multiaddr.of_endpoint(found.endpoint.host, found.endpoint.port, found.peer_id)
    protocols: list[Json] = list(found.description.protocols)
    rtts: list[Json] = [None if rtt is None else rtt / 1000 for rtt in found.rtts_us]
    shape: dict[str, Json] = {
        "peerid": str(found.peer_id),
        "address": str(endpoint),
        "agent": found.description.agent_version,
        "protocols": protocols,
        "rtt_ms": rtts,
    }
    lines = [f"peer id    {found.peer_id}", f"address    {endpoint}", f"agent      {found.description.agent_version}"]
    lines += [f"{'protocols' if not index else '':9}  {name}" for index, name in enumerate(protocols)]
    times = ", ".join("no answer" if rtt is None else f"{rtt / 1000:.2f} ms" for rtt in found.rtts_us)
    session.show(shape, "\n".join([*lines, f"ping       {times}"]))
    if not any(rtt is not None for rtt in found.rtts_us):
        raise typer.Exit(EXIT_FAILED)


def identity(session: Session) -> None:
    """Who this node is: its peer id, and where it can be dialled while it runs."""
    try:
        found = as_object(session.call("getnetworkinfo"))
    except NoNode:
        path = session.datadir / IDENTITY_FILE
        if not path.exists():
            raise MisuseError(f"{session.datadir} has no identity yet: it is made at the first start") from None
        peer = str(read_identity(path).peer_id)
        session.show({"peerid": peer, "multiaddrs": []}, f"{peer}\nnot running: its addresses are known while it runs")
        return
    addresses = list(as_array(found["multiaddrs"]))
    lines = [str(found["peerid"]), *(map(str, addresses) if addresses else ("it does not listen",))]
    if not found["peerid"]:
        lines = ["none: this node speaks plain TCP only"]
    session.show({"peerid": found["peerid"], "multiaddrs": addresses}, "\n".join(lines))


def info(session: Session) -> None:
    """This node as its peers see it."""
    found = as_object(session.call("getnetworkinfo"))

    def show(console: Console) -> None:
        table = Table(box=None, show_header=False)
        for name in ("subversion", "protocolversion", "connections_in", "connections_out", "listenport", "relayfee"):
            table.add_row(name, words(found[name]))
        console.print(table)

    session.show(found, show)


app.command("peers")(with_session(peers))
app.command("add")(with_session(add))
app.command("remove")(with_session(remove))
app.command("added")(with_session(added))
app.command("disconnect")(with_session(disconnect))
app.command("ban")(with_session(ban))
app.command("unban")(with_session(unban))
app.command("bans")(with_session(bans))
app.command("addresses")(with_session(addresses))
app.command("id")(with_session(identity))
app.command("ping")(with_session(ping))
app.command("info")(with_session(info))
