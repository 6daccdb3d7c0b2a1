"""`minicoin startnode`: the options of a node. What they mean and their defaults are `options`; `run` runs the node."""

from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from typer.models import OptionInfo

from minicoin.app.loading import load
from minicoin.app.log import DEBUG_AREAS
from minicoin.app.options import NodeOptions, make_options
from minicoin.app.places import DEFAULT_NETWORK
from minicoin.app.shared import PANEL, DatadirOption, NetworkOption
from minicoin.app.show import EXIT_FAILED, error_line
from minicoin.core.faults import MisuseError

_CONNECTIONS: Final = "Connections"
_FINDING: Final = "Finding nodes"
_IDENTITY: Final = "Transport and identity"
_RPC: Final = "RPC"
_WORK: Final = "Mining and verification"
_LIMITS: Final = "Limits"
_LOG: Final = "Log and recording"


def _option(
    panel: str, about: str, *names: str, default: str = "", envvar: str | None = None, port: bool = False
) -> OptionInfo:
    """An option of this panel. Its default is told in words, or is that of a field of NodeOptions."""
    field = NodeOptions.model_fields.get(default)
    told = default if field is None else str(field.default)
    info: OptionInfo = typer.Option(
        *names,
        help=about,
        rich_help_panel=panel,
        show_default=told or False,
        envvar=envvar,
        min=0 if port else None,
        max=65535 if port else None,
    )
    return info


def startnode(
    context: typer.Context,
    network: NetworkOption = DEFAULT_NETWORK,
    datadir: DatadirOption = None,
    config: Annotated[
        Path | None, _option(PANEL, "TOML file with the same keys, without hyphens.", "--config", "-c")
    ] = None,
    listen: Annotated[
        int | None,
        _option(
            _CONNECTIONS, "Port to listen on; 0 for any.", "--listen", "-l", default="the network's own", port=True
        ),
    ] = None,
    no_listen: Annotated[bool, _option(_CONNECTIONS, "Take no connections.", "--no-listen")] = False,
    bind: Annotated[
        list[str] | None,
        _option(
            _CONNECTIONS, "Address to listen on; repeatable.", "--bind", default="all; 127.0.0.1 on private networks"
        ),
    ] = None,
    dial: Annotated[
        list[str] | None, _option(_CONNECTIONS, "Address to connect to and keep; repeatable.", "--dial", "-d")
    ] = None,
    addnode: Annotated[
        list[str] | None, _option(_CONNECTIONS, "The same, by Bitcoin Core's name.", "--addnode")
    ] = None,
    connect: Annotated[
        list[str] | None, _option(_CONNECTIONS, "Connect to these only; 0 for nobody.", "--connect")
    ] = None,
    allow_peer: Annotated[
        list[str] | None,
        _option(_CONNECTIONS, "Peer id that may connect, nobody else; repeatable.", "--allow-peer", "--allowpeer"),
    ] = None,
    seednode: Annotated[
        list[str] | None, _option(_FINDING, "Ask this node for addresses, then leave it.", "--seednode")
    ] = None,
    dnsseed: Annotated[
        bool | None, _option(_FINDING, "Ask the network's DNS seeds.", "--dnsseed/--no-dnsseed", default="yes")
    ] = None,
    mdns: Annotated[
        bool | None,
        _option(_FINDING, "Look on the local link (private networks).", "--mdns/--no-mdns", default="the network's"),
    ] = None,
    dns: Annotated[
        str | None, _option(_FINDING, "Name server IP:PORT to ask.", "--dns", default="the system's")
    ] = None,
    transport: Annotated[
        Literal["libp2p", "tcp"] | None,
        _option(_IDENTITY, "How to speak to nodes.", "--transport", default="what the network uses"),
    ] = None,
    plainport: Annotated[
        int | None,
        _option(_IDENTITY, "Listen for plain TCP here as well.", "--plain-port", "--plainport", port=True),
    ] = None,
    identity: Annotated[
        Path | None,
        _option(_IDENTITY, "Key file (ours, go-libp2p's, js-libp2p's) of the identity to take over.", "--identity"),
    ] = None,
    identity_seed: Annotated[
        int | None,
        _option(
            _IDENTITY, "An identity made from a number; for tests only.", "--identity-seed", "--identityseed", "-seed"
        ),
    ] = None,
    secio: Annotated[
        bool, _option(_IDENTITY, "Not needed: libp2p connections are always encrypted.", "--secio", "-secio")
    ] = False,
    rpcbind: Annotated[str | None, _option(_RPC, "Address for RPC.", "--rpcbind", default="rpc_bind")] = None,
    rpcport: Annotated[
        int | None, _option(_RPC, "Port for RPC; 0 for any.", "--rpcport", default="the network's own", port=True)
    ] = None,
    rpcuser: Annotated[str | None, _option(_RPC, "RPC user besides the cookie.", "--rpcuser")] = None,
    rpcpassword: Annotated[
        str | None, _option(_RPC, "Its password.", "--rpcpassword", envvar="MINICOIN_RPCPASSWORD")
    ] = None,
    miner: Annotated[str | None, _option(_WORK, "Mine to this address.", "--miner")] = None,
    mininginterval: Annotated[
        float | None,
        _option(
            _WORK,
            "Least seconds between own blocks where work is trivial.",
            "--mininginterval",
            default="the network's spacing",
        ),
    ] = None,
    scriptthreads: Annotated[
        int | None, _option(_WORK, "Threads that verify scripts.", "--scriptthreads", default="script_threads")
    ] = None,
    banscore: Annotated[
        int | None, _option(_LIMITS, "Misbehaviour that bans.", "--banscore", default="ban_score")
    ] = None,
    bantime: Annotated[int | None, _option(_LIMITS, "For how many seconds.", "--bantime", default="ban_time_s")] = None,
    maxinbound: Annotated[
        int | None, _option(_LIMITS, "Inbound connections at most.", "--maxinbound", default="inbound_slots")
    ] = None,
    jsonlogs: Annotated[bool, _option(_LOG, "Log lines as JSON.", "--json-logs", "--jsonlogs")] = False,
    verbose: Annotated[bool, _option(_LOG, "The same as --debug all.", "--verbose", "-v")] = False,
    debug: Annotated[
        list[str] | None,
        _option(_LOG, f"Log all of an area: {', '.join(DEBUG_AREAS)}; repeatable.", "--debug"),
    ] = None,
    logfile: Annotated[Path | None, _option(_LOG, "File for the log.", "--logfile", default="standard error")] = None,
    record: Annotated[
        Path | None,
        _option(_LOG, "New file for all that is handled, to be replayed; the wallet is off meanwhile.", "--record"),
    ] = None,
    recordmax: Annotated[
        int | None,
        _option(_LOG, "Its length at most, in MB.", "--record-max-mb", "--recordmaxmb", default="record_max_mb"),
    ] = None,
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
        "debug": tuple(debug or ()),
        "log_file": None if logfile is None else logfile.expanduser(),
    }
    try:
        options = make_options(given, config)
        if secio:
            _note_encryption(options)
    except MisuseError as error:
        typer.echo(error_line(str(error)), err=True)
        raise typer.Exit(EXIT_FAILED) from error
    raise typer.Exit(load("run").run_node(options))


def _note_encryption(options: NodeOptions) -> None:
    """For those who know the flag from elsewhere. Raises MisuseError where the node would not encrypt."""
    if not options.uses_libp2p(options.load_network()):
        raise MisuseError("-secio: this node speaks plain TCP, which is not encrypted; choose --transport libp2p")
    typer.echo("-secio is not needed: libp2p connections are always encrypted (Noise)", err=True)
