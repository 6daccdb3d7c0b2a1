"""The command line: short verbs for what people do most, groups for the rest.

A running node is driven through its RPC, never through its files; `chain import`, `export` and `verify` work on the
files of a node that does not run. Completion: minicoin --install-completion.
"""

import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from minicoin.app import cli_chain, cli_data, cli_lab, cli_net, cli_network, cli_sim, cli_wallet
from minicoin.app.client import as_array, as_object
from minicoin.app.options import DEFAULT_NETWORK, make_options
from minicoin.app.run import run_node
from minicoin.app.session import (
    EXIT_FAILED,
    DatadirOption,
    NetworkOption,
    Session,
    fail,
    fold_hashes,
    with_session,
    words,
)
from minicoin.core.faults import MisuseError
from minicoin.drivers.transport import TransportKind
from minicoin.rpc.auth import read_cookie
from minicoin.rpc.json_text import Json, decode_json, format_json
from minicoin.rpc.table import METHODS

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="minicoin: a blockchain network you can run.",
)
app.add_typer(cli_chain.app, name="chain")
app.add_typer(cli_net.app, name="net")
app.add_typer(cli_wallet.app, name="wallet")
app.add_typer(cli_network.app, name="network")
app.add_typer(cli_data.app, name="data")
app.add_typer(cli_lab.app, name="lab")
app.add_typer(cli_sim.app, name="sim")

_STOP_WAIT_S = 60
_STOP_POLL_S = 0.05
_BLOCKS_SHOWN = 10


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"minicoin {version('minicoin')}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[bool, typer.Option("--version", callback=_show_version, is_eager=True, help="The version.")] = False,
) -> None:
    """minicoin: a blockchain network you can run."""


@app.command()
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
        TransportKind | None, typer.Option(help="How to speak to nodes. [default: what the network uses]")
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
    """Run a node until Ctrl-C or `minicoin stop`. Prints its address and the command to join it."""
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
        options = make_options(given, config)
    except MisuseError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(EXIT_FAILED) from error
    raise typer.Exit(run_node(options))


def stop(session: Session) -> None:
    """Stop the running node, and wait until it has ended."""
    session.call("stop")
    deadline = time.monotonic() + _STOP_WAIT_S
    while read_cookie(session.datadir) is not None:
        if time.monotonic() > deadline:
            fail(session, f"the node has not ended within {_STOP_WAIT_S} s")
        time.sleep(_STOP_POLL_S)
    session.show({"stopped": True}, "stopped")


def getinfo(session: Session) -> None:
    """The node at a glance: chain, peers, mempool, mining, wallet."""
    chain = as_object(session.call("getblockchaininfo"))
    network = as_object(session.call("getnetworkinfo"))
    mempool = as_object(session.call("getmempoolinfo"))
    mining = as_object(session.call("getmininginfo"))
    has_wallet = bool(as_array(session.call("listwallets")))
    found: dict[str, Json] = {
        "version": network["subversion"],
        "chain": chain["chain"],
        "blocks": chain["blocks"],
        "headers": chain["headers"],
        "bestblockhash": chain["bestblockhash"],
        "synced": not chain["initialblockdownload"],
        "difficulty": chain["difficulty"],
        "connections_in": network["connections_in"],
        "connections_out": network["connections_out"],
        "mempool": mempool["size"],
        "mining": mining["mining"],
        "uptime": session.call("uptime"),
        "datadir": str(session.datadir),
        "balance": session.call("getbalance") if has_wallet else None,
        "warnings": chain["warnings"],
    }

    def show(console: Console) -> None:
        table = Table(box=None, show_header=False)
        for name, value in found.items():
            if name == "balance" and value is None:
                value = "no wallet (minicoin createwallet)"
            if value != []:
                table.add_row(name, words(value))
        console.print(table)

    session.show(found, show)


