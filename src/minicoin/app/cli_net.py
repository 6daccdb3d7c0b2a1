"""`minicoin net`: the peers of a running node."""

from decimal import Decimal
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from minicoin.app.client import as_array, as_object
from minicoin.app.session import Session, with_session, words

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


def identity(session: Session) -> None:
    """Who this node is on libp2p: the peer id that others dial and that the transport proves."""
    found = as_object(session.call("getnetworkinfo"))
    peer_id = str(found["peerid"])
    session.show({"peerid": peer_id}, peer_id or "none: this node speaks plain TCP only")


def ping(session: Session) -> None:
    """Ping every peer; `net peers` shows the times."""
    session.call("ping")
    session.show({"pinged": True}, "pinged; see minicoin net peers")


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
