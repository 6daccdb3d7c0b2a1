"""Runs one node process: setup from options, the node, its RPC server, signals, the lines a person sees."""

import os
import sys
import time

import trio

from minicoin import __version__
from minicoin.app.bridge import NodeBridge
from minicoin.app.build import Bind, BuiltNode, NodeSetup, RecordSetup, build_node
from minicoin.app.identity import adopt_identity, read_identity
from minicoin.app.joining import join_lines
from minicoin.app.log import ALL_AREAS, Log
from minicoin.app.open_files import require_open_files
from minicoin.app.options import NodeOptions
from minicoin.app.show import error_line
from minicoin.app.signals import watch_signals
from minicoin.core.faults import DecodeError, MisuseError
from minicoin.core.libp2p.identity import Identity
from minicoin.core.libp2p.node_address import parse_node_address
from minicoin.core.libp2p.peer_id import PeerId
from minicoin.core.node.commands import SetMining
from minicoin.core.node.policy import NodePolicy, Role
from minicoin.core.params.network import Network
from minicoin.core.primitives.address import NodeAddress
from minicoin.core.script.standard import address_script
from minicoin.core.units import SECOND_US
from minicoin.drivers.network import has_ipv6
from minicoin.drivers.resolver import parse_nameserver
from minicoin.drivers.store.errors import StoreError
from minicoin.drivers.transport import TransportKind
from minicoin.rpc.auth import Auth, Credentials
from minicoin.rpc.server import RpcServer

_NOBODY = "0"
_ANY_IPV4 = "0.0.0.0"
_ANY_IPV6 = "::"


def run_node(options: NodeOptions) -> int:
    """Until a signal or the stop command. The exit code: 0, or 1 after one line that says what is wrong."""
    if not __debug__:
        print("error: minicoin does not run under python -O: its invariants are assertions", file=sys.stderr)  # noqa: T201
        return 1
    # What a node writes is nobody else's to read.
    os.umask(0o077)
    try:
        require_open_files()
        return trio.run(_run, options)
    except (StoreError, MisuseError, DecodeError) as error:
        print(error_line(str(error)), file=sys.stderr)  # noqa: T201
        return 1
    except OSError as error:
        where = f" ({error.filename})" if error.filename else ""
        print(error_line(f"{error.strerror or error}{where}"), file=sys.stderr)  # noqa: T201
        return 1


def setup_from_options(options: NodeOptions) -> NodeSetup:
    """Raises DecodeError or MisuseError that names the option."""
    network = options.load_network()
    port = network.default_port if options.listen_port is None else options.listen_port
    policy = NodePolicy(
        role=Role.MINER if options.miner else Role.FULL,
        connect=_connect(options.connect, network),
        add_nodes=_addresses((*options.dial, *options.add_nodes), network),
        seed_nodes=_addresses(options.seed_nodes, network),
        use_dns_seeds=options.dns_seed,
        listens=options.listen,
        listen_port=port if options.listen else 0,
        ban_score=options.ban_score,
        ban_time_us=options.ban_time_s * SECOND_US,
        mining_interval_us=int(options.mining_interval_s * SECOND_US),
        inbound_slots=options.inbound_slots,
        allowed_peers=_peer_ids(options.allow_peers),
        user_agent=f"/minicoin:{__version__}/",
    )
    binds: list[Bind] = []
    uses_mdns = _uses_mdns(options, network)
    if options.listen:
        hosts = options.bind or _default_hosts(network, uses_mdns=uses_mdns)
        binds = [Bind(host, port) for host in hosts]
        if options.plain_port is not None:
            binds += [Bind(host, options.plain_port, TransportKind.PLAIN) for host in hosts]
    return NodeSetup(
        network,
        options.resolved_datadir(),
        policy,
        tuple(binds),
        transport=options.transport,
        identity=None if options.identity_seed is None else Identity.from_number(options.identity_seed),
        script_threads=options.script_threads,
        nameserver=None if options.nameserver is None else parse_nameserver(options.nameserver),
        uses_mdns=uses_mdns,
        record=None if options.record is None else RecordSetup(options.record, options.record_max_mb << 20),
    )


