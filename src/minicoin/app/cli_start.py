"""`minicoin startnode`: the options of a node. What they mean is `options`; what runs the node is loaded after them."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from minicoin.app.loading import load
from minicoin.app.places import DEFAULT_NETWORK
from minicoin.app.shared import DatadirOption, NetworkOption
from minicoin.app.show import EXIT_FAILED, error_line
from minicoin.core.faults import MisuseError


def startnode(
    context: typer.Context,
    network: NetworkOption = DEFAULT_NETWORK,
    datadir: DatadirOption = None,
    listen: Annotated[
        int | None, typer.Option("--listen", "-l", min=0, max=65535, help="Port to listen on; 0 for any free one.")
    ] = None,
    no_listen: Annotated[bool, typer.Option("--no-listen", help="Take no connections.")] = False,
    bind: Annotated[list[str] | None, typer.Option(help="Address to listen on; repeatable.")] = None,
    dial: Annotated[list[str] | None, typer.Option("--dial", "-d", help="Address to connect to and keep.")] = None,
    addnode: Annotated[list[str] | None, typer.Option(help="The same, by Bitcoin Core's name.")] = None,
    connect: Annotated[list[str] | None, typer.Option(help="Connect to these only; 0 for nobody.")] = None,
    seednode: Annotated[list[str] | None, typer.Option(help="Ask this node for addresses, then leave it.")] = None,
    dnsseed: Annotated[bool | None, typer.Option("--dnsseed/--no-dnsseed", help="Ask the network's DNS seeds.")] = None,
    miner: Annotated[str | None, typer.Option(help="Mine to this address.")] = None,
    transport: Annotated[
        Literal["libp2p", "tcp"] | None, typer.Option(help="How to speak to nodes. [default: what the network uses]")
    ] = None,
    plainport: Annotated[
        int | None,
        typer.Option("--plain-port", "--plainport", min=0, max=65535, help="Listen for plain TCP here as well."),
    ] = None,
    identity: Annotated[
        Path | None,
        typer.Option(help="Key file (ours, go-libp2p's or js-libp2p's) to take over as the node's libp2p identity."),
    ] = None,
    identity_seed: Annotated[
        int | None, typer.Option("--identity-seed", "-seed", help="An identity made from a number; for tests only.")
    ] = None,
    allow_peer: Annotated[
        list[str] | None, typer.Option("--allow-peer", help="Peer id that may connect, nobody else; repeatable.")
    ] = None,
    mdns: Annotated[
        bool | None, typer.Option("--mdns/--no-mdns", help="Look for nodes on the local link (private networks).")
    ] = None,
    dns: Annotated[str | None, typer.Option(help="Name server IP:PORT to ask. [default: the system's]")] = None,
    rpcbind: Annotated[str | None, typer.Option(help="Address for RPC. [default: 127.0.0.1]")] = None,
    rpcport: Annotated[int | None, typer.Option(min=0, max=65535, help="Port for RPC.")] = None,
    rpcuser: Annotated[str | None, typer.Option(help="RPC user besides the cookie.")] = None,
    rpcpassword: Annotated[str | None, typer.Option(envvar="MINICOIN_RPCPASSWORD", help="Its password.")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="TOML file with the same keys.")] = None,
    banscore: Annotated[int | None, typer.Option(help="Misbehaviour that bans.")] = None,
    bantime: Annotated[int | None, typer.Option(help="For how many seconds.")] = None,
    maxinbound: Annotated[int | None, typer.Option(help="Inbound connections at most.")] = None,
    scriptthreads: Annotated[int | None, typer.Option(help="Threads that verify scripts.")] = None,
    mininginterval: Annotated[
        float | None, typer.Option(help="Least seconds between own blocks where work is trivial.")
    ] = None,
    record: Annotated[
        Path | None,
        typer.Option(help="New file for all that the node handles, to be replayed; the wallet is off meanwhile."),
    ] = None,
    recordmax: Annotated[
        int | None, typer.Option("--record-max-mb", "--recordmaxmb", help="Its length at most, in MB. [default: 1024]")
    ] = None,
    jsonlogs: Annotated[bool, typer.Option("--json-logs", help="Log lines as JSON.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Log what every transaction and dial brings.")
    ] = False,
) -> None:
    """Run a node until Ctrl-C or `minicoin stop`.

    Prints its address and the commands to join it.
    """
    source = context.get_parameter_source("network")
    is_default = source is not None and source.name == "DEFAULT"
    given: dict[str, object] = {
        "network": None if is_default else network,
        "datadir": None if datadir is None else datadir.expanduser(),
        "listen_port": listen,
        "listen": False if no_listen else None,
        "bind": tuple(bind or ()),
        "dial": tuple(dial or ()),
        "add_nodes": tuple(addnode or ()),
        "connect": tuple(connect or ()),
        "seed_nodes": tuple(seednode or ()),
        "dns_seed": dnsseed,
        "miner": miner,
        "transport": transport,
        "plain_port": plainport,
        "identity_file": identity,
        "identity_seed": identity_seed,
        "allow_peers": tuple(allow_peer or ()),
        "mdns": mdns,
        "nameserver": dns,
        "rpc_bind": rpcbind,
        "rpc_port": rpcport,
        "rpc_user": rpcuser,
        "rpc_password": rpcpassword,
        "ban_score": banscore,
        "ban_time_s": bantime,
        "inbound_slots": maxinbound,
        "script_threads": scriptthreads,
        "mining_interval_s": mininginterval,
        "record": None if record is None else record.expanduser(),
        "record_max_mb": recordmax,
        "log_json": jsonlogs or None,
        "verbose": verbose or None,
    }
    try:
        options = load("options").make_options(given, config)
    except MisuseError as error:
        typer.echo(error_line(str(error)), err=True)
        raise typer.Exit(EXIT_FAILED) from error
    raise typer.Exit(load("run").run_node(options))
