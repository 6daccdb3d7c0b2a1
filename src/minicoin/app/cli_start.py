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
_POOL: Final = "Mempool and relay"
_TESTS: Final = "For tests"


def _option(
    panel: str,
    about: str,
    *names: str,
    default: str = "",
    envvar: str | None = None,
    port: bool = False,
    metavar: str | None = None,
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
        metavar=metavar,
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
    role: Annotated[
        str | None,
        _option(
            _FINDING,
            "Its role in the network's model, as super or leaf.",
            "--role",
            default="the model's first",
        ),
    ] = None,
    mdns: Annotated[
        bool | None,
        _option(_FINDING, "Look on the local link (private networks).", "--mdns/--no-mdns", default="the network's"),
    ] = None,
    dns: Annotated[
        str | None, _option(_FINDING, "Name server IP:PORT to ask.", "--dns", default="the system's")
    ] = None,
    registry: Annotated[
        str | None,
        _option(
            _FINDING,
            "Where nodes find each other: file:///FOLDER, etcd://, consul:// or zookeeper:// HOST:PORT,.../PREFIX.",
            "--registry",
        ),
    ] = None,
    registry_ca: Annotated[
        Path | None,
        _option(_FINDING, "Who signs its certificates (PEM); turns TLS on.", "--registry-ca", "--registryca"),
    ] = None,
    registry_cert: Annotated[
        Path | None,
        _option(_FINDING, "Our certificate for it, without a CommonName.", "--registry-cert", "--registrycert"),
    ] = None,
    registry_key: Annotated[Path | None, _option(_FINDING, "Its key.", "--registry-key", "--registrykey")] = None,
    registry_user: Annotated[
        str | None, _option(_FINDING, "Who we are to it.", "--registry-user", "--registryuser")
    ] = None,
    registry_password_file: Annotated[
        Path | None,
        _option(_FINDING, "File with that user's password.", "--registry-password-file"),
    ] = None,
    registry_token_file: Annotated[
        Path | None,
        _option(_FINDING, "File with our token, for Consul.", "--registry-token-file"),
    ] = None,
    registry_max_age: Annotated[
        int | None,
        _option(
            _FINDING,
            "Seconds that its last word of nodes we never met counts when it is gone.",
            "--registry-max-age",
            "--registrymaxage",
            default="registry_max_age_s",
        ),
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
    anchor: Annotated[
        Path | None,
        _option(
            _IDENTITY,
            "File with a block that a member vouches for: a chain without it is refused (networks that members sign).",
            "--anchor",
        ),
    ] = None,
    recovery: Annotated[
        list[Path] | None,
        _option(
            _IDENTITY,
            "File of a recovery that your bank agreed to: the chain goes on by it. Kept in the data directory.",
            "--recovery",
        ),
    ] = None,
    sign_from: Annotated[
        int | None,
        _option(
            _IDENTITY,
            "You answer for it that this node's signing key, whose record is lost, signed nothing from this block on.",
            "--sign-from",
            "--signfrom",
        ),
    ] = None,
    standby: Annotated[
        bool,
        _option(
            _IDENTITY,
            "Another node signs with this node's key: follow, and sign nothing until `minicoin members takeover`.",
            "--standby",
        ),
    ] = False,
    signer: Annotated[
        str | None,
        _option(
            _IDENTITY,
            "The socket of a `minicoin signer`, which holds this node's signing key.",
            "--signer",
            metavar="unix:PATH",
        ),
    ] = None,
    rpcbind: Annotated[str | None, _option(_RPC, "Address for RPC.", "--rpcbind", default="rpc_bind")] = None,
    rpcport: Annotated[
        int | None, _option(_RPC, "Port for RPC; 0 for any.", "--rpcport", default="the network's own", port=True)
    ] = None,
    rpcuser: Annotated[str | None, _option(_RPC, "RPC user besides the cookie.", "--rpcuser")] = None,
    rpcpassword: Annotated[
        str | None, _option(_RPC, "Its password.", "--rpcpassword", envvar="MINICOIN_RPCPASSWORD")
    ] = None,
    rpcauth: Annotated[
        list[str] | None,
        _option(_RPC, "USER:SALT$HASH of one more RPC user (Bitcoin Core's rpcauth.py); repeatable.", "--rpcauth"),
    ] = None,
    rpcservertimeout: Annotated[
        int | None,
        _option(_RPC, "Seconds that a connection may be silent between two calls.", "--rpcservertimeout", default="30"),
    ] = None,
    rpcwhitelist: Annotated[
        list[str] | None, _option(_RPC, "USER:METHOD,...: what that RPC user may call; repeatable.", "--rpcwhitelist")
    ] = None,
    rpcwhitelistdefault: Annotated[
        str | None,
        _option(
            _RPC,
            "Whether users without a rpcwhitelist may call nothing.",
            "--rpcwhitelistdefault",
            default="1 if any has one",
            metavar="0|1",
        ),
    ] = None,
    rpcallowip: Annotated[
        list[str] | None,
        _option(_RPC, "Who may call RPC; only this machine's addresses, until there is TLS.", "--rpcallowip"),
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
    minrelaytxfee: Annotated[
        str | None,
        _option(
            _POOL,
            "Least fee of transactions that are relayed, mined and kept, in coins per 1,000 vbytes.",
            "--minrelaytxfee",
        ),
    ] = None,
    incrementalrelayfee: Annotated[
        str | None, _option(_POOL, "What a replacement must add, in coins per 1,000 vbytes.", "--incrementalrelayfee")
    ] = None,
    dustrelayfee: Annotated[
        str | None,
        _option(
            _POOL, "Fee rate at which an output must be worth spending, in coins per 1,000 vbytes.", "--dustrelayfee"
        ),
    ] = None,
    maxmempool: Annotated[
        int | None, _option(_POOL, "Size of the mempool in MB.", "--maxmempool", default="300")
    ] = None,
    mempoolexpiry: Annotated[
        int | None,
        _option(_POOL, "Hours after which unconfirmed transactions are forgotten.", "--mempoolexpiry", default="336"),
    ] = None,
    persistmempool: Annotated[
        str | None,
        _option(
            _POOL,
            "Keep the mempool, and fees counted as higher or lower, over a stop.",
            "--persistmempool",
            default="1",
            metavar="0|1",
        ),
    ] = None,
    acceptnonstdtxn: Annotated[
        str | None,
        _option(
            _POOL,
            "Relay transactions of unusual form too (test networks only).",
            "--acceptnonstdtxn",
            default="0",
            metavar="0|1",
        ),
    ] = None,
    permitbaremultisig: Annotated[
        str | None,
        _option(_POOL, "Relay outputs to bare multisig.", "--permitbaremultisig", default="1", metavar="0|1"),
    ] = None,
    datacarrier: Annotated[
        str | None, _option(_POOL, "Relay data outputs.", "--datacarrier", default="1", metavar="0|1")
    ] = None,
    datacarriersize: Annotated[
        int | None,
        _option(_POOL, "Bytes of data outputs in a transaction at most.", "--datacarriersize", default="100000"),
    ] = None,
    bytespersigop: Annotated[
        int | None,
        _option(_POOL, "Virtual bytes that a signature check counts as at least.", "--bytespersigop", default="20"),
    ] = None,
    limitancestorcount: Annotated[
        int | None,
        _option(
            _POOL,
            "Unconfirmed ancestors of a transaction at most, itself included.",
            "--limitancestorcount",
            default="25",
        ),
    ] = None,
    limitdescendantcount: Annotated[
        int | None,
        _option(_POOL, "Unconfirmed descendants at most, itself included.", "--limitdescendantcount", default="25"),
    ] = None,
    blockmintxfee: Annotated[
        str | None,
        _option(
            _WORK,
            "Least fee of transactions in blocks put together here, in coins per 1,000 vbytes.",
            "--blockmintxfee",
            default="0.00000001",
        ),
    ] = None,
    blockmaxweight: Annotated[
        int | None,
        _option(_WORK, "Weight of blocks that are put together here at most.", "--blockmaxweight", default="4000000"),
    ] = None,
    blocksonly: Annotated[
        str | None,
        _option(_CONNECTIONS, "Take no transactions from peers.", "--blocksonly", default="0", metavar="0|1"),
    ] = None,
    maxconnections: Annotated[
        int | None, _option(_CONNECTIONS, "Connections at most, those of our own included.", "--maxconnections")
    ] = None,
    whitelist: Annotated[
        list[str] | None,
        _option(
            _CONNECTIONS,
            "PERMISSION,...@NETWORK: peers that may do more (noban relay forcerelay mempool download addr in out).",
            "--whitelist",
        ),
    ] = None,
    whitelistrelay: Annotated[
        str | None,
        _option(
            _CONNECTIONS,
            "Whether NETWORK alone includes relay.",
            "--whitelistrelay",
            default="1 unless blocksonly",
            metavar="0|1",
        ),
    ] = None,
    whitelistforcerelay: Annotated[
        str | None,
        _option(
            _CONNECTIONS,
            "Whether NETWORK alone includes forcerelay.",
            "--whitelistforcerelay",
            default="0",
            metavar="0|1",
        ),
    ] = None,
    peertimeout: Annotated[
        int | None,
        _option(
            _CONNECTIONS,
            "Seconds a new peer has to shake hands, and no ping of it is judged in.",
            "--peertimeout",
            default="60",
        ),
    ] = None,
    externalip: Annotated[
        list[str] | None,
        _option(_CONNECTIONS, "The address that peers are told to reach this node at.", "--externalip"),
    ] = None,
    uacomment: Annotated[
        list[str] | None, _option(_CONNECTIONS, "Remark for the user agent; repeatable.", "--uacomment")
    ] = None,
    maxtipage: Annotated[
        int | None,
        _option(_WORK, "Seconds after which a tip is too old to have caught up.", "--maxtipage", default="86400"),
    ] = None,
    minimumchainwork: Annotated[
        str | None, _option(_WORK, "Work a chain must show before it is downloaded, in hex.", "--minimumchainwork")
    ] = None,
    assumevalid: Annotated[
        str | None,
        _option(_WORK, "Block whose ancestors' scripts are taken for verified; 0 for none.", "--assumevalid"),
    ] = None,
    testactivationheight: Annotated[
        list[str] | None,
        _option(
            _TESTS,
            "NAME@HEIGHT: let a soft fork begin there (networks of trivial work only).",
            "--testactivationheight",
        ),
    ] = None,
    blockversion: Annotated[
        int | None,
        _option(
            _TESTS, "Version of blocks that are put together here (networks of trivial work only).", "--blockversion"
        ),
    ] = None,
    mocktime: Annotated[
        int | None, _option(_TESTS, "Let the clock stand at a Unix time (networks of trivial work only).", "--mocktime")
    ] = None,
) -> None:
    """Run a node until Ctrl-C or `minicoin stop`.

    Prints its address and the commands to join it.
    """
    source = context.get_parameter_source("network")
    is_default = source is not None and source.name == "DEFAULT"
    given: dict[str, object] = {
        "network": None if is_default else network,
        "datadir": _home(datadir),
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
        "sign_from": sign_from,
        "signer": signer,
        "standby": standby,
        "anchor": None if anchor is None else anchor.expanduser(),
        "recoveries": tuple(map(str, recovery or ())),
        "allow_peers": tuple(allow_peer or ()),
        "role": role,
        "mdns": mdns,
        "nameserver": dns,
        "registry": registry,
        "registry_ca": _home(registry_ca),
        "registry_cert": _home(registry_cert),
        "registry_key": _home(registry_key),
        "registry_user": registry_user,
        "registry_password_file": _home(registry_password_file),
        "registry_token_file": _home(registry_token_file),
        "registry_max_age_s": registry_max_age,
        "rpc_bind": rpcbind,
        "rpc_port": rpcport,
        "rpc_user": rpcuser,
        "rpc_password": rpcpassword,
        "ban_score": banscore,
        "ban_time_s": bantime,
        "inbound_slots": maxinbound,
        "script_threads": scriptthreads,
        "mining_interval_s": mininginterval,
        "record": _home(record),
        "record_max_mb": recordmax,
        "log_json": jsonlogs or None,
        "verbose": verbose or None,
        "debug": tuple(debug or ()),
        "log_file": _home(logfile),
        "rpcauth": tuple(rpcauth or ()),
        "rpcservertimeout": rpcservertimeout,
        "rpcwhitelist": tuple(rpcwhitelist or ()),
        "rpcwhitelistdefault": rpcwhitelistdefault,
        "rpcallowip": tuple(rpcallowip or ()),
        "minrelaytxfee": minrelaytxfee,
        "incrementalrelayfee": incrementalrelayfee,
        "dustrelayfee": dustrelayfee,
        "maxmempool": maxmempool,
        "mempoolexpiry": mempoolexpiry,
        "persistmempool": persistmempool,
        "acceptnonstdtxn": acceptnonstdtxn,
        "permitbaremultisig": permitbaremultisig,
        "datacarrier": datacarrier,
        "datacarriersize": datacarriersize,
        "bytespersigop": bytespersigop,
        "limitancestorcount": limitancestorcount,
        "limitdescendantcount": limitdescendantcount,
        "blockmintxfee": blockmintxfee,
        "blockmaxweight": blockmaxweight,
        "blocksonly": blocksonly,
        "maxconnections": maxconnections,
        "whitelist": tuple(whitelist or ()),
        "whitelistrelay": whitelistrelay,
        "whitelistforcerelay": whitelistforcerelay,
        "peertimeout": peertimeout,
        "externalip": tuple(externalip or ()),
        "uacomment": tuple(uacomment or ()),
        "maxtipage": maxtipage,
        "minimumchainwork": minimumchainwork,
        "assumevalid": assumevalid,
        "testactivationheight": tuple(testactivationheight or ()),
        "blockversion": blockversion,
        "mocktime": mocktime,
    }
    try:
        options = make_options(given, config)
        if secio:
            _note_encryption(options)
    except MisuseError as error:
        typer.echo(error_line(str(error)), err=True)
        raise typer.Exit(EXIT_FAILED) from error
    raise typer.Exit(load("run").run_node(options))


def _home(path: Path | None) -> Path | None:
    return None if path is None else path.expanduser()


def _note_encryption(options: NodeOptions) -> None:
    """For those who know the flag from elsewhere. Raises MisuseError where the node would not encrypt."""
    if not options.uses_libp2p(options.load_network()):
        raise MisuseError("-secio: this node speaks plain TCP, which is not encrypted; choose --transport libp2p")
    typer.echo("-secio is not needed: libp2p connections are always encrypted (Noise)", err=True)