def _connect(texts: tuple[str, ...], network: Network) -> tuple[NodeAddress, ...] | None:
    """As Bitcoin Core: connect=0 dials nobody."""
    if texts == (_NOBODY,):
        return ()
    return _addresses(texts, network) if texts else None


def _peer_ids(texts: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(PeerId.parse(text.removeprefix("/").removeprefix("p2p/")).multihash for text in texts)


def _uses_mdns(options: NodeOptions, network: Network) -> bool:
    if options.mdns and not network.allow_private_addresses:
        raise MisuseError(f"mdns is for networks of private addresses, and {network.name} is not one")
    return network.uses_mdns if options.mdns is None else options.mdns


def _default_hosts(network: Network, *, uses_mdns: bool) -> tuple[str, ...]:
    # Both families where the machine has both; a network of private addresses is a lab's and stays on this machine,
    # unless its nodes look for each other on the link.
    if network.allow_private_addresses and not uses_mdns:
        return ("127.0.0.1",)
    return (_ANY_IPV4, _ANY_IPV6) if has_ipv6() else (_ANY_IPV4,)


def _addresses(texts: tuple[str, ...], network: Network) -> tuple[NodeAddress, ...]:
    return tuple(parse_node_address(text, network.default_port) for text in texts)


async def _run(options: NodeOptions) -> int:
    setup = setup_from_options(options)
    miner = None if options.miner is None else address_script(options.miner, setup.network.address_format)
    log = Log(
        as_json=options.log_json,
        areas=(ALL_AREAS,) if options.verbose else options.debug,
        path=options.log_file,
    )
    setup.datadir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if options.identity_file is not None:
        adopt_identity(setup.datadir, read_identity(options.identity_file))
    built = await build_node(setup, log.take)
    for message in built.messages:
        print(message, file=sys.stderr)  # noqa: T201
    log_path = "" if options.log_file is None else str(options.log_file.absolute())
    bridge = NodeBridge(built.runtime, setup.network, setup.datadir, __version__, int(time.time()), log_path)
    place = (options.rpc_bind, options.resolved_rpc_port(setup.network))
    server = RpcServer(
        bridge,
        place,
        _auth(options, setup),
        on_trouble=lambda reason: built.runtime.trace_from_thread("rpc-accept-failed", reason),
    )
    server.start()
    try:
        async with trio.open_nursery() as nursery:
            await nursery.start(watch_signals, built.runtime.stop_nowait, log.reopen if options.log_file else None)
            await nursery.start(built.run)
            if miner is not None:
                built.runtime.command_nowait(SetMining(miner), lambda reply: None)
            _greet(built, server, options)
            await built.runtime.finished.wait()
            nursery.cancel_scope.cancel()
    finally:
        server.stop()
    return 0


def _auth(options: NodeOptions, setup: NodeSetup) -> Auth:
    if options.rpc_user is None or options.rpc_password is None:
        return Auth(setup.datadir)
    return Auth(setup.datadir, Credentials(options.rpc_user, options.rpc_password))


def _greet(built: BuiltNode, server: RpcServer, options: NodeOptions) -> None:
    lines = [f"minicoin node on {built.setup.network.name}, height {built.runtime.node.parts.tree.tip.height}"]
    if built.listeners:
        lines.append(f"listening on {built.setup.binds[0].host} port {built.port}")
        lines += join_lines(options, built.setup.datadir, built.runtime.node.parts.policy.listen_addresses)
    if built.setup.record is not None:
        lines.append(f"recording to {built.setup.record.path}; the wallet is off meanwhile")
    host, port = server.address
    lines.append(f"RPC on {host}:{port}, data in {built.setup.datadir}")
    for line in lines:
        print(line, flush=True)  # noqa: T201