def printchain(
    session: Session,
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many blocks.")] = _BLOCKS_SHOWN,
    start: Annotated[int | None, typer.Option("--from", min=0, help="The first; the latest by default.")] = None,
) -> None:
    """The blocks of the best chain, highest last."""
    top = int(str(session.call("getblockcount")))
    first = max(top - count + 1, 0) if start is None else start
    rows: list[Json] = []
    for height in range(first, min(first + count, top + 1)):
        rows.append(session.call("getblock", session.call("getblockhash", height), 1))

    def show(console: Console) -> None:
        table = fold_hashes(Table("height", "hash", "time (UTC)", "transactions", "bytes", box=None), 1)
        for block in map(as_object, rows):
            moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(int(str(block["time"]))))
            size = str(block["size"])
            table.add_row(str(block["height"]), str(block["hash"]), moment, str(block["nTx"]), size)
        console.print(table)

    session.show(rows, show)


def mine(
    session: Session,
    count: Annotated[int, typer.Argument(min=0, help="How many blocks, now.")] = 1,
    address: Annotated[str | None, typer.Option("--to", help="Who is paid; a fresh wallet address by default.")] = None,
    start: Annotated[bool, typer.Option("--start", help="Keep mining from now on.")] = False,
    stop_mining: Annotated[bool, typer.Option("--stop", help="Stop mining.")] = False,
) -> None:
    """Mine blocks: some now, or from now on."""
    if start and stop_mining:
        raise MisuseError("--start and --stop exclude each other")
    if stop_mining:
        session.show(session.call("setmining", ""), "mining stopped")
        return
    paid = address or str(session.call("getnewaddress", "mining"))
    if start:
        session.show(session.call("setmining", paid), f"mining to {paid}")
        return
    with Console(stderr=True).status(f"mining {count} blocks"):
        found = as_array(session.call("generatetoaddress", count, paid))
    session.show(found, "\n".join(map(str, found)))


def rpc(
    session: Session,
    method: Annotated[str, typer.Argument(help="The method; `minicoin rpc help` lists them.")],
    arguments: Annotated[list[str] | None, typer.Argument(help="Its arguments; NAME=VALUE with --named.")] = None,
    named: Annotated[bool, typer.Option("--named", help="Arguments are NAME=VALUE.")] = False,
) -> None:
    """Call any RPC method."""
    row = next((row for row in METHODS if row.name == method), None)
    texts = arguments or []
    if named:
        pairs = [text.partition("=") for text in texts]
        wrong = next((name for name, separator, _ in pairs if not separator), None)
        if wrong is not None:
            raise MisuseError(f"not NAME=VALUE: {wrong!r}")
        kinds = {argument.name: argument.kind.is_text for argument in row.arguments} if row is not None else {}
        result = session.client.call_named(
            method, **{name: _to_json(value, is_text=kinds.get(name, False)) for name, _, value in pairs}
        )
    else:
        is_text = [argument.kind.is_text for argument in row.arguments] if row is not None else []
        is_text += [False] * len(texts)
        values = [_to_json(text, is_text=as_text) for text, as_text in zip(texts, is_text, strict=False)]
        result = session.call(method, *values)
    session.show(result, result if isinstance(result, str) else format_json(result))


def _to_json(text: str, *, is_text: bool) -> Json:
    """What an argument means: text where the method takes text, else JSON, else text after all."""
    if is_text:
        return text
    try:
        return decode_json(text)
    except ValueError:
        return text


app.command("createwallet")(with_session(cli_wallet.create))
app.command("listaddresses")(with_session(cli_wallet.list_addresses))
app.command("getbalance")(with_session(cli_wallet.balance))
app.command("send")(with_session(cli_wallet.send))
app.command("printchain")(with_session(printchain))
app.command("mine")(with_session(mine))
app.command("getpeerinfo")(with_session(cli_net.peers))
app.command("getinfo")(with_session(getinfo))
app.command("stop")(with_session(stop))
app.command("rpc", context_settings={"ignore_unknown_options": True})(with_session(rpc))


def main() -> None:
    """The program's entry."""
    try:
        app()
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        sys.stderr.close()
        sys.exit(EXIT_FAILED)
